"""What detection costs: CPU time against a bare framed transform, memory, start-up, compilation, two files at once.

    python tests/bench/usv_cost.py [RECORDING.wav] [--minutes 10]

Without a recording a simulated one is made: 22-kHz calls for a tenth of the time, reverberation, noise, at 250 kHz. The
bare loop reads the same file and transforms windowed frames of 512 samples, hop 128, in float32, 256 at a time (the
quickest batch), by `scipy.fft.rfft`, and throws the result away. Rounds are interleaved; the least of each counts.
First use is that of a recording with calls, so that everything is compiled; start-up that of a tenth of a second. Only
what two threads gain is by the wall: it means nothing while something else runs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import scipy.fft
import soundfile

from behavior.simulate.acoustics import PlannedCall, Soundscape
from behavior.usv.detect import detect_file
from behavior.usv.profile import DetectorProfile, load_profile

RATE, SIZE, HOP, BATCH = 250_000, 512, 128, 256
MEASURED = (
    "import resource, sys, time\nfrom behavior.app.cli import main\nsys.argv = ['behavior', *sys.argv[1:]]\n"
    "try:\n    main()\nfinally:\n    use = resource.getrusage(resource.RUSAGE_SELF)\n"
    "    print(f'{use.ru_utime + use.ru_stime:.2f} {use.ru_maxrss / 1024:.0f}', file=sys.stderr)\n"
)


def bare(path: Path) -> None:
    """The bare framed transform."""
    window = np.hanning(SIZE + 1)[:-1].astype(np.float32)
    held = np.empty(0, np.int16)
    for block in soundfile.blocks(path, 1 << 16, dtype="int16"):
        samples = np.concatenate((held, block))
        frames = np.lib.stride_tricks.sliding_window_view(samples, SIZE)[::HOP]
        for start in range(0, len(frames), BATCH):
            scipy.fft.rfft(frames[start : start + BATCH] * window, axis=1)
        held = samples[len(frames) * HOP :]


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def wall_s(work: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def one_by_one(path: Path, profile: DetectorProfile) -> None:
    """Twice, one after the other."""
    detect_file(path, profile)
    detect_file(path, profile)


def at_once(path: Path, profile: DetectorProfile) -> None:
    """Twice, in two threads."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: detect_file(path, profile), range(2)))


def of_a_process(*arguments: str, **environment: str) -> tuple[float, float]:
    """CPU seconds and peak MB of `behavior` with these arguments."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *arguments],
        env=os.environ | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds, mb = done.stderr.split()[-2:]
    return float(seconds), float(mb)


def simulated(folder: Path, minutes: float) -> Path:
    """A recording of so many minutes."""
    folder.mkdir(exist_ok=True)
    path = folder / "simulated.wav"
    calls = [PlannedCall(5.0 + 8 * i, 0.8) for i in range(int(minutes * 60 / 8) - 1)]
    with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as sound:
        for block in Soundscape(RATE, 60 * minutes, 1, calls).blocks():
            sound.write(block)
    return path


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path, nargs="?")
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    profile = load_profile("rat")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = options.recording or simulated(folder, options.minutes)
        short = folder / "short.wav"
        soundfile.write(short, np.zeros(RATE // 10, np.int16), RATE)
        out = ["--out", str(folder / "calls.csv"), "--overwrite"]
        with_calls = str(simulated(folder / "calls", 0.5))
        cold_s, cold_mb = of_a_process("detect", with_calls, *out, NUMBA_CACHE_DIR=str(folder / "cache"))
        of_a_process("detect", with_calls, *out)
        warm_s = min(of_a_process("detect", str(short), *out)[0] for _ in range(5))
        _, peak_mb = of_a_process("detect", str(path), *out)
        rounds = [(cpu_s(lambda: bare(path)), cpu_s(lambda: detect_file(path, profile))) for _ in range(5)]
        bare_s, detect_s = (min(times) for times in zip(*rounds, strict=True))
        pairs = [(wall_s(lambda: one_by_one(path, profile)), wall_s(lambda: at_once(path, profile))) for _ in range(3)]
        one_by_one_s, at_once_s = (min(times) for times in zip(*pairs, strict=True))
    print(f"bare transform {bare_s:.2f} CPU s, detection {detect_s:.2f} CPU s: ratio {detect_s / bare_s:.2f}")
    print(f"start-up {warm_s:.2f} CPU s, first use {cold_s:.1f} CPU s, peak memory {peak_mb:.0f} MB")
    print(f"peak memory at first use {cold_mb:.0f} MB")
    print(f"two files in two threads: {one_by_one_s / at_once_s:.2f} times as fast as one after the other (wall)")


if __name__ == "__main__":
    main()
