"""What is asked of a running session: heard once, in order, whole; and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.model.errors import BadInput, Failure
from behavior.session import requests
from behavior.session.engine import EngineStatus, attended, heed, read_status, status_of, write_status
from behavior.session.folder import SessionFolder, create
from behavior.session.requests import FOLDER, NoteRequest, StopRequest, ask, sweep, take
from session.recorded import header_of


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    return create(tmp_path, header_of())


def test_requests_are_heard_once_and_in_order(folder: SessionFolder) -> None:
    asked = [NoteRequest("wet bedding"), StopRequest("the experimenter (board)"), NoteRequest("ä" * 100)]
    for request in asked:
        ask(folder, request)
    assert take(folder.path) == asked
    assert take(folder.path) == []
    sweep(folder.path)
    assert not (folder.path / FOLDER).exists()


def test_half_a_request_and_what_is_none_do_nothing_and_do_not_stay(folder: SessionFolder) -> None:
    place = folder.path / FOLDER
    place.mkdir()
    (place / ".0-half").write_text('{"kind":"stop","by":"me"}')
    for name, text in (("1", ""), ("2", '{"kind":"shock"}'), ("3", "\x00" * 100_000), ("4", '{"kind":"stop"}')):
        (place / f"{name}.json").write_text(text)
    (place / "5.json").mkdir()
    (place / "6.json").symlink_to("/nowhere")
    ask(folder, NoteRequest("still heard"))
    assert take(folder.path) == [NoteRequest("still heard")]
    assert {path.name for path in place.iterdir()} <= {".0-half", "5.json", "6.json"}


@given(st.binary(max_size=200))
def test_no_bytes_break_the_engine(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        (Path(place) / FOLDER).mkdir()
        (Path(place) / FOLDER / "1.json").write_bytes(data)
        heard: list[str] = []
        heed(take(Path(place)), heard.append, heard.append)
        assert all(isinstance(one, str) for one in heard)


def test_a_session_that_is_over_is_asked_nothing(folder: SessionFolder) -> None:
    (folder.path / "footer.json").write_text("{}")
    with pytest.raises(BadInput, match="this session is over"):
        ask(folder, StopRequest("me"))
    assert not (folder.path / FOLDER).exists()


def test_a_note_has_an_end(folder: SessionFolder) -> None:
    with pytest.raises(BadInput, match="shorten it"):
        ask(folder, NoteRequest("x" * requests.MAX_BYTES))


def test_a_request_that_cannot_be_written_says_how_else_to_stop(folder: SessionFolder) -> None:
    (folder.path / FOLDER).write_text("a file in the way")
    with pytest.raises(Failure, match="Ctrl-C in its terminal, or switch the shocker off"):
        ask(folder, StopRequest("me"))


# -- the engine's side ------------------------------------------------------------------------------------------------


def status() -> EngineStatus:
    return status_of(5_000_000, 4_990_000, {"shocker-A": 4_900_000}, at_s=1e9)


def test_the_status_reads_back_and_one_that_is_none_is_none(tmp_path: Path) -> None:
    write_status(tmp_path, status())
    assert read_status(tmp_path) == status()
    (tmp_path / "engine.json").write_text("{")
    assert read_status(tmp_path) is None
    assert read_status(tmp_path / "nowhere") is None
    write_status(tmp_path / "nowhere", status())  # a disk that does not take it ends nothing


def test_an_engine_shows_itself_while_it_runs_and_hears_what_is_asked(folder: SessionFolder) -> None:
    import threading

    ask(folder, StopRequest("somebody who asked the engine before this one"))
    heard: list[str] = []
    stopped = threading.Event()

    def stop(by: str) -> None:
        heard.append(f"stop by {by}")
        stopped.set()

    with attended(folder.path, status, stop, heard.append):
        assert read_status(folder.path) == status()
        ask(folder, NoteRequest("  wet bedding\n"))
        ask(folder, NoteRequest("  "))
        ask(folder, StopRequest("me"))
        assert stopped.wait(30)
    assert heard == ["wet bedding", "stop by me"]
    assert {path.name for path in folder.path.iterdir()} == {"header.json"}


def test_an_engine_ends_although_its_folder_has_gone(tmp_path: Path) -> None:
    gone = tmp_path / "session"
    gone.mkdir()
    with attended(gone, status, print, print):
        (gone / "engine.json").unlink()
        gone.rename(tmp_path / "elsewhere")
