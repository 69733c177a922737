"""A simulated microphone in real time: it delivers to the same capture that serves a real one.

It hears a chamber's sounds as they begin and end, over a connection, and is late by `LATE_S`, as a sound card is. What
real ones do wrong it does on demand: another rate than it says, blocks lost with and without a word, a silent end.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from behavior.audio.source import Deliver, Int16
from behavior.simulate.acoustics import (
    Artefact,
    Float,
    PlannedCall,
    ScrambledShock,
    SteadyTone,
    add,
    as_samples,
    microphone_noise,
    wave_of,
)

BLOCK_S, LATE_S, BUFFER_S = 0.016, 0.060, 0.5
"""A block; how much later than its last sample it is delivered; what waits for a thread that is held up."""
ENDLESS_S = float("inf")
_LINE_LEVEL = 24_000


@dataclass(frozen=True, slots=True)
class Sounding:
    """Something begins to sound, µs of the chamber's clock; the duration of a tone or a shock is not known yet.

    `number` is its place among the calls, or among all else.
    """

    sound: PlannedCall | Artefact
    number: int


@dataclass(frozen=True, slots=True)
class Ceased:
    """The tone, or the shock, has ended."""

    kind: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples that are lost: `lost_s` of them at `at_s` after opening; `said` if the sound system says so."""

    at_s: float
    lost_s: float
    said: bool = True


@dataclass(frozen=True, slots=True)
class Misdeeds:
    """What goes wrong, seconds after opening.

    Attributes
    ----------
    drift_ppm : by how many parts in a million it is faster than it says
    gaps : what is lost, and whether that is said
    dies_at_s : its stream ends by itself
    mute_at_s : nothing comes any more, and its stream pretends to run
    """

    drift_ppm: float = 0.0
    gaps: tuple[Gap, ...] = ()
    dies_at_s: float = ENDLESS_S
    mute_at_s: float = ENDLESS_S


@dataclass(frozen=True, slots=True)
class SimulatedOpener:
    """Says what the simulated microphone is like; makes it where it is called.

    Parameters
    ----------
    rate_hz : samples a second
    seed : of all that is drawn
    start_ns : `time.monotonic_ns()` at which the chamber's time is 0
    sounds : brings `Sounding` and `Ceased`; None: an empty room
    channels : 2: the second one carries the line
    line : the kind of sound, "shock" or "tone", that drives a digital line in the lowest bit and the second channel
    misdeeds : what goes wrong
    """

    rate_hz: int
    seed: int
    start_ns: int
    sounds: Connection | None = None
    channels: int = 1
    line: str | None = None
    misdeeds: Misdeeds = Misdeeds()

    def __call__(self) -> SimulatedMicrophoneSource:
        """The source, closed."""
        return SimulatedMicrophoneSource(self)


