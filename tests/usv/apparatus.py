"""A second shock box, built on other physics than the one the package simulates, so that no rule can know it by heart.

* noise: shaped in the frequency domain to a power law (pink to blue), a microphone resonance and a roll-off;
* scrambler: mains-locked relay contacts that bounce; every closure is a step through resonators of random poles;
* lever: two bursts, of press and release, of noise decaying at a rate of its own in each octave;
* feeder: a stepper's square waves speeding up, then pellets that bounce: Hertzian half-sine blows, restitution 0.6;
* squeal: pulses of a glottis with jitter through three formants; * fans and lamps: lines whose phase wanders;
* calls: contours by splines through random knots (22 kHz), by pieces (50 kHz), in a tail of exponentially dying noise.

Levels of calls are decibels over the noise's own density within a bin of the 2-ms Hann window, at the call's frequency.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator
from scipy.signal import butter as butterworth
from scipy.signal import fftconvolve, lfilter, sosfilt

Float = npt.NDArray[np.floating[Any]]


@dataclass
class Box:
    """A recording that grows; `truth` are the calls in it, `artefacts` the rest, both (onset_s, offset_s)."""

    rate: int
    duration_s: float
    seed: int
    slope_db: float = -3.0
    noise_rms: float = 0.0005
    truth: list[tuple[float, float]] = field(default_factory=list)
    artefacts: list[tuple[str, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.n = round(self.rate * self.duration_s)
        hz = np.fft.rfftfreq(self.n, 1 / self.rate)
        gain = np.maximum(hz, 2_000) / 40_000
        self._hz, self._shape = hz, gain ** (self.slope_db / 20 / np.log10(2))
        self._shape = self._shape * (1 + 1.5 * np.exp(-(((hz - 38_000) / 9_000) ** 2)))
        self._shape = self._shape / (1 + (hz / (0.46 * self.rate)) ** 16)
        spectrum = np.fft.rfft(self.rng.standard_normal(self.n)) * self._shape
        white = np.fft.irfft(spectrum, self.n)
        self._scale = self.noise_rms / white.std()
        self.sound = white * self._scale

    def _add(self, at_s: float, wave: Float) -> None:
        first = round(at_s * self.rate)
        stop = min(self.n, first + len(wave))
        self.sound[first:stop] += wave[: stop - first]

    def _noted(self, kind: str, at_s: float, wave: Float) -> None:
        self._add(at_s, wave)
        self.artefacts.append((kind, at_s, at_s + len(wave) / self.rate))

    def _seconds(self, duration_s: float) -> Float:
        return np.arange(round(duration_s * self.rate)) / self.rate

    def _resonators(self, drive: Float, low: float, high: float, n: int, q: tuple[float, float]) -> Float:
        out = np.zeros_like(drive)
        for hz in self.rng.uniform(low, min(high, 0.45 * self.rate), n):
            angle = 2 * np.pi * hz / self.rate
            radius = np.exp(-angle / 2 / self.rng.uniform(*q))
            wave = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], drive)
            out += self.rng.uniform(0.3, 1.0) * wave
        return out

    def call(self, at_s: float, hz: Float, snr_db: float) -> None:
        """A call with this contour, one frequency a sample, over the noise's density within a bin."""
        n = len(hz)
        density = (np.interp(hz.mean(), self._hz, self._shape) * self._scale) ** 2 * 2 / self.rate
        size = 1 << round(np.log2(self.rate * 0.00205))
        amplitude = np.sqrt(2 * density * 1.5 * self.rate / size * 10 ** (snr_db / 10))
        edge = round(min(0.004, n / self.rate / 5) * self.rate)
        envelope = np.ones(n)
        envelope[:edge] = np.linspace(0, 1, edge)
        envelope[n - edge :] = np.linspace(1, 0, edge)
        slow = np.interp(np.arange(n), np.linspace(0, n, 9), 10 ** (self.rng.uniform(-3, 0, 9) / 20))
        phase = 2 * np.pi * np.cumsum(hz) / self.rate
        dry = amplitude * envelope * slow * (np.sin(phase) + 0.03 * np.sin(2 * phase))
        tail = self.rng.standard_normal(round(0.02 * self.rate)) * np.exp(-self._seconds(0.02) / 0.004)
        tail *= 0.1 / np.sqrt((tail**2).sum())
        self._add(at_s, dry)
        self._add(at_s, fftconvolve(dry, tail))
        self.truth.append((at_s, at_s + n / self.rate))

    def long_call(self, at_s: float, duration_s: float, snr_db: float) -> None:
        """22 kHz: knots every 150 ms or so within a kilohertz, the first some higher."""
        knots = max(4, round(duration_s / 0.15))
        hz = self.rng.uniform(21_500, 26_000) + self.rng.uniform(-500, 500, knots)
        hz[0] += self.rng.uniform(300, 2_500)
        spline = PchipInterpolator(np.linspace(0, duration_s, knots), hz)
        self.call(at_s, spline(self._seconds(duration_s)), snr_db)

    def short_call(self, at_s: float, snr_db: float) -> None:
        """50 kHz: level, a sweep, a hat, or a trill of triangles."""
        duration_s = self.rng.uniform(0.015, 0.06)
        x = self._seconds(duration_s) / duration_s
        middle, kind = self.rng.uniform(45_000, 68_000), self.rng.integers(4)
        shapes = (0.5 * x, 12 * (x - 0.5), 7 * (1 - np.abs(2 * x - 1)), 4 * np.abs((duration_s * 70 * x) % 2 - 1))
        self.call(at_s, middle + 1e3 * np.asarray(shapes[kind]), snr_db)

    def scrambler(self, at_s: float, duration_s: float = 0.5, level: float = 0.03) -> None:
        """Contacts at twice the mains' 60 Hz, each bouncing two to five times within 1.5 ms."""
        drive = np.zeros(round(duration_s * self.rate))
        for closure in np.arange(0, duration_s - 0.004, 1 / 120):
            for bounce in np.sort(self.rng.uniform(0, 0.0015, self.rng.integers(2, 6))):
                drive[round((closure + bounce) * self.rate)] += self.rng.choice((-1, 1)) * self.rng.uniform(0.4, 1)
        ring = self._resonators(drive, 12_000, 75_000, 5, (6, 30))
        whine_hz = self.rng.uniform(19_000, 30_000) * (1 + 0.002 * np.sin(2 * np.pi * 120 * self._seconds(duration_s)))
        whine = 0.02 * np.sign(np.sin(2 * np.pi * np.cumsum(whine_hz) / self.rate))
        self._noted("shock", at_s, level * (0.3 * drive + ring / np.abs(ring).max() + whine))

    def lever(self, at_s: float, level: float = 0.05) -> None:
        """Press and, 60 ms on, release: octaves of noise, the high ones dying first."""
        seconds = self._seconds(0.1)
        out = np.zeros_like(seconds)
        for start, size in ((0, 1.0), (0.06, self.rng.uniform(0.3, 0.8))):
            for low in (2_000, 4_000, 8_000, 16_000, 32_000):
                sos = butterworth(2, (low, min(2 * low, 0.47 * self.rate)), "bandpass", fs=self.rate, output="sos")
                decay = self.rng.uniform(8, 14) / low
                after = np.clip(seconds - start, 0, None)
                noise = self.rng.standard_normal(len(seconds)) * np.exp(-after / decay) * (seconds >= start)
                out += size * sosfilt(sos, noise)
        self._noted("lever", at_s, level * out)

    def feeder(self, at_s: float, level: float = 0.03) -> None:
        """A stepper from 150 to 600 steps a second in 0.25 s; three pellets fall and bounce in a steel tray."""
        seconds = self._seconds(0.8)
        steps = np.sign(np.sin(np.pi * np.cumsum(np.interp(seconds, (0, 0.25), (150, 600))) / self.rate))
        out = self._resonators(np.diff(steps * (seconds < 0.25), prepend=0.0), 3_000, 45_000, 6, (4, 12))
        blows = np.zeros_like(seconds)
        for first in self.rng.uniform(0.3, 0.45, 3):
            at, gap, size = first, 0.06, 1.0
            while size > 0.05 and at < 0.79:
                n = max(3, round(self.rng.uniform(30e-6, 60e-6) * self.rate))
                blows[round(at * self.rate) :][:n] += size * np.sin(np.pi * np.arange(n) / n)
                at, gap, size = at + gap, 0.6 * gap, 0.6 * size
        out = out / np.abs(out).max() + self._resonators(blows, 5_000, 40_000, 4, (10, 25)) + 0.2 * blows
        self._noted("feeder", at_s, level * out / np.abs(out).max())

    def squeal(self, at_s: float, duration_s: float = 0.35, level: float = 0.02) -> None:
        """Glottal pulses at 2 to 3.5 kHz, gliding, half a per cent of jitter, three formants."""
        seconds = self._seconds(duration_s)
        hz = self.rng.uniform(2_000, 3_500) * (1 + 0.2 * np.sin(np.pi * seconds / duration_s))
        hz = hz * (1 + 0.005 * lfilter([0.05], [1, -0.95], self.rng.standard_normal(len(seconds))))
        pulses = np.diff(np.floor(np.cumsum(hz) / self.rate), prepend=0.0)
        voice = self._resonators(pulses, 6_000, 40_000, 3, (1.5, 3)) * np.hanning(len(seconds)) ** 0.3
        self._noted("squeal", at_s, level * voice / np.abs(voice).max())

    def rustle(self, at_s: float, level: float = 0.004) -> None:
        """Wood chips rub: 60 grains a second, gamma-shaped, of band noise."""
        seconds = self._seconds(0.4)
        loud = np.zeros_like(seconds)
        for start in self.rng.uniform(0, 0.35, 24):
            after = np.clip(seconds - start, 0, None) / self.rng.uniform(0.0008, 0.003)
            loud += self.rng.exponential(1.0) * after * np.exp(1 - after)
        sos = butterworth(1, 6_000, "highpass", fs=self.rate, output="sos")
        self._noted("rustle", at_s, level * sosfilt(sos, self.rng.standard_normal(len(seconds))) * loud)

    def line(self, hz: float, over_noise_db: float = 15.0) -> None:
        """A lamp's driver or a fan's inverter, all the time; its phase wanders by a hertz or so."""
        wander = np.cumsum(self.rng.standard_normal(self.n)) * 2 * np.pi * np.sqrt(0.5 / self.rate)
        density = (np.interp(hz, self._hz, self._shape) * self._scale) ** 2 * 2 / self.rate
        amplitude = np.sqrt(2 * density * 1.5 * 488 * 10 ** (over_noise_db / 10))
        self.sound += amplitude * np.sin(2 * np.pi * hz * np.arange(self.n) / self.rate + wander)

    def samples(self) -> npt.NDArray[np.int16]:
        """As a 16-bit converter gives them."""
        return np.clip(np.rint(self.sound * 32768), -32768, 32767).astype(np.int16)


def matched(truth: list[tuple[float, float]], found: list[tuple[float, float]], least: float = 0.0) -> int:
    """The size of the largest one-to-one matching of spans whose intersection over union exceeds `least`."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    if not truth or not found:
        return 0
    a, b = np.asarray(truth)[:, np.newaxis], np.asarray(found)[np.newaxis]
    shared = np.minimum(a[..., 1], b[..., 1]) - np.maximum(a[..., 0], b[..., 0])
    union = np.maximum(a[..., 1], b[..., 1]) - np.minimum(a[..., 0], b[..., 0])
    return int((maximum_bipartite_matching(csr_matrix(shared / union > least)) >= 0).sum())
