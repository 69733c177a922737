"""From a microphone into a file, whatever else the computer does.

Rules.

1.  The source's thread only copies into a ring of `RING_S`; a loop of its own takes from there and writes. A disk that
    stalls, or a detector, costs nothing until the ring is full.
2.  Samples are the clock. What was lost, on the way here or in the ring, is silence of its length in the file, at its
    place, and is told. A sound system says that something was lost and not how much: what comes after waits in the
    ring for a second, until the clock has told.
3.  A file holds the samples as they came, the digital line in their lowest bit included. Its header is true at every
    moment (`audio.write`): a kill costs at most the last block.
4.  A source that has died, or from which nothing comes for `SILENT_S`, is told; the file is ended and kept.
5.  The microphone runs before and after a recording: a file begins and ends at the sample that was taken at the time
    asked for, however long the question took to get here.

Times are microseconds of the computer's monotonic clock, which all its processes share.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from behavior.audio.clock import ArrivalClock, SampleLine
from behavior.audio.pulses import PulseFinder
from behavior.audio.ring import Ring
from behavior.audio.source import Int16, Source, as_frames
from behavior.audio.write import RecordingWriter
from behavior.model.errors import BehaviorError, Failure

RING_S, KEPT_S, SILENT_S = 8.0, 2.0, 2.0
FIRST_S = 10.0
"""What a sound system may take to deliver its first block."""
TIMED_US, PULSED_US = 5_000_000, 200_000
"""How often it is told when samples were taken; and when there are new pulses."""
SETTLE_US = 500_000
"""What arrives before is counted and says nothing of the clock: sound systems begin with a burst or a pause."""
_MOST_LOST_S = 60.0
_MOST_PULSES = 5_000


@dataclass(frozen=True, slots=True)
class Ready:
    """The microphone runs and its clock is known."""

    name: str
    sample_rate_hz: int


@dataclass(frozen=True, slots=True)
class Started:
    """A file begins with the sample that was taken at `at_us`."""

    file: str
    at_us: int


@dataclass(frozen=True, slots=True)
class Timed:
    """When the samples of the file that is being written were taken, as is known by now; the pulses in it so far."""

    line: SampleLine
    pulses: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """So many samples before `at_us` are missing; 0 where the system says so and the clock does not."""

    at_us: int
    n_samples: int
    why: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A file is complete and closed.

    Attributes
    ----------
    file : its path
    n_samples, n_dropped : samples of one instant in it, and how many of them are silence for what was lost
    line : when its samples were taken, by the computer's clock
    jitter_us : how far arrivals lie from that line
    pulses : samples at which something began on the line that is listened to
    """

    file: str
    n_samples: int
    n_dropped: int
    line: SampleLine
    jitter_us: float
    pulses: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Dead:
    """Nothing comes any more, or nothing can be written."""

    why: str


Message = Ready | Started | Timed | Lost | Ended | Dead


def host_us() -> int:
    """The computer's monotonic clock."""
    return time.monotonic_ns() // 1000


