"""Which sessions and subjects somebody left out, by which rule, and why. Kept in the audit log and nowhere else.

A rule is *a priori* if the study file named it before the data; no one can claim that afterwards. Left out by other
rules, or after the unblinding, is said wherever the session is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from behavior.config.study import Study
from behavior.model.errors import BadInput
from behavior.study.audit import AuditLog, Entry, append

EXCLUDED, INCLUDED = "excluded", "included"


@dataclass(frozen=True, slots=True)
class Exclusion:
    """`about` is a session, or a subject with all its sessions."""

    about: str
    rule: str
    a_priori: bool
    reason: str
    who: str
    at: str
    after_unblinding: bool

    def __str__(self) -> str:
        when = ", after unblinding" if self.after_unblinding else ""
        return f"excluded by the rule {self.rule} ({'a priori' if self.a_priori else 'post hoc'}{when}): {self.reason}"


def exclusions(log: AuditLog) -> dict[str, Exclusion]:
    """What is left out now, by session or subject."""
    found: dict[str, Exclusion] = {}
    for entry in log.of(EXCLUDED, INCLUDED):
        if entry.action == INCLUDED:
            found.pop(entry.about, None)
            continue
        found[entry.about] = _of(entry)
    return found


def exclude(
    dataset: Path, about: str, *, known: Iterable[str], study: Study | None, rule: str, reason: str, who: str
) -> Exclusion:
    """Leave a session or a subject out.

    Parameters
    ----------
    about : a session's path in the dataset, or a subject
    known : every session and subject there is
    rule : name of a rule of the study file, or words for another
    reason : what was seen, in words

    Raises
    ------
    BadInput
        There is no such session or subject, it is excluded already, or rule or reason are missing.
    """
    _there(about, known)
    if not reason.strip() or not rule.strip():
        raise BadInput("--reason and --rule: an exclusion needs both; say what was seen and which rule asks for it")
    log = _log(dataset)
    if about in exclusions(log):
        raise BadInput(f"{about}: is excluded already ({exclusions(log)[about]}); see the audit log")
    a_priori = study is not None and rule in {one.name for one in study.exclusion_rules}
    new = {"rule": rule, "a_priori": a_priori}
    entry = append(dataset, EXCLUDED, about, who=who, old=None, new=new, reason=reason.strip())
    return _of(entry)


def include(dataset: Path, about: str, *, reason: str, who: str) -> None:
    """Take an exclusion back.

    Raises
    ------
    BadInput
        It is not excluded, or no reason is given.
    """
    standing = exclusions(_log(dataset)).get(about)
    if standing is None:
        raise BadInput(f"{about}: is not excluded; nothing is to be taken back")
    if not reason.strip():
        raise BadInput("--reason: say why the exclusion is taken back")
    append(dataset, INCLUDED, about, who=who, old={"rule": standing.rule, "reason": standing.reason}, reason=reason)


def _of(entry: Entry) -> Exclusion:
    rule, a_priori = entry.told("rule", str), entry.told("a_priori", bool)
    return Exclusion(entry.about, rule, a_priori, entry.reason, entry.who, entry.at, entry.after_unblinding)


def _there(about: str, known: Iterable[str]) -> None:
    from difflib import get_close_matches

    names = set(known)
    if about not in names:
        near = get_close_matches(about, names, 1)
        hint = f"; is it {near[0]}?" if near else ""
        raise BadInput(f"{about}: is no session or subject of this dataset{hint}")


def _log(dataset: Path) -> AuditLog:
    from behavior.study.audit import read_audit

    return read_audit(dataset).trusted()
