"""Neurodata Without Borders (NWB 2.10 and later, core `EventsTable`): what DANDI and its tools read. Extra `nwb`.

| in the file | what |
|---|---|
| `/events/LeverPressed`, `/events/Deliver` … | a table for each kind of event and command, times in s of the session |
| `/events/calls` | vocalizations, with onset on the session's clock, duration and all columns of the call table |
| `/intervals/trials`, `/intervals/components` | trials and components with the columns of their score |
| `/general/subject`, `/general/pharmacology` | subject; what it was given, or the blind code and nothing else |
| `/acquisition/recordings` | the sound, as files beside this one: relative path, first sample, rate, length, SHA-256 |
| `/general/notes` | the session's header as JSON, so that a file read here is the session that was written |

Sound stays in its own file: core NWB has no type for sound in an external file, so the recordings are a table that
names them. Species and sex come from the study file beside the dataset, because a session's header does not have them.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from behavior.formats.calls import digits
from behavior.formats.extras import needed
from behavior.formats.format import Format
from behavior.formats.hdf5 import read_apart
from behavior.formats.own import example_session
from behavior.formats.record import SessionRecord
from behavior.formats.rows import KINDS, about, is_event, item_of, record_of_about, seconds_text
from behavior.model.calls import CALL_COLUMNS, Call
from behavior.model.doses import Treatment
from behavior.model.errors import BadInput, Failure
from behavior.scoring.score import score_items
from behavior.scoring.timeline import Window
from behavior.session.journal import Item

_MARK = b"\x89HDF\r\n\x1a\n"
_CALLS, _RECORDINGS = "calls", "recordings"
SPECIES = {"rat": "Rattus norvegicus", "mouse": "Mus musculus"}
"""Latin names, as NWB wants them."""
_SEXES = {"male": "M", "female": "F"}
_SEQUENCE = "sequence"
_RENAMED = {"name": "component"}
"""A table of NWB has a name itself, and so no column that is called so."""
_OURS = {theirs: ours for ours, theirs in _RENAMED.items()}
_DESCRIPTIONS = {
    _SEQUENCE: "Place in the session's journal, from 0, over all tables",
    "host_us": "When the host wrote it down, on the session's clock, us",
}


# -- writing ----------------------------------------------------------------------------------------------------------


def write(path: Path, record: SessionRecord) -> None:
    """Write a session as an NWB file.

    Raises
    ------
    BadInput
        The file is there already, its folder is not, the session's start has no time zone, or the extra is missing.
    Failure
        The disk did not take it; no half of it stays.
    """
    pynwb = needed("pynwb", "nwb", "NWB")
    if path.exists():
        raise BadInput(f"{path}: is there already and is not overwritten; choose another name")
    if not path.parent.is_dir():
        raise BadInput(f"{path}: there is no folder {path.parent}; make it first")
    partial = path.with_name(f".{path.name}.partial")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = _file(pynwb, path, record)
            with pynwb.NWBHDF5IO(str(partial), "w") as io:
                io.write(file)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise Failure(f"{path}: cannot be written ({error.strerror or error}); check the folder and the disk") from None


def _file(pynwb: Any, path: Path, record: SessionRecord) -> Any:
    header = record.header
    started = datetime.fromisoformat(header.started_at)
    if started.tzinfo is None:
        raise BadInput(f"{record.name}: its start has no time zone, which NWB needs; import it with --time-zone")
    journal = "".join(seconds_text(getattr(item, "at_us", 0)) + repr(item) for item in record.items)
    file = pynwb.NWBFile(
        session_description=f"{header.paradigm}, {header.arm or 'no arm'}: {record.timeline.ended or 'not closed'}",
        identifier=hashlib.sha256(f"{header}{journal}".encode()).hexdigest(),
        session_start_time=started,
        session_id=f"{header.subject}-{started:%Y%m%dT%H%M%S}".replace("/", "-"),
        experimenter=[_last_first(header.experimenter)],
        experiment_description=f"Behavioral pharmacology, paradigm {header.paradigm}, study {header.study or 'none'}",
        keywords=["behavioral pharmacology", header.paradigm],
        pharmacology=pharmacology(header.treatment),
        notes=json.dumps({**about(replace(record, calls=None)), "has_calls": record.calls is not None}),
        was_generated_by=[_name_and_version(header.software)],
    )
    file.subject = _subject(pynwb, record)
    for device in header.devices:
        what = f"{device.kind}, UID {device.uid}, firmware {device.firmware}"
        file.create_device(name=device.name.replace("/", "-"), description=what)
    for kind, rows in _by_kind(record).items():
        _add_events(file, kind, rows)
    _add_calls(file, record)
    _add_recordings(file, path, record)
    _add_windows(file, record)
    return file


def pharmacology(given: Treatment) -> str:
    """A treatment in a sentence; of a blinded session its code, and nothing that would tell more."""
    if given.blind_code is not None:
        return f"blind code {given.blind_code}; what it stands for is not known here"
    if given.dose_mg_kg is None:
        return "not recorded"
    substance = given.compound if given.dose_mg_kg else "vehicle alone"
    what = f"{substance or 'compound not recorded'}, {given.dose_mg_kg:g} mg/kg"
    details = (
        given.route,
        given.vehicle and f"in {given.vehicle}",
        None if given.pretreatment_min is None else f"{given.pretreatment_min:g} min before the session",
        given.precedes and f"before {given.precedes}",
    )
    return ", ".join([what, *(str(part) for part in details if part)])


def lacking(record: SessionRecord) -> tuple[str, ...]:
    """What DANDI asks for and nobody wrote down."""
    animals = record.animals
    if animals is None:
        return ("species, sex and age of the subject are not known; put study.toml with them beside the sessions",)
    if animals.age_weeks is None:
        return ("the age of the subject is not known; add age_weeks to the animals in study.toml",)
    return ()


def _name_and_version(software: str) -> tuple[str, str]:
    """Such as behavior and 0.1.0; of an imported session the other system, and by what it was imported."""
    name, _, version = software.partition(" ")
    return name, version or "unknown"


def _last_first(name: str) -> str:
    """As NWB wants a person's name: last name, first name."""
    words = name.split()
    return name if "," in name or len(words) < 2 else f"{words[-1]}, {' '.join(words[:-1])}"


