"""How each chamber stands, from what is on disk alone: running, silent, died, ended, never closed, empty."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.dashboard.labs import begun, closed, shows
from behavior.app.dashboard.chambers import GONE_S, SILENT_S, STARTING_S, Chambers
from behavior.model.doses import Treatment
from behavior.model.events import LinkLost, SessionStarted, Stopped
from behavior.model.session import DeviceIdentity
from behavior.session.journal import JournalWriter
from behavior.session.requests import StopRequest, ask

DEVICES = (DeviceIdentity(name="shocker-A", kind="shock_controller", uid="0" * 32, firmware="1"),)


class Time:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.s = time.time()

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def now() -> Time:
    return Time()


def chambers(data: Path, now: Time, rig: tuple[str, tuple[str, ...]] | None = None) -> Chambers:
    return Chambers(data, rig, shown=lambda session: "code", clock_s=now, now_s=now)


def cards(board: Chambers) -> list[dict[str, Any]]:
    board.look()
    return [msgspec.json.decode(card) for card in board.cards.values()]


def state(board: Chambers) -> str:
    (card,) = cards(board)
    return str(card["state"])


def test_an_engine_that_falls_silent_is_said_within_two_seconds(tmp_path: Path, now: Time) -> None:
    folder, board = begun(tmp_path), chambers(tmp_path, now)
    assert state(board) == "starting"
    for _ in range(4):
        shows(folder, at_s=now.s)
        assert state(board) == "running"
        now.s += 0.5
    now.s += SILENT_S
    (card,) = cards(board)
    assert SILENT_S < 2.0 - 0.05
    assert card["state"] == "silent"
    assert "no sign of the engine for 2 s" in card["alerts"][0]
    shows(folder, at_s=now.s)
    assert state(board) == "running", "it was only the disk"


def test_an_engine_that_died_is_said_at_once(tmp_path: Path, now: Time) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    folder, board = begun(tmp_path), chambers(tmp_path, now)
    os.waitid(os.P_PID, gone.pid, os.WEXITED | os.WNOWAIT)
    shows(folder, at_s=now.s, pid=gone.pid)
    assert state(board) == "died", "also before anybody has looked after it"
    gone.wait()
    (card,) = cards(board)
    assert card["state"] == "died"
    assert "`behavior resume" in card["alerts"][0]
    assert not card["stoppable"]


def test_another_process_with_the_number_of_an_engine_of_long_ago_does_not_stand_for_it(
    tmp_path: Path, now: Time
) -> None:
    shows(begun(tmp_path), at_s=now.s - GONE_S - 1)
    assert state(chambers(tmp_path, now)) == "died"


def test_a_session_that_no_engine_shows_itself_for_was_never_closed(tmp_path: Path, now: Time) -> None:
    begun(tmp_path)
    board = chambers(tmp_path, now)
    assert state(board) == "starting"
    now.s += STARTING_S + 1
    assert state(board) == "unclosed"


def test_a_session_that_ended_says_why_and_one_of_long_ago_is_not_there(tmp_path: Path, now: Time) -> None:
    folder, board = begun(tmp_path, subject="R1"), chambers(tmp_path, now)
    closed(tmp_path, subject="R2", chamber="B", started_at="2020-01-01T00:00:00+00:00")
    shows(folder, at_s=now.s)
    assert state(board) == "running"
    (folder.path / "footer.json").write_text('{"ended_at":"","reason":"stopped by me"')
    assert state(board) == "running", "half a footer is none"
    (folder.path / "footer.json").unlink()
    other = closed(tmp_path, subject="R3")
    (folder.path / "footer.json").write_bytes((other.path / "footer.json").read_bytes())
    (card,) = cards(board)
    assert (card["state"], card["reason"], card["subject"]) == ("ended", "completed", "R1")


def test_chambers_of_the_rig_stand_empty_and_others_appear(tmp_path: Path, now: Time) -> None:
    board = chambers(tmp_path, now, ("test", ("A", "B")))
    assert [(card["chamber"], card["state"]) for card in cards(board)] == [("A", "empty"), ("B", "empty")]
    shows(begun(tmp_path, chamber="B"), at_s=now.s)
    shows(begun(tmp_path, chamber="C", subject="R2"), at_s=now.s)
    now.s += 1
    shows_all = [(card["chamber"], card["state"]) for card in cards(board)]
    assert shows_all == [("A", "empty"), ("B", "running"), ("C", "running")]


def test_two_sessions_that_claim_one_chamber_are_both_shown(tmp_path: Path, now: Time) -> None:
    for subject in ("R1", "R2"):
        shows(begun(tmp_path, subject=subject), at_s=now.s)
    found = cards(chambers(tmp_path, now))
    assert {card["subject"] for card in found} == {"R1", "R2"}
    assert len({card["key"] for card in found}) == 2


def test_the_next_session_takes_the_place_of_the_last_which_is_let_go(tmp_path: Path, now: Time) -> None:
    board = chambers(tmp_path, now)
    first = closed(tmp_path, subject="R1", started_at="2026-11-20T00:00:00+00:00")
    now.s = 1_795_132_800.0 + 3600
    assert [card["subject"] for card in cards(board)] == ["R1"]
    closed(tmp_path, subject="R2", started_at="2026-11-20T00:30:00+00:00")
    now.s += 1
    assert [card["subject"] for card in cards(board)] == ["R2"]
    from behavior.model.errors import BadInput

    with pytest.raises(BadInput, match="not on the board any more"):
        board.followed(first.path.resolve())


def test_lines_appear_as_they_are_written_and_a_stop_is_seen(tmp_path: Path, now: Time) -> None:
    folder = begun(tmp_path, devices=DEVICES)
    board = chambers(tmp_path, now)
    shows(folder, at_s=now.s, now_us=5_000_000, **{"shocker-A": 4_800_000})
    (card,) = cards(board)
    assert card["stoppable"]
    assert card["devices"] == [{"name": "shocker-A", "silent_s": 0.2, "lost": False}]
    with JournalWriter(folder.journal_path, folder.header_bytes, durable=False, continues=folder.read()) as journal:
        journal.record(LinkLost(6_000_000, "shocker-A"), 6_000_000)
        journal.record(Stopped(7_000_000, "me"), 7_000_000)
    (card,) = cards(board)
    assert not card["stoppable"]
    assert card["t_s"] == 7
    assert card["devices"][0]["lost"]
    assert card["alerts"] == ["link to shocker-A lost"]


def test_an_engine_that_does_not_hear_is_said(tmp_path: Path, now: Time) -> None:
    folder, board = begun(tmp_path), chambers(tmp_path, now)
    shows(folder, at_s=now.s)
    ask(folder, StopRequest("me"))
    assert cards(board)[0]["alerts"] == []
    now.s += 1.2
    assert cards(board)[0]["alerts"] == [
        "the engine does not react to what was asked; switch the shocker off at the device"
    ]


def test_the_clock_of_a_session_that_runs_goes_on_between_its_lines(tmp_path: Path, now: Time) -> None:
    folder, board = begun(tmp_path), chambers(tmp_path, now)
    shows(folder, at_s=now.s, now_us=10_000_000)
    assert cards(board)[0]["t_s"] == 10
    now.s += 1.2
    assert cards(board)[0]["t_s"] == 11


def test_nothing_changes_where_nothing_happens(tmp_path: Path, now: Time) -> None:
    closed(tmp_path, started_at=time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()))
    board = chambers(tmp_path, now)
    assert board.look()
    now.s += 0.05
    assert not board.look()


def test_whatever_lies_in_the_folder_the_board_looks_on(tmp_path: Path, now: Time) -> None:
    (tmp_path / "sub-R9" / "ses-1").mkdir(parents=True)
    (tmp_path / "sub-R9" / "ses-1" / "header.json").write_text("{")
    (tmp_path / "a" / "b" / "sub-R1").mkdir(parents=True)
    shows(begun(tmp_path / "a" / "b", [SessionStarted(0)], treatment=Treatment(dose_mg_kg=0, vehicle="x")), at_s=now.s)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "b" / "sub-R2").mkdir(mode=0o000)
    assert [card["subject"] for card in cards(chambers(tmp_path, now))] == ["R1"]
