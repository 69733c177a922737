"""From session folders to tidy tables: one row a session, and one row a component, bin, trial or call.

Rules. Every session that has a header is a row, whatever became of it; `left_out` says why it is not analysed, and is
empty where it is. Nothing is repaired and nothing is dropped in silence: what is wrong becomes a warning that says what
to do. The reasons for leaving a session out are fixed here, ahead of any data, and are the same for every dose:

1.  nobody closed it (no footer), or it ended for another reason than `completed`;
2.  its journal is damaged, or is not the one that was closed;
3.  it has no score, or one that was made from another journal;
4.  the study does not know its arm, its compound or its dose, or it has no dose;
5.  it is of a stage that prepares for the test;
6.  somebody excluded it, with a rule and a reason (`study.exclusions`).

A blinded session (a code and no dose) is a row without a dose: it can be checked, and not be summarized per dose.
Once the study is unblinded, `key.json` gives each code its dose.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behavior.config.read import read
from behavior.config.study import TEST, Study
from behavior.model.decode import tree
from behavior.model.errors import BadInput
from behavior.model.measures import MEASURES
from behavior.model.session import SessionHeader
from behavior.session.folder import SessionFolder
from behavior.study.audit import AUDIT_FILE, AuditLog, read_audit
from behavior.study.blinding import Administration, Key
from behavior.study.bottles import COLUMNS as INTAKE
from behavior.study.bottles import intakes
from behavior.study.checks import CHECKS, against_plan, not_run
from behavior.study.exclusions import Exclusion, exclusions
from behavior.study.plan import PLAN_FILE, PlanRow, arm_of_row, read_plan
from behavior.study.records import Records, missing_records, records_of, with_times
from behavior.study.screening import with_screening
from behavior.study.unblind import changed_since_lock, changes_after, opened_key

if TYPE_CHECKING:
    import pandas as pd

STUDY_FILE = "study.toml"
TABLES = ("components", "bins", "trials", "calls")
"""What a session may have beside its score, one CSV file each."""

DESCRIPTION = (
    "session", "subject", "study", "arm", "stage", "group", "unit", "cage", "paradigm", "compound", "dose_mg_kg",
    "vehicle", "route", "pretreatment_min", "precedes", "day", "period", "blind_code", "weight_g", "experimenter",
    "rig", "chamber", "started_at", "ended_at", "duration_s", "end_reason", "n_shocks", "shock_s", "n_deliveries",
    "n_responses", "simulated", "software", "scored_by", "journal_sha256", "score_sha256", "left_out",
)  # fmt: skip
"""The columns of the session table that come before the measures, in order."""

COMPLETED = "completed"
"""The reason in the footer of a session that ran to its planned end."""


@dataclass(frozen=True)
class Dataset:
    """A study's sessions as tables.

    Attributes
    ----------
    path : the folder
    study : what was planned, each group of an arm as an arm of its own; None for loose sessions
    sessions : one row a session: `DESCRIPTION`, the outcome measures, then whatever else the scores hold
    rows : the tables within sessions, by name; `session`, `subject`, `arm`, `dose_mg_kg` and `left_out` come first
    warnings : sentences for a person: what, where, what to do
    parameters : of each session's paradigm, by session
    plan : who was to get what, from the plan file; empty without one
    audit : the log of what was done to the records; without entries where there is none
    records : what was recorded of animals, preparations, administrations and bottles
    intake : what each cage drank of each bottle that was weighed, and the dose that this was
    """

    path: Path
    study: Study | None
    sessions: pd.DataFrame
    rows: dict[str, pd.DataFrame] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    plan: tuple[PlanRow, ...] = ()
    audit: AuditLog = field(default_factory=lambda: AuditLog(Path(AUDIT_FILE), (), ()))
    records: Records = field(default_factory=Records)
    intake: pd.DataFrame = field(default_factory=lambda: _empty())

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """What somebody left out, with rule and reason."""
        return tuple(exclusions(self.audit).values())

    @property
    def changes_after_unblinding(self) -> tuple[str, ...]:
        """What was done to records, scores and exclusions when the doses were known, each as a sentence."""
        return tuple(changes_after(self.audit))

    @property
    def missing_records(self) -> tuple[str, ...]:
        """What a careful reader asks of the records and they do not hold, each as a sentence."""
        return tuple(missing_records(self.study, self.plan, self.records))

    @property
    def measures(self) -> tuple[str, ...]:
        """The outcome measures that some session has."""
        return tuple(name for name in MEASURES if name in self.sessions.columns)

    @property
    def blinded(self) -> bool:
        """Whether some session carries a code and no dose."""
        coded = self.sessions["blind_code"].notna() & self.sessions["dose_mg_kg"].isna()
        return bool(coded.any())

    @property
    def analysed(self) -> pd.DataFrame:
        """The sessions that are not left out."""
        return self.sessions[self.sessions["left_out"] == ""]

    def folder(self, session: str) -> Path:
        """Where a session is."""
        return self.path / session


def _empty() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame()


def read_dataset(path: Path) -> Dataset:
    """Read the sessions in a folder, at any depth, and the study and the plan beside them.

    Parameters
    ----------
    path : a folder that `behavior simulate` or `behavior run` wrote

    Raises
    ------
    BadInput
        There is no such folder, no session in it, or its study or plan file cannot be used.
    """
    import pandas as pd

    folders, warnings = _sessions_in(path)
    described = read(path / STUDY_FILE, Study) if (path / STUDY_FILE).exists() else None
    study = described.by_group() if described else None
    planned = read_plan(path / PLAN_FILE) if (path / PLAN_FILE).exists() else ()
    log = read_audit(path)
    warnings += [f"{AUDIT_FILE}: {problem}; `behavior verify` says more" for problem in log.problems]
    known = Known(described, study, planned, opened_key(path, log), exclusions(log))
    records: list[dict[str, Any]] = []
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    parameters: dict[str, dict[str, Any]] = {}
    for folder in folders:
        record = _record(folder, path, known, warnings)
        records.append(record)
        parameters[record["session"]] = dict(folder.header.parameters)
        for name, table in _tables(folder, record, warnings):
            parts[name].append(table)
    frame = pd.DataFrame(records)
    measured = [name for name in MEASURES if name in frame.columns]
    others = [name for name in frame.columns if name not in (*DESCRIPTION, *measured)]
    frame = frame[[*DESCRIPTION, *measured, *others]]
    frame = with_screening(_typed(frame, measured))
    rows = {name: pd.concat(tables, ignore_index=True) for name, tables in parts.items() if tables}
    warnings += [sentence for check in CHECKS for sentence in check(frame, study)]
    if planned:
        warnings += [*against_plan(frame, planned), *not_run(frame, planned)]
    warnings += [
        f"{name}: its score is not the one that was locked before the unblinding; see what was changed after it"
        for name in changed_since_lock(path, log)
    ]
    kept = with_times(records_of(log), [folder.header for folder in folders])
    drunk, odd = intakes(described, planned, kept.bottles, known.doses)
    intake = pd.DataFrame(drunk, columns=list(INTAKE)).sort_values(["unit", "day"], ignore_index=True)
    return Dataset(path, study, frame, rows, (*warnings, *odd), parameters, planned, log, kept, intake)


def write_tables(dataset: Dataset, out: Path) -> tuple[Path, ...]:
    """Write the tidy tables as CSV; the same dataset gives the same bytes.

    Parameters
    ----------
    out : a folder, made if need be

    Returns
    -------
    tuple of Path
        `sessions.csv` and one file for each table within sessions.
    """
    out.mkdir(parents=True, exist_ok=True)
    tables = {"sessions": dataset.sessions, **dataset.rows}
    if len(dataset.intake):
        tables["intake"] = dataset.intake
    for name, table in tables.items():
        table.to_csv(out / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")
    return tuple(out / f"{name}.csv" for name in tables)


def natural_order(name: str) -> tuple[tuple[bool, int, str], ...]:
    """A key that sorts names as people count.

    >>> sorted(["R100", "R9", "R88"], key=natural_order)
    ['R9', 'R88', 'R100']
    """

    def key(part: str) -> tuple[bool, int, str]:
        if not part.isdecimal():
            return True, 0, part
        digits = part.lstrip("0")  # of two numbers the one with more digits is larger, however many they are
        return False, len(digits), f"{digits} {part}"

    return tuple(key(part) for part in re.split(r"(\d+)", name))


# -- one session ------------------------------------------------------------------------------------------------------


def _sessions_in(path: Path) -> tuple[list[SessionFolder], list[str]]:
    """Every session that has a header, in order of path, and what is wrong with the others."""
    if not path.is_dir():
        raise BadInput(f"{path}: there is no such folder; name one that `behavior simulate` or `behavior run` wrote")
    folders: list[SessionFolder] = []
    warnings: list[str] = []
    found = {file.parent for name in ("header.json", "journal.jsonl") for file in path.rglob(name)}
    if not found:
        raise BadInput(f"{path}: no session in it (no header.json); name a folder that `behavior` wrote")
    for place in sorted(found):
        try:
            folders.append(SessionFolder(place))
        except BadInput as error:
            warnings.append(f"{error}; until then this session is not in any table")
    if not folders:
        raise BadInput(f"{path}: none of its {len(found)} sessions has a header that can be read: {warnings[0]}")
    return folders, warnings


@dataclass(frozen=True)
class Known:
    """What is known of a dataset's sessions from beside them."""

    described: Study | None
    """As its file says."""
    study: Study | None
    """As it is analysed."""
    plan: tuple[PlanRow, ...]
    key: Key | None
    """Opened; None while the study is blind."""
    excluded: dict[str, Exclusion]

    @cached_property
    def by_code(self) -> dict[str, list[PlanRow]]:
        """Planned sessions under each code."""
        found: dict[str, list[PlanRow]] = {}
        for row in self.plan:
            found.setdefault(row.blind_code or "", []).append(row)
        return found

    @cached_property
    def doses(self) -> dict[str, Administration]:
        """What is under each code."""
        return self.key.by_code() if self.key else {}

    def row(self, header: SessionHeader) -> PlanRow | None:
        """The session's row of the plan, where there is just one that it can be."""
        own = self.by_code.get(header.treatment.blind_code or "", [])
        rows = [row for row in own if row.subject == header.subject and header.arm in (None, row.arm)]
        rows = [row for row in rows if header.day in (None, row.day)] if len(rows) > 1 else rows
        if len(rows) > 1 and self.described is not None:
            arms = {arm.name: arm for arm in self.described.arms}
            rows = [row for row in rows if row.arm in arms and arms[row.arm].paradigm_at(row.stage) == header.paradigm]
        return rows[0] if len(rows) == 1 else None


