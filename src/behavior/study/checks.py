"""What a careful reader asks of a study's sessions before the statistics. Checks warn, and change nothing.

A check takes the session table of `study.dataset` and the plan, and yields sentences: what, where, what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from behavior.config.study import Arm, Study
from behavior.study.plan import PLAN_FILE, PlanRow

if TYPE_CHECKING:
    import pandas as pd

WIDEST_DAY_H = 6.0
"""Sessions of an arm that lie further apart in the time of day are warned of."""
WIDEST_BETWEEN_DOSES_H = 2.0
"""And doses whose mean times of day do."""

Check = Callable[["pd.DataFrame", "Study | None"], Iterator[str]]


def _of_arms(sessions: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Sessions that are analysed, arm by arm."""
    analysed = sessions[sessions["left_out"] == ""]
    for arm in dict.fromkeys(analysed["arm"].fillna("")):
        yield arm, analysed[analysed["arm"].fillna("") == arm]


def _in_arm(arm: str) -> str:
    return f"arm {arm}: " if arm else ""


def missing_sessions(sessions: pd.DataFrame, study: Study | None) -> Iterator[str]:
    """Doses with fewer, or more, sessions than planned."""
    if study is None or sessions["dose_mg_kg"].isna().all():
        return
    for arm in study.arms:
        here = sessions[sessions["arm"] == arm.name]
        for dose in arm.doses_mg_kg:
            run, planned = int((here["dose_mg_kg"] == dose).sum()), arm.n_per_dose
            coded = int(here["dose_mg_kg"].isna().sum())
            if run < planned and not coded:
                yield (
                    f"arm {arm.name}: {run} of {planned} planned sessions at {_said(dose, arm)}; "
                    "run the others, or say in the report why they are missing"
                )
            if run > planned:
                yield (
                    f"arm {arm.name}: {run} sessions at {_said(dose, arm)}, {planned} were planned; "
                    f"amend study.toml, or move the extra ones elsewhere"
                )


def unequal_n(sessions: pd.DataFrame, study: Study | None) -> Iterator[str]:
    """Doses of an arm that differ in the number of sessions analysed."""
    for arm, here in _of_arms(sessions):
        counts = here.groupby("dose_mg_kg", sort=True).size()
        if counts.nunique() > 1:
            said = ", ".join(f"{dose:g} mg/kg n = {n}" for dose, n in counts.items())
            yield f"{_in_arm(arm)}doses differ in n ({said}); give exact n with every result"


def repeated_subjects(sessions: pd.DataFrame, study: Study | None) -> Iterator[str]:
    """Subjects with more than one session in an arm."""
    for arm, here in _of_arms(sessions):
        doses = here.groupby("subject", sort=True)["dose_mg_kg"]
        several = [subject for subject, n in doses.nunique().items() if n > 1]
        if several:
            yield (
                f"{_in_arm(arm)}{_listed(several)} had more than one dose, so that doses are not independent groups; "
                "no test of independent groups is made"
            )
        twice = sorted(set(here.loc[here.duplicated(["subject", "dose_mg_kg"]), "subject"]))
        if twice:
            yield (
                f"{_in_arm(arm)}{_listed(twice)} had more than one session at a dose; their mean is taken, "
                "for the animal is the experimental unit"
            )


def time_of_day(sessions: pd.DataFrame, study: Study | None) -> Iterator[str]:
    """Sessions spread over the day, or doses run at different times of day."""
    for arm, here in _of_arms(sessions):
        hours = here["started_at"].map(_hour)
        if hours.isna().any():
            yield f"{_in_arm(arm)}a session's start is no date and time; mend `started_at` in its records"
            continue
        spread = float(hours.max() - hours.min())
        if spread > WIDEST_DAY_H:
            yield (
                f"{_in_arm(arm)}sessions started from {_clock(hours.min())} to {_clock(hours.max())}; "
                "keep the time of day the same, or see that doses are balanced over it"
            )
        means = hours.groupby(here["dose_mg_kg"]).mean()
        if len(means) > 1 and float(means.max() - means.min()) > WIDEST_BETWEEN_DOSES_H:
            yield (
                f"{_in_arm(arm)}time of day goes with dose: on average {means.idxmin():g} mg/kg started at "
                f"{_clock(means.min())} and {means.idxmax():g} mg/kg at {_clock(means.max())}; "
                "balance doses over the day"
            )


