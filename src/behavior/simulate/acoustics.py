"""The sound of a session: calls and the noises of the apparatus, seeded, with the truth beside.

Theory. The sound is worked out in chunks on an absolute grid, each from its own generator, and cut into blocks
afterwards, so that any block size gives the same samples in constant memory. Every call and every noise has its own
generator too, keyed by its place in the plan: adding one at the end changes none of the others.

22-kHz calls fall by some kHz at their onset and then stay nearly level, with slow amplitude modulation and a weak
second harmonic; 50-kHz calls are short and flat, sweeping or trilling (Brudzynski 2021, Brain Sci. 11:605). The chamber
answers each call with its reverberation: dense noise that dies away exponentially, the sooner the higher the frequency,
as walls and air absorb (statistical model of Polack 1988, as in Jot, Cerveau and Warusfel 1997, AES preprint 4629); the
chamber is drawn from the seed and stays the same for all calls. Its times are ours, not measured. A scrambled shock is
a train of clicks that ring, with the whine of its converter; levers and feeders are clicks with metal partials.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.floating[Any]]
Int16 = npt.NDArray[np.int16]
Wave = tuple[int, Float]
CallKind = Literal["22-kHz", "50-kHz"]
ArtefactKind = Literal["shock", "lever", "feeder", "tone", "squeal", "scratch"]

CHUNK = 1 << 15
"""Samples that are worked out at a time."""
_NOISE, _CALLS, _ARTEFACTS, _ROOM = 0, 1, 2, 4
_FULL_SCALE = 32767.0
_TONE_RAMP_S = 0.005
_MIC_NOISE_RMS = 12.0
_RUMBLE_RMS = 40.0
_RUMBLE_POLE = 0.985
_FIRST_ECHO_S, _ENDS_DB = 0.001, 50.0
_REVERBERATION_S, _AT_HZ, _FALLS = 0.040, 20_000.0, 0.7
"""Until the chamber's answer has died by 60 dB at 20 kHz; at f it is shorter by (f / 20 kHz) ** 0.7."""
_ANSWERS_DB = -9.0
"""All of the answer at 20 kHz against the sound itself."""
_ROOM_BANDS_HZ = (14_000.0, 20_000.0, 28_000.0, 40_000.0, 56_000.0, 80_000.0, 112_000.0)


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call that the animal will give. `level_db` is that of its peak, dB re full scale."""

    onset_s: float
    duration_s: float
    kind: CallKind = "22-kHz"
    level_db: float = -32.0


@dataclass(frozen=True, slots=True)
class Artefact:
    """A noise of the apparatus or the animal. `hz` is a tone's frequency."""

    kind: ArtefactKind
    onset_s: float
    duration_s: float
    hz: float = 2900.0


@dataclass(frozen=True, slots=True)
class TrueCall:
    """A call that is in the sound: times without the chamber's answer, and the band that its contour passes through."""

    onset_s: float
    offset_s: float
    low_hz: float
    high_hz: float
    kind: CallKind


