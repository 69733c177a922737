"""`behavior verify` in one process: what is said of each session, as lines and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from behavior.app.verify import verify
from behavior.model.errors import BadInput, Failure
from session.recorded import record

app = typer.Typer()
app.command()(verify)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    for subject in ("R1", "R2"):
        record(folder, subject=subject)
    return folder


def change_a_line(folder: Path) -> None:
    path = folder / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"lever":"left"', b'"lever":"rght"', 1))


def drop_a_line(folder: Path) -> None:
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "journal.jsonl").write_bytes(b"".join(lines[:6] + lines[7:]))


def change_the_header(folder: Path) -> None:
    path = folder / "header.json"
    path.write_bytes(path.read_bytes().replace(b"10.0", b"1.0", 1))


def cut_the_journal(folder: Path) -> None:
    (folder / "journal.jsonl").write_bytes((folder / "journal.jsonl").read_bytes()[:-30])


def test_those_that_hold_are_told_with_what_was_compared(held: Path) -> None:
    done = CliRunner().invoke(app, [str(held), "--json"])
    results = json.loads(done.stdout)
    assert done.exit_code == 0
    assert [result["holds"] for result in results] == [True, True]
    for result in results:
        assert result["n_lines"] > result["n_commands"] > 5
        assert result["remarks"] == []
    lines = CliRunner().invoke(app, [str(held)]).stdout.splitlines()
    assert lines == [
        f"holds  {one['session']}: {one['n_lines']} lines, {one['n_commands']} commands reproduced" for one in results
    ]


@pytest.mark.parametrize("spoil", [change_a_line, drop_a_line, change_the_header, cut_the_journal])
def test_one_that_does_not_hold_is_named_and_the_other_is_compared_all_the_same(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    for subject in ("R1", "R2"):
        record(tmp_path, subject=subject)
    spoil(next((tmp_path / "sub-R1").iterdir()))
    done = CliRunner().invoke(app, [str(tmp_path)])
    assert isinstance(done.exception, Failure)
    assert str(done.exception).startswith("1 of 2 sessions do not hold: sub-R1/")
    first, second = done.stdout.splitlines()
    assert first.startswith("WRONG  ") and "sub-R1" in first
    assert second.startswith("holds  ") and "sub-R2" in second


def test_a_folder_and_a_session_in_it_may_both_be_named(held: Path) -> None:
    session = next((held / "sub-R1").iterdir())
    assert len(CliRunner().invoke(app, [str(session)]).stdout.splitlines()) == 1
    done = CliRunner().invoke(app, [str(held), str(session)])
    assert done.exit_code == 0
    assert {line.partition(":")[0] for line in done.stdout.splitlines()} == {
        f"holds  sub-{subject}/{session.name}" for subject in ("R1", "R2")
    }


def test_where_there_is_nothing_to_verify_it_is_said(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        assert isinstance(CliRunner().invoke(app, [str(place)]).exception, BadInput)
