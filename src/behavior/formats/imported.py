"""Sessions that another control system ran, as sessions of ours: decoded by a profile, marked imported.

    sub-818/ses-20140131T111648_task-medpc-go-no-goleft-wnogo/
        header.json     with `imported`: file, its SHA-256, which of its sessions, profile and its SHA-256
        journal.jsonl   what was decoded
        source.txt      the file that it came from, byte for byte
        profile.toml    the profile that it was decoded by

From the last two the journal can be made again, and `behavior verify` does so. What no file says (who experimented,
which time zone, what was delivered) is not made up: the header's remarks name it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from behavior import __version__
from behavior.config.read import read_text, validate
from behavior.config.study import Arm
from behavior.formats import medpc, pycontrol
from behavior.formats.decode import DecodedSession, Item, decode_rows, decode_session, items_of
from behavior.formats.medpc import MedPCSession
from behavior.formats.profile import Profile, System
from behavior.formats.pycontrol import PyControlSession
from behavior.formats.record import SessionRecord, write_session
from behavior.formats.text import read_bytes
from behavior.model.doses import Treatment
from behavior.model.errors import BadFile, BadInput, Failure, Problem
from behavior.model.session import Imported, SessionHeader
from behavior.paradigms.catalogue import find_paradigm
from behavior.session.folder import SessionFolder
from behavior.study.plan import PlanRow

SourceSession: TypeAlias = MedPCSession | PyControlSession
PROFILE_FILE = "profile.toml"
_SOURCES = {"medpc": "source.txt", "pycontrol": "source.tsv"}
_NAMES = {"medpc": "MED-PC", "pycontrol": "pyControl"}
NOT_RECORDED = "not recorded"
_NUMBERS = ("weight_g", "dose_mg_kg", "pretreatment_min", "day")


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a control system, read.

    Attributes
    ----------
    path : where it was
    data : its bytes
    system : that wrote it
    sessions : in it
    """

    path: Path
    data: bytes
    system: System
    sessions: tuple[SourceSession, ...]

    @property
    def sha256(self) -> str:
        """Of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


def read_source(path: Path, system: System) -> Source:
    """Read a file of a control system.

    Raises
    ------
    BadInput
        It is none.
    """
    return Source(path, read_bytes(path), system, _sessions_of(path, system))


def _sessions_of(path: Path, system: System) -> tuple[SourceSession, ...]:
    return medpc.read(path).sessions if system == "medpc" else (pycontrol.read(path),)


def decode(session: SourceSession, profile: Profile, *, file: object) -> DecodedSession:
    """Decode a session of any control system.

    Raises
    ------
    BadFile
        It does not fit the profile.
    """
    if isinstance(session, PyControlSession):
        return decode_rows(session, profile, file=file)
    return decode_session(session, profile, file=file)


def record_of(
    source: Source, number: int, profile: Profile, profile_file: Path, planned: Planned | None = None
) -> SessionRecord:
    """One session of a file as a session of ours.

    Parameters
    ----------
    source : the file
    number : of its session, from 1
    profile, profile_file : that decode it
    planned : who was to get what; None: what the file and the profile say of the treatment

    Raises
    ------
    BadFile
        It does not fit the profile, or the plan does not know it; all at once.
    """
    session = source.sessions[number - 1]
    name = f"{source.path.name}, {session.name}"
    if session.program not in profile.programs:
        known = ", ".join(profile.programs)
        raise BadFile(name, [Problem("MSN", f"{session.program!r} is not what {profile_file.name} is for ({known})")])
    decoded = decode(session, profile, file=source.path)
    began = session.started
    over = session.ended or (began and began + timedelta(microseconds=decoded.end_us))
    started, ended = (_local(when, profile) for when in (began, over))
    given = described(session, profile, file=name)
    subject = str(given.get("subject") or _said(session, "Subject", "subject_id")).strip()
    if not re.search(r"[0-9A-Za-z]", subject):
        raise BadFile(name, [Problem("Subject", "is empty; write it into a copy of the file")])
    planned_here = planned.of(subject, started, file=name) if planned else {}
    given |= planned_here
    header = SessionHeader(
        software=f"{_NAMES[source.system]} (imported by behavior {__version__})",
        subject=subject,
        experimenter=given.get("experimenter") or profile.described.experimenter or NOT_RECORDED,
        weight_g=given.get("weight_g"),
        remarks=tuple(_remarks(decoded, profile)),
        treatment=_treatment(given, profile),
        study=given.get("study") or profile.described.study,
        arm=given.get("arm") or profile.described.arm,
        day=None if given.get("day") is None else int(given["day"]),
        paradigm=profile.paradigm or _plain(f"{source.system} {session.program}"),
        paradigm_sha256="",
        parameters=parameters_of(profile, file=profile_file),
        limits={},
        seed=0,
        rig=_NAMES[source.system],
        chamber=str(given.get("chamber") or _said(session, "Box", "setup_id")),
        started_at=started,
        imported=Imported(
            format=source.system,
            file=source.path.name,
            file_sha256=source.sha256,
            session=number,
            profile=profile_file.name,
            profile_sha256=hashlib.sha256(profile_file.read_bytes()).hexdigest(),
        ),
    )
    return SessionRecord(header, tuple(items_of(decoded)), ended_at=ended)


def _said(session: SourceSession, *keys: str) -> str:
    return next((session.header[key] for key in keys if session.header.get(key)), "")


def parameters_of(profile: Profile, *, file: object) -> dict[str, Any]:
    """The paradigm's parameters, those given and the usual ones for the rest; none without a paradigm."""
    if not profile.paradigm:
        return {}
    paradigm = find_paradigm(profile.paradigm)
    return validate(dict(profile.parameters), paradigm.parameters, file=file).model_dump(mode="json")


