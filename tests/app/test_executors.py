"""Worker processes: what they start with, and that they never outlive the process that they work for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from multiprocessing import get_all_start_methods
from pathlib import Path

import psutil
import pytest

from behavior.app.executors import InThisProcess, processes
from behavior.app.worker import search_once

forked = pytest.mark.skipif("forkserver" not in get_all_start_methods(), reason="needs a system that can fork")
HOST = """
import os, sys, time
from behavior.app.executors import processes
if __name__ == "__main__":
    with processes(2)() as pool:
        print(*{pool.submit(os.getpid).result() for _ in range(8)}, flush=True)
        time.sleep(600)
"""


def test_what_is_searched_at_the_start_is_found() -> None:
    assert search_once() == 1


def test_one_job_is_done_in_this_process() -> None:
    assert processes(1) is InThisProcess
    with InThisProcess() as here:
        assert here.submit(os.getpid).result() == os.getpid()
        assert isinstance(here.submit(int, "x").exception(), ValueError)


@forked
def test_a_worker_has_everything_loaded_before_it_is_asked() -> None:
    with processes(2)() as pool:
        assert pool.submit(eval, "'behavior.app.worker' in __import__('sys').modules").result()
        assert pool.submit(os.getpid).result() != os.getpid()


@forked
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_the_process_that_they_work_for(tmp_path: Path, end: signal.Signals) -> None:
    script = tmp_path / "host.py"
    script.write_text(HOST)
    host = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    with host.stdout:
        workers = [psutil.Process(int(pid)) for pid in host.stdout.readline().split()]
    assert workers
    host.send_signal(end)
    host.wait()
    while any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers):
        os.sched_yield()
