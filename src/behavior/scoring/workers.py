"""An archive worked through on any executor: processes of this machine, or workers of a cluster.

Rules.

1.  Only functions and plain values are sent, so that any `concurrent.futures` executor will do. Every worker sees the
    same files.
2.  What cannot be worked out is an outcome with a sentence, and holds up nothing else.
3.  **A worker that dies** (out of memory, killed) takes its pool with it. Those that were in work are tried again, one
    at a time; what dies once more is what kills, and is left out.
4.  A long recording is cut into parts that overlap, which may be searched anywhere; the item is finished when all
    parts are there (`usv.parts`: the calls are those of the whole, to the last bit).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from behavior.model.errors import BehaviorError, Failure
from behavior.scoring.archive import Item, Outcome, way_of, write_record
from behavior.scoring.finish import PROFILE, REJECTED, finish_session, known_events, search, write_detections
from behavior.scoring.rescore import CALLS, differences
from behavior.scoring.score import SCORE_FILE, read_score
from behavior.session.folder import SessionFolder
from behavior.usv.detect import Detection
from behavior.usv.gate import KnownEvent
from behavior.usv.parts import Part, Searched, joined, parts_of, search_part
from behavior.usv.profile import load_profile

PART_S = 600.0
"""Recordings that are twice as long are cut into parts of about this length."""
DEATHS = 2


@dataclass(eq=False)
class _Task:
    item: Item
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    then: Callable[[Any], Iterable[_Task | Outcome]]
    n_deaths: int = 0


@dataclass
class _Pieces:
    """The parts of an item's recordings that were searched, until all are there."""

    item: Item
    profile: str
    parts: dict[Path, list[Part]]
    found: dict[tuple[Path, int], Searched] = field(default_factory=dict)

    def tasks(self) -> Iterator[_Task]:
        """One for each part."""
        for path, parts in self.parts.items():
            events = _events_of(self.item, path)
            for number, part in enumerate(parts):
                arguments = (path, load_profile(_sought(self.item, self.profile)), part, events)
                yield _Task(self.item, search_part, arguments, partial(self.take, (path, number)))

    def take(self, at: tuple[Path, int], one: Searched) -> Iterator[_Task]:
        """Keep what was found in a part; once it was the last, finish the item."""
        self.found[at] = one
        if len(self.found) == sum(map(len, self.parts.values())):
            arguments = (self.item, self.profile, self.parts, self.found)
            yield _Task(self.item, finish_pieces, arguments, lambda outcome: [outcome])


def work_through(
    items: Iterable[Item], pool: Callable[[], Executor], n_at_once: int, profile: str, *, part_s: float = PART_S
) -> Iterator[tuple[Item, Outcome]]:
    """Work out items, in any order, and say what became of each as soon as it is known.

    Parameters
    ----------
    pool : makes an executor; called again if one breaks
    n_at_once : how much is in work at a time
    profile : what is looked for in lone recordings, as `load_profile` takes it
    part_s : recordings that are twice as long are cut into parts of about this length
    """
    waiting = deque(task for item in items for task in _begin(item, profile, part_s))
    failed: set[Item] = set()
    suspects: deque[_Task] = deque()
    while waiting or suspects:
        with pool() as executor:
            running: dict[Future[Any], _Task] = {}
            dead: list[_Task] = []
            while not dead and (waiting or running or suspects):
                _fill(executor, running, waiting, suspects, n_at_once)
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    task = running.pop(future)
                    try:
                        following = list(task.then(future.result()))
                    except BrokenExecutor:
                        dead.append(task)
                        continue
                    except Exception as error:  # noqa: BLE001 — whatever it was, the others go on
                        following = [Outcome("failed", error=_sentence(task.item, error))]
                    yield from _settle(task, following, waiting, failed)
        for task in (*dead, *running.values()) if dead else ():
            task.n_deaths += 1
            if task.n_deaths < DEATHS:
                suspects.append(task)
            else:
                why = f"{task.item.name}: its process died twice; free memory, or search it alone"
                yield from _settle(task, [Outcome("failed", error=why)], waiting, failed)


def _fill(
    executor: Executor, running: dict[Future[Any], _Task], waiting: deque[_Task], suspects: deque[_Task], most: int
) -> None:
    """Submit what there is room for; while there are suspects, one of them alone."""
    if suspects:
        if not running:
            task = suspects.popleft()
            running[executor.submit(task.function, *task.arguments)] = task
        return
    while waiting and len(running) < most:
        task = waiting.popleft()
        running[executor.submit(task.function, *task.arguments)] = task


def _settle(
    task: _Task, following: Iterable[_Task | Outcome], waiting: deque[_Task], failed: set[Item]
) -> Iterator[tuple[Item, Outcome]]:
    for one in following:
        if isinstance(one, _Task):
            waiting.appendleft(one)
        elif task.item not in failed:
            if one.state == "failed":
                failed.add(task.item)
            yield task.item, one


def _sentence(item: Item, error: Exception) -> str:
    return str(error) if isinstance(error, BehaviorError) else f"{item.name}: could not be worked out ({error!r})"


def _begin(item: Item, profile: str, part_s: float) -> Iterator[_Task]:
    """One task for an item; for one with a long recording, one for each part."""
    try:
        sounds = [item.path] if item.kind == "recording" else SessionFolder(item.path).sound_paths
        sought = load_profile(_sought(item, profile))
        parts = {path: parts_of(path, sought, part_s) for path in sounds}
    except BehaviorError:
        parts = {}  # whoever works it out says what is wrong
    if any(len(one) > 1 for one in parts.values()):
        yield from _Pieces(item, profile, parts).tasks()
    else:
        yield _Task(item, work_out, (item, profile), lambda outcome: [outcome])


def _sought(item: Item, profile: str) -> str:
    return PROFILE if item.kind == "session" else profile


def _events_of(item: Item, path: Path) -> list[KnownEvent]:
    return [] if item.kind == "recording" else list(known_events(SessionFolder(item.path).read().items, path.name))


def finish_pieces(
    item: Item, profile: str, parts: dict[Path, list[Part]], found: dict[tuple[Path, int], Searched]
) -> Outcome:
    """Put the parts of an item's recordings together, and write what came of it.

    Raises
    ------
    BehaviorError
        It cannot be worked out.
    """
    sought = load_profile(_sought(item, profile))
    whole = [
        joined(path, sought, one, [found[path, i] for i in range(len(one))], _events_of(item, path))
        for path, one in parts.items()
    ]
    return work_out(item, profile, whole)


def work_out(item: Item, profile: str, found: list[Detection] | None = None) -> Outcome:
    """Search an item's sound, unless that was done, score it if it is a session, and write what came of it.

    Raises
    ------
    BehaviorError
        It cannot be worked out.
    """
    try:
        item.place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"{item.place}: cannot be made ({error.strerror}); name another place with --out") from None
    if item.kind == "session":
        folder = SessionFolder(item.path)
        old = read_score(item.place) if (item.place / SCORE_FILE).exists() else None
        new = finish_session(folder, item.place, found)
        changed = differences(old, new) if old else ["there was no score"]
        made = (SCORE_FILE, f"{new.rows_name}.csv", "responses.csv", *((CALLS, REJECTED) if folder.sound_paths else ()))
        write_record(item, way_of(profile), made)
        return Outcome("done", tuple(changed), new.problems)
    detection = found[0] if found else search(item.path, profile)
    write_detections(item.place, [detection])
    write_record(item, way_of(profile), (CALLS, REJECTED))
    return Outcome("done", problems=tuple(detection.warnings))
