"""`behavior rescore` on archives: once, in parallel, on a cluster, and on after a kill."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.commands import behavior, started
from behavior.scoring.archive import RECORD
from session.recorded import record

N = 6


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive")
    for number in range(N):
        record(path, subject=f"R{number + 1}", seed=number)
    return path


@pytest.fixture
def archive(sessions: Path, tmp_path: Path) -> Path:
    shutil.copytree(sessions, tmp_path / "archive")
    return tmp_path / "archive"


def manifest(archive: Path) -> list[dict[str, str]]:
    with (archive / "rescored" / "manifest.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def records(archive: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in archive.rglob(RECORD)}


def test_an_archive_is_worked_out_once_and_again_only_where_it_changed(archive: Path) -> None:
    first = behavior("rescore", archive, "--jobs", 2)
    assert (first.code, first.out.count("there was no score")) == (0, N), first.err
    before = records(archive)
    second = behavior("rescore", archive)
    assert second.out.count("as it was ") == N
    assert f"{N} of {N} are as they were and were passed over" in second.err
    assert records(archive) == before
    (next(archive.rglob("score.json"))).unlink()
    third = json.loads(behavior("rescore", archive, "--json").out)
    assert sorted(result["cached"] for result in third) == [False, *[True] * (N - 1)]
    fourth = behavior("rescore", archive, "--again")
    assert fourth.out.count("the same ") == N
    assert [row["state"] for row in manifest(archive)] == ["done"] * N


def test_a_broken_item_is_named_and_the_exit_code_tells(archive: Path) -> None:
    (archive / "torn.wav").write_bytes(b"RIFF\0\0")
    (next(archive.rglob("journal.jsonl"))).unlink()
    done = behavior("rescore", archive, "--jobs", 2)
    assert done.code == 1
    assert done.out.count("ERROR ") == 2
    assert f"behavior: 2 of {N + 1} could not be scored: " in done.err
    assert sorted(row["state"] for row in manifest(archive)) == [*["done"] * (N - 1), "failed", "failed"]


def test_a_killed_run_goes_on_and_does_nothing_twice(archive: Path) -> None:
    process = started(["rescore", archive, "--jobs", 2])
    try:
        wait_until(lambda: len(records(archive)) >= 2)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    before = records(archive)
    done = behavior("rescore", archive)
    assert done.code == 0, done.err
    assert done.out.count("as it was ") >= len(before) >= 2
    after = records(archive)
    assert len(after) == N
    assert {path: after[path] for path in before} == before
    assert [row["state"] for row in manifest(archive)] == ["done"] * N


def wait_until(true: object) -> None:
    deadline = time.monotonic() + 120
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers on this machine: its address, and the workers."""
    pytest.importorskip("distributed", reason="needs Dask: pip install 'behavior[cluster]'")
    file = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    base = [sys.executable, "-m"]
    with ExitStack() as stack:
        scheduler = subprocess.Popen(
            [*base, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
             "--scheduler-file", str(file)], **quiet,
        )  # fmt: skip
        stack.callback(ended, scheduler)
        wait_until(lambda: file.exists() and file.read_text().endswith("}"))
        workers = []
        for _ in range(2):
            workers.append(subprocess.Popen(
                [*base, "distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny",
                 "--no-dashboard", "--host", "127.0.0.1", "--local-directory", str(tmp_path)], **quiet,
            ))  # fmt: skip
            stack.callback(ended, workers[-1])
        yield json.loads(file.read_text())["address"], workers


def ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def test_a_cluster_does_it_and_the_death_of_a_worker_loses_nothing(
    archive: Path, dask: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, workers = dask
    wait_for_workers(address, 2)
    process = started(["rescore", archive, "--scheduler", address])
    wait_until(lambda: len(records(archive)) >= 1 or process.poll() is not None)
    workers[0].kill()
    out, err = process.communicate()
    assert process.returncode == 0, err
    written_before_the_death = out.count("the same ")
    assert out.count("there was no score") + written_before_the_death == N
    assert written_before_the_death <= 2
    assert [row["state"] for row in manifest(archive)] == ["done"] * N


def wait_for_workers(address: str, n: int) -> None:
    script = f"from distributed import Client\nwith Client({address!r}) as client: client.wait_for_workers({n})"
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--scheduler", "tcp://127.0.0.1:9"], "no scheduler answers there"),
    (["--scheduler", "tcp://127.0.0.1:9", "--jobs", "2"], "--jobs and --scheduler: say one of them"),
    (["--profile", "elephant"], "elephant"),
    (["--jobs", "0"], "--jobs"),
])  # fmt: skip
def test_what_cannot_be_is_said(archive: Path, arguments: list[str], sentence: str) -> None:
    done = behavior("rescore", archive, *arguments)
    assert done.code == 2
    assert sentence in done.err
    assert not (archive / "rescored").exists()


def test_scores_that_were_made_again_are_put_on_record_once(archive: Path) -> None:
    from behavior.session.folder import find_sessions
    from behavior.study.audit import read_audit
    from behavior.study.evidence import SCORED, register

    for folder in find_sessions(archive):
        register(archive, folder, who="me")
    behavior("rescore", archive)
    scored = [entry.about for entry in read_audit(archive).of(SCORED)]
    assert len(scored) == len(set(scored)) == N
    behavior("rescore", archive)
    behavior("rescore", archive, "--again")
    assert len(list(read_audit(archive).of(SCORED))) == N