class Soundscape:
    """What a microphone above the chamber hears.

    Parameters
    ----------
    sample_rate_hz : samples a second
    duration_s : length
    seed : the same seed and plan give the same samples
    calls, artefacts : what sounds, each with its times; parts beyond the end are cut off
    """

    def __init__(
        self,
        sample_rate_hz: int,
        duration_s: float,
        seed: int,
        calls: Sequence[PlannedCall] = (),
        artefacts: Sequence[Artefact] = (),
    ) -> None:
        self.sample_rate_hz, self.seed = sample_rate_hz, seed
        self.n_samples = round(duration_s * sample_rate_hz)
        self.calls, self.artefacts = tuple(calls), tuple(artefacts)

    @property
    def truth(self) -> list[TrueCall]:
        """The calls that begin before the end, by onset."""
        end_s = self.n_samples / self.sample_rate_hz
        all_calls = [
            truth_of(call, number, self.seed, self.sample_rate_hz, end_s) for number, call in enumerate(self.calls)
        ]
        return sorted((call for call in all_calls if call.onset_s < end_s), key=lambda call: call.onset_s)

    def blocks(self, n: int = 1 << 16) -> Iterator[Int16]:
        """The samples in blocks of `n`; the last is shorter."""
        held = np.empty(0, np.int16)
        for chunk in self._chunks():
            held = np.concatenate((held, chunk))
            while len(held) >= n:
                yield held[:n]
                held = held[n:]
        if len(held):
            yield held

    def _chunks(self) -> Iterator[Int16]:
        to_come, sounding = self._plan(), list[Wave]()
        rumble = 0.0
        for first in range(0, self.n_samples, CHUNK):
            stop = min(first + CHUNK, self.n_samples)
            while to_come and to_come[-1][0] < stop:
                start, make = to_come.pop()
                sounding.append((start, make()))
            chunk, rumble = microphone_noise(self.seed, first // CHUNK, rumble)
            chunk = chunk[: stop - first]
            for start, wave in sounding:
                add(chunk, first, start, wave)
            sounding = [(start, wave) for start, wave in sounding if start + len(wave) > stop]
            yield as_samples(chunk)

    def _plan(self) -> list[tuple[int, Callable[[], Float]]]:
        """First sample and maker of everything that sounds, the last first."""
        rate = self.sample_rate_hz
        sounds: list[tuple[int, PlannedCall | Artefact]] = [*enumerate(self.calls), *enumerate(self.artefacts)]
        plan = [(round(one.onset_s * rate), partial(wave_of, one, i, self.seed, rate)) for i, one in sounds]
        return sorted(plan, key=lambda entry: -entry[0])


def wave_of(sound: PlannedCall | Artefact, number: int, seed: int, sample_rate_hz: int) -> Float:
    """What a sound is like from its onset on, with the chamber's answer to a call.

    Parameters
    ----------
    sound : a call or an artefact
    number : its place among the calls, or among the artefacts
    seed : of all sound
    sample_rate_hz : samples a second
    """
    if isinstance(sound, PlannedCall):
        return _reverberated(_call(sound, _rng(seed, _CALLS, number), sample_rate_hz), seed, sample_rate_hz)
    return _ARTEFACT_MAKERS[sound.kind](sound, _rng(seed, _ARTEFACTS, number), sample_rate_hz)


def truth_of(call: PlannedCall, number: int, seed: int, sample_rate_hz: int, end_s: float) -> TrueCall:
    """A call as it is in a recording that ends at `end_s`; `number` and the rest as in `wave_of`."""
    hz = _contour(call, _rng(seed, _CALLS, number), sample_rate_hz)
    offset_s = min(call.onset_s + call.duration_s, end_s)
    return TrueCall(call.onset_s, offset_s, float(hz.min()), float(hz.max()), call.kind)


def as_samples(sound: Float) -> Int16:
    """As a microphone's converter gives it: whole numbers, cut off at full scale."""
    return np.clip(np.rint(sound), -_FULL_SCALE - 1, _FULL_SCALE).astype(np.int16)


def _rng(seed: int, what: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64([seed, what, number]))


def microphone_noise(seed: int, chunk: int, rumble: float) -> tuple[Float, float]:
    """A chunk of white noise and the rumble of the room: a first-order low-pass that goes on from chunk to chunk.

    Parameters
    ----------
    seed : of all sound
    chunk : its number
    rumble : the state of the low-pass after the chunk before, 0 at first

    Returns
    -------
    noise, rumble : `CHUNK` samples, and the state after them
    """
    from scipy.signal import lfilter

    rng = _rng(seed, _NOISE, chunk)
    white = rng.standard_normal((2, CHUNK), dtype=np.float32)
    gain = _RUMBLE_RMS * np.sqrt(1 - _RUMBLE_POLE**2)
    low, (rumble,) = lfilter([gain], [1.0, -_RUMBLE_POLE], white[1], zi=[rumble])
    return (_MIC_NOISE_RMS * white[0] + low).astype(np.float32), float(rumble)


def add(chunk: Float, first: int, start: int, wave: Float) -> None:
    """Add the part of `wave`, which begins at sample `start`, that falls into the chunk from sample `first` on."""
    low, high = max(first, start), min(first + len(chunk), start + len(wave))
    if low < high:
        chunk[low - first : high - first] += wave[low - start : high - start]


def _contour(call: PlannedCall, rng: np.random.Generator, rate: int) -> npt.NDArray[np.float64]:
    """Frequency, Hz, at each sample of a call."""
    seconds = np.arange(max(1, round(call.duration_s * rate))) / rate
    through = seconds / call.duration_s
    if call.kind == "22-kHz":
        level, fall, settle_s = rng.normal(23_500, 1_200), rng.uniform(500, 4_000), rng.uniform(0.02, 0.08)
        sway, sway_hz = rng.uniform(50, 400), rng.uniform(0.5, 3)
        wander = sway * np.sin(2 * np.pi * (sway_hz * seconds + rng.random()))
        return np.asarray(np.clip(level, 20_500, 27_500) + fall * np.exp(-seconds / settle_s) + wander)
    middle, form = rng.uniform(42_000, 65_000), rng.integers(3)
    if form == 0:
        return np.asarray(middle + rng.uniform(-1_500, 1_500) * through)
    if form == 1:
        return np.asarray(middle + rng.uniform(5_000, 14_000) * rng.choice((-1, 1)) * (through - 0.5))
    trill_hz = rng.uniform(60, 110)
    return np.asarray(middle + rng.uniform(3_000, 6_000) * np.sin(2 * np.pi * (trill_hz * seconds + rng.random())))


def _call(call: PlannedCall, rng: np.random.Generator, rate: int) -> Float:
    hz = _contour(call, rng, rate)
    seconds = np.arange(len(hz)) / rate
    phase = 2 * np.pi * np.cumsum(hz) / rate
    ramp_s = min(0.012 if call.kind == "22-kHz" else 0.003, call.duration_s / 3)
    wave = np.sin(phase) + (0.05 * np.sin(2 * phase) if call.kind == "22-kHz" else 0.0)
    wave *= 1 - rng.uniform(0.05, 0.35) * (1 + np.sin(2 * np.pi * (rng.uniform(2, 9) * seconds + rng.random()))) / 2
    wave *= _ramped(len(hz), round(ramp_s * rate)) * _amplitude(call.level_db)
    return wave.astype(np.float32)


def _amplitude(level_db: float) -> float:
    return float(_FULL_SCALE * 10 ** (level_db / 20))


def _ramped(n: int, n_ramp: int) -> npt.NDArray[np.float64]:
    """Raised cosine at both ends, one in between."""
    envelope = np.ones(n)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n_ramp) + 0.5) / max(n_ramp, 1))
    envelope[:n_ramp] *= ramp
    envelope[n - n_ramp :] *= ramp[::-1]
    return envelope


