"""The detector's own process: it searches a recording while that is being written, and tells each call as it is found.

It reads the growing file, not the microphone: however long it is held up, nothing is lost, and what it finds is what a
search of the finished file finds.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from behavior.model.calls import Call
from behavior.model.errors import BehaviorError, Failure
from behavior.usv.gate import KnownEvent
from behavior.usv.onset import Onset, Withdrawn

LOOK_S, SOON_S = 0.1, 0.02
"""How often it looks for more of the file; where onsets are wanted."""
CLOSING_S = 5.0


@dataclass(frozen=True, slots=True)
class Searched:
    """A recording was searched to its end."""

    file: str


@dataclass(frozen=True, slots=True)
class Warm:
    """Everything is loaded and compiled: what is heard from now on is told at once."""


class Listener:
    """A detector in another process.

    Parameters
    ----------
    profile : name or file of what to look for
    sample_rate_hz : samples a second, so that everything is compiled before the first recording
    channel : from 1, the one with the sound
    provisional : say when a call seems to have begun (`usv.onset`)
    """

    def __init__(self, profile: str, sample_rate_hz: int, channel: int = 1, *, provisional: bool = False) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, self._there = context.Pipe()
        self._process = context.Process(
            target=_serve,
            args=(self._there, profile, sample_rate_hz, channel, provisional),
            name="listener",
            daemon=True,
        )
        self._closed = self._gone = False
        self._onsets = list[Onset | Withdrawn]()
        self.searching = False
        """Whether a recording has not been searched to its end."""

    def open(self) -> None:
        """Start it; a recording may begin before it is ready."""
        self._process.start()
        self._there.close()

    def wait_warm(self, most_s: float) -> bool:
        """Wait until it has told something, which is first that it is warm; False if that took longer."""
        return self._here.poll(most_s)

    def follow(self, path: Path) -> None:
        """A recording begins."""
        self.searching = self._send(("follow", path))

    def finish(self, n_samples: int) -> None:
        """That recording is complete and has so many samples."""
        self._send(("finish", n_samples))

    def know(self, event: KnownEvent) -> None:
        """Something sounds that is no call, in seconds of the recording; again with its true end once that is known."""
        self._send(("known", event))

    def onsets(self) -> list[Onset | Withdrawn]:
        """What seemed to begin, and what of that was none, as `calls` has taken it in since."""
        told, self._onsets = self._onsets, []
        return told

    def calls(self) -> list[Call]:
        """The calls that were found since; times in seconds of the recording.

        Raises
        ------
        BehaviorError
            It cannot go on, or its process is gone; once.
        """
        found = list[Call]()
        if self._gone:
            return found
        try:
            while self._here.poll():
                told = self._here.recv()
                if isinstance(told, BehaviorError):
                    self.searching, self._gone = False, True
                    raise told
                if isinstance(told, Searched):
                    self.searching = False
                elif isinstance(told, Warm):
                    continue
                elif isinstance(told, Onset | Withdrawn):
                    self._onsets.append(told)
                else:
                    found.append(told)
        except (EOFError, OSError):
            self.searching = False
            if not found:  # else with the next look: what it found last is not to be lost
                self._gone = True
                raise Failure("its process has ended by itself; calls are searched when the session is over") from None
        return found

    def close(self) -> None:
        """End it."""
        if self._closed or self._process.pid is None:
            return
        self._closed = True
        self._here.close()
        self._process.join(CLOSING_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    def _send(self, what: tuple[Any, ...]) -> bool:
        try:
            self._here.send(what)
        except OSError:
            return False
        return True


def _serve(there: Connection, profile: str, sample_rate_hz: int, channel: int, provisional: bool) -> None:
    """The other process: until nobody is left to tell."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the session
    with contextlib.suppress(EOFError, OSError):
        try:
            _warm_up(profile, sample_rate_hz)
            there.send(Warm())
            while True:
                match there.recv():
                    case ("follow", path):
                        _search(there, path, profile, channel, provisional=provisional)
        except BehaviorError as error:
            there.send(error)


def _warm_up(profile: str, sample_rate_hz: int) -> None:
    import numpy as np

    from behavior.usv.detect import Detector
    from behavior.usv.profile import load_profile

    detector = Detector(load_profile(profile), sample_rate_hz)
    detector.push(np.random.default_rng(1).normal(0, 100, 2 * sample_rate_hz).astype(np.int16))
    detector.flush()


def _search(there: Connection, path: Path, profile: str, channel: int, *, provisional: bool) -> None:
    from behavior.audio.follow import GrowingRecording
    from behavior.usv.detect import Detector
    from behavior.usv.profile import load_profile

    n_samples: int | None = None
    wait_s = SOON_S if provisional else LOOK_S
    with GrowingRecording(path, channel) as recording:
        detector = Detector(load_profile(profile), recording.sample_rate_hz, file=path.name, provisional=provisional)
        while n_samples is None or recording.n_samples < n_samples:
            while n_samples is None and there.poll(0):
                match there.recv():
                    case ("known", event):
                        detector.know(event)
                    case ("finish", n):
                        n_samples = n
                    case _:
                        n_samples = 0
            samples = recording.read()
            for found in (*detector.push(samples), *detector.onsets()) if len(samples) else ():
                there.send(found)
            detector.rejected.clear()  # nobody asks for them here, and a session lasts for hours
            if not len(samples):
                if n_samples is not None:
                    break  # the file is shorter than was said: it was cut
                there.poll(wait_s)
        for found in (*detector.flush(), *detector.onsets()):
            there.send(found)
    there.send(Searched(str(path)))
