"""Several simulated microphones at once: each its own capture process and detector process, as live sessions have them.

    python tests/bench/live_microphones.py [--microphones 8] [--seconds 120] [--sample-rate 250000] [--calls-per-min 20]

Each microphone hears 22- and 50-kHz calls at random times. Told at the end: samples and blocks lost, and how long after
its end each call was known here. The simulated microphone itself delivers `LATE_S` and a block late, as a sound card
does; that is in the latency. A call that lies within the last second is not waited for.

Measured on two cores that others used too: see docs/how-to/record-ultrasound.md.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import psutil

from behavior.app.searching import compile_detector
from behavior.audio.capture import Ended, Lost, Started, host_us
from behavior.audio.recorder import MicrophoneProcess
from behavior.simulate.acoustics import PlannedCall
from behavior.simulate.microphone import BLOCK_S, LATE_S, SimulatedOpener, Sounding
from behavior.usv.listen import Listener
from behavior.usv.profile import load_profile


class Animal:
    """Calls at random, and tells the microphone a little ahead."""

    def __init__(self, speaks: object, per_min: float, seed: int) -> None:
        self.speaks, self._random, self._per_s = speaks, random.Random(seed), per_min / 60
        self.next_s, self.n = 1.0, 0

    def act(self, now_s: float, until_s: float) -> None:
        """All calls up to now."""
        while self.next_s <= min(now_s, until_s):
            short = self._random.random() < 0.5
            duration_s = self._random.uniform(0.02, 0.06) if short else self._random.uniform(0.4, 1.5)
            call = PlannedCall(self.next_s, duration_s, "50-kHz" if short else "22-kHz", -35.0)
            self.speaks.send([Sounding(call, self.n)])  # type: ignore[attr-defined]
            self.n += 1
            self.next_s += duration_s + 0.05 + self._random.expovariate(self._per_s)


class Chamber:
    """A microphone, a detector and an animal."""

    def __init__(self, number: int, folder: Path, rate: int, per_min: float) -> None:
        hears, speaks = Pipe(duplex=False)
        self.start_ns = time.monotonic_ns()
        self.process = MicrophoneProcess(SimulatedOpener(rate, number, self.start_ns, hears))
        self.process.begin()
        hears.close()
        self.listener = Listener("rat", rate)
        self.path, self.rate = folder / f"{number}.wav", rate
        self.animal = Animal(speaks, per_min, number)
        self.began_us, self.n_lost, self.n_blocks_lost, self.n_calls = 0, 0, 0, 0
        self.ended: Ended | None = None
        self.waited_s: list[float] = []

    def look(self, until_s: float) -> None:
        """Take what the processes tell."""
        now_s = (time.monotonic_ns() - self.start_ns) / 1e9
        if self.began_us:
            self.animal.act(now_s - LATE_S / 2, until_s)
        for message in self.process.messages():
            match message:
                case Started(at_us=at_us):
                    self.began_us = at_us - round(1e6 * LATE_S)  # what the clock cannot know: sound is so late
                    self.listener.follow(self.path)
                    self.animal.next_s = max(self.animal.next_s, now_s + 3)
                case Lost(n_samples=n):
                    self.n_lost += n
                    self.n_blocks_lost += 1
                case Ended():
                    self.ended = message
                    self.listener.finish(message.n_samples)
        for call in self.listener.calls():
            self.n_calls += 1
            self.waited_s.append((host_us() - self.began_us) / 1e6 - call.offset_s)


def main() -> int:
    """Run them, and print what was lost and how late calls were."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--microphones", type=int, default=8)
    asked.add_argument("--seconds", type=float, default=120)
    asked.add_argument("--sample-rate", type=int, default=250_000)
    asked.add_argument("--calls-per-min", type=float, default=20)
    given = asked.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before")
    with tempfile.TemporaryDirectory() as place:
        chambers = [Chamber(k, Path(place), given.sample_rate, given.calls_per_min) for k in range(given.microphones)]
        for one in chambers:
            one.process.wait_ready()
        compile_detector(load_profile("rat"))
        for one in chambers:
            one.listener.open()
        time.sleep(20)  # detectors load what they need
        for one in chambers:
            one.process.start(one.path, host_us())
        begin_s, before = time.monotonic(), _cpu_s()
        while time.monotonic() < begin_s + given.seconds:
            for one in chambers:
                one.look(
                    (time.monotonic_ns() - one.start_ns) / 1e9 if time.monotonic() < begin_s + given.seconds - 3 else 0
                )
            time.sleep(0.005)
        busy_s = _cpu_s() - before
        for one in chambers:
            one.process.stop(host_us())
        while any(one.ended is None or one.listener.searching for one in chambers):
            for one in chambers:
                one.look(0)
            time.sleep(0.005)
        for one in chambers:
            one.process.close()
            one.listener.close()
    waited = np.concatenate([one.waited_s for one in chambers])
    n = sum(one.ended.n_samples for one in chambers if one.ended)
    print(
        f"{len(chambers)} microphones at {given.sample_rate} Hz, {given.seconds:g} s: {n} samples, "
        f"{sum(one.n_lost for one in chambers)} lost in {sum(one.n_blocks_lost for one in chambers)} gaps"
    )
    n_given = sum(one.animal.n for one in chambers)
    print(f"calls: {n_given} given, {len(waited)} heard; processors used {100 * busy_s / given.seconds:.0f} % of one")
    p50, p99 = np.percentile(waited, (50, 99))
    print(
        f"from a call's end to its event: p50 {p50:.2f} s, p99 {p99:.2f} s, worst {waited.max():.2f} s "
        f"(of which {LATE_S + BLOCK_S:.2f} s are the simulated sound card's)"
    )
    print(f"load {os.getloadavg()[0]:.1f} after")
    return 0


def _cpu_s() -> float:
    """CPU time of this process and its children."""
    own = psutil.Process()
    times = [one.cpu_times() for one in (own, *own.children(recursive=True))]
    return sum(one.user + one.system for one in times)


if __name__ == "__main__":
    sys.exit(main())
