"""A session laid out as BIDS lays out behavior (Gorgolewski et al. 2016, Sci Data 3:160044): tables with sidecars.

    PATH/dataset_description.json, participants.tsv
    PATH/sub-R01/ses-20260302T090000/beh/
        sub-R01_ses-20260302T090000_task-gellerseifter_events.tsv   every event and command: onset, trial_type …
        sub-R01_ses-20260302T090000_task-gellerseifter_events.json  what the columns are, and the session's header
        sub-R01_ses-20260302T090000_task-gellerseifter_beh.tsv      the score's rows: trials, components or bins
        sub-R01_ses-20260302T090000_task-gellerseifter_beh.json     what they are, and the measures of the session

BIDS-like, because BIDS knows no rat in a chamber: names and tables follow the standard, `trial_type` is the kind of
event, and a blinded session has its code and no dose.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from behavior import __version__
from behavior.formats.format import Format
from behavior.formats.own import example_session
from behavior.formats.record import SessionRecord
from behavior.formats.rows import FIELDS, about, items_of_rows, record_of_about, rows_of_record
from behavior.formats.text import read_text, write_new
from behavior.model.decode import Undecodable, tree
from behavior.model.errors import BadInput
from behavior.scoring.score import Score, score_items

_NONE = "n/a"
_COLUMNS = ("onset", "duration", "trial_type", *FIELDS, "host_us")
_KEY = "BehaviorSession"
_PARTICIPANTS = ("participant_id", "species", "strain", "sex")
_DESCRIPTION = "dataset_description.json"
_ABOUT = {
    "onset": {"Description": "Time since the start of the session", "Units": "s"},
    "duration": {"Description": "Not given: begins and ends are rows of their own", "Units": "s"},
    "trial_type": {"Description": "Kind of event (past tense) or command (imperative)"},
    "host_us": {"Description": "When the host wrote it down, on the session's clock", "Units": "us"},
}


def read(path: Path) -> SessionRecord:
    """Read the one session of a folder.

    Raises
    ------
    BadInput, BadFile
        There is none, or several, or it was not written here.
    """
    if not path.exists():
        raise BadInput(f"{path}: there is no such folder; check the name, or the folder you are in")
    tables = sorted(path.rglob("*_events.tsv")) if path.is_dir() else []
    if len(tables) != 1:
        what = f"there are {len(tables)} sessions in it" if tables else "no *_events.tsv is in it"
        raise BadInput(f"{path}: is no folder of one BIDS session: {what}; name another")
    return read_table(tables[0])


def read_table(table: Path) -> SessionRecord:
    """Read the session whose table of events this is.

    Raises
    ------
    BadInput, BadFile
        It was not written here, or is damaged.
    """
    sidecar = table.with_suffix(".json")
    rows = [
        (line, {name: "" if cell == _NONE else _unescaped(cell) for name, cell in row.items()})
        for line, row in _read_tsv(table)
    ]
    items, hosts = items_of_rows(table, [(line, row | {"kind": row.get("trial_type", "")}) for line, row in rows])
    text = read_text(sidecar, "a sidecar")
    try:
        plain = tree(text).get(_KEY, {})
    except (Undecodable, AttributeError):
        raise BadInput(f"{sidecar}: is no JSON that this program wrote; restore it") from None
    return record_of_about(sidecar, json.dumps(plain), items, hosts)


def _read_tsv(path: Path) -> list[tuple[int, dict[str, str]]]:
    lines = read_text(path, "a table of events").split("\n")
    columns = lines[0].split("\t")
    if columns[:3] != list(_COLUMNS[:3]):
        raise BadInput(f"{path}: is no table of events: it must begin with onset, duration, trial_type; restore it")
    return [
        (number, dict(zip(columns, line.split("\t"), strict=False)))
        for number, line in enumerate(lines[1:], start=2)
        if line
    ]


def write(path: Path, record: SessionRecord) -> None:
    """Write a session into a new folder.

    Raises
    ------
    BadInput
        The folder is there already, or the session cannot be scored.
    """
    if path.exists():
        raise BadInput(f"{path}: is there already and is not overwritten; choose another name")
    add(path, record)


def add(path: Path, record: SessionRecord) -> Path:
    """Write a session into a BIDS folder, which is made if need be; its table of events.

    Raises
    ------
    BadInput
        The session is in it already, or cannot be scored.
    """
    header = record.header
    score = score_items(header.paradigm, record.items, header.parameters, record.calls)
    subject, session, task = (_label(text) for text in (header.subject, header.started_at[:19], header.paradigm))
    folder = path / f"sub-{subject}" / f"ses-{session}" / "beh"
    stem = folder / f"sub-{subject}_ses-{session}_task-{task}"
    table = stem.with_name(stem.name + "_events.tsv")
    if table.exists():
        raise BadInput(f"{table}: is there already and is not overwritten; choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be made ({error.strerror}); choose another folder") from None
    if not (path / _DESCRIPTION).exists():
        write_new(path / _DESCRIPTION, _json(_description(record)))
    _add_participant(path / "participants.tsv", f"sub-{subject}", record)
    rows = [{**row, "trial_type": row["kind"]} for row in rows_of_record(record)]
    write_new(table, _tsv(_COLUMNS, rows))
    sidecar = {**_ABOUT, "TaskName": header.paradigm, _KEY: about(record)}
    write_new(table.with_suffix(".json"), _json(sidecar))
    columns = tuple(score.rows[0]) if score.rows else (score.rows_name[:-1],)
    texts = [{name: _text(value) for name, value in row.items()} for row in score.rows]
    write_new(stem.with_name(stem.name + "_beh.tsv"), _tsv(columns, texts))
    write_new(stem.with_name(stem.name + "_beh.json"), _json(_beh(score, columns)))
    return table


def _add_participant(path: Path, name: str, record: SessionRecord) -> None:
    """A row for the subject, if it has none."""
    if not path.exists():
        write_new(path, _tsv(_PARTICIPANTS, []))
    text = path.read_text(encoding="utf-8")
    if any(line.split("\t")[0] == name for line in text.splitlines()):
        return
    animals = record.animals
    row = {"participant_id": name}
    if animals is not None:
        row |= {"species": animals.species, "strain": animals.strain, "sex": animals.sex}
    with path.open("a", encoding="utf-8", newline="") as stream:
        stream.write(_tsv(_PARTICIPANTS, [row]).decode().split("\n", 1)[1])


def _label(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", text) or "none"


def _description(record: SessionRecord) -> dict[str, Any]:
    return {
        "Name": record.header.study or record.header.paradigm,
        "BIDSVersion": "1.10.0",
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "behavior", "Version": __version__}],
    }


def _beh(score: Score, columns: Sequence[str]) -> dict[str, Any]:
    from behavior.model.measures import MEASURES

    measures = {name: value for name, value in score.session.items() if value is not None}
    labels = {name: {"Description": MEASURES[name].label} for name in measures if name in MEASURES}
    rows = {name: {"Description": f"{name} of each of the {score.rows_name}"} for name in columns}
    return {**rows, "Measures": measures, "MeasureLabels": labels}


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()


def _tsv(columns: Sequence[str], rows: Sequence[dict[str, str]]) -> bytes:
    stream = io.StringIO()
    table = csv.writer(stream, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
    table.writerow(columns)
    table.writerows([_escaped(row.get(column, "")) or _NONE for column in columns] for row in rows)
    return stream.getvalue().encode()


_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


def _escaped(text: str) -> str:
    """A cell of a table that has no quotes; a text that reads "n/a" is told from a missing one."""
    for sign, written in _ESCAPES:
        text = text.replace(sign, written)
    return "\\_" + text if text == _NONE else text


def _unescaped(text: str) -> str:
    signs = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r", "\\_": ""}
    return re.sub(r"\\[\\tnr_]", lambda match: signs[match[0]], text)


def _is_one(path: Path, head: bytes) -> bool:
    return path.is_dir() and (path / _DESCRIPTION).is_file() and any(path.rglob("*_events.tsv"))


FORMAT = Format("bids", "BIDS-like folder", "session", ("/",), _is_one, read, write, example_session)