class Capture:
    """A microphone, and the file that it is recorded to if there is one.

    Parameters
    ----------
    source : not yet open
    finder : of pulses that the sound carries
    ring_s : how much sound the ring holds
    clock_us : the computer's monotonic clock
    """

    def __init__(
        self,
        source: Source,
        finder: PulseFinder | None = None,
        *,
        ring_s: float = RING_S,
        clock_us: Callable[[], int] = host_us,
    ) -> None:
        self.source, self._finder, self._clock_us = source, finder, clock_us
        self._rate = source.sample_rate_hz
        self._ring = Ring(round(ring_s * self._rate), source.channels)
        self._clock = ArrivalClock(self._rate)
        self._told: deque[Message] = deque()
        self._n_arrived = 0
        self._opened_us = self._arrived_us = clock_us()
        self._n = 0  # samples taken from the ring, lost ones included
        self._kept: deque[tuple[int, Int16]] = deque()
        self._file: _File | None = None
        self._timed_us = self._n_told = 0
        self._lost_us: int | None = None  # when the sound system said that something was lost; not known how much
        self._ready = self._dead = False

    def open(self) -> None:
        """Let the microphone run.

        Raises
        ------
        BehaviorError
            It is not there, or cannot deliver what is asked of it.
        """
        self._opened_us = self._arrived_us = self._clock_us()
        self.source.open(self._deliver)
        self._arrived_us = self._clock_us()

    @property
    def line(self) -> SampleLine | None:
        """When samples were taken, as far as is known."""
        return self._clock.line

    @property
    def jitter_us(self) -> float:
        """How far arrivals lie from the line."""
        return self._clock.jitter_us

    def start(self, path: Path, at_us: int) -> None:
        """Begin a file with the sample that is taken at `at_us`.

        Raises
        ------
        BehaviorError
            There is such a file, or it cannot be made; or one is being written.
        """
        if self._file is not None:
            raise RuntimeError(f"{self._file.writer.path} is still being recorded to")
        if self._dead:
            raise Failure(f"{self.source.name}: has stopped; nothing can be recorded from it")
        line = self._line()
        oldest = self._kept[0][0] if self._kept else self._n
        first = max(oldest, round(line.sample(at_us)))
        writer = RecordingWriter(path, self._rate, self.source.channels)
        self._file, self._n_told = _File(writer, first), 0
        self._told.append(Started(str(path), round(line.at_us(first))))
        for begin, samples in list(self._kept):
            self._write(begin, samples)

    def stop(self, at_us: int) -> None:
        """End the file before the sample that is taken at `at_us`; `Ended` is told once that has come."""
        if self._file is not None:
            self._file.last = max(self._file.first, round(self._line().sample(at_us)))

    def pump(self) -> list[Message]:
        """Take what has arrived, write it, and say what there is to say. To be called often."""
        for n_lost, samples in self._ring.take():
            if n_lost:
                self._take_silence(n_lost)
            else:
                self._take(samples)
        if self._file is not None and self._file.last is not None and self._n >= self._file.last:
            self._end()
        self._tell_time()
        self._look_after_source()
        return self._tell()

    def close(self) -> list[Message]:
        """Stop the microphone, and end the file with what has arrived."""
        self.source.close()
        self._ring.settle(0)
        told = self.pump() if not self._dead else []
        if self._file is not None:
            self._end()
        return [*told, *self._tell()]

    def _tell(self) -> list[Message]:
        """One by one: the source's thread may be adding."""
        told = list[Message]()
        while self._told:
            told.append(self._told.popleft())
        return told

    def _deliver(self, block: Int16, lost_before: bool) -> None:
        """In the source's thread."""
        at_us, frames = self._clock_us(), as_frames(block, self.source.channels)
        self._arrived_us = at_us
        n_after = self._n_arrived + len(frames)
        if at_us - self._opened_us >= SETTLE_US:
            if lost_before and self._lost_us is None:
                self._lost_us = at_us
                self._ring.hold()
                self._clock.suspect()
            missing_us = self._clock.observe(n_after, at_us)
            if missing_us is not None:
                n_after += self._fill(at_us, round(missing_us * self._rate / 1e6))
        n_over = self._ring.put(frames)
        if n_over:
            self._told.append(Lost(at_us, n_over, "the ring is full"))
        self._n_arrived = n_after

    def _fill(self, at_us: int, n_missing: int) -> int:
        """Put silence where something was lost, if that was said, or else here; how much."""
        n = n_missing if n_missing < _MOST_LOST_S * self._rate else 0
        said_us, self._lost_us = self._lost_us, None
        if said_us is None:
            self._ring.skip(n)
            self._told.append(Lost(at_us, n, "by the clock"))
        else:
            self._ring.settle(n)
            self._told.append(Lost(said_us, n, "reported by the sound system"))
        return n

    def _line(self) -> SampleLine:
        line = self._clock.line
        return line or SampleLine(self._clock_us() - 1e6 * self._n_arrived / self._rate, self._rate)

    def _take(self, samples: Int16) -> None:
        if self._finder is not None:
            edges = self._finder.push(samples)
            if self._file is not None:
                self._file.pulses += [edge.sample for edge in edges if edge.on]
        self._keep(samples)

    def _take_silence(self, n: int) -> None:
        if self._finder is not None:
            self._finder.skip(n)
        if self._file is not None:
            self._file.n_dropped += max(0, min(self._n + n, self._file.end) - max(self._n, self._file.first))
        while n > 0:
            here = min(n, self._rate)
            self._keep(np.zeros((here, self.source.channels), np.int16))
            n -= here

    def _keep(self, samples: Int16) -> None:
        begin = self._n
        self._n += len(samples)
        self._kept.append((begin, samples))
        while self._kept[0][0] + len(self._kept[0][1]) < self._n - KEPT_S * self._rate:
            self._kept.popleft()
        self._write(begin, samples)

    def _write(self, begin: int, samples: Int16) -> None:
        file = self._file
        if file is None:
            return
        low, high = max(begin, file.first), min(begin + len(samples), file.end)
        if low >= high:
            return
        try:
            file.writer.write(samples[low - begin : high - begin])
        except BehaviorError as error:
            self._die(str(error))

    def _end(self) -> None:
        assert self._file is not None
        file, self._file = self._file, None
        why = ""
        try:
            file.writer.close()
        except OSError as error:
            why = f"{file.writer.path}: cannot be closed ({error.strerror})"
        first, last = file.first, file.first + file.writer.n_samples
        pulses = tuple(at - first for at in file.pulses if first <= at < last)[:_MOST_PULSES]
        self._told.append(
            Ended(
                str(file.writer.path),
                file.writer.n_samples,
                file.n_dropped,
                self._line().from_sample(first),
                self._clock.jitter_us,
                pulses,
            )
        )
        if why:
            self._die(why)

    def _tell_time(self) -> None:
        if self._file is None:
            return
        waited_us, n_pulses = self._clock_us() - self._timed_us, len(self._file.pulses)
        if waited_us >= TIMED_US or (n_pulses > self._n_told and waited_us >= PULSED_US):
            self._timed_us, self._n_told = self._clock_us(), n_pulses
            first = self._file.first
            pulses = tuple(at - first for at in self._file.pulses if first <= at)[:_MOST_PULSES]
            self._told.append(Timed(self._line().from_sample(first), pulses))

    def _look_after_source(self) -> None:
        now_us = self._clock_us()
        if not self._ready and self._clock.line is not None:
            self._ready = True
            self._told.append(Ready(self.source.name, self._rate))
        if self._dead:
            return
        why = self.source.trouble()
        patience_s = SILENT_S if self._n_arrived else FIRST_S
        if not why and now_us - self._arrived_us > patience_s * 1e6:
            why = f"nothing has come from it for {patience_s:g} s"
        if why:
            self._die(why)

    def _die(self, why: str) -> None:
        if not self._dead:
            self._dead = True
            self._told.append(Dead(why))
            if self._file is not None:
                self._end()


@dataclass(slots=True)
class _File:
    """What is being written: the samples [`first`, `last`) of the stream."""

    writer: RecordingWriter
    first: int
    last: int | None = None
    n_dropped: int = 0
    pulses: list[int] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.last if self.last is not None else 1 << 62
