"""A session cut at any byte goes on from where it was, or is closed; it holds, and nothing is given twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import json, structs

from behavior import __version__
from behavior.audio.write import RecordingWriter
from behavior.model.commands import Command, Deliver, EndSession, SetRecording, Shock
from behavior.model.errors import BadInput, Failure
from behavior.model.events import Noted, RecordingEnded, RecordingStarted, Resumed, SoundLost, Stopped
from behavior.scoring.rescore import rescore
from behavior.session.engine import status_of, write_status
from behavior.session.folder import SessionFolder
from behavior.session.journal import line_of
from behavior.session.record import record_session
from behavior.session.recording import cut_recording, end_of_cut, part_of, sound_name
from behavior.session.resume import Interrupted, Nobody, interrupted, resumed
from behavior.session.verify import verify
from behavior.simulate.ideal import IdealBox
from behavior.simulate.rat import Rat
from session.recorded import record

GAP_US = 90_000_000


class Watched(IdealBox):
    """Remembers what it was sent."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.sent: list[Command] = []

    def send(self, command: Command) -> None:
        self.sent.append(command)
        super().send(command)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> SessionFolder:
    return record(tmp_path_factory.mktemp("whole"))


def cut(whole: SessionFolder, path: Path, n_bytes: int) -> SessionFolder:
    """The folder as a power cut leaves it when so many bytes of the journal are on the disk."""
    path.mkdir(parents=True)
    (path / "header.json").write_bytes(whole.header_bytes)
    (path / "journal.jsonl").write_bytes(whole.journal_path.read_bytes()[:n_bytes])
    return SessionFolder(path)


def go_on(session: Interrupted, gap_us: int = GAP_US) -> Watched:
    """Drive the core on, with another rat in the box."""
    box = Watched(Rat(99, session.folder.header.treatment), session.core.now_us + gap_us)
    record_session(
        session.folder,
        session.core,
        box,
        time_of_day=lambda: "later",
        interrupted=session,
        first=resumed(session.core),
    )
    return box


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_cut_at_any_byte_it_goes_on_to_its_end_and_holds(
    whole: SessionFolder, tmp_path: Path, data: st.DataObject
) -> None:
    journal = whole.journal_path.read_bytes()
    first_line, last_command = journal.index(b"\n") + 1, journal.index(b'{"kind":"EndSession"')
    n_bytes = data.draw(st.integers(first_line, last_command))
    folder = cut(whole, tmp_path / f"{n_bytes}-{len(list(tmp_path.iterdir()))}", n_bytes)
    n_before = journal[:n_bytes].count(b"\n")

    session = interrupted(folder)
    owed = list(session.owed)
    if session.core.ended is not None:
        return
    box = go_on(session)

    items = folder.read().items
    assert items[:n_before] == whole.read().items[:n_before]
    assert verify(folder).remarks == ()
    gap = next(item for item in items if isinstance(item, Resumed))
    assert gap.gap_us == GAP_US
    assert folder.footer is not None
    assert folder.footer.reason == "completed"
    for kind in (Shock, Deliver):
        numbers = [item.number for item in items if isinstance(item, kind)]
        assert numbers == list(range(1, len(numbers) + 1))
        given_before = {command.number for command in owed if isinstance(command, kind)}
        assert not given_before & {command.number for command in box.sent if isinstance(command, kind)}
    assert folder.footer.duration_s == pytest.approx(240 + GAP_US / 1e6, abs=1)
    assert rescore(folder).session["n_resumed"] == 1


def test_the_guard_counts_what_was_commanded_before_the_cut(whole: SessionFolder, tmp_path: Path) -> None:
    journal = whole.journal_path.read_bytes()
    asked = journal.index(b'{"kind":"ShockStarted"')
    session = interrupted(cut(whole, tmp_path / "cut", asked))
    start_us, end_us = session.core.guard.shocks[-1]
    assert end_us - start_us == 250_000
    assert session.n_shocks == len(session.core.guard.shocks) == 1