def described(session: SourceSession, profile: Profile, *, file: str) -> dict[str, Any]:
    """What the file's header says of treatment, weight and the like, by the profile's patterns.

    Raises
    ------
    BadFile
        A line is missing, or does not match its pattern, or a number is none.
    """
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    for one in profile.fields:
        text = session.header.get(one.field)
        match = None if text is None else re.search(one.pattern, text)
        if match is None:
            what = "is not in the header" if text is None else f"{text!r} does not match {one.pattern!r}"
            problems.append(Problem(one.field, f"{what}; correct the profile's fields"))
            continue
        for key, value in match.groupdict().items():
            if value is None:
                continue
            try:
                found[key] = float(value) if key in _NUMBERS else value.strip()
            except ValueError:
                problems.append(Problem(one.field, f"{key} must be a number (is {value!r}); correct the pattern"))
    if problems:
        raise BadFile(file, problems)
    return found


def _treatment(given: dict[str, Any], profile: Profile) -> Treatment:
    keys = ("compound", "dose_mg_kg", "vehicle", "route", "pretreatment_min", "precedes")
    values = {key: given.get(key, getattr(profile.described, key)) for key in keys}
    if given.get("blind_code"):
        hidden: dict[str, Any] = dict.fromkeys(("compound", "dose_mg_kg"))
        return Treatment(**(values | hidden), blind_code=given["blind_code"])
    return Treatment(**values)


def _remarks(decoded: DecodedSession, profile: Profile) -> Iterator[str]:
    yield "imported: another system ran this session; its limits and what it commanded are not known here"
    if profile.completed_from_s is None and not any(one.meaning.event == "session end" for one in decoded.events):
        yield "the file does not say why the session ended; it is taken for complete"
    if any(one.meaning.event in ("delivery", "shock", "shock on") for one in decoded.events):
        yield "deliveries and shocks are those that the program recorded; no current was measured"
    if not profile.time_zone:
        yield "the time zone is not known"


