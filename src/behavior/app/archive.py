"""`behavior rescore` on archives: what is new or changed is worked out, on as many workers as there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from behavior.model.errors import BadInput

if TYPE_CHECKING:
    from behavior.scoring.archive import Found, Item, Outcome

AHEAD = 2
"""Items submitted for each process, so that none waits while what another did is put on record."""


def work_out_archive(
    paths: Sequence[Path], *, out: Path | None, jobs: int, scheduler: str | None, profile: str, again: bool
) -> list[tuple[Item, Outcome]]:
    """Work out all that lies in these places, and write manifest and tables where there is a place for them.

    Returns
    -------
    list of (Item, Outcome)
        In order of the items' names.

    Raises
    ------
    BadInput
        There is nothing, the profile or the scheduler cannot be used.
    """
    from behavior.scoring.archive import Outcome, find_items, is_cached, way_of, write_overview

    way = way_of(profile)
    found = find_items(paths, out)
    for problem in found.problems:
        typer.echo(f"warning: {problem}", err=True)
    outcomes: dict[Item, Outcome] = {
        item: Outcome("cached") for item in found.items if not again and is_cached(item, way)
    }
    to_do = [item for item in found.items if item not in outcomes]
    if outcomes:
        typer.echo(f"{len(outcomes)} of {len(found.items)} are as they were and were passed over", err=True)
    logs = AuditLogs()
    for item in outcomes:
        logs.score_was_made(item)  # by a run that died before it could say so
    if to_do:
        for item, outcome in _worked_out(to_do, jobs, scheduler, profile):
            outcomes[item] = outcome
            logs.score_was_made(item)
    place = manifest_place(paths, out, found)
    if place is not None:
        write_overview(place, outcomes.items())
        typer.echo(f"Manifest and tables: {place}", err=True)
    return [(item, outcomes[item]) for item in found.items]


def _worked_out(
    items: Sequence[Item], jobs: int, scheduler: str | None, profile: str
) -> Iterator[tuple[Item, Outcome]]:
    """Work items out where it was said, showing how far it is."""
    with executors(jobs, scheduler) as (pool, n_at_once):
        from behavior.app.progress import Progress
        from behavior.scoring.workers import work_through
        from behavior.usv.profile import load_profile

        load_profile(profile)
        with Progress("items", len(items)) as progress:
            for item, outcome in work_through(items, pool, n_at_once, profile):
                yield item, outcome
                progress.step(item.name)


class AuditLogs:
    """The audit logs of the datasets that sessions lie in: each score that was made again is put on record."""

    def __init__(self) -> None:
        self._scores: dict[Path, dict[str, dict[str, str]]] = {}

    def score_was_made(self, item: Item) -> None:
        """Put a session's score on record, if its dataset has a log that knows another."""
        from behavior.app.passphrase import who_is_it
        from behavior.study.audit import find_log, read_audit
        from behavior.study.evidence import known, register_score, session_name

        dataset = find_log(item.path) if item.kind == "session" and item.place == item.path else None
        if dataset is None:
            return
        if dataset not in self._scores:
            self._scores[dataset] = known(read_audit(dataset))[1]
        before = self._scores[dataset].get(session_name(dataset, item.path), {})
        register_score(dataset, item.path, before, who=who_is_it(None), reason="rescored")


def manifest_place(paths: Sequence[Path], out: Path | None, found: Found) -> Path | None:
    """Where manifest and tables go: where it was said, else into the first folder that holds several items."""
    from behavior.scoring.archive import RESCORED

    if out is not None:
        return out
    several = {item.path for item in found.items}
    return next((path / RESCORED for path in paths if path.is_dir() and path not in several), None)


@contextmanager
def executors(jobs: int, scheduler: str | None) -> Iterator[tuple[Callable[[], Executor], int]]:
    """What the work is submitted to, and how much of it at a time."""
    from behavior.app.executors import cluster, processes

    if scheduler is None:
        yield processes(jobs), AHEAD * jobs if jobs > 1 else 1
        return
    if jobs > 1:
        raise BadInput("--jobs and --scheduler: say one of them; the scheduler knows how many workers it has")
    with cluster(scheduler) as (pool, n_threads):
        yield pool, AHEAD * n_threads
