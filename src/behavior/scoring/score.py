"""A session's score: one row of measures, one table of its parts, one table of its responses.

A paradigm's scorer is the function `score` of the module `behavior.scoring.<paradigm>`; a paradigm without one gets
what any session has (`any_paradigm`). What all scores share (how the session ended, shocks, deliveries, responses with
their component and trial) is added here, once.

Missing is None in JSON and empty in CSV. Numbers are written with as many digits as they have, so that reading gives
the same score back, to the last bit, and equal scores give equal bytes.
"""

from __future__ import annotations

import csv
import hashlib
import importlib
import importlib.util
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from behavior import __version__
from behavior.model.calls import Call
from behavior.model.commands import Command
from behavior.model.decode import tree
from behavior.model.errors import BadInput, Failure
from behavior.model.events import Event
from behavior.scoring.timeline import Timeline, seconds, timeline_of

Value: TypeAlias = bool | int | float | str | None
Row: TypeAlias = dict[str, Value]
RowsName: TypeAlias = Literal["components", "trials", "bins"]
Scorer: TypeAlias = Callable[[Timeline, dict[str, Any], Sequence[Call] | None], "Score"]

RESPONSE_COLUMNS = ("kind", "where", "onset_s", "offset_s", "component", "cycle", "trial", "resumed", "shock_verified")
"""The columns of `responses.csv`."""
SCORE_FILE = "score.json"
_TEXT = {"component", "where", "kind"}
SCORED_FILES = {
    "header": "header.json",
    "journal": "journal.jsonl",
    "calls": "calls.csv",
    "fights": "fights.csv",
    "reviewed": "reviewed.csv",
}
"""What a session's score is made from, by what it is called in `score.json`."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a session comes to.

    Attributes
    ----------
    session : measures of the whole session, by column
    rows : its components, trials or bins, in order of time
    rows_name : which of them they are, and the stem of their file
    responses : every response, with onset, offset, component and trial
    problems : what could not be read of the journal, or does not fit together
    """

    session: Row
    rows: tuple[Row, ...]
    rows_name: RowsName
    responses: tuple[Row, ...] = ()
    problems: tuple[str, ...] = field(default=())


def score_items(
    paradigm: str,
    items: Iterable[Event | Command],
    parameters: dict[str, Any],
    calls: Sequence[Call] | None = None,
) -> Score:
    """Score a session.

    Parameters
    ----------
    paradigm : its name, as in the session's header
    items : the journal's events and commands, in order
    parameters : the paradigm's, resolved, as in the header
    calls : found in the session's sound; None if nobody searched it, which is not the same as no calls

    Raises
    ------
    BadInput
        The parameters are not those of this paradigm, or the calls belong to no recording of this session.
    """
    timeline = timeline_of(items)
    scored = scorer_of(paradigm)(timeline, _Given(paradigm, parameters), calls)
    marks = session_marks(timeline)
    return replace(
        scored,
        session={**facts(timeline), **scored.session},
        rows=tuple({**row, **marks} for row in scored.rows),
        responses=response_rows(timeline),
        problems=(*timeline.problems, *scored.problems),
    )


class _Given(dict[str, Any]):
    """Parameters as a header has them, which may come from elsewhere: what lacks is said by name."""

    def __init__(self, paradigm: str, parameters: dict[str, Any]) -> None:
        super().__init__(parameters)
        self._paradigm = paradigm

    def __missing__(self, name: str) -> Any:
        raise BadInput(
            f"header.json: the parameters lack {name!r}, without which {self._paradigm} cannot be scored; restore the "
            f"header from a copy, or add it to the profile that the session was imported by"
        )


def scorer_of(paradigm: str) -> Scorer:
    """The scorer of a paradigm, or that of any paradigm."""
    name = f"behavior.scoring.{paradigm}"
    if paradigm.isidentifier() and importlib.util.find_spec(name) is not None:
        scorer: Scorer | None = getattr(importlib.import_module(name), "score", None)
        if callable(scorer):
            return scorer
    from behavior.scoring import any_paradigm

    return any_paradigm.score