def _local(when: datetime | None, profile: Profile) -> str:
    if when is None:
        return ""
    if not profile.time_zone:
        return when.isoformat()
    try:
        return when.replace(tzinfo=ZoneInfo(profile.time_zone)).isoformat()
    except (KeyError, ValueError, OSError):
        raise BadInput(f'time zone {profile.time_zone!r} is not known; write it as in "Europe/Berlin"') from None


def _plain(text: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", text.lower()).strip("_")


# -- the plan ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Planned:
    """Who was to get what, when: a plan file, and the arms of the study beside it."""

    rows: Sequence[PlanRow]
    arms: Sequence[Arm] = ()
    study: str | None = None

    def of(self, subject: str, started: str, *, file: str) -> dict[str, Any]:
        """What the plan says of a session.

        Raises
        ------
        BadFile
            It has no row of this subject and day, or several.
        """
        rows = [row for row in self.rows if row.subject == subject]
        same = [row for row in rows if not row.starts_at or row.starts_at[:10] == started[:10]]
        if len(same) != 1:
            what = "several rows" if same else "no row"
            raise BadFile(
                file, [Problem("", f"the plan has {what} for {subject} on {started[:10]}; correct one of them")]
            )
        (row,) = same
        given: dict[str, Any] = {"arm": row.arm, "study": self.study, "blind_code": row.blind_code}
        given["dose_mg_kg"] = row.dose_mg_kg
        for arm in self.arms:
            if arm.name == row.arm:
                keys = ("compound", "vehicle", "route", "pretreatment_min", "precedes")
                given |= {key: getattr(arm, key) for key in keys}
        return given


# -- folders ----------------------------------------------------------------------------------------------------------


def imported_sessions(dataset: Path) -> dict[tuple[str, int], Path]:
    """The imported sessions that a dataset holds, by the digest of their file and their number in it."""
    found: dict[tuple[str, int], Path] = {}
    for place in sorted(dataset.glob("sub-*/*/header.json")):
        if one := SessionFolder(place.parent).header.imported:
            found[one.file_sha256, one.session] = place.parent
    return found


def import_session(
    dataset: Path,
    source: Source,
    record: SessionRecord,
    profile_file: Path,
    before: dict[tuple[str, int], Path],
) -> SessionFolder:
    """Write an imported session into a dataset.

    Parameters
    ----------
    dataset : its folder, made if need be
    source, record, profile_file : the file, its session, decoded, and by what
    before : what `imported_sessions` found; the new one is added

    Raises
    ------
    BadInput
        It is there already, or the place cannot be written to.
    """
    imported = record.header.imported
    assert isinstance(imported, Imported)
    key = (imported.file_sha256, imported.session)
    if key in before:
        raise BadInput(f"{before[key]}: this session was imported already; remove the folder to import it again")
    beside = ((_SOURCES[source.system], source.data), (PROFILE_FILE, profile_file.read_bytes()))
    folder = write_session(dataset, record, beside)
    before[key] = folder.path
    return folder


def decoded_again(folder: SessionFolder) -> list[Item]:
    """The items of an imported session, made again from the source and the profile in its folder.

    Raises
    ------
    Failure
        Source or profile are not those that it was imported from.
    """
    imported = folder.header.imported
    assert isinstance(imported, Imported)
    system: System = "pycontrol" if imported.format == "pycontrol" else "medpc"
    path, profile_path = folder.path / _SOURCES[system], folder.path / PROFILE_FILE
    for file, digest in ((path, imported.file_sha256), (profile_path, imported.profile_sha256)):
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            raise Failure(f"{folder.name} does not hold: {file.name} is not the one that it was imported from")
    profile = read_text(profile_path.read_text(encoding="utf-8"), Profile, file=profile_path)
    sessions = read_source(path, system).sessions
    if not 1 <= imported.session <= len(sessions):
        raise Failure(f"{folder.name} does not hold: {path.name} has no session {imported.session}")
    return items_of(decode(sessions[imported.session - 1], profile, file=path))
