"""Many recordings, searched one after the other or several at a time, with a line that says how far that is."""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from behavior.usv.detect import Detection
    from behavior.usv.gate import KnownEvent
    from behavior.usv.parts import Part, Searched
    from behavior.usv.profile import DetectorProfile

LOOK_S = 0.2
SHORTEST_PART_S = 120.0
"""A part is searched from 25 s before it to 15 s behind it; shorter ones would cost more than they save."""
_ROUNDING_S = 0.3
"""Parts end on the detector's grid."""


@dataclass(frozen=True, slots=True)
class Search:
    """What to do with one recording."""

    path: Path
    profile: DetectorProfile
    channel: int | None
    sample_rate_hz: int | None
    events: Callable[[Path], Sequence[KnownEvent]]
    detailed: bool = False

    @property
    def how(self) -> dict[str, Any]:
        """What every search of it needs to be told."""
        return {"channel": self.channel, "sample_rate_hz": self.sample_rate_hz}

    def run(self, tell: Callable[[float], None] | None = None) -> Detection | BadInput:
        """What was found, or why the recording cannot be used."""
        from behavior.usv.detect import detect_file

        try:
            return detect_file(
                self.path, self.profile, **self.how,
                events=self.events(self.path), progress=tell, detailed=self.detailed,
            )  # fmt: skip
        except BadInput as error:
            return error

    def run_part(self, part: Part, tell: Callable[[float], None]) -> Searched | BadInput:
        """What was found in a part."""
        from behavior.usv.parts import search_part

        try:
            return search_part(
                self.path, self.profile, part, self.events(self.path),
                **self.how, detailed=self.detailed, progress=tell,
            )  # fmt: skip
        except BadInput as error:
            return error

    def join(self, parts: Sequence[Part], found: Sequence[Searched | BadInput]) -> Detection | BadInput:
        """What the parts say of the whole."""
        from behavior.usv.parts import Searched, joined

        searched = [one for one in found if isinstance(one, Searched)]
        if len(searched) < len(found):
            return next(one for one in found if isinstance(one, BadInput))
        try:
            return joined(
                self.path, self.profile, parts, searched, self.events(self.path), **self.how, detailed=self.detailed
            )
        except BadInput as error:
            return error


def search_all(searches: Sequence[Search], jobs: int = 1) -> Iterator[Detection | BadInput]:
    """Search recordings, `jobs` at a time, each in a process of its own; results in the order of the recordings.

    A recording that is longer than a process's share of all is cut into parts that several search (`usv.parts`: with
    the calls of the whole to the last bit).

    Raises
    ------
    Failure
        A process ended by itself, as one does that the system takes the memory from.
    """
    pieces = [_parts(search, all_s, jobs) for search, all_s in _with_total(searches, jobs)]
    jobs = min(jobs, sum(max(1, len(parts)) for parts in pieces))
    if jobs <= 1:
        for search in searches:
            with _line(search.path.name) as tell:
                result = search.run(tell)
            yield result
        return
    compile_detector(searches[0].profile)
    context = multiprocessing.get_context("fork" if sys.platform.startswith("linux") else "spawn")
    whole: list[Part | None] = [None]
    tasks = [(search, part) for search, parts in zip(searches, pieces, strict=True) for part in parts or whole]
    done = context.Array("d", len(tasks), lock=False)
    pool = ProcessPoolExecutor(jobs, context, _share, (done,))
    try:
        futures = deque(pool.submit(_run, search, part, k) for k, (search, part) in enumerate(tasks))
        with _line(f"{len(searches)} recordings" if len(searches) > 1 else searches[0].path.name) as tell:
            for search, parts in zip(searches, pieces, strict=True):
                found = [
                    _result(futures.popleft(), lambda: tell and tell(sum(done) / len(tasks))) for _ in parts or "-"
                ]
                yield search.join(parts, found) if parts else found[0]
    except BrokenProcessPool:
        raise Failure("a process that searched was ended from outside; search again with fewer --jobs") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _with_total(searches: Sequence[Search], jobs: int) -> Iterator[tuple[Search, float]]:
    """Each recording with the length of all, s, which is not asked for where there is one process only."""
    all_s = sum(_duration_s(search) for search in searches) if jobs > 1 else 0.0
    return ((search, all_s) for search in searches)


def _duration_s(search: Search) -> float:
    """How long a recording is; 0 for one that cannot be used, which its search says."""
    from behavior.audio.read import Recording

    try:
        with Recording(search.path, **search.how) as recording:
            return recording.duration_s
    except BadInput:
        return 0.0


def n_parts(own_s: float, all_s: float, jobs: int) -> int:
    """Into how many parts a recording of this length is cut; 0: it is searched whole."""
    if jobs < 2 or own_s <= all_s / jobs:
        return 0
    n = min(ceil(own_s * jobs / all_s - 1e-9), int(own_s / SHORTEST_PART_S))
    return n if n > 1 else 0


def _parts(search: Search, all_s: float, jobs: int) -> list[Part]:
    """The parts of a recording that is longer than a process's share; none of one that is searched whole."""
    from behavior.usv.parts import parts_of

    n = n_parts(_duration_s(search), all_s, jobs) if jobs > 1 else 0
    if n < 2:
        return []
    parts = parts_of(search.path, search.profile, _duration_s(search) / n - _ROUNDING_S, **search.how)
    return parts if len(parts) > 1 else []


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


def _run(search: Search, part: Part | None, number: int) -> Detection | Searched | BadInput:
    def tell(fraction: float) -> None:
        _done[number] = fraction

    result = search.run(tell) if part is None else search.run_part(part, tell)
    tell(1.0)
    return result


def _result(future: Future[Any], look: Callable[[], object]) -> Any:
    while not wait([future], LOOK_S).done:
        look()
    look()
    return future.result()


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
