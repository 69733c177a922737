"""One scene as other microphones and converters would give it: where does the detector collapse?

    python tests/bench/usv_conditions.py [--seconds 30] [--seed 3]

The simulated scene holds 22-kHz and 50-kHz calls, lever, feeder, shocks and scratching, at the sample rates that labs
use. Of each condition: F1 by any overlap and by an intersection over union of at least a half, and false calls a
minute of the same scene without its calls. No event log is given.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behavior.simulate.acoustics import Artefact, PlannedCall, Soundscape
from behavior.usv.detect import detect_file
from behavior.usv.profile import load_profile
from usv.apparatus import matched

RATES = (192_000, 200_000, 250_000, 300_000, 384_000, 500_000)
Floats = npt.NDArray[np.float64]
Change = Callable[[Floats, int], Floats]


def hum(sound: Floats, rate: int) -> Floats:
    """Mains at 50 Hz with its odd harmonics, at a third of full scale."""
    t = np.arange(len(sound)) / rate
    return sound + sum((0.3 / k * np.sin(2 * np.pi * 50 * k * t) for k in range(1, 20, 2)), np.zeros(len(sound)))


def talk(sound: Floats, rate: int) -> Floats:
    """A loud harmonic voice of 150 Hz under 5 kHz, half of the time."""
    t = np.arange(len(sound)) / rate
    voice = sum((np.sin(2 * np.pi * 150 * k * t + k) / k for k in range(1, 34)), np.zeros(len(sound)))
    return sound + 0.1 * voice * (np.sin(2 * np.pi * 0.7 * t) > 0)


def coarse(sound: Floats, rate: int) -> Floats:
    """As 12 bits gave it."""
    return np.round(sound * 2048) / 2048


def quieter(sound: Floats, by_db: float, rate: int) -> Floats:
    """Less gain, the converter's own noise besides."""
    noise = np.random.default_rng(rate).standard_normal(len(sound)) / 32768
    return sound * 10 ** (-by_db / 20) + noise


CONDITIONS: dict[str, tuple[str, Change]] = {
    "as it is": ("PCM_16", lambda sound, rate: sound),
    "24 bits": ("PCM_24", lambda sound, rate: sound),
    "32 bits, float": ("FLOAT", lambda sound, rate: sound),
    "12 bits": ("PCM_16", coarse),
    "20 dB less gain": ("PCM_16", lambda sound, rate: quieter(sound, 20, rate)),
    "20 dB more gain, clipped": ("PCM_16", lambda sound, rate: sound * 10),
    "offset of a fifth of full scale": ("PCM_16", lambda sound, rate: sound + 0.2),
    "hum of mains": ("PCM_16", hum),
    "a voice in the room": ("PCM_16", talk),
}


def scene(seconds: float, seed: int) -> tuple[list[PlannedCall], list[Artefact]]:
    """Calls one after the other, and noises wherever they fall."""
    rng, calls, at_s = np.random.default_rng(seed), list[PlannedCall](), 0.5
    while at_s < seconds - 1.5:
        if rng.random() < 0.5:
            calls.append(PlannedCall(at_s, float(rng.uniform(0.2, 1.0)), "22-kHz"))
        else:
            calls.append(PlannedCall(at_s, float(rng.uniform(0.015, 0.08)), "50-kHz"))
        at_s += calls[-1].duration_s + float(rng.uniform(0.1, 0.6))
    kinds = {"lever": 0.015, "feeder": 0.15, "shock": 0.5, "scratch": 0.3}
    noises = [
        Artefact(kind, float(rng.uniform(0.5, seconds - 1)), lasts_s)  # type: ignore[arg-type]
        for kind, lasts_s in kinds.items()
        for _ in range(max(1, round(seconds / 10)))
    ]
    return calls, noises


def found(sound: Floats, rate: int, subtype: str) -> list[tuple[float, float]]:
    """What is found in a file of such samples."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        soundfile.write(file.name, np.clip(sound, -1, 1 - 2**-15), rate, subtype=subtype)
        return [(call.onset_s, call.offset_s) for call in detect_file(Path(file.name), load_profile("rat")).calls]


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seconds", type=float, default=30)
    asked.add_argument("--seed", type=int, default=3)
    given = asked.parse_args()
    calls, noises = scene(given.seconds, given.seed)
    what = "F1 by overlap / by IoU ≥ 0.5 / false calls a minute without calls"
    print(f"{len(calls)} calls in {given.seconds:g} s; {what}\n")
    print("| | " + " | ".join(f"{rate // 1000} kHz" for rate in RATES) + " |\n|---|" + "---|" * len(RATES))
    cells: dict[str, list[str]] = {name: [] for name in CONDITIONS}
    for rate in RATES:
        full, empty = (Soundscape(rate, given.seconds, given.seed, some, noises) for some in (calls, ()))
        truth = [(call.onset_s, call.offset_s) for call in full.truth]
        sounds = [np.concatenate(list(one.blocks())) / 32768 for one in (full, empty)]
        for name, (subtype, change) in CONDITIONS.items():
            heard, false = (found(change(sound, rate), rate, subtype) for sound in sounds)
            f1 = [2 * matched(truth, heard, least) / (len(truth) + len(heard)) for least in (0.0, 0.5)]
            cells[name].append(f"{f1[0]:.2f} / {f1[1]:.2f} / {len(false) * 60 / given.seconds:.0f}")
            print(f"{rate} Hz, {name}: {cells[name][-1]}", file=sys.stderr, flush=True)
    for name, row in cells.items():
        print(f"| {name} | " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