def _record(folder: SessionFolder, dataset: Path, known: Known, warnings: list[str]) -> dict[str, Any]:
    """A session's row; `warnings` gets what a person should know of it."""
    header, given = folder.header, folder.header.treatment
    row, study, dose = known.row(folder.header), known.study, known.doses.get(given.blind_code or "")
    session = folder.path.relative_to(dataset).as_posix()
    record: dict[str, Any] = dict.fromkeys(DESCRIPTION)
    record |= {
        "session": session,
        "subject": header.subject,
        "study": header.study,
        "arm": arm_of_row(row) if row else _arm_name(folder, study),
        "stage": row.stage if row else None,
        "group": row.group or None if row else None,
        "unit": (row.unit if row else "") or header.subject,
        "cage": row.cage or None if row else None,
        "period": row.period if row else None,
        "paradigm": header.paradigm,
        "compound": dose.compound if dose else given.compound,
        "dose_mg_kg": dose.dose_mg_kg if dose else given.dose_mg_kg,
        "vehicle": given.vehicle,
        "route": given.route,
        "pretreatment_min": given.pretreatment_min,
        "precedes": given.precedes,
        "day": header.day,
        "blind_code": given.blind_code,
        "weight_g": header.weight_g,
        "experimenter": header.experimenter,
        "rig": header.rig,
        "chamber": header.chamber,
        "started_at": header.started_at,
        "simulated": header.simulated,
        "software": header.software,
    }
    try:
        _is_a_test(folder, study, row)
        record |= _closed(folder)
        measures, problems = _score(folder, record["journal_sha256"])
        record |= measures
        warnings += [f"{session}: {problem}; `behavior verify` says more" for problem in problems]
        _in_plan(record, study, known)
        _is_not_excluded(record, known.excluded)
        record["left_out"] = ""
    except _Preparatory as why:
        record["left_out"] = why.reason
        record |= _as_far_as_known(folder)
    except _LeftOut as why:
        record["left_out"] = why.reason
        warnings.append(f"{session}: is left out, {why.reason}; {why.advice}")
    return record


