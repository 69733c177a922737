"""A session's folder: nothing in it is ever overwritten, and what is wrong with it is said."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from behavior.model.errors import BadInput
from behavior.session.folder import SessionFolder, create, find_sessions
from session.recorded import header_of, record


def test_names_tell_subject_time_and_task(tmp_path: Path) -> None:
    folder = create(tmp_path, header_of(subject="R 1/ä"))
    assert folder.path.relative_to(tmp_path).as_posix() == "sub-R1/ses-20260302T090000_task-geller-seifter"
    assert folder.header == header_of(subject="R 1/ä")


def test_a_second_session_at_the_same_time_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    first, second = create(tmp_path, header_of()), create(tmp_path, header_of(seed=4))
    assert second.path.name == f"{first.path.name}_run-02"
    assert (first.header.seed, second.header.seed) == (3, 4)


def test_the_footer_counts_what_the_journal_holds(tmp_path: Path) -> None:
    folder = record(tmp_path)
    footer = folder.footer
    assert footer is not None
    lines = [json.loads(line) for line in folder.journal_path.read_text().splitlines()]
    kinds = [line["kind"] for line in lines]
    assert footer.n_lines == len(lines)
    assert footer.reason == "completed"
    assert footer.duration_s == 240.0
    assert footer.n_shocks == kinds.count("ShockEnded") > 0
    assert footer.n_responses == kinds.count("LeverPressed")
    assert footer.n_deliveries == kinds.count("Delivered")
    assert footer.shock_s == pytest.approx(
        sum(line["duration_us"] for line in lines if line["kind"] == "ShockEnded") / 1e6
    )


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="what is flushed is told by /proc, on Linux")
def test_the_header_is_on_the_disk_before_anything_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut in the first seconds takes neither it nor its folder: no journal can be replayed without it."""
    flushed: list[str] = []

    def flush(number: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{number}").readlink().relative_to(tmp_path).as_posix())

    monkeypatch.setattr(os, "fsync", flush)
    folder = create(tmp_path, header_of())
    name = folder.path.relative_to(tmp_path)
    assert flushed == [str(name / "header.json"), str(name), str(name.parent), "."]
    flushed.clear()
    create(tmp_path / "simulated", header_of(), durable=False)
    assert flushed == []


def test_a_closed_session_cannot_be_closed_again(tmp_path: Path) -> None:
    folder = record(tmp_path)
    footer = folder.footer
    assert footer is not None
    with pytest.raises(BadInput, match="never overwritten"):
        folder.close(footer)


def test_sessions_are_found_at_any_depth_in_order(tmp_path: Path) -> None:
    made = [create(tmp_path / "x", header_of(subject=subject)).path for subject in ("R3", "R1", "R2")]
    assert [folder.path for folder in find_sessions(tmp_path)] == sorted(made)


def test_a_folder_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(BadInput, match=r"cannot be written to \(Permission denied\)"):
        create(tmp_path / "data", header_of())


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda p: None, "there is no such folder"),
        (lambda p: p.mkdir(), "no session in it"),
        (lambda p: p.write_text("x"), "there is no such folder"),
    ],
    ids=["missing", "empty", "a file"],
)
def test_where_there_is_no_session(tmp_path: Path, make: object, sentence: str) -> None:
    make(tmp_path / "x")  # type: ignore[operator]
    with pytest.raises(BadInput, match=sentence):
        list(find_sessions(tmp_path / "x"))


def test_a_file_in_the_way_of_the_dataset(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    with pytest.raises(BadInput, match="this is a file"):
        create(tmp_path / "data", header_of())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not a session's header"),
        ("{}", "not a session's header"),
        ("format", "written as behavior-session/9, this version reads behavior-session/1"),
    ],
)
def test_a_header_that_is_none(tmp_path: Path, text: str, sentence: str) -> None:
    folder = create(tmp_path, header_of())
    path = folder.path / "header.json"
    path.write_text(path.read_text().replace("session/1", "session/9") if text == "format" else text)
    with pytest.raises(BadInput, match=sentence):
        SessionFolder(folder.path)


def test_a_footer_that_is_none(tmp_path: Path) -> None:
    folder = create(tmp_path, header_of())
    assert folder.footer is None
    (folder.path / "footer.json").write_text("[]")
    with pytest.raises(BadInput, match="not a session's footer"):
        _ = folder.footer
