"""Unblinding: scores and exclusions are locked first, then the key is opened, and both are on record.

1.  `locked`: digests of every score, every raw file and every exclusion as they are.
2.  The key is opened. If that fails, `not opened` is on record.
3.  `unblinded`: who, why, the digest of the opened key, and of the lock. The doses stand in `key.json` from then on.

What is changed later is labelled so: `changes_after` lists it for the report.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from behavior.config.study import Study
from behavior.model.errors import BadInput, BehaviorError
from behavior.session.folder import find_sessions
from behavior.study.audit import UNBLINDED, AuditLog, Entry, append, read_audit
from behavior.study.blinding import KEY_FILE, OPENED_FILE, Key, open_key, read_key, sealed_bytes
from behavior.study.evidence import RAW, SCORED, SCORES, against_log, digests, session_name
from behavior.study.exclusions import EXCLUDED, INCLUDED, exclusions

LOCKED, NOT_OPENED, OPENED = "locked", "key not opened", "key opened"


def opened(dataset: Path, passphrase: str, study: Study, *, who: str, reason: str) -> Key:
    """Open the key for a purpose that is put on record: a sheet for the preparer, a simulation.

    Raises
    ------
    BadInput
        It cannot be opened; that is put on record too.
    """
    sealed_bytes(dataset / KEY_FILE, study)
    try:
        key = open_key(dataset, passphrase, study)
    except BadInput as error:
        append(dataset, NOT_OPENED, KEY_FILE, who=who, reason=str(error).partition(": ")[2])
        raise
    append(dataset, OPENED, KEY_FILE, who=who, reason=reason)
    return key


def lock(dataset: Path, *, who: str) -> str:
    """Put the scores, raw files and exclusions on record as they are; the digest of the entry."""
    new = {
        "sessions": {
            session_name(dataset, folder.path): {
                "raw": digests(folder.path, RAW),
                "score": digests(folder.path, SCORES),
            }
            for folder in find_sessions(dataset)
        },
        "exclusions": [asdict(one) for one in exclusions(read_audit(dataset).trusted()).values()],
    }
    return append(dataset, LOCKED, "scores and exclusions", who=who, new=new).digest


def unblind(dataset: Path, passphrase: str, study: Study, *, who: str, reason: str) -> Key:
    """Unblind a study.

    Returns
    -------
    Key
        Which dose is under which code.

    Raises
    ------
    BadInput
        It is unblinded already, has no key, or the passphrase is wrong; no dose is shown.
    Failure
        The audit log does not hold.
    """
    log = read_audit(dataset).trusted()
    if log.unblinded is not None:
        return _again(dataset, passphrase, study, log.unblinded, who=who)
    sealed_bytes(dataset / KEY_FILE, study)
    names = [session_name(dataset, header.parent) for header in sorted(dataset.rglob("header.json"))]
    if not names:
        raise BadInput(f"{dataset}: has no session yet; a study is unblinded when its sessions are scored")
    if changed := list(against_log(dataset, log, names)):
        raise BadInput(f"{dataset}: nothing is unblinded while records do not hold: {'; '.join(changed)}")
    locked = lock(dataset, who=who)
    try:
        key = open_key(dataset, passphrase, study)
    except BehaviorError as error:
        append(dataset, NOT_OPENED, KEY_FILE, who=who, reason=str(error).partition(": ")[2])
        raise
    data = key.encoded()
    new = {"key_sha256": hashlib.sha256(data).hexdigest(), "locked": locked, "n_codes": len(key.administrations)}
    append(dataset, UNBLINDED, KEY_FILE, who=who, new=new, reason=reason)
    _write(dataset / OPENED_FILE, data)
    return key


def _again(dataset: Path, passphrase: str, study: Study, unblinded: Entry, *, who: str) -> Key:
    """The opened key once more, where its file was lost."""
    if (dataset / OPENED_FILE).exists():
        raise BadInput(f"{dataset}: was unblinded by {unblinded.who} at {unblinded.at}; its doses are in {OPENED_FILE}")
    key = opened(dataset, passphrase, study, who=who, reason=f"{OPENED_FILE} was lost")
    _write(dataset / OPENED_FILE, key.encoded())
    return key


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror}); mend that and unblind again") from None


def opened_key(dataset: Path, log: AuditLog) -> Key | None:
    """Which dose is under which code, once the study is unblinded; None before.

    Raises
    ------
    BadInput
        The opened key is not the one that was opened, or nobody unblinded the study.
    """
    path = dataset / OPENED_FILE
    if log.unblinded is None:
        if path.exists():
            raise BadInput(f"{path}: this study was not unblinded, yet its key lies open; see the audit log")
        return None
    try:
        data = path.read_bytes()
    except OSError:
        raise BadInput(f"{path}: the opened key is missing; open it again with `behavior unblind`") from None
    if hashlib.sha256(data).hexdigest() != log.unblinded.told("key_sha256", str):
        raise BadInput(f"{path}: is not the key that was opened (SHA-256 differs); restore it from a copy")
    return read_key(data, file=path)


def changes_after(log: AuditLog) -> list[str]:
    """What was changed after the unblinding, each a sentence for the report."""
    words: dict[str, Any] = {SCORED: "scored again", EXCLUDED: "excluded", INCLUDED: "taken back in"}
    return [
        f"{entry.about}: {words.get(entry.action, entry.action)} after unblinding, {entry.at[:16].replace('T', ' ')}, "
        f"by {entry.who}{f' ({entry.reason})' if entry.reason else ''}"
        for entry in log.entries
        if entry.after_unblinding
    ]


def changed_since_lock(dataset: Path, log: AuditLog) -> list[str]:
    """Sessions whose score is not the one that was locked before the unblinding."""
    if log.unblinded is None:
        return []
    named = log.unblinded.told("locked", str)
    locked = next((entry for entry in log.of(LOCKED) if entry.digest == named), None)
    if locked is None:
        return []
    sessions = locked.told("sessions", dict).items()
    return [name for name, was in sessions if digests(dataset / name, SCORES) != dict(was["score"])]