PREPARATION = frozenset({"training", "conditioning", "screening"})
"""Stages that prepare an animal for the test. A loose session of one would pass for a test under vehicle."""


def _is_not_excluded(record: dict[str, Any], excluded: dict[str, Exclusion]) -> None:
    """Whether nobody excluded the session or its subject."""
    for about in (record["session"], record["subject"]):
        if about in excluded:
            raise _LeftOut(str(excluded[about]), "the audit log says who excluded it and when")


def _is_a_test(folder: SessionFolder, study: Study | None, row: PlanRow | None) -> None:
    """Whether a session is one that doses are compared by; a study's own arms say so themselves."""
    stage = folder.header.parameters.get("stage")
    if row is not None and row.stage != TEST:
        raise _Preparatory(row.stage)
    if study is None and stage in PREPARATION:
        raise _LeftOut(f"it is a {stage} session", "summarize it with `behavior propose`, or name it in a study's arm")


class _LeftOut(Exception):
    """A session is not analysed: why, and what a person can do."""

    def __init__(self, reason: str, advice: str) -> None:
        self.reason, self.advice = reason, advice


class _Preparatory(_LeftOut):
    """A session of a stage before the test, which nobody needs to be warned of."""

    def __init__(self, stage: str) -> None:
        super().__init__(f"it is of the stage {stage}, which prepares for the test", "nothing is to be done")


