"""Whether per-channel energy normalization would tell calls from noise better than the detector's noise floor does.

    python tests/bench/pcen.py AUDIO TRUTH.csv [--low-hz 18000] [--high-hz 100000] [--seconds 60]

For each millisecond the strongest frequency is taken, of the level in dB over a low-quantile floor (as `usv.floor` has
it) and of PCEN (Wang et al. 2017; librosa's, its defaults, and with a gain of 0.8 and 0.06 s of smoothing as suggested
for bioacoustics by Lostanlen et al. 2019). Printed is the area under the curve: the chance that a millisecond of a call
has more than one without.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import librosa
import numpy as np
import soundfile

SIZE, HOP = 512, 256


def area(values: np.ndarray, is_call: np.ndarray) -> float:
    """Area under the receiver's operating characteristic, by ranks."""
    ranks = np.argsort(np.argsort(values)) + 1
    n_call, n_other = int(is_call.sum()), int((~is_call).sum())
    return float((ranks[is_call].sum() - n_call * (n_call + 1) / 2) / (n_call * n_other))


def main() -> int:
    """Print the areas."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("audio", type=Path)
    asked.add_argument("truth", type=Path)
    asked.add_argument("--low-hz", type=float, default=18_000)
    asked.add_argument("--high-hz", type=float, default=100_000)
    asked.add_argument("--seconds", type=float, default=60)
    given = asked.parse_args()
    rate = soundfile.info(given.audio).samplerate
    sound, _ = soundfile.read(given.audio, frames=round(given.seconds * rate), dtype="float32")
    power = np.abs(librosa.stft(sound, n_fft=SIZE, hop_length=HOP, center=False)) ** 2
    hz = np.arange(power.shape[0]) * rate / SIZE
    power = power[(hz >= given.low_hz) & (hz <= given.high_hz)]
    at_s = (np.arange(power.shape[1]) * HOP + SIZE / 2) / rate
    is_call = np.zeros(len(at_s), bool)
    with given.truth.open(newline="") as stream:
        for row in csv.DictReader(stream):
            if Path(row["file"]).stem == given.audio.stem and row.get("start_s", row.get("onset_s")):
                begin, end = (float(row.get(a) or row[b]) for a, b in (("start_s", "onset_s"), ("stop_s", "offset_s")))
                is_call |= (at_s >= begin) & (at_s < end)
    level = librosa.power_to_db(power, top_db=None)
    floor = np.quantile(level, 0.2, axis=1, keepdims=True)
    ways = {
        "dB over a low-quantile floor": level - floor,
        "the same, less the frame's median": level - floor - np.median(level - floor, axis=0),
        "PCEN, librosa's defaults": librosa.pcen(power * 2**31, sr=rate, hop_length=HOP),
        "PCEN, gain 0.8, 0.06 s": librosa.pcen(power * 2**31, sr=rate, hop_length=HOP, gain=0.8, time_constant=0.06),
    }
    if not is_call.any():
        print(f"{given.audio.name}: holds no call")
        return 1
    print(f"{given.audio.name}: {is_call.mean():.1%} of {len(at_s)} ms hold a call")
    for name, values in ways.items():
        print(f"  {name:36s} {area(values.max(axis=0), is_call):.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