@lru_cache(maxsize=16)
def room_response(seed: int, rate: int) -> Float:
    """What a chamber answers to an impulse, the impulse itself first, shape (n,).

    Parameters
    ----------
    seed : of all sound; each has its own chamber
    rate : samples a second
    """
    n = round(_ENDS_DB / 60 * reverberation_s(_ROOM_BANDS_HZ[0]) * rate)
    seconds = np.arange(n) / rate
    spectrum = np.fft.rfft(_rng(seed, _ROOM, 0).standard_normal(n))
    octaves = np.log2(np.maximum(np.fft.rfftfreq(n, 1 / rate), 1.0))
    places = np.log2(_ROOM_BANDS_HZ)
    answer = np.zeros(n)
    for k, hz in enumerate(_ROOM_BANDS_HZ):
        share = np.interp(octaves, places, np.eye(len(places))[k])  # the bands add up to the whole
        dies = 10 ** (-3 * np.maximum(seconds - _FIRST_ECHO_S, 0) / reverberation_s(hz))
        answer += np.fft.irfft(share * spectrum, n) * dies
    answer[: round(_FIRST_ECHO_S * rate)] = 0.0
    answer *= np.sqrt(10 ** (_ANSWERS_DB / 10) / (10 ** (-6 * seconds / reverberation_s(_AT_HZ))).sum())
    answer[0] = 1.0
    return np.asarray(answer, np.float32)


def reverberation_s(hz: float) -> float:
    """How long a chamber's answer takes to die by 60 dB at a frequency."""
    return float(_REVERBERATION_S * (hz / _AT_HZ) ** -_FALLS)


def _reverberated(wave: Float, seed: int, rate: int) -> Float:
    from scipy.signal import oaconvolve

    return np.asarray(oaconvolve(wave, room_response(seed, rate)), np.float32)


def _click(rng: np.random.Generator, rate: int, level_db: float, partials_hz: npt.ArrayLike, decay_s: float) -> Float:
    """A knock of half a millisecond of noise, and what it sets ringing."""
    seconds = np.arange(round(6 * decay_s * rate)) / rate
    wave = rng.standard_normal(len(seconds)) * np.exp(-seconds / 0.0005)
    for hz in np.asarray(partials_hz):
        ringing = np.sin(2 * np.pi * (hz * seconds + rng.random())) * np.exp(-seconds / decay_s)
        wave += rng.uniform(0.1, 0.5) * ringing
    return (wave * _amplitude(level_db)).astype(np.float32)


def _lever(a: Artefact, rng: np.random.Generator, rate: int) -> Float:
    return _click(rng, rate, rng.uniform(-22, -14), rng.uniform(15_000, 80_000, 3), 0.002)


def _feeder(a: Artefact, rng: np.random.Generator, rate: int) -> Float:
    """The knocks of the motor and of the pellet in the tray."""
    out = np.zeros(round(a.duration_s * rate), np.float32)
    for at in np.sort(rng.uniform(0, 0.9, max(3, round(40 * a.duration_s)))) * len(out):
        add(out, 0, int(at), _click(rng, rate, rng.uniform(-30, -20), rng.uniform(10_000, 60_000, 2), 0.0015))
    return out


