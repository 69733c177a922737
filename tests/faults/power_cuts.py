"""Power cuts after a session: every file of its folder ends at a random byte, and somebody goes on working with it.

    python tests/faults/power_cuts.py [--n 300] [--seed 1] [--report-each 20]

A small dataset of sample sessions is copied, and in one of them each file (header, journal, footer, sound, calls,
score, tables) is cut with some chance. Then it is opened, verified, taken into the summary, scored anew, closed or gone
on with, taken in again, and in every n-th case reported. Each step gives a result or the documented error in one
sentence. The journal never gets shorter than its whole lines, and nothing of any other session is changed, neither its
files nor its row. Exit code 1 if anything did not hold.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1]))

from behavior.app.resume import closed
from behavior.app.summarize import summarized
from behavior.model.errors import BehaviorError
from behavior.scoring.finish import finish_session
from behavior.session.folder import SessionFolder
from behavior.session.resume import interrupted
from behavior.session.verify import verify
from behavior.study.dataset import read_dataset

SAMPLE = Path(__file__).parents[2] / "sample_data" / "study"
USED = ("sub-R01", "sub-R02", "sub-R07")
"""Two sessions of conflict and one with sound."""


@dataclass(slots=True)
class Outcome:
    """What became of one folder."""

    seed: int
    steps: dict[str, str] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def one(seed: int, place: Path, *, report: bool = False) -> Outcome:
    """Cut one session's files and go on working with it."""
    random, outcome = Random(f"power cut {seed}"), Outcome(seed)
    dataset = place / "dataset"
    for subject in USED:
        shutil.copytree(SAMPLE / subject, dataset / subject)
    cut = random.choice(sorted(dataset.glob("sub-*/ses-*")))
    before = _digests(dataset, but=cut)
    rows = _rows(dataset, but=cut)
    _cut(cut, random)
    lines = (cut / "journal.jsonl").read_bytes()
    lines = lines[: lines.rfind(b"\n") + 1]
    steps: dict[str, Callable[[], object]] = {
        "opened": lambda: SessionFolder(cut),
        "verified": lambda: verify(SessionFolder(cut)),
        "taken in": lambda: read_dataset(dataset),
        "scored": lambda: finish_session(SessionFolder(cut)),
        "closed": lambda: closed(interrupted(SessionFolder(cut)), "closed by hand"),
        "scored then": lambda: finish_session(SessionFolder(cut)),
        "taken in then": lambda: read_dataset(dataset),
        **({"reported": lambda: summarized(dataset, place / "summary")} if report else {}),
    }
    for name, step in steps.items():
        outcome.steps[name] = _tried(name, step, outcome)
    if not (cut / "journal.jsonl").read_bytes().startswith(lines):
        outcome.violations.append("whole lines of its journal are gone")
    if _digests(dataset, but=cut) != before:
        outcome.violations.append("a file of another session was changed")
    if _rows(dataset, but=cut) != rows:
        outcome.violations.append("another session's row is not what it was")
    return outcome


def _tried(name: str, step: Callable[[], object], outcome: Outcome) -> str:
    try:
        step()
    except BehaviorError as error:
        if not str(error).strip() or "Traceback" in str(error):
            outcome.violations.append(f"{name}: an error without a sentence")
        return "an error that says why"
    except Exception as error:
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        line = f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where is not None else ""
        outcome.violations.append(f"{name}: {type(error).__name__}: {error} ({line})")
        return "a traceback"
    return "done"


def _cut(folder: Path, random: Random) -> None:
    for path in sorted(folder.iterdir()):
        if random.random() < (0.2 if path.name == "header.json" else 0.6):
            with path.open("r+b") as file:
                file.truncate(random.randrange(path.stat().st_size + 1))
    if random.random() < 0.5:
        (folder / "footer.json").unlink()


def _digests(dataset: Path, *, but: Path) -> dict[str, str]:
    files = [path for path in dataset.rglob("*") if path.is_file() and not path.is_relative_to(but)]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files if dataset / "sub-" != path}


def _rows(dataset: Path, *, but: Path) -> dict[str, object]:
    """Each other session's row of the summary, without what is missing (NaN)."""
    try:
        sessions = read_dataset(dataset).sessions
    except BehaviorError as error:
        return {"error": str(error)}
    rows = {str(row["session"]): row for row in sessions.to_dict("records")}
    return {
        name: {column: value for column, value in row.items() if value == value}
        for name, row in rows.items()
        if name != but.relative_to(dataset).as_posix()
    }


def main() -> int:
    """Run them all, and say what did not hold."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--n", type=int, default=300)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--report-each", type=int, default=20)
    given = asked.parse_args()
    began_s, outcomes = time.monotonic(), list[Outcome]()
    for seed in range(given.seed, given.seed + given.n):
        with tempfile.TemporaryDirectory() as place:
            outcomes.append(one(seed, Path(place), report=seed % given.report_each == 0))
        for sentence in outcomes[-1].violations:
            print(f"seed {seed}: {sentence}", flush=True)
    bad = sum(bool(outcome.violations) for outcome in outcomes)
    print(f"{len(outcomes)} folders in {time.monotonic() - began_s:.0f} s; {bad} with violations\n")
    print("| step | done | an error that says why | a traceback |\n|---|---|---|---|")
    for step in dict.fromkeys(step for outcome in outcomes for step in outcome.steps):
        counts = Counter(outcome.steps[step] for outcome in outcomes if step in outcome.steps)
        print(f"| {step} | {counts['done']} | {counts['an error that says why']} | {counts['a traceback']} |")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
