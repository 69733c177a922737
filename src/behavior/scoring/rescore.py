"""Rescoring: the score of a session's folder, made again from its journal, and compared with the one that stands there.

The scorers are those of the live session, so an intact journal gives the same score to the last bit. What is damaged is
named; it is restored where replay can tell what it was, and otherwise left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from behavior.model.calls import Call
from behavior.model.events import Noted
from behavior.scoring.annotations import FIGHTS, read_fights
from behavior.scoring.restore import restored
from behavior.scoring.review import reviewed
from behavior.scoring.score import Row, Score, score_items
from behavior.session.folder import SessionFolder

CALLS = "calls.csv"


def rescore(folder: SessionFolder, *, calls: Sequence[Call] | None = None) -> Score:
    """Score a session from its journal, as far as it can be read.

    Parameters
    ----------
    folder : of the session
    calls : found in its sound; None: those of its `calls.csv`, if there is one. Where a person has reviewed the calls
        (`reviewed.csv`), theirs are scored, whatever is given

    Returns
    -------
    Score
        `problems` names the lines that could not be read, and whether the journal's end is missing.

    Raises
    ------
    BadInput
        There is no journal, or `calls.csv` or `fights.csv` cannot be used.
    """
    reading, header = folder.read(), folder.header
    whole = restored(folder, reading) if reading.problems else None
    items = [*(reading.items if whole is None else whole), *_annotations(folder.path)]
    decided = reviewed(folder.path)
    found = decided[0] if decided else _calls(folder.path) if calls is None else calls
    score = score_items(header.paradigm, items, header.parameters, found)
    if decided:
        score = replace(score, session={**score.session, "calls_reviewed_by": decided[1]})
    name = folder.journal_path.name
    problems = [f"{name}: {problem}" for problem in reading.problems]
    if whole is not None:
        problems.append(
            f"{name}: what is damaged was commanded, and replay of the inputs restored it; nothing is missing"
        )
    if reading.torn:
        problems.append(f"{name}: the last line is torn, as a power cut leaves it; it was dropped")
    return replace(score, problems=(*problems, *score.problems))


def _calls(folder: Path) -> list[Call] | None:
    path = folder / CALLS
    if not path.exists():
        return None
    from behavior.usv.table import read_calls

    return read_calls(path)


def _annotations(folder: Path) -> list[Noted]:
    path = folder / FIGHTS
    return read_fights(path) if path.exists() else []


def differences(old: Score, new: Score) -> list[str]:
    """What differs between a score that stands and one that was made again; empty if they are equal.

    Each sentence names the measure or the row, what stands, and what it is now.
    """
    found = list(_differing(old.session, new.session))
    if old.rows_name != new.rows_name:
        return [*found, f"the rows were {old.rows_name} and are {new.rows_name}"]
    for name, before, after in ((old.rows_name, old.rows, new.rows), ("responses", old.responses, new.responses)):
        if len(before) != len(after):
            found.append(f"{name}: {len(before)} rows stand there, now there are {len(after)}")
        for i, (one, other) in enumerate(zip(before, after, strict=False), start=1):
            found += [f"{name} row {i}, {difference}" for difference in _differing(one, other)]
    if old.problems != new.problems:
        found.append(f"the journal's problems were {len(old.problems)} and are {len(new.problems)}")
    return found


def _differing(old: Row, new: Row) -> Iterator[str]:
    for column in dict.fromkeys((*old, *new)):
        if column not in old or column not in new:
            yield f"{column}: is {'new' if column in new else 'there no more'}"
        elif (old[column], type(old[column])) != (new[column], type(new[column])):
            yield f"{column}: {old[column]!r} stands there, now {new[column]!r}"