class SimulatedMicrophoneSource:
    """A microphone above a simulated chamber.

    Parameters
    ----------
    what : what it is like
    """

    name = "simulated microphone"

    def __init__(self, what: SimulatedOpener) -> None:
        self._what = what
        self.sample_rate_hz, self.channels = what.rate_hz, what.channels
        self._scape = _Scape(what)
        self._over = threading.Event()
        self._died = False
        self._thread: threading.Thread | None = None

    def open(self, deliver: Deliver) -> None:
        """Begin to deliver, from a thread of its own."""
        self._scape.make_ready()
        began_ns = time.monotonic_ns()
        self._scape.began_s = (began_ns - self._what.start_ns) / 1e9
        self._thread = threading.Thread(target=self._run, args=(deliver, began_ns), name="microphone", daemon=True)
        self._thread.start()

    def trouble(self) -> str:
        """Why it has stopped by itself; empty while it runs."""
        return "its stream has ended by itself" if self._died else ""

    def close(self) -> None:
        """Stop. Does nothing the second time."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._what.sounds is not None:
            self._what.sounds.close()

    def _run(self, deliver: Deliver, began_ns: int) -> None:
        misdeeds, true_rate = self._what.misdeeds, self._scape.true_rate
        gaps = sorted(misdeeds.gaps, key=lambda gap: gap.at_s)
        n_block, n_done, lost = round(BLOCK_S * self.sample_rate_hz), 0, False
        while True:
            due_s = (n_done + n_block) / true_rate + LATE_S
            now_s = (time.monotonic_ns() - began_ns) / 1e9
            if self._over.wait(max(0.0, due_s - now_s)):
                return
            if now_s >= misdeeds.dies_at_s:
                self._died = True
                return
            if now_s >= misdeeds.mute_at_s:
                continue
            if now_s - due_s > BUFFER_S:  # nobody ran this thread in time: what does not fit is lost, and said
                n_lost = round((now_s - due_s) * true_rate)
                self._scape.samples(n_lost)
                n_done, lost = n_done + n_lost, True
                continue
            if gaps and n_done / true_rate >= gaps[0].at_s:
                gap = gaps.pop(0)
                n_lost = round(gap.lost_s * true_rate)
                self._scape.samples(n_lost)
                n_done, lost = n_done + n_lost, gap.said
                continue
            deliver(self._scape.samples(n_block), lost)
            n_done, lost = n_done + n_block, False


class _Scape:
    """What can be heard, sample by sample."""

    def __init__(self, what: SimulatedOpener) -> None:
        self.true_rate = what.rate_hz * (1 + what.misdeeds.drift_ppm / 1e6)
        self.began_s = 0.0
        self._what, self._rate, self._seed = what, what.rate_hz, what.seed
        self._n, self._chunk, self._rumble = 0, 0, 0.0
        self._noise: Float = np.empty(0, np.float32)
        self._waves: list[tuple[int, Float]] = []
        self._open: dict[str, _Open] = {}

    def make_ready(self) -> None:
        """Have what takes long the first time behind."""
        self._noise, self._rumble = microphone_noise(self._seed, 0, 0.0)
        self._chunk = 1

    def samples(self, n: int) -> Int16:
        """The next `n` instants, shape (n, channels)."""
        self._listen()
        first = self._n
        self._n += n
        sound = self._room(n)
        for start, wave in self._waves:
            add(sound, first, start, wave)
        self._waves = [(start, wave) for start, wave in self._waves if start + len(wave) > self._n]
        line = np.zeros(n, np.int16)
        for kind, one in list(self._open.items()):
            on = one.add_to(sound, first)
            if kind == self._what.line:
                line[on] = 1
            if one.stop is not None and one.stop <= self._n:
                del self._open[kind]
        samples = as_samples(sound)
        if self._what.line is not None:
            samples = (samples & ~np.int16(1)) | line
        channels = [samples, _LINE_LEVEL * line][: self._what.channels]
        return np.stack(channels, axis=1).astype(np.int16)

    def _room(self, n: int) -> Float:
        while len(self._noise) < n:
            noise, self._rumble = microphone_noise(self._seed, self._chunk, self._rumble)
            self._noise = np.concatenate((self._noise, noise))
            self._chunk += 1
        room, self._noise = self._noise[:n].copy(), self._noise[n:]
        return room

    def _listen(self) -> None:
        sounds = self._what.sounds
        with contextlib.suppress(EOFError, OSError):  # the chamber is gone: an empty room
            while sounds is not None and not sounds.closed and sounds.poll():
                for one in sounds.recv():
                    self._hear(one)

    def _hear(self, one: Sounding | Ceased) -> None:
        if isinstance(one, Ceased):
            if one.kind in self._open:
                self._open[one.kind].stop = self._sample(one.at_s)
            return
        sound, start = one.sound, max(self._n, self._sample(one.sound.onset_s))
        if isinstance(sound, Artefact) and sound.duration_s == ENDLESS_S:
            rng = np.random.Generator(np.random.SFC64([self._seed, 3, one.number]))
            made: Any = SteadyTone(sound.hz, self._rate) if sound.kind == "tone" else ScrambledShock(rng, self._rate)
            self._open[sound.kind] = _Open(made, start)
        else:
            self._waves.append((start, wave_of(sound, one.number, self._seed, self._rate)))

    def _sample(self, at_s: float) -> int:
        return round((at_s - self.began_s) * self.true_rate)


class _Open:
    """A tone or a shock whose end is not known yet."""

    def __init__(self, made: SteadyTone | ScrambledShock, start: int) -> None:
        self._made, self._at = made, start
        self.stop: int | None = None

    def add_to(self, sound: Float, first: int) -> slice:
        """Add it to the samples from `first` on; where in them it is."""
        end = first + len(sound)
        low = max(first, self._at)
        high = end if self.stop is None else max(low, min(end, self.stop))
        if low < end and high > low:
            known = {} if self.stop is None or isinstance(self._made, ScrambledShock) else {"n_left": self.stop - low}
            sound[low - first : high - first] += self._made.sound(high - low, **known)
        self._at = max(low, high)
        return slice(max(0, low - first), max(0, high - first))
