"""Verify a dataset beside its sessions: log, sealed key, plan, raw files, scores, exclusions and the unblinding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from behavior.config.read import read
from behavior.config.study import Study
from behavior.model.errors import BadInput
from behavior.study.audit import AuditLog, read_audit
from behavior.study.blinding import KEY_FILE, sealed_bytes
from behavior.study.designed import DESIGNED
from behavior.study.evidence import against_log, file_sha256, known, session_name
from behavior.study.plan import PLAN_FILE
from behavior.study.unblind import changed_since_lock, changes_after, opened_key

STUDY_FILE = "study.toml"


@dataclass(frozen=True, slots=True)
class DatasetVerification:
    """What was found. `problems` are what does not hold, `remarks` what is worth knowing and not wrong."""

    head: str
    n_entries: int
    problems: tuple[str, ...]
    remarks: tuple[str, ...]


def verify_dataset(dataset: Path, *, head: str | None = None) -> DatasetVerification:
    """Check a dataset against its audit log.

    Parameters
    ----------
    dataset : a folder with an audit log
    head : digest of an entry that was put on record elsewhere, as in a report: the log must still hold it

    Raises
    ------
    BadInput
        The log cannot be read at all.
    """
    log = read_audit(dataset)
    names = [session_name(dataset, header.parent) for header in sorted(dataset.rglob("header.json"))]
    problems = [f"audit.jsonl: {problem}" for problem in log.problems]
    if head is not None and not any(entry.digest == head for entry in log.entries):
        problems.append(f"audit.jsonl: holds no entry {head}; its end was cut, or it was written anew")
    problems += against_log(dataset, log, names)
    problems += _files_of_the_design(dataset, log)
    problems += _key(dataset, log)
    return DatasetVerification(log.head, len(log.entries), tuple(problems), tuple(_remarks(dataset, log, names)))


def _files_of_the_design(dataset: Path, log: AuditLog) -> Iterator[str]:
    designed = next(log.of(DESIGNED), None)
    for name, digest in (dict(designed.new) if designed else {}).items():
        path = dataset / name
        if not path.is_file():
            yield f"{name}: is gone, which `behavior design` wrote; restore it from a copy"
        elif file_sha256(path) != digest:
            yield f"{name}: is not the one that `behavior design` wrote; restore it from a copy"


def _key(dataset: Path, log: AuditLog) -> Iterator[str]:
    if not (dataset / STUDY_FILE).is_file():
        return
    try:
        study = read(dataset / STUDY_FILE, Study)
        if study.key is None:
            return
        sealed_bytes(dataset / KEY_FILE, study)
        plan = dataset / PLAN_FILE
        if plan.is_file() and hashlib.sha256(plan.read_bytes()).hexdigest() != study.key.plan_sha256:
            yield f"{PLAN_FILE}: is not the plan that the study file remembers; restore it from a copy"
        opened_key(dataset, log)
    except BadInput as error:
        yield str(error)


def _remarks(dataset: Path, log: AuditLog, names: list[str]) -> Iterator[str]:
    raw, _ = known(log)
    for name in names:
        if name not in raw:
            yield f"{name}: is not on record in the audit log; nothing tells whether it was changed since it was run"
    yield from changes_after(log)
    for name in changed_since_lock(dataset, log):
        yield f"{name}: its score is not the one that was locked before the unblinding"
