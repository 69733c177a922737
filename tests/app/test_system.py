"""What differs between operating systems, tried here for those that this is not."""

from __future__ import annotations

import ctypes
import io
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from app.commands import COMMAND
from behavior.app import board, system
from behavior.app.board import Board


def test_what_asks_for_the_end_calls_what_is_given_and_only_in_the_block() -> None:
    heard: list[signal.Signals] = []
    before = signal.getsignal(signal.SIGTERM)
    with system.ending(heard.append):
        for one in system.asks_for_the_end():
            signal.raise_signal(one)
    assert heard == list(system.asks_for_the_end())
    assert {signal.SIGINT, signal.SIGTERM} <= set(heard)
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="terminals do not hang up on Windows")
def test_a_terminal_that_is_closed_asks_only_where_it_may() -> None:
    before = signal.getsignal(signal.SIGHUP)
    with system.ending(lambda one: None, hang_up=False):
        assert signal.getsignal(signal.SIGHUP) == before
        assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    with system.ending(lambda one: None):
        assert signal.getsignal(signal.SIGHUP) != before


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="terminals do not hang up on Windows")
def test_a_program_that_is_to_outlive_its_terminal_does() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert signal.SIGHUP not in system.asks_for_the_end()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert signal.SIGHUP in system.asks_for_the_end()


def test_on_windows_ctrl_break_asks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = SimpleNamespace(
        SIGINT=signal.SIGINT, SIGTERM=signal.SIGTERM, SIGBREAK=SimpleNamespace(name="SIGBREAK"), SIG_IGN=signal.SIG_IGN
    )
    monkeypatch.setattr(system, "signal", theirs)
    assert [one.name for one in system.asks_for_the_end()] == ["SIGINT", "SIGTERM", "SIGBREAK"]


def test_a_process_that_stands_apart_does_so_on_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system.sys, "platform", "linux")
    assert system.apart() == {"start_new_session": True}
    monkeypatch.setattr(system.sys, "platform", "win32")
    flags = system.apart()["creationflags"]
    assert flags == 0x200 | 0x8000000, "CREATE_NEW_PROCESS_GROUP and CREATE_NO_WINDOW, as winbase.h has them"


def test_windows_is_asked_for_a_fine_timer_and_let_go_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []
    multimedia = SimpleNamespace(
        timeBeginPeriod=lambda ms: asked.append(("begin", ms)), timeEndPeriod=lambda ms: asked.append(("end", ms))
    )
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(winmm=multimedia), raising=False)
    with system.fine_timer():
        assert asked == ([("begin", 1)] if sys.platform == "win32" else [])
    asked.clear()
    monkeypatch.setattr(system.sys, "platform", "win32")
    with pytest.raises(ZeroDivisionError), system.fine_timer():
        raise ZeroDivisionError
    assert asked == [("begin", 1), ("end", 1)]


def test_a_pipe_of_another_code_page_takes_utf_8_and_a_terminal_shows_a_question_mark(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    pipe, terminal = io.TextIOWrapper(io.BytesIO(), "cp1252"), Terminal(io.BytesIO(), "cp1252")
    for stream, expected in ((pipe, "κ − µ".encode()), (terminal, "? ? µ".encode("cp1252"))):
        system.legible(stream)
        stream.write("κ − µ")
        stream.flush()
        assert stream.buffer.getvalue() == expected  # type: ignore[attr-defined]
    system.legible(None)  # a program without a console has no output at all


def test_a_command_in_a_pipe_of_another_code_page_does_not_fail_on_a_sign() -> None:
    code = "from behavior.app import cli\ncli.app = lambda: print('κ − µ')\ncli.main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONIOENCODING": "cp1252"}, capture_output=True, check=True
    )
    assert done.stdout.strip() == "? ? µ".encode("cp1252")
    assert COMMAND[0] == sys.executable


def test_a_terminal_that_is_gone_does_not_end_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> None:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(board.sys, "stderr", Gone())
    shown = Board(SimpleNamespace(header=SimpleNamespace(limits={"max_count": 9})))  # type: ignore[arg-type]
    shown.show(1_000_000)
    shown.clear()