class ScrambledShock:
    """The scrambler switches 120 times a second; its converter whines as long as the current flows.

    Parameters
    ----------
    rng : of what this one is like
    sample_rate_hz : samples a second
    """

    def __init__(self, rng: np.random.Generator, sample_rate_hz: int) -> None:
        self._rng, self._rate = rng, sample_rate_hz
        self._whine_hz = rng.uniform(17_000, 21_000)
        self._partials = (rng.uniform(27_000, 35_000), rng.uniform(50_000, 70_000))
        self._n, self._n_clicks = 0, 0
        self._ringing = list[Wave]()

    def sound(self, n: int) -> Float:
        """Its next `n` samples."""
        first, stop = self._n, self._n + n
        seconds = np.arange(first, stop) / self._rate
        out = np.asarray(
            sum(
                _amplitude(-48 - 6 * harmonic) * np.sin(2 * np.pi * harmonic * self._whine_hz * seconds)
                for harmonic in (1, 2, 3)
            ),
            np.float32,
        )
        while (at := self._n_clicks * self._rate / 120) < stop:
            click = _click(self._rng, self._rate, self._rng.uniform(-28, -24), self._partials, 0.0012)
            self._ringing.append((int(at), click))
            self._n_clicks += 1
        for at_sample, wave in self._ringing:
            add(out, first, at_sample, wave)
        self._ringing = [(at_sample, wave) for at_sample, wave in self._ringing if at_sample + len(wave) > stop]
        self._n = stop
        return out


class SteadyTone:
    """A tone that rises and falls within 5 ms.

    Parameters
    ----------
    hz : its frequency
    sample_rate_hz : samples a second
    """

    def __init__(self, hz: float, sample_rate_hz: int) -> None:
        self._hz, self._rate, self._n = hz, sample_rate_hz, 0
        self._n_ramp = round(_TONE_RAMP_S * sample_rate_hz)

    def sound(self, n: int, n_left: int | None = None) -> Float:
        """Its next `n` samples; `n_left`, if it is known, are those that it still has."""
        at = np.arange(self._n, self._n + n)
        wave = np.sin(2 * np.pi * self._hz * at / self._rate)
        wave *= _rise(at + 0.5, self._n_ramp)
        if n_left is not None:
            wave *= _rise(np.maximum(n_left - np.arange(n) - 0.5, 0), self._n_ramp)
        self._n += n
        return (_amplitude(-24) * wave).astype(np.float32)


def _rise(at: Float, n_ramp: int) -> npt.NDArray[np.float64]:
    return 0.5 - 0.5 * np.cos(np.pi * np.minimum(at / max(n_ramp, 1), 1))


def _shock(a: Artefact, rng: np.random.Generator, rate: int) -> Float:
    return ScrambledShock(rng, rate).sound(round(a.duration_s * rate))


def _tone(a: Artefact, rng: np.random.Generator, rate: int) -> Float:
    n = round(a.duration_s * rate)
    return SteadyTone(a.hz, rate).sound(n, n)


def _squeal(a: Artefact, rng: np.random.Generator, rate: int) -> Float:
    """An audible scream: some kHz and its harmonics far into the ultrasound."""
    n = round(a.duration_s * rate)
    seconds = np.arange(n) / rate
    hz = rng.uniform(2_000, 4_500) * (1 + 0.15 * np.sin(np.pi * seconds / a.duration_s))
    phase = 2 * np.pi * np.cumsum(hz) / rate
    wave = sum(np.sin(k * phase) / k**1.1 for k in range(1, 14))
    return (_amplitude(-26) * np.asarray(wave) * _ramped(n, round(0.02 * rate))).astype(np.float32)


def _scratch(a: Artefact, rng: np.random.Generator, rate: int) -> Float:
    """Claws in the bedding: strokes of noise, some milliseconds each."""
    out = np.zeros(round(a.duration_s * rate), np.float32)
    for at in rng.uniform(0, 0.95, max(2, round(25 * a.duration_s))) * len(out):
        n = round(rng.uniform(0.002, 0.012) * rate)
        stroke = rng.standard_normal(n, dtype=np.float32) * np.hanning(n).astype(np.float32)
        add(out, 0, int(at), stroke * np.float32(_amplitude(rng.uniform(-44, -34))))
    return out


_ARTEFACT_MAKERS: dict[ArtefactKind, Callable[[Artefact, np.random.Generator, int], Float]] = {
    "shock": _shock,
    "lever": _lever,
    "feeder": _feeder,
    "tone": _tone,
    "squeal": _squeal,
    "scratch": _scratch,
}
