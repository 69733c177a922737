"""The microphone's own process: capture in it is late for nothing that the session, a screen or a detector does.

When the process that began it is gone, however it ended, the file is closed with all that has arrived.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from behavior.audio.capture import Capture, Dead, Message, Ready
from behavior.audio.hurry import MICROPHONE, hurry
from behavior.audio.pulses import PulseFinder
from behavior.audio.source import Opener
from behavior.model.errors import BehaviorError, Failure

PUMP_S = 0.02
PATIENCE_S = 60.0
CLOSING_S = 10.0

FinderOf = Callable[[int], PulseFinder]
"""Makes a finder for a sample rate, in the microphone's process."""


class MicrophoneProcess:
    """A microphone that runs in another process.

    Parameters
    ----------
    opener : makes the source there
    finder : makes what looks for pulses there, from the sample rate
    """

    def __init__(self, opener: Opener, finder: FinderOf | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, self._there = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(self._there, opener, finder), name="microphone", daemon=True
        )
        self._told: list[Message] = []
        self._gone = self._closed = False

    def begin(self) -> None:
        """Start the process."""
        self._process.start()
        self._there.close()

    def wait_ready(self) -> Ready:
        """Wait until it runs and its clock is known.

        Raises
        ------
        BehaviorError
            It is not there, or cannot deliver what is asked of it.
        """
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            self._here.poll(0.1)
            for message in self.messages():
                if isinstance(message, Ready):
                    return message
                if isinstance(message, Dead):
                    self.close()
                    raise Failure(f"microphone: {message.why}; look at its cable, and run `behavior audio-check`")
        self.close()
        raise Failure(f"microphone: not ready after {PATIENCE_S:g} s; run `behavior audio-check`")

    def start(self, path: Path, at_us: int) -> None:
        """Begin a file with the sample taken at `at_us` of the computer's monotonic clock; `Started` follows."""
        self._send(("start", path, at_us))

    def stop(self, at_us: int) -> None:
        """End it before the sample taken at `at_us`; `Ended` follows."""
        self._send(("stop", at_us))

    def messages(self) -> list[Message]:
        """What it has told since.

        Raises
        ------
        BehaviorError
            Something that was asked of it could not be done.
        """
        try:
            while not self._gone and self._here.poll():
                message = self._here.recv()
                if isinstance(message, BehaviorError):
                    raise message
                self._told.append(message)
        except (EOFError, OSError):
            self._gone = True
            self._told.append(Dead("its process has ended"))
        told, self._told = self._told, []
        return told

    @property
    def gone(self) -> bool:
        """Whether the process has ended; nothing more will be told."""
        return self._gone

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> list[Message]:
        """End the file, if one is being written, and the process; what it told last."""
        if self._closed or self._process.pid is None:
            return []
        self._closed = True
        self._send(("close",))
        told, until_s = list[Message](), time.monotonic() + CLOSING_S
        with contextlib.suppress(BehaviorError):
            while self._process.is_alive() and time.monotonic() < until_s:
                self._here.poll(0.05)
                told += self.messages()
            told += self.messages()
        self._process.join(0.1)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()
        self._here.close()
        self._gone = True
        return [message for message in told if not isinstance(message, Dead)]

    def _send(self, what: tuple[Any, ...]) -> None:
        with contextlib.suppress(OSError):  # gone: `messages` says so
            self._here.send(what)


def _serve(there: Connection, opener: Opener, finder: FinderOf | None) -> None:
    """The other process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the session, which ends this properly
    capture = None
    try:
        hurry(MICROPHONE)
        source = opener()
        capture = Capture(source, None if finder is None else finder(source.sample_rate_hz))
        capture.open()
        gc.freeze()
        gc.disable()  # nothing here makes cycles, and a collection would hold up the sound
        _pump(there, capture)
    except BehaviorError as error:
        with contextlib.suppress(OSError):
            there.send(error)
    finally:
        if capture is not None:
            last = capture.close()
            with contextlib.suppress(OSError):
                for message in last:
                    there.send(message)


def _pump(there: Connection, capture: Capture) -> None:
    """Until told to close, or until nobody is left to tell."""
    try:
        while True:
            asked = there.recv() if there.poll(PUMP_S) else None
            try:
                match asked:
                    case ("start", path, at_us):
                        capture.start(path, at_us)
                    case ("stop", at_us):
                        capture.stop(at_us)
                    case ("close",):
                        return
            except BehaviorError as error:
                there.send(error)
            for message in capture.pump():
                there.send(message)
    except (EOFError, OSError):
        return
