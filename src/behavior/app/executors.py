"""Where long work is done: in this process, in processes of this machine, or on the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial
from typing import Any

from behavior.model.errors import BadInput, Failure

CONNECT_S = 10


class InThisProcess(Executor):
    """Does at once what is submitted."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Call it."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **named))
        except Exception as error:  # noqa: BLE001 — whoever asks for the result gets it
            future.set_exception(error)
        return future


def processes(jobs: int) -> Callable[[], Executor]:
    """Makes pools of processes; for one job, an executor that does it here.

    Where the system can, processes are forked from a server that has loaded what they need, once, and that starts now.
    They end with the process that made the pool, however it ends.
    """
    if jobs <= 1:
        return InThisProcess
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_all_start_methods, get_context

    if "forkserver" in get_all_start_methods():
        from multiprocessing.forkserver import ensure_running

        context: Any = get_context("forkserver")
        context.set_forkserver_preload(["behavior.app.worker"])
        ensure_running()
    else:
        context = get_context("spawn")
    return partial(ProcessPoolExecutor, jobs, mp_context=context, initializer=end_with_parent)


def end_with_parent() -> None:
    """End this process when the one that made it is gone: a pool's processes wait for work for ever otherwise."""
    import os
    from multiprocessing import parent_process
    from threading import Thread

    parent = parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os._exit(1)

        Thread(target=watch, name="end-with-parent", daemon=True).start()


@contextmanager
def cluster(address: str) -> Iterator[tuple[Callable[[], Executor], int]]:
    """The workers of a Dask scheduler while the block lasts: makes executors, and how many threads they have.

    Parameters
    ----------
    address : as `dask scheduler` prints it, `tcp://host:8786`

    Raises
    ------
    BadInput
        Dask is not installed here, or nobody listens at the address.
    Failure
        The scheduler has no workers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise BadInput("--scheduler needs Dask; install it with `pip install 'behavior[cluster]'`") from None
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise BadInput(f"--scheduler {address}: no scheduler answers there ({error}); start `dask scheduler`") from None
    with client:
        n = sum(client.nthreads().values())
        if not n:
            raise Failure(f"--scheduler {address}: it has no workers; start some with `dask worker {address}`")
        yield lambda: client.get_executor(pure=False, retries=2), n