def _subject(pynwb: Any, record: SessionRecord) -> Any:
    header, animals = record.header, record.animals
    species = None if animals is None else SPECIES.get(animals.species.lower(), animals.species)
    return pynwb.file.Subject(
        subject_id=header.subject.replace("/", "-"),
        description=f"Subject {header.subject}",
        species=species,
        strain=None if animals is None else animals.strain,
        sex="U" if animals is None else _SEXES.get(animals.sex.lower(), "U"),
        age=None if animals is None or animals.age_weeks is None else f"P{round(7 * animals.age_weeks)}D",
        weight=None if header.weight_g is None else f"{header.weight_g / 1000:g} kg",
    )


def _by_kind(record: SessionRecord) -> dict[str, list[tuple[float, dict[str, Any]]]]:
    """Rows of each kind of item: time in s, and columns."""
    hosts: Sequence[int | None] = record.host_us or [None] * len(record.items)
    kinds: dict[str, list[tuple[float, dict[str, Any]]]] = {}
    now_us = 0
    for sequence, (item, host_us) in enumerate(zip(record.items, hosts, strict=True)):
        at_us = getattr(item, "at_us", now_us)
        now_us = max(now_us, at_us)
        fields = (name for name in item.__struct_fields__ if name != "at_us")
        row = {_RENAMED.get(name, name): _value(getattr(item, name)) for name in fields}
        row |= {_SEQUENCE: sequence} | ({} if host_us is None else {"host_us": host_us})
        kinds.setdefault(type(item).__name__, []).append((at_us / 1e6, row))
    return kinds


def _value(value: Any) -> Any:
    if value is None:
        return math.nan
    return json.dumps(value) if isinstance(value, tuple) else value


def _add_events(file: Any, kind: str, rows: Sequence[tuple[float, Mapping[str, Any]]]) -> None:
    said = (KINDS[kind].__doc__ or kind).split("\n")[0].rstrip(".")
    source = "reported by the devices or the host" if is_event(kind) else "commanded by the session"
    table = file.create_events_table(
        name=kind,
        description=f"{said}. Times are those of the session's clock: s since its start.",
        source_description=source,
    )
    for name in rows[0][1]:
        table.add_column(name=name, description=_DESCRIPTIONS.get(name, name.replace("_", " ")))
    for time_s, row in rows:
        table.add_row(timestamp=time_s, **row)


def _add_calls(file: Any, record: SessionRecord) -> None:
    """Calls on the session's clock; an empty list is known from the notes."""
    if not record.calls:
        return
    begins_s = {recording.file: recording.began_us / 1e6 for recording in record.timeline.recordings}
    table = file.create_events_table(
        name=_CALLS,
        description="Ultrasonic vocalizations: onset on the session's clock, s, and duration, s.",
        source_description="found in the recordings by the detector",
    )
    table.add_column(name="duration", description="From onset to offset, s")
    for name in CALL_COLUMNS:
        table.add_column(name=name, description=f"Column {name} of the call table, times from the recording's begin")
    for call in record.calls:
        values = {name: getattr(call, name) for name in CALL_COLUMNS}
        time_s = begins_s.get(call.file, 0.0) + call.onset_s
        table.add_row(timestamp=time_s, duration=call.duration_s, **values)


