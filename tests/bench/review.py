"""Call review of long recordings: how soon the first spectrogram is there, a tile after a jump, the server's memory.

    python tests/bench/review.py [--hours 2] [--jumps 300] [--seed 1]

The server is the command itself in a process of its own; times are those of whole requests over loopback. Jumps go to
places and zooms anywhere in the recording that were not looked at before. The recording is noise at 250 kHz; it is
searched beforehand by an empty table, so that the page is measured and not the detector.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import psutil

from behavior.audio.write import RecordingWriter
from behavior.usv.table import write_calls

RATE = 250_000


def noise(path: Path, hours: float) -> None:
    """A recording of so many hours; ten seconds of noise, over and over."""
    block = np.random.default_rng(0).normal(0, 300, 10 * RATE).astype(np.int16)
    with RecordingWriter(path, RATE) as writer:
        for _ in range(round(hours * 360)):
            writer.write(block)
    place = path.with_name(f"{path.name}.review")
    place.mkdir()
    write_calls(place / "calls.csv", [])


def timed(address: str) -> tuple[float, bytes]:
    """How long a request takes, ms, and what came."""
    start = time.perf_counter()
    with urlopen(address) as answer:
        data = answer.read()
    return 1e3 * (time.perf_counter() - start), data


def main() -> int:
    """Serve a recording, ask for tiles, and say how long they took."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--hours", type=float, default=2.0)
    asked.add_argument("--jumps", type=int, default=300)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    draw = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "long.wav"
        noise(path, given.hours)
        command = [
            sys.executable,
            "-c",
            "from behavior.app.cli import main; main()",
            "review",
            str(path),
            "--port",
            "0",
            "--no-token",
        ]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found
            address, process = found[0], psutil.Process(server.pid)
            before_mb = process.memory_info().rss / 1e6
            page_ms, _ = timed(f"{address}?rater=X")
            about_ms, data = timed(f"{address}/about")
            about = json.loads(data)
            level = 0
            while about["column_s"] * 2**level * 1300 < about["duration_s"]:
                level += 1
            n_far = int(about["duration_s"] / (about["column_s"] * about["width"] * 2**level)) + 1
            first = [(4, index) for index in range(3)] + [(level, index) for index in range(n_far)]
            first_ms = sum(timed(f"{address}/tile/{at}/{index}.png")[0] for at, index in first)
            jumps_ms = []
            for _ in range(given.jumps):
                at = draw.randrange(level)
                last = int(about["duration_s"] / (about["column_s"] * about["width"] * 2**at))
                jumps_ms.append(timed(f"{address}/tile/{at}/{draw.randrange(last + 1)}.png")[0])
            after_mb = process.memory_info().rss / 1e6
        finally:
            server.kill()
            server.communicate()
    p50, p99 = np.percentile(jumps_ms, (50, 99))
    whole_ms = page_ms + about_ms + first_ms
    print(f"{given.hours:g} h at {RATE // 1000} kHz: page and first view (near and whole): {whole_ms:.0f} ms")
    print(f"a tile after a jump: p50 {p50:.0f} ms, p99 {p99:.0f} ms, worst {max(jumps_ms):.0f} ms (n {len(jumps_ms)})")
    print(f"server: {before_mb:.0f} MB at the start, {after_mb:.0f} MB after {given.jumps} tiles")
    return 0


if __name__ == "__main__":
    sys.exit(main())
