"""Sessions of every paradigm under random faults: thousands by command, a few in the tests.

    python tests/faults/campaign.py [--n 5000] [--seed 1] [--paradigm NAME] [--jobs 2] [--report report.md]

Each session has a seed of its own: what it was is shown by `--seed SEED --n 1`. Exit code 1 if anything did not hold.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults.engines import run_plan
from faults.invariants import violations
from faults.plans import plan_of

MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one session came to."""

    seed: int
    name: str
    paradigm: str
    chamber: str
    planned: tuple[str, ...]
    came: tuple[str, ...]
    ended: tuple[str, ...]
    n_pulses: int
    violations: tuple[str, ...]


def one(seed: int, paradigms: tuple[str, ...] = ()) -> Outcome:
    """Run the session of a seed and judge it."""
    plan = plan_of(seed, paradigms)
    came, ended, n_pulses = (), (), 0
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as place:
        try:
            ran = run_plan(plan, Path(place))
            found = violations(ran)
            came = tuple(fault.kind for _, fault in ran.world.done)
            ended = tuple(life.how for life in ran.lives)
            n_pulses = len(ran.world.meter.felt)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            found = [f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"]
    return Outcome(
        seed, plan.name, plan.way.paradigm.name, plan.chamber, tuple(fault.kind for fault in plan.faults), came, ended,
        n_pulses, tuple(found),
    )  # fmt: skip


def main() -> int:
    """Run them all, and say what did not hold."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--n", type=int, default=5000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--paradigm", action="append", default=[])
    asked.add_argument("--jobs", type=int, default=1)
    asked.add_argument("--within-s", type=float, help="Begin no more sessions after this time.")
    asked.add_argument("--report", type=Path)
    given = asked.parse_args()
    seeds, paradigms = range(given.seed, given.seed + given.n), tuple(given.paradigm)
    began_s, outcomes = time.monotonic(), list[Outcome]()
    with ProcessPoolExecutor(given.jobs) as pool:
        for outcome in pool.map(one, seeds, [paradigms] * given.n, chunksize=4):
            outcomes.append(outcome)
            for sentence in outcome.violations:
                what = f"{outcome.name} in {outcome.chamber}, {', '.join(outcome.planned)}"
                print(f"seed {outcome.seed}, {what}: {sentence}", flush=True)
            if len(outcomes) % 1000 == 0:
                print(f"{len(outcomes)} sessions, {time.monotonic() - began_s:.0f} s", file=sys.stderr, flush=True)
            if given.within_s and time.monotonic() - began_s > given.within_s:
                pool.shutdown(wait=False, cancel_futures=True)
                break
    text = report(outcomes, time.monotonic() - began_s)
    print(text)
    if given.report is not None:
        given.report.write_text(text)
    return int(any(outcome.violations for outcome in outcomes))


def report(outcomes: list[Outcome], took_s: float) -> str:
    """Counts, as a page."""
    bad = [outcome for outcome in outcomes if outcome.violations]
    lines = [
        f"{len(outcomes)} sessions in {took_s:.0f} s, {sum(len(outcome.came) for outcome in outcomes)} faults, "
        f"{sum(outcome.n_pulses for outcome in outcomes)} shocks felt; {len(bad)} sessions with violations\n",
        "| paradigm | sessions | ended by themselves or by a fault | engines killed | with violations |",
        "|---|---|---|---|---|",
    ]
    for paradigm in sorted({outcome.paradigm for outcome in outcomes}):
        mine = [outcome for outcome in outcomes if outcome.paradigm == paradigm]
        hows = Counter(how for outcome in mine for how in outcome.ended)
        n_bad = sum(bool(outcome.violations) for outcome in mine)
        lines.append(f"| {paradigm} | {len(mine)} | {hows['ended']} | {hows['killed']} | {n_bad} |")
    lines += ["", "| fault | planned | came about | sessions with violations |", "|---|---|---|---|"]
    planned = Counter(kind for outcome in outcomes for kind in outcome.planned)
    came = Counter(kind for outcome in outcomes for kind in outcome.came)
    in_bad = Counter(kind for outcome in bad for kind in set(outcome.planned))
    lines += [f"| {kind} | {n} | {came[kind]} | {in_bad[kind]} |" for kind, n in sorted(planned.items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