def _closed(folder: SessionFolder) -> dict[str, Any]:
    """What the footer knows, once the journal is found to be the one that was closed."""
    try:
        footer = folder.footer
    except BadInput:
        raise _LeftOut("its footer cannot be read", "restore footer.json from the raw data") from None
    if footer is None:
        raise _LeftOut("nobody closed it (no footer)", "close it with `behavior resume`, or keep it left out")
    try:
        digest = hashlib.sha256(folder.journal_path.read_bytes()).hexdigest()
    except OSError:
        raise _LeftOut("it has no journal that can be read", "restore journal.jsonl from the raw data") from None
    if digest != footer.journal_sha256:
        raise _LeftOut(
            "its journal is not the one that was closed (SHA-256 differs)",
            "`behavior verify` names the line; restore it from the raw data",
        )
    if footer.reason != COMPLETED:
        raise _LeftOut(
            f"it ended early ({footer.reason}) after {footer.duration_s:.0f} s", "run the animal again, or keep it so"
        )
    return {
        "ended_at": footer.ended_at,
        "duration_s": footer.duration_s,
        "end_reason": footer.reason,
        "n_shocks": footer.n_shocks,
        "shock_s": footer.shock_s,
        "n_deliveries": footer.n_deliveries,
        "n_responses": footer.n_responses,
        "journal_sha256": digest,
    }


def _as_far_as_known(folder: SessionFolder) -> dict[str, Any]:
    """Footer and score of a preparatory session, for checks of baselines; nothing where they cannot be used."""
    try:
        closed = _closed(folder)
        return closed | _score(folder, closed["journal_sha256"])[0]
    except _LeftOut:
        return {}


