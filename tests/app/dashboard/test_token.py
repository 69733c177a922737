"""The token of whoever starts the screens: kept for them alone, the same at each start, never anywhere else."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from behavior.app.dashboard.token import FILE, new_token, own_token, state_folder

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs permissions as Linux and macOS have them")


def test_it_is_the_same_at_each_start_and_another_for_each_person(tmp_path: Path) -> None:
    mine, theirs = own_token(tmp_path / "me"), own_token(tmp_path / "you")
    assert own_token(tmp_path / "me") == mine != theirs
    assert len(mine) == 43 and [path.name for path in (tmp_path / "me").iterdir()] == [FILE]


@POSIX
def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    own_token(tmp_path / "state" / "behavior")
    assert stat.S_IMODE((tmp_path / "state" / "behavior" / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state" / "behavior").stat().st_mode) == 0o700


@POSIX
@pytest.mark.parametrize("spoiled", ["read by others", "a link", "too short", "empty", "a folder", "noise"])
def test_one_that_somebody_else_could_know_or_choose_is_replaced(tmp_path: Path, spoiled: str) -> None:
    path, old = tmp_path / FILE, own_token(tmp_path)
    match spoiled:
        case "read by others":
            path.chmod(0o644)
        case "a link":
            path.rename(tmp_path / "elsewhere")
            path.symlink_to(tmp_path / "elsewhere")
        case "a folder":
            path.unlink()
            path.mkdir()
        case _:
            path.write_bytes({"too short": b"abc\n", "empty": b"", "noise": bytes(range(256))}[spoiled])
    new = own_token(tmp_path)
    assert new != old and len(new) == 43
    if spoiled != "a folder":
        assert own_token(tmp_path) == new and not path.is_symlink()


def test_where_nothing_can_be_kept_each_start_has_one_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    assert own_token(tmp_path / "file" / "x") != own_token(tmp_path / "file" / "x")

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert len(own_token()) == len(new_token())


@POSIX
def test_it_lies_where_programs_keep_what_is_a_persons_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_folder() == tmp_path / "behavior"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert state_folder() == Path.home() / ".local" / "state" / "behavior"
    assert os.name == "posix"