def chamber_with_dose(sessions: pd.DataFrame, study: Study | None) -> Iterator[str]:
    """Doses that were all run in one chamber while others ran elsewhere."""
    for arm, here in _of_arms(sessions):
        if here["chamber"].nunique() < 2:
            continue
        for dose, group in here.groupby("dose_mg_kg", sort=True):
            chambers = sorted(set(group["chamber"]))
            if len(group) > 1 and len(chambers) == 1:
                yield (
                    f"{_in_arm(arm)}chamber goes with dose: all {len(group)} sessions at {dose:g} mg/kg ran in "
                    f"{chambers[0]}; balance doses over chambers"
                )


def more_than_one_protocol(sessions: pd.DataFrame, study: Study | None) -> Iterator[str]:
    """Arms run by several versions of the program."""
    for arm, here in _of_arms(sessions):
        versions = sorted(set(here["software"]))
        if len(versions) > 1:
            yield f"{_in_arm(arm)}sessions were run by {' and '.join(versions)}; see the change log between them"


def imported(sessions: pd.DataFrame, study: Study | None) -> Iterator[str]:
    """Arms with sessions that another control system ran."""
    for arm, here in _of_arms(sessions):
        n = int(here["software"].str.contains("(imported by", regex=False).sum())
        if n:
            yield (
                f"{_in_arm(arm)}{n} of {len(here)} sessions were run by another control system and imported: "
                "no current was measured, and why they ended is as their profile says; say so with the results"
            )


def against_plan(sessions: pd.DataFrame, rows: Sequence[PlanRow]) -> Iterator[str]:
    """Sessions whose subject, arm, dose or code is not the one that the plan file names."""
    planned: dict[str, list[PlanRow]] = {}
    for row in rows:
        planned.setdefault(row.subject, []).append(row)
    for record in sessions.astype(object).where(sessions.notna(), None).to_dict("records"):
        said = _not_as_planned(record, planned.get(record["subject"], []))
        if said:
            yield f"{record['session']}: {said}; correct the records, or say in {PLAN_FILE} what was changed"


def _not_as_planned(record: dict[Any, Any], rows: Sequence[PlanRow]) -> str:
    """What differs from the rows of its subject; a dose is not compared with a code."""
    if not rows:
        return f"subject {record['subject']} is not in {PLAN_FILE}"
    arms = dict.fromkeys(row.arm for row in rows)
    if record["arm"] is not None and record["arm"] not in arms:
        return f"{PLAN_FILE} has subject {record['subject']} in arm {_listed(list(arms))}, not in {record['arm']}"
    here = [row for row in rows if record["arm"] in (None, row.arm)]
    doses, codes = [row.dose_mg_kg for row in here], [row.blind_code for row in here]
    dose, code = record["dose_mg_kg"], record["blind_code"]
    if dose is not None and None not in doses and dose not in doses:
        named = " or ".join(f"{meant:g}" for meant in dict.fromkeys(doses))
        return f"{record['subject']} got {dose:g} mg/kg, and {PLAN_FILE} has {named} mg/kg"
    if code is not None and None not in codes and code not in codes:
        return f"{record['subject']} stands under code {code}, and {PLAN_FILE} has {' or '.join(map(str, codes))}"
    return ""


CHECKS: tuple[Check, ...] = (
    missing_sessions, unequal_n, repeated_subjects, time_of_day, chamber_with_dose, more_than_one_protocol,
    imported,
)  # fmt: skip


def _said(dose: float, arm: Arm) -> str:
    return f"{dose:g} mg/kg" if dose else f"0 mg/kg ({arm.vehicle})"


def _listed(names: list[str], at_most: int = 4) -> str:
    rest = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {rest} more" if rest > 0 else "")


def _hour(started_at: str) -> float:
    """Time of day in hours, on the clock of the laboratory."""
    try:
        at = datetime.fromisoformat(started_at)
    except ValueError:
        return float("nan")
    return at.hour + at.minute / 60 + at.second / 3600


def _clock(hour: float) -> str:
    minutes = min(round(float(hour) * 60), 24 * 60 - 1)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