def _score(folder: SessionFolder, journal_sha256: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The measures of a session, and what its scorer complained of.

    Read here and not by `read_score`, which reads every response too.
    """
    path, advice = folder.path / "score.json", "score it with `behavior rescore`"
    try:
        data = path.read_bytes()
        score = tree(data)
        measures = dict(score["session"])
        problems = tuple(str(problem) for problem in score.get("problems", ()))
    except FileNotFoundError:
        raise _LeftOut("it has no score", advice) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise _LeftOut("its score.json cannot be read", advice) from None
    now = {"journal": journal_sha256, "header": hashlib.sha256(folder.header_bytes).hexdigest()}
    if (folder.path / "calls.csv").is_file():
        now["calls"] = hashlib.sha256((folder.path / "calls.csv").read_bytes()).hexdigest()
    for name, digest in now.items():
        if score.get(f"{name}_sha256", digest) != digest:
            raise _LeftOut(f"its score was made from another {name}", advice)
    for name in MEASURES:
        if not _is_number(measures.get(name)):
            raise _LeftOut(f"its score has {name} = {measures[name]!r}, which is no number", advice)
    values = {name: value for name, value in measures.items() if name not in DESCRIPTION}
    by = score.get("software")
    return {**values, "scored_by": by, "score_sha256": hashlib.sha256(data).hexdigest()}, problems


def _is_number(value: object) -> bool:
    """Whether a measure can be one: a finite number, or None where the session does not define it."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value))


def _arm_name(folder: SessionFolder, study: Study | None) -> str | None:
    """As the header says; where it says nothing, the one arm of the study with this paradigm and compound.

    Loose sessions whose treatment preceded different stages stand apart: what a drug does to acquisition is not what
    it does to retrieval.
    """
    given = folder.header.treatment
    if folder.header.arm is None and study is None and given.precedes:
        return f"{folder.header.paradigm}, treated before {given.precedes}"
    if folder.header.arm is not None or study is None:
        return folder.header.arm
    same = [arm.name for arm in study.arms if arm.paradigm == folder.header.paradigm]
    closer = [arm.name for arm in study.arms if arm.name in same and arm.compound == given.compound]
    return next((names[0] for names in (closer, same) if len(names) == 1), None)


def _in_plan(record: dict[str, Any], study: Study | None, known: Known) -> None:
    """Whether a session belongs to the study."""
    dose, coded = record["dose_mg_kg"], record["blind_code"] is not None
    if coded and dose is None and known.key is not None:
        raise _LeftOut(f"its code {record['blind_code']} is not in the key", "say in the records what it was given")
    if dose is None and not coded:
        raise _LeftOut("it has neither dose nor blind code", "write what was given into the study's records")
    if dose is not None and not 0 <= dose < float("inf"):
        raise _LeftOut(f"a dose of {dose:g} mg/kg cannot be", "correct the plan, and say so in the study's records")
    if study is None:
        return
    arms = {arm.name: arm for arm in study.arms}
    if record["arm"] not in arms:
        what = "no arm is named" if record["arm"] is None else f"arm {record['arm']} is not in {STUDY_FILE}"
        raise _LeftOut(what, f"the study has {', '.join(arms)}; add the arm, or move the session elsewhere")
    if record["study"] not in (None, study.name):
        raise _LeftOut(f"it belongs to the study {record['study']}", "move it to the folder of that study")
    arm = arms[record["arm"]]
    if record["paradigm"] != arm.paradigm:
        raise _LeftOut(f"its paradigm is {record['paradigm']}", f"arm {arm.name} runs {arm.paradigm}; name its own arm")
    if dose is None:
        return
    if dose not in arm.doses_mg_kg:
        planned = ", ".join(f"{planned:g}" for planned in arm.doses_mg_kg)
        raise _LeftOut(f"{dose:g} mg/kg is no dose of arm {arm.name}", f"the plan has {planned}; amend {STUDY_FILE}")
    if dose > 0 and record["compound"] != arm.compound:
        raise _LeftOut(f"its compound is {record['compound']}", f"arm {arm.name} has {arm.compound}; name its own arm")


def _tables(folder: SessionFolder, record: dict[str, Any], warnings: list[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """The tables within a session, with the columns that say whose they are."""
    import pandas as pd

    for name in TABLES:
        path = folder.path / f"{name}.csv"
        if not path.exists():
            continue
        try:
            table = pd.read_csv(path)
        except (ValueError, OSError) as error:
            warnings.append(f"{record['session']}: {name}.csv is no table ({error}); make it with `behavior rescore`")
            continue
        keys = ("session", "subject", "arm", "dose_mg_kg", "left_out")
        table = table.drop(columns=[key for key in keys if key in table.columns])
        for place, key in enumerate(keys):
            table.insert(place, key, record[key])
        if len(table):
            yield name, table


def _typed(frame: pd.DataFrame, measures: list[str]) -> pd.DataFrame:
    """Numbers as numbers, so that a column that is missing everywhere does not become text."""
    numbers = ("dose_mg_kg", "pretreatment_min", "weight_g", "duration_s", "shock_s", *measures)
    counts = ("n_shocks", "n_deliveries", "n_responses", "period")
    return frame.astype(dict.fromkeys(numbers, "float64") | dict.fromkeys(counts, "Int64"))
