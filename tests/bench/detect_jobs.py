"""How searching two recordings, or one, with two processes scales: `--jobs 2` against `--jobs 1` and bare processes.

    python tests/bench/detect_jobs.py [--minutes 5] [--rounds 3]

The ratio to look at is the last: on a machine that others use, two processes that only count do not run twice as fast
either, so that the same is measured with them in the same round.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

from behavior.app.detect import known_events
from behavior.app.searching import Search, compile_detector, search_all
from behavior.audio.write import RecordingWriter
from behavior.simulate.acoustics import PlannedCall, Soundscape
from behavior.usv.profile import load_profile


def no_events(path: Path) -> list[object]:
    """Nothing is known."""
    return list(known_events(None, path))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that it takes, and of processors, its processes together."""
    begin, before = time.monotonic(), sum(os.times()[:4])
    work()
    return time.monotonic() - begin, sum(os.times()[:4]) - before


def spin(n: int) -> None:
    """Work that shares nothing."""
    total = 0
    for k in range(n):
        total += k * k


def spun(n: int, processes: int) -> None:
    """Twice the work, in so many processes."""
    context = get_context("fork")
    shares = [n] * 2 if processes == 2 else [2 * n]
    started = [context.Process(target=spin, args=(share,)) for share in shares]
    for one in started:
        one.start()
    for one in started:
        one.join()


def main() -> int:
    """Measure, and print the ratios."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=5)
    asked.add_argument("--rounds", type=int, default=3)
    given = asked.parse_args()
    profile = load_profile("rat")
    with tempfile.TemporaryDirectory() as place:
        paths = [Path(place) / f"{k}.wav" for k in (1, 2)]
        for k, path in enumerate(paths):
            calls = [PlannedCall(2.0 * n, 0.8) for n in range(round(given.minutes * 30))]
            with RecordingWriter(path, 250_000) as writer:
                for block in Soundscape(250_000, 60 * given.minutes, k, calls).blocks():
                    writer.write(block)
        searches = [Search(path, profile, None, None, no_events) for path in paths]  # type: ignore[arg-type]
        compile_detector(profile)
        for _ in range(given.rounds):
            (one, cpu_one), (two, cpu_two) = (
                timed(lambda jobs=jobs: list(search_all(searches, jobs))) for jobs in (1, 2)
            )  # type: ignore[misc]
            (alone, cpu_alone), (shared, cpu_shared) = (
                timed(lambda jobs=jobs: list(search_all(searches[:1], jobs))) for jobs in (1, 2)
            )  # type: ignore[misc]
            (bare_one, _), (bare_two, _) = (timed(lambda n=n: spun(20_000_000, n)) for n in (1, 2))  # type: ignore[misc]
            print(
                f"one at a time {one:.1f} s, two at a time {two:.1f} s: {one / two:.2f} x; "
                f"bare processes {bare_one / bare_two:.2f} x; with free processors at most "
                f"{2 * cpu_one / cpu_two:.2f} x by processor time; one recording {alone:.1f} s, shared by two "
                f"{shared:.1f} s: {alone / shared:.2f} x, at most {2 * cpu_alone / cpu_shared:.2f} x; "
                f"load {os.getloadavg()[0]:.1f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
