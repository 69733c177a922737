"""Rescoring an archive of sessions with sound: one process, two, a Dask cluster of two workers, again from the cache.

    python tests/bench/rescoring.py [--n 200] [--different 10] [--test-s 30] [--seed 1]

So many sessions are simulated, each copied until there are `n`; each way works out a fresh copy of the archive. Times
are those of whole commands, start-up included. Then a run is killed in its midst with kill -9 and gone on with: what
was done twice, or lost, is counted from the records beside the sessions. Exit code 1 if anything was.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = [sys.executable, "-c", "from behavior.app.cli import main; main()"]
STUDY = """
name = "archive"
title = "Rescoring"
experimenter = "bench"
start = 2026-03-02T09:00:00+00:00
rig = "simulated"
animals = {{ strain = "Wistar", sex = "male", weight_g = 280 }}

[[arms]]
name = "calls"
paradigm = "conditioned_usv"
parameters = {{ habituation_s = 1, test_s = {test_s} }}
compound = "ipsapirone"
vehicle = "saline"
route = "i.p."
pretreatment_min = 30
doses_mg_kg = [0, 1]
n_per_dose = {n}
endpoints = ["calling_time_s"]
primary = "calling_time_s"
"""


def made(place: Path, n: int, different: int, test_s: float, seed: int) -> Path:
    """An archive whose sessions nobody has scored."""
    (place / "study.toml").write_text(STUDY.format(n=(different + 1) // 2, test_s=test_s))
    study = place / "simulated"
    call("simulate", place / "study.toml", "--out", study, "--seed", seed)
    sessions = sorted(path.parent for path in study.rglob("header.json"))
    for number in range(n):
        shutil.copytree(
            sessions[number % len(sessions)], place / "archive" / f"{number:03d}",
            ignore=shutil.ignore_patterns("*.csv", "score.json"), copy_function=linked,
        )  # fmt: skip
    return place / "archive"


def linked(source: str, target: str) -> None:
    """Sound is not written to, and needs no copy."""
    if source.endswith(".flac"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def call(*arguments: object) -> float:
    """Run a command to its end; how long it took, s."""
    start = time.monotonic()
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return time.monotonic() - start


def records(archive: Path) -> dict[Path, int]:
    """When each item's record was written."""
    return {path: path.stat().st_mtime_ns for path in archive.rglob("rescored.json")}


@contextmanager
def cluster(place: Path) -> Iterator[str]:
    """A Dask scheduler with two workers on loopback: its address."""
    file = place / "scheduler.json"
    base, quiet = [sys.executable, "-m"], {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": place}
    processes = [subprocess.Popen(
        [*base, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
         "--scheduler-file", str(file)], **quiet,
    )]  # fmt: skip
    try:
        wait(lambda: file.exists() and file.read_text().endswith("}"))
        processes += [subprocess.Popen(
            [*base, "distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny",
             "--no-dashboard", "--host", "127.0.0.1"], **quiet,
        ) for _ in range(2)]  # fmt: skip
        address = json.loads(file.read_text())["address"]
        script = f"from distributed import Client\nwith Client({address!r}) as client: client.wait_for_workers(2)"
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
        yield address
    finally:
        for process in processes:
            process.kill()
            process.wait()


def wait(until: Callable[[], bool]) -> None:
    """Look every few ms."""
    while not until():
        time.sleep(0.005)


def killed(archive: Path, n: int) -> tuple[int, int, int]:
    """Kill a run when a third is done, go on: how many were done before, done twice, lost."""
    process = subprocess.Popen(
        [*COMMAND, "rescore", str(archive), "--jobs", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    wait(lambda: len(records(archive)) >= n // 3)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = records(archive)
    call("rescore", archive, "--jobs", 2)
    after = records(archive)
    return len(before), sum(after[path] != at for path, at in before.items()), n - len(after)


def main() -> int:
    """Measure each way and say how they compare."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--n", type=int, default=200)
    asked.add_argument("--different", type=int, default=10)
    asked.add_argument("--test-s", type=float, default=30.0)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        archive = made(place, given.n, given.different, given.test_s, given.seed)
        copies = {
            way: shutil.copytree(archive, place / way, copy_function=linked) for way in ("one", "two", "dask", "killed")
        }
        call("rescore", next(archive.iterdir()))  # compiles, where nobody has yet
        one_s = call("rescore", copies["one"])
        again_s = call("rescore", copies["one"])
        two_s = call("rescore", copies["two"], "--jobs", 2)
        with cluster(place) as address:
            dask_s = call("rescore", copies["dask"], "--scheduler", address)
        n_before, n_twice, n_lost = killed(copies["killed"], given.n)
    print(f"{given.n} sessions with {given.test_s:g} s of sound on {os.cpu_count()} processors")
    print(f"one process {one_s:.1f} s; two {two_s:.1f} s, {one_s / two_s:.2f} x as fast")
    print(f"Dask, two workers {dask_s:.1f} s, {one_s / dask_s:.2f} x as fast; {dask_s / two_s:.2f} x two processes")
    print(f"again from the cache {again_s:.2f} s, {one_s / again_s:.0f} x as fast")
    print(f"killed after {n_before}, gone on: {n_twice} done twice, {n_lost} lost")
    return int(n_twice > 0 or n_lost > 0)


if __name__ == "__main__":
    sys.exit(main())
