"""Many recordings, searched one after the other or several at a time, with a line that says how far that is."""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from behavior.usv.detect import Detection
    from behavior.usv.gate import KnownEvent
    from behavior.usv.profile import DetectorProfile

LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Search:
    """What to do with one recording."""

    path: Path
    profile: DetectorProfile
    channel: int | None
    sample_rate_hz: int | None
    events: Callable[[Path], Sequence[KnownEvent]]

    def run(self, tell: Callable[[float], None] | None = None) -> Detection | BadInput:
        """What was found, or why the recording cannot be used."""
        from behavior.usv.detect import detect_file

        try:
            return detect_file(
                self.path, self.profile, channel=self.channel, sample_rate_hz=self.sample_rate_hz,
                events=self.events(self.path), progress=tell,
            )  # fmt: skip
        except BadInput as error:
            return error


def search_all(searches: Sequence[Search], jobs: int = 1) -> Iterator[Detection | BadInput]:
    """Search recordings, `jobs` at a time, each in a process of its own; results in the order of the recordings.

    Raises
    ------
    Failure
        A process ended by itself, as one does that the system takes the memory from.
    """
    jobs = min(jobs, len(searches))
    if jobs <= 1:
        for search in searches:
            with _line(search.path.name) as tell:
                result = search.run(tell)
            yield result
        return
    compile_detector(searches[0].profile)
    context = multiprocessing.get_context("fork" if sys.platform.startswith("linux") else "spawn")
    done = context.Array("d", len(searches), lock=False)
    pool = ProcessPoolExecutor(jobs, context, _share, (done,))
    try:
        futures = [pool.submit(_run, search, k) for k, search in enumerate(searches)]
        with _line(f"{len(searches)} recordings") as tell:
            for future in futures:
                _await(future, lambda: tell and tell(sum(done) / len(searches)))
                yield future.result()
    except BrokenProcessPool:
        raise Failure("a process that searched was ended from outside; search again with fewer --jobs") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def compile_detector(profile: DetectorProfile) -> None:
    """Have everything compiled here, so that processes that are started later find it done."""
    import numpy as np

    from behavior.usv.detect import Detector

    detector = Detector(profile, 250_000)
    detector.push(np.random.default_rng(1).normal(0, 100, 500_000).astype(np.int16))
    detector.flush()


_done: Any = None


def _share(done: Any) -> None:
    global _done
    _done = done


def _run(search: Search, number: int) -> Detection | BadInput:
    def tell(fraction: float) -> None:
        _done[number] = fraction

    result = search.run(tell)
    tell(1.0)
    return result


def _await(future: Future[Any], look: Callable[[], object]) -> None:
    while not wait([future], LOOK_S).done:
        look()
    look()


@contextlib.contextmanager
def _line(name: str) -> Iterator[Callable[[float], None] | None]:
    """A line on a terminal's standard error that says how far something is."""
    if not sys.stderr.isatty():
        yield None
        return
    shown = -1

    def tell(fraction: float) -> None:
        nonlocal shown
        percent = int(100 * fraction)
        if percent != shown:
            shown = percent
            sys.stderr.write(f"\r{name}: {percent:3d} %")
            sys.stderr.flush()

    try:
        yield tell
    finally:
        sys.stderr.write("\r\033[K")