def test_a_session_that_was_cut_twice_goes_on_twice(whole: SessionFolder, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path / "first", len(whole.journal_path.read_bytes()) // 3)
    go_on(interrupted(folder))
    journal = folder.journal_path.read_bytes()
    folder.journal_path.write_bytes(journal[: journal.index(b'{"kind":"EndSession"') - 3000])
    (folder.path / "footer.json").unlink()
    go_on(interrupted(folder))
    assert sum(isinstance(item, Resumed) for item in folder.read().items) == 2
    assert verify(folder).remarks == ()


def test_closing_gives_an_end_and_a_footer_and_sends_nothing(whole: SessionFolder, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path / "cut", len(whole.journal_path.read_bytes()) // 2)
    session = interrupted(folder)
    now_us = session.core.now_us
    record_session(
        folder,
        session.core,
        Nobody(now_us),
        time_of_day=lambda: "later",
        interrupted=session,
        first=lambda at_us: Stopped(at_us, "resume: closed by hand"),
    )
    assert folder.footer is not None
    assert folder.footer.reason == "stopped by resume: closed by hand"
    assert folder.footer.duration_s == now_us / 1e6
    assert verify(folder).remarks == ()
    assert sum(isinstance(item, EndSession) for item in folder.read().items) == 1


def test_a_finished_session_is_not_gone_on_with(whole: SessionFolder) -> None:
    with pytest.raises(BadInput, match=r"is finished \(completed\); start a new one"):
        interrupted(whole)


def test_a_session_that_never_began(whole: SessionFolder, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="never began"):
        interrupted(cut(whole, tmp_path / "cut", 10))


def test_a_damaged_journal_is_not_gone_on_with_and_is_left_as_it_is(whole: SessionFolder, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path / "cut", 4000)
    damaged = folder.journal_path.read_bytes().replace(b"LeverPressed", b"LeverPresseD", 1)
    folder.journal_path.write_bytes(damaged)
    with pytest.raises(Failure, match=r"cannot be gone on with: line \d+ is damaged"):
        interrupted(folder)
    assert folder.journal_path.read_bytes() == damaged


@pytest.mark.parametrize("later_s", [-3600, 0, 30, 5000])
def test_the_gap_is_counted_from_the_last_line_and_is_never_negative(
    whole: SessionFolder, tmp_path: Path, later_s: int
) -> None:
    session = interrupted(cut(whole, tmp_path / "cut", 4000))
    started = datetime.fromisoformat(session.folder.header.started_at)
    now = started + timedelta(microseconds=session.core.now_us, seconds=later_s)
    assert session.gap_us(now.astimezone(UTC)) == max(0, later_s) * 1_000_000


def dying_at(folder: SessionFolder, looked_us: int, n_lines: int) -> SessionFolder:
    """As an engine leaves it that was alive for so long after its last line."""
    write_status(folder.path, status_of(looked_us, looked_us, {}, at_s=0.0, n_lines=n_lines))
    return folder


def test_a_gap_begins_when_the_engine_died_and_not_with_its_last_line(whole: SessionFolder, tmp_path: Path) -> None:
    """A tone that was on for 40 s without a line goes on for what was left of it, and not for all of it again."""
    folder = cut(whole, tmp_path / "cut", 4000)
    n_lines, last_us = len(folder.read().items), interrupted(folder).core.now_us
    session = interrupted(dying_at(folder, last_us + 300_000, n_lines))
    assert session.alive_us == last_us + 300_000
    due_us = session.core.wake_us
    now_us = session.alive_us + 60_000_000
    event = resumed(session.core, session.alive_us)(now_us)
    assert event == Resumed(now_us, 60_000_000)
    session.core.handle(event)
    assert session.core.wake_us == due_us + 60_000_000
    started = datetime.fromisoformat(session.folder.header.started_at)
    assert session.gap_us(started + timedelta(microseconds=now_us)) == 60_000_000


def test_a_sign_of_life_does_not_count_where_the_journal_has_lost_lines_since(
    whole: SessionFolder, tmp_path: Path
) -> None:
    folder = cut(whole, tmp_path / "cut", 4000)
    n_lines, last_us = len(folder.read().items), interrupted(folder).alive_us
    assert interrupted(dying_at(folder, last_us + 5_000_000, n_lines + 1)).alive_us == last_us
    (folder.path / "engine.json").write_bytes(b'{"pid": 1')
    assert interrupted(folder).alive_us == last_us, "a power cut may have left half of it"
    assert interrupted(dying_at(folder, last_us + 5_000_000, -1)).alive_us == last_us, "of an older version"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> SessionFolder:
    parameters = {"habituation_s": 1, "test_s": 20}
    return record(tmp_path_factory.mktemp("recorded"), paradigm="conditioned_usv", parameters=parameters)


def amid_the_recording(recorded: SessionFolder, path: Path) -> SessionFolder:
    journal = recorded.journal_path.read_bytes()
    return cut(recorded, path, journal.index(b"\n", journal.index(b'{"kind":"RecordingStarted"')) + 1)


def test_a_session_cut_amid_a_recording_ends_that_one_and_begins_another(
    recorded: SessionFolder, tmp_path: Path
) -> None:
    folder = amid_the_recording(recorded, tmp_path / "cut")
    n_before = len(folder.read().items)
    go_on(interrupted(folder))
    after = folder.read().items[n_before:]
    switches = [item for item in after if isinstance(item, SetRecording | RecordingStarted | RecordingEnded | Resumed)]
    kinds = [type(item).__name__ for item in switches]
    assert kinds == [
        "RecordingEnded", "Resumed", "SetRecording", "RecordingStarted", "SetRecording", "RecordingEnded",
    ]  # fmt: skip
    assert verify(folder).remarks == ()
    assert folder.footer is not None
    assert folder.footer.reason == "completed"


def test_a_session_cut_before_its_recording_began_owes_it_once(recorded: SessionFolder, tmp_path: Path) -> None:
    journal = recorded.journal_path.read_bytes()
    folder = cut(recorded, tmp_path / "cut", journal.index(b'{"kind":"SetRecording"'))
    assert interrupted(folder).before == []


def test_a_closed_session_knows_how_much_its_cut_recording_holds(recorded: SessionFolder, tmp_path: Path) -> None:
    folder = amid_the_recording(recorded, tmp_path / "cut")
    session = interrupted(folder)
    record_session(
        folder, session.core, Nobody(session.core.now_us), time_of_day=lambda: "later", interrupted=session,
        first=lambda at_us: Stopped(at_us, "resume: closed by hand"),
    )  # fmt: skip
    (ended,) = (item for item in folder.read().items if isinstance(item, RecordingEnded))
    assert ended.n_samples == 0
    assert verify(folder).remarks == ()


def test_the_end_of_a_cut_recording_is_what_its_file_holds(tmp_path: Path) -> None:
    started = RecordingStarted(5_000_000, "audio.wav", 1000)
    assert end_of_cut(started, tmp_path) == RecordingEnded(5_000_000, 0, 0)
    writer = RecordingWriter(tmp_path / "audio.wav", 1000)  # never closed, as after a kill
    writer.write(np.zeros(2500, np.int16))
    assert end_of_cut(started, tmp_path) == RecordingEnded(7_500_000, 2500, 0)
    (tmp_path / "audio.wav").write_bytes(b"RIFF")
    assert end_of_cut(started, tmp_path) == RecordingEnded(5_000_000, 0, 0)
    writer.close()


def test_what_was_lost_of_a_cut_recording_is_counted_at_its_end(tmp_path: Path) -> None:
    started = RecordingStarted(5_000_000, "audio.wav", 1000)
    with RecordingWriter(tmp_path / "audio.wav", 1000) as writer:
        writer.write(np.zeros(2500, np.int16))
    before = [RecordingStarted(0, "audio_part-00.wav", 1000), SoundLost(1_000_000, 99, "late"), RecordingEnded(2, 2, 2)]
    items = [*before, started, SoundLost(5_500_000, 30, "late"), SoundLost(6_000_000, 12, "late")]
    assert end_of_cut(started, tmp_path, items) == RecordingEnded(7_500_000, 2500, 42)


def test_only_the_last_recording_can_be_cut() -> None:
    started, ended = RecordingStarted(0, "audio.flac", 1000), RecordingEnded(9, 9, 0)
    second = RecordingStarted(10, "audio_part-02.flac", 1000)
    assert cut_recording([]) is None
    assert cut_recording([started]) is started
    assert cut_recording([started, ended]) is None
    assert cut_recording([started, ended, second]) is second


@given(part=st.integers(1, 500), suffix=st.sampled_from([".flac", ".wav"]))
def test_the_name_of_a_part_says_which_it_is(part: int, suffix: str) -> None:
    assert part_of(sound_name(part, suffix)) == part


@pytest.mark.parametrize("name", ["audio.mp3", "audio", "my_audio.wav", "audio_part-2.wav", "calls.csv", ""])
def test_other_files_are_no_part_of_the_sound(name: str) -> None:
    assert part_of(name) == 0


def test_the_next_part_is_one_that_neither_disk_nor_journal_knows(recorded: SessionFolder, tmp_path: Path) -> None:
    folder = cut(recorded, tmp_path / "cut", 4000)
    assert folder.next_sound_part == 1
    for name in ("audio_part-02.flac", "audio.flac", "audio_part-11.wav"):
        (folder.path / name).touch()
    assert [path.name for path in folder.sound_paths] == ["audio.flac", "audio_part-02.flac", "audio_part-11.wav"]
    assert folder.next_sound_part == 12


def headed(folder: SessionFolder, **changes: object) -> SessionFolder:
    """The same folder with another header; its journal is chained to that one."""
    header = structs.replace(folder.header, **changes)  # type: ignore[type-var]
    data = json.format(json.encode(header)) + b"\n"
    items = folder.read().items
    (folder.path / "header.json").write_bytes(data)
    after, lines = crc32(data), []
    for seq, item in enumerate(items):
        line, after = line_of(item, seq, after, 0)
        lines.append(line)
    folder.journal_path.write_bytes(b"".join(lines))
    return SessionFolder(folder.path)


def test_another_version_is_said_and_goes_on_if_its_replay_agrees(whole: SessionFolder, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path / "cut", 9000)
    older = headed(folder, software="behavior 0.0.9", paradigm_sha256="0" * 64)
    session = interrupted(older)
    assert session.remarks == (
        f"begun by behavior 0.0.9, and this is behavior {__version__}, and the replay agrees",
        "the paradigm's source has changed since, and the replay agrees",
    )
    go_on(session)
    assert folder.footer is not None
    assert folder.footer.reason == "completed"
    noted = [item.text for item in folder.read().items if isinstance(item, Noted)]
    assert noted == [f"resume: {remark}" for remark in session.remarks]


def test_another_version_whose_replay_differs_is_refused_and_changes_nothing(
    whole: SessionFolder, tmp_path: Path
) -> None:
    folder = headed(cut(whole, tmp_path / "cut", 9000), software="behavior 0.0.9", seed=4)
    before = {path: path.read_bytes() for path in folder.path.iterdir()}
    with pytest.raises(Failure, match=r"does not agree \(begun by behavior 0\.0\.9, and this .*\): line \d+: "):
        interrupted(folder)
    assert {path: path.read_bytes() for path in folder.path.iterdir()} == before


def test_parameters_that_this_version_does_not_know_are_refused(whole: SessionFolder, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path / "cut", 9000)
    parameters = {**folder.header.parameters, "n_loops": 3}
    with pytest.raises(Failure, match=r"does not agree .*n_loops: is not known here"):
        interrupted(headed(folder, software="behavior 9.0", parameters=parameters))
