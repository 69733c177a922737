"""What the audit log knows of sessions: digests of their raw files and of their scores, and whether these still hold.

Raw files are header, journal, footer and sound: nothing may ever change them. Scores can be made again; each time they
are, the log says so. A journal that was rewritten together with its footer still differs from the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from behavior.session.folder import SessionFolder
from behavior.study.audit import AuditLog, Entry, append

RAW = ("header.json", "journal.jsonl", "footer.json", "audio*.flac", "audio*.wav")
SCORES = ("score.json", "components.csv", "bins.csv", "trials.csv", "responses.csv", "calls.csv")
"""What a summary reads of a score."""
RECORDED, SCORED = "recorded", "scored"
Digests = dict[str, str]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read by pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(folder: Path, names: tuple[str, ...]) -> Digests:
    """SHA-256 of those of these files (or patterns) that are there, by name."""
    found = {path.name: path for name in names for path in sorted(folder.glob(name))}
    return {name: file_sha256(path) for name, path in found.items()}


def register(dataset: Path, folder: SessionFolder, *, who: str, at: str | None = None) -> Entry:
    """Put a session's raw files and score on record, when it is over."""
    new = {"raw": digests(folder.path, RAW), "score": digests(folder.path, SCORES)}
    return append(dataset, RECORDED, session_name(dataset, folder.path), who=who, at=at, new=new)


def register_score(dataset: Path, folder: Path, before: Digests, *, who: str, reason: str = "") -> Entry | None:
    """Put a score that was made again on record, if it differs from the one that stood there."""
    after = digests(folder, SCORES)
    if after == before:
        return None
    return append(dataset, SCORED, session_name(dataset, folder), who=who, old=before, new=after, reason=reason)


def session_name(dataset: Path, folder: Path) -> str:
    """A session's name in its dataset: its path there."""
    return folder.resolve().relative_to(dataset.resolve()).as_posix()


def known(log: AuditLog) -> tuple[dict[str, Digests], dict[str, Digests]]:
    """Raw files and score of each session as last put on record."""
    raw: dict[str, Digests] = {}
    scores: dict[str, Digests] = {}
    for entry in log.of(RECORDED, SCORED):
        if entry.action == RECORDED:
            raw[entry.about], scores[entry.about] = dict(entry.told("raw", dict)), dict(entry.told("score", dict))
        else:
            scores[entry.about] = dict(entry.new) if isinstance(entry.new, dict) else {}
    return raw, scores


def against_log(dataset: Path, log: AuditLog, sessions: list[str]) -> Iterator[str]:
    """What differs between sessions and the log: each file with the word for what happened to it."""
    raw, scores = known(log)
    for name in sessions:
        if name not in raw:
            continue
        folder = dataset / name
        for was, names, word in ((raw[name], RAW, "raw file"), (scores[name], SCORES, "score")):
            now = digests(folder, names)
            for file in sorted({*was, *now}):
                if file not in now:
                    yield f"{name}: the {word} {file} is gone, which the audit log knows; restore it from a copy"
                elif file not in was:
                    yield f"{name}: the {word} {file} was added, which the audit log does not know"
                elif was[file] != now[file]:
                    advice = "restore it from a copy" if names is RAW else "score it again with `behavior rescore`"
                    yield f"{name}: the {word} {file} is not the one on record in the audit log; {advice}"
    for name in sorted(set(raw) - set(sessions)):
        yield f"{name}: is on record in the audit log and not in the dataset; restore it from a copy"