def _add_recordings(file: Any, path: Path, record: SessionRecord) -> None:
    """The sound, where it is."""
    if not record.sound:
        return
    common = needed("hdmf.common", "nwb", "NWB")
    table = common.DynamicTable(name=_RECORDINGS, description="Sound of the session, in files beside this one.")
    columns = {
        "external_file": "Path from this file's folder",
        "start_time": "Of the first sample, s of the session",
        "rate": "Samples per second, Hz",
        "n_samples": "Length of the recording",
        "sha256": "Of the file",
    }
    for name, description in columns.items():
        table.add_column(name=name, description=description)
    begins = {one.file: one for one in record.timeline.recordings}
    for sound in record.sound:
        begun = begins.get(sound.name)
        table.add_row(
            external_file=Path(os.path.relpath(sound.resolve(), path.resolve().parent)).as_posix(),
            start_time=begun.began_us / 1e6 if begun else math.nan,
            rate=float(begun.sample_rate_hz) if begun else math.nan,
            n_samples=begun.n_samples if begun and begun.n_samples is not None else -1,
            sha256=_sha256(sound),
        )
    file.add_acquisition(table)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _add_windows(file: Any, record: SessionRecord) -> None:
    """Trials and components, with the columns of the score's rows where it has a row for each."""
    header, timeline = record.header, record.timeline
    score = score_items(header.paradigm, record.items, header.parameters, record.calls)
    epoch = needed("pynwb.epoch", "nwb", "NWB")
    for name, windows in (("trials", timeline.trials), ("components", timeline.components)):
        if not windows:
            continue
        scored = score.rows_name == name and len(score.rows) == len(windows)
        rows: Sequence[Mapping[str, Any]] = score.rows if scored else [{} for _ in windows]
        table = epoch.TimeIntervals(name=name, description=f"The {name} of the session, and how each is scored.")
        made = list(_window_rows(name[:-1], windows, rows))
        for column in made[0][1]:
            table.add_column(name=column, description=f"{column.replace('_', ' ')} of each of the {name}")
        for (begin_s, end_s), values in made:
            table.add_interval(start_time=begin_s, stop_time=end_s, **values)
        if name == "trials":
            file.trials = table
        else:
            file.add_time_intervals(table)


def _window_rows(
    what: str, windows: Sequence[Window], rows: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[tuple[float, float], dict[str, Any]]]:
    """Begin and end in s, and columns of one kind each: numbers, or text; what nobody knows in any row is no column."""
    taken = ("begin_s", what)
    known = [name for name in (rows[0] if rows else ()) if name not in taken]
    known = [name for name in known if any(row.get(name) is not None for row in rows)]
    words = {name for name in known if any(isinstance(row.get(name), str) for row in rows)}
    truths = {name for name in known if all(isinstance(row.get(name), bool) for row in rows)}
    for window, row in zip(windows, rows, strict=True):
        values: dict[str, Any] = {what: window.name}
        for name in known:
            value = row.get(name)
            if name in words:
                values[name] = "" if value is None else str(value)
            elif name in truths:
                values[name] = bool(value)
            else:
                values[name] = math.nan if value is None else float(value)
        yield (window.begin_us / 1e6, window.end_us / 1e6), values


# -- reading ----------------------------------------------------------------------------------------------------------


def read(path: Path) -> SessionRecord:
    """Read a session from a file that was written here.

    Raises
    ------
    BadInput
        It is no NWB file, or one of another program, or damaged.
    """
    if not path.exists():
        raise BadInput(f"{path}: there is no such file; check the name, or the folder you are in")
    try:
        with path.open("rb") as stream:
            if stream.read(len(_MARK)) != _MARK:
                raise ValueError("its first bytes are not those of HDF5")
        found = read_apart(path, "/general/notes", "/events")
        return _record(path, found.text, {kind: _rows(columns) for kind, columns in found.tables.items()})
    except BadInput:
        raise
    except Exception as error:  # noqa: BLE001 — whatever a file of another program leads the conversions into
        what = str(error).split("\n")[0][:100] or type(error).__name__
        raise BadInput(f"{path}: is no NWB file that can be read ({what}); check that it is the right file") from None


def _rows(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _record(path: Path, notes: str, tables: Mapping[str, list[dict[str, Any]]]) -> SessionRecord:
    if '"has_calls"' not in notes:
        raise BadInput(f"{path}: is an NWB file of another program; only those that were written here can be read back")
    found: list[tuple[int, Item, int | None]] = []
    for kind, rows in tables.items():
        if kind in KINDS:
            for row in rows:
                cells = {_OURS.get(name, name): _text(value) for name, value in row.items()}
                onset = seconds_text(round(float(row["timestamp"]) * 1e6))
                host = cells.get("host_us", "")
                found.append((int(cells[_SEQUENCE]), item_of(kind, cells, onset), int(host) if host else None))
    found.sort(key=lambda one: one[0])
    hosts = tuple(host for _, _, host in found if host is not None)
    items = tuple(item for _, item, _ in found)
    record = record_of_about(path, notes, items, hosts if len(hosts) == len(found) else ())
    if not json.loads(notes)["has_calls"]:
        return record
    calls = [{name: row[name] for name in CALL_COLUMNS} for row in tables.get(_CALLS, [])]
    return replace(record, calls=tuple(msgspec.convert(call, Call) for call in calls))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value != value:
        return ""
    if isinstance(value, float):
        return digits(value)
    return str(value).lower() if str(value) in ("True", "False") else str(value)


def _is_one(path: Path, head: bytes) -> bool:
    return head.startswith(_MARK) and path.suffix.lower() == ".nwb"


FORMAT = Format("nwb", "Neurodata Without Borders", "session", (".nwb",), _is_one, read, write, example_session)
