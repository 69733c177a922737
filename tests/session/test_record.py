"""A session ends safely and says so, whatever the computer does to it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from behavior.model.commands import Command, EndSession, SetCue, SetLever, StopShock
from behavior.model.errors import Failure
from behavior.scoring.rescore import rescore
from behavior.session.assemble import core_of
from behavior.session.folder import SessionFolder, create
from behavior.session.journal import JournalWriter
from behavior.session.record import record_session
from behavior.session.resume import interrupted
from behavior.session.verify import verify
from behavior.simulate.ideal import IdealBox
from behavior.simulate.rat import Rat
from session.recorded import header_of, record


def setting_back() -> Iterator[str]:
    """A time of day that somebody sets back by an hour at every look."""
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    while True:
        now -= timedelta(hours=1)
        yield now.isoformat()


def test_a_clock_that_is_set_back_changes_the_time_of_day_of_the_end_and_nothing_else(tmp_path: Path) -> None:
    usual = record(tmp_path / "usual")
    times = setting_back()
    folder = create(tmp_path / "back", header_of())
    rat = Rat(folder.header.seed, folder.header.treatment)
    footer = record_session(folder, core_of(folder.header), IdealBox(rat), time_of_day=lambda: next(times))
    assert footer.ended_at < folder.header.started_at
    assert usual.footer is not None
    assert footer.duration_s == usual.footer.duration_s
    assert folder.journal_path.read_bytes() == usual.journal_path.read_bytes()
    assert rescore(folder) == rescore(usual)
    assert verify(folder).remarks == ()


def test_a_session_that_starts_before_the_last_one_has_a_folder_of_its_own(tmp_path: Path) -> None:
    folders = [record(tmp_path, started_at=f"2026-03-02T{hour}:00:00+00:00") for hour in ("10", "09", "09")]
    assert len({folder.path for folder in folders}) == 3
    assert all(verify(folder).remarks == () for folder in folders)


class Full:
    """A disk that is full from a certain line on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, n_lines: int, *, footer_too: bool) -> None:
        recorded, closed = JournalWriter.record, SessionFolder.close

        def record(journal: JournalWriter, item: object, host_us: int) -> None:
            if journal.n_lines >= n_lines:
                raise Failure(f"{journal.path}: the journal cannot be written (No space left on device); free the disk")
            recorded(journal, item, host_us)  # type: ignore[arg-type]

        def close(folder: SessionFolder, footer: object, **how: object) -> None:
            if footer_too:
                raise Failure(f"{folder.path / 'footer.json'}: cannot be written (No space left on device)")
            closed(folder, footer, **how)  # type: ignore[arg-type]

        monkeypatch.setattr(JournalWriter, "record", record)
        monkeypatch.setattr(SessionFolder, "close", close)


class Watched(IdealBox):
    """Remembers what was sent to it."""

    sent: list[Command]

    def send(self, command: Command) -> None:
        self.__dict__.setdefault("sent", []).append(command)
        super().send(command)


@pytest.mark.parametrize("footer_too", [False, True], ids=["journal", "journal and footer"])
def test_a_full_disk_ends_the_session_safely_and_names_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, footer_too: bool
) -> None:
    folder = create(tmp_path, header_of())
    box = Watched(Rat(3, folder.header.treatment))
    Full(monkeypatch, 40, footer_too=footer_too)
    with pytest.raises(Failure, match=r"ended safely, because .*journal\.jsonl: the journal cannot be written"):
        record_session(folder, core_of(folder.header), box, time_of_day=lambda: "later")
    assert {StopShock(), SetLever("left", out=False)} <= set(box.sent)
    on = {command.cue for command in box.sent if isinstance(command, SetCue) and command.on}
    assert on <= {command.cue for command in box.sent if isinstance(command, SetCue) and not command.on}
    assert not [command for command in box.sent if isinstance(command, EndSession)]
    assert (folder.footer is None) is footer_too
    assert verify(folder).n_lines == 40
    assert rescore(folder).session["completed"] is False
    if footer_too:
        monkeypatch.undo()
        assert interrupted(folder).core.ended is None  # once there is room it can be gone on with


def test_half_a_footer_is_taken_away_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = record(tmp_path / "a")
    footer = whole.footer
    assert footer is not None
    (whole.path / "footer.json").unlink()
    opened = Path.open

    class Torn:
        def __init__(self, file) -> None:
            self._file = file

        def __enter__(self):
            return self

        def __exit__(self, *error: object) -> None:
            self._file.close()

        def write(self, data: bytes) -> int:
            return int(self._file.write(data[:20]))

    monkeypatch.setattr(Path, "open", lambda path, *how, **more: Torn(opened(path, *how, **more)))
    with pytest.raises(Failure, match=r"footer\.json: cannot be written \(.*\); free the disk"):
        whole.close(footer)
    monkeypatch.undo()
    assert not (whole.path / "footer.json").exists()
    whole.close(footer)
    assert whole.footer == footer