def facts(timeline: Timeline) -> Row:
    """What any session has."""
    delivered = [shock for shock in timeline.shocks if shock.delivered]
    n_arrived = sum(delivery.arrived_us is not None for delivery in timeline.deliveries)
    return {
        "duration_s": seconds(timeline.end_us),
        "completed": timeline.completed,
        "end_reason": timeline.ended,
        "n_resumed": len(timeline.gaps),
        "gap_s": seconds(sum(end_us - begin_us for begin_us, end_us in timeline.gaps)),
        "disturbed_s": seconds(sum(end_us - begin_us for begin_us, end_us in timeline.disturbed)),
        "n_shocks_commanded": len(timeline.shocks),
        "n_shocks_delivered": len(delivered),
        "n_shocks_invalid": len(timeline.shocks) - len(delivered),
        "shock_verified": timeline.shock_verified,
        "shock_s": seconds(sum(shock.duration_us for shock in delivered)),
        "n_deliveries": n_arrived,
        "n_deliveries_failed": len(timeline.deliveries) - n_arrived,
    }


def session_marks(timeline: Timeline) -> Row:
    """What every row of every table says of its session: it was resumed; its shocks' current was measured."""
    return {"resumed": bool(timeline.gaps), "shock_verified": timeline.shock_verified}


def response_rows(timeline: Timeline) -> tuple[Row, ...]:
    """Every response with the component and the trial that it lies in."""
    responses, components, trials = timeline.responses, timeline.components, timeline.trials
    in_component, in_trial = timeline.placed(components, responses), timeline.placed(trials, responses)
    marks = session_marks(timeline)
    return tuple(
        {
            "kind": response.kind,
            "where": response.where or None,
            "onset_s": response.at_us / 1e6,
            "offset_s": seconds(response.until_us),
            "component": None if i is None else components[i].name,
            "cycle": None if i is None else components[i].number,
            "trial": None if j is None else int(trials[j].name),
            **marks,
        }
        for response, i, j in zip(responses, in_component, in_trial, strict=True)
    )


# -- files ------------------------------------------------------------------------------------------------------------


def write_score(folder: Path, score: Score, sources: Mapping[str, Path] | None = None) -> None:
    """Write `score.json`, the table of rows and `responses.csv`, over those that are there: they can be made again.

    `score.json` names the software and the digests of what it was made from.

    Parameters
    ----------
    folder : of the session, or another that exists
    score : to write
    sources : files that it was made from, by what they are; None: those of the session in `folder`

    Raises
    ------
    Failure
        The disk did not take them.
    """
    made_from = {name: folder / file for name, file in SCORED_FILES.items()} if sources is None else sources
    document = {
        "software": f"behavior {__version__}",
        **{f"{name}_sha256": _sha256(file) for name, file in made_from.items() if file.is_file()},
        "rows_name": score.rows_name,
        "session": score.session,
        "problems": list(score.problems),
    }
    try:
        _replace(folder / f"{score.rows_name}.csv", _table(score.rows, (score.rows_name[:-1],)))
        _replace(folder / "responses.csv", _table(score.responses, RESPONSE_COLUMNS))
        _replace(folder / SCORE_FILE, json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
    except OSError as error:
        raise Failure(
            f"{folder}: the score cannot be written ({error.strerror}); close it in other programs, or free the disk, "
            "and rescore"
        ) from None


def read_score(folder: Path) -> Score:
    """Read what `write_score` wrote.

    Raises
    ------
    BadInput
        There is no score, or it is none of ours.
    """
    path = folder / SCORE_FILE
    try:
        document = tree(path.read_text(encoding="utf-8"))
        rows_name = document["rows_name"]
        if rows_name not in get_args(RowsName) or not isinstance(document["session"], dict):
            raise ValueError(rows_name)
        rows, responses = (_read_table(folder / f"{name}.csv") for name in (rows_name, "responses"))
        return Score(document["session"], rows, rows_name, responses, tuple(document["problems"]))
    except FileNotFoundError as error:
        raise BadInput(f"{error.filename}: there is no such file; score the session with `behavior rescore`") from None
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        raise BadInput(f"{path}: is not a score of this version; make it again with `behavior rescore`") from None


def _table(rows: Sequence[Row], columns_if_empty: tuple[str, ...]) -> str:
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(rows[0] if rows else columns_if_empty)
    table.writerows([_cell(value) for value in row.values()] for row in rows)
    return stream.getvalue()


def _cell(value: Value) -> Value:
    return str(value).lower() if isinstance(value, bool) else value


def _read_table(path: Path) -> tuple[Row, ...]:
    with path.open(newline="", encoding="utf-8") as stream:
        return tuple(
            {column: _value(text, text_only=column in _TEXT) for column, text in row.items()}
            for row in csv.DictReader(stream)
        )


def _value(text: str, *, text_only: bool) -> Value:
    if not text:
        return None
    if text_only:
        return text
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8", newline="")
    partial.replace(path)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
