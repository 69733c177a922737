"""What a careful reader asks of a study's sessions before the statistics. Checks warn, and change nothing.

A check takes the session table of `study.dataset` and the plan, and yields sentences: what, where, what to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from behavior.config.study import TEST, Arm, Study
from behavior.study.plan import PLAN_FILE, PlanRow, arm_of_row

if TYPE_CHECKING:
    import pandas as pd

WIDEST_DAY_H = 6.0
"""Sessions of an arm that lie further apart in the time of day are warned of."""
WIDEST_BETWEEN_DOSES_H = 2.0
"""And doses whose mean times of day do."""

BASELINE = "baseline"
"""The stage whose sessions tell whether a baseline is stable."""

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
        here = _tests(sessions[sessions["arm"] == arm.name])
        planned = arm.n_per_dose * len(arm.days) * (1 if arm.experimental_unit == "pair" else arm.n_animals)
        coded = int(here["dose_mg_kg"].isna().sum())
        for dose in arm.doses_mg_kg:
            run = int((here["dose_mg_kg"] == dose).sum())
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


def _tests(sessions: pd.DataFrame) -> pd.DataFrame:
    """Sessions of the test, and those of no plan."""
    return sessions[sessions["stage"].fillna(TEST) == TEST]


def _designs(study: Study | None) -> dict[str, Arm]:
    return {arm.name: arm for arm in study.arms} if study else {}


def not_run(sessions: pd.DataFrame, rows: Sequence[PlanRow]) -> Iterator[str]:
    """Planned sessions that are not in the dataset, whatever their dose."""
    have = Counter(zip(sessions["subject"], sessions["stage"].fillna(TEST), strict=True))
    want = Counter((row.subject, row.stage) for row in rows)
    missing = {key: n - have[key] for key, n in want.items() if n > have[key]}
    if missing and len(sessions):
        names = _listed([f"{subject} ({stage})" if stage != TEST else subject for subject, stage in missing])
        yield (
            f"{sum(missing.values())} of {len(rows)} sessions of {PLAN_FILE} are missing ({names}); "
            "run them, or say in the report why they are missing"
        )


def unequal_n(sessions: pd.DataFrame, study: Study | None) -> Iterator[str]:
    """Doses of an arm that differ in the number of sessions analysed."""
    for arm, here in _of_arms(sessions):
        counts = here.groupby("dose_mg_kg", sort=True).size()
        if counts.nunique() > 1:
            said = ", ".join(f"{dose:g} mg/kg n = {n}" for dose, n in counts.items())
            yield f"{_in_arm(arm)}doses differ in n ({said}); give exact n with every result"


def one_animal(sessions: pd.DataFrame, study: Study | None) -> Iterator[str]:
    """Doses with a single experimental unit, which has no spread."""
    for arm, here in _of_arms(sessions):
        alone = [dose for dose, n in here.groupby("dose_mg_kg", sort=True)["unit"].nunique().items() if n == 1]
        if alone:
            doses = ", ".join(f"{dose:g}" for dose in alone)
            yield (
                f"{_in_arm(arm)}{doses} mg/kg stands on one experimental unit, which has no spread; "
                "no test can say anything of it, add units"
            )


def repeated_subjects(sessions: pd.DataFrame, study: Study | None) -> Iterator[str]:
    """Subjects with more than one dose, or several sessions at a dose, that no design asks for."""
    designs = _designs(study)
    for arm, here in _of_arms(sessions):
        within = arm in designs and designs[arm].design == "within"
        doses = here.groupby("subject", sort=True)["dose_mg_kg"]
        several = [subject for subject, n in doses.nunique().items() if n > 1]
        if several and arm in designs and not within:
            yield (
                f"{_in_arm(arm)}{_listed(several)} stand in more than one group, and the study is between subjects; "
                "correct the records, or leave them out with `behavior exclude`"
            )
        if several and not within:
            yield (
                f"{_in_arm(arm)}{_listed(several)} had more than one dose, so that doses are not independent groups; "
                "no test of independent groups is made"
            )
        same = ["subject", "dose_mg_kg", *(["day"] if arm in designs and len(designs[arm].days) > 1 else [])]
        twice = sorted(set(here.loc[here.duplicated(same), "subject"]))
        if twice:
            yield (
                f"{_in_arm(arm)}{_listed(twice)} had more than one session at a dose; their mean is taken, "
                "for the animal is the experimental unit"
            )


def order_with_dose(sessions: pd.DataFrame, study: Study | None) -> Iterator[str]:
    """Doses that were always given early, or always late, within subjects."""
    for arm, here in _of_arms(sessions):
        place = here.groupby("subject")["started_at"].rank(method="first")
        if not (here.groupby("subject")["dose_mg_kg"].nunique() > 1).any():
            continue
        for dose, own in place.groupby(here["dose_mg_kg"], sort=True):
            if len(own) > 1 and own.nunique() == 1:
                yield (
                    f"{_in_arm(arm)}order goes with dose: {dose:g} mg/kg was session {own.iloc[0]:g} of every animal; "
                    "balance the order with a Williams square (`behavior design`)"
                )


def cage_with_dose(sessions: pd.DataFrame, study: Study | None) -> Iterator[str]:
    """Doses whose animals all live in one cage, where the cage is not the unit."""
    designs = _designs(study)
    for arm, here in _of_arms(sessions):
        by_cage = arm in designs and designs[arm].experimental_unit == "cage"
        if by_cage or here["cage"].nunique() < 2:
            continue
        for dose, group in here.groupby("dose_mg_kg", sort=True):
            if group["subject"].nunique() > 1 and group["cage"].nunique() == 1 and group["cage"].notna().all():
                yield (
                    f"{_in_arm(arm)}cage goes with dose: all animals at {dose:g} mg/kg live in "
                    f"{group['cage'].iloc[0]}; balance doses over cages, or make the cage the unit"
                )


UNSTABLE = 0.2
"""A baseline session further from the mean of the last ones than this share is unstable."""
LAST_BASELINES = 3


def unstable_baseline(sessions: pd.DataFrame, study: Study | None) -> Iterator[str]:
    """Subjects whose last baseline sessions differ, in the motor control or else the primary endpoint."""
    for name, arm in _designs(study).items():
        here = sessions[sessions["arm"] == f"{name}, {BASELINE}"]
        measure = arm.motor_control or arm.primary
        if not len(here) or measure not in here:
            continue
        unstable = []
        for subject, own in here.sort_values("started_at").groupby("subject", sort=True):
            last = own[measure].dropna().tail(LAST_BASELINES)
            if len(last) > 1 and float((last - last.mean()).abs().max()) > UNSTABLE * abs(float(last.mean())):
                unstable.append(str(subject))
        if unstable:
            yield (
                f"arm {name}: the baseline of {_listed(unstable)} is not stable ({measure} of the last "
                f"{LAST_BASELINES} sessions differs by more than {UNSTABLE:.0%} from its mean); train on before drug"
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
    arms = dict.fromkeys(arm_of_row(row) for row in rows)
    if record["arm"] is not None and record["arm"] not in arms:
        return f"{PLAN_FILE} has subject {record['subject']} in arm {_listed(list(arms))}, not in {record['arm']}"
    here = [row for row in rows if record["arm"] in (None, arm_of_row(row))]
    doses, codes = [row.dose_mg_kg for row in here], [row.blind_code for row in here]
    dose, code = record["dose_mg_kg"], record["blind_code"]
    if dose is not None and None not in doses and dose not in doses:
        named = " or ".join(f"{meant:g}" for meant in dict.fromkeys(doses))
        return f"{record['subject']} got {dose:g} mg/kg, and {PLAN_FILE} has {named} mg/kg"
    if code is not None and None not in codes and code not in codes:
        return f"{record['subject']} stands under code {code}, and {PLAN_FILE} has {' or '.join(map(str, codes))}"
    return ""


CHECKS: tuple[Check, ...] = (
    missing_sessions, unequal_n, one_animal, repeated_subjects, time_of_day, chamber_with_dose, cage_with_dose,
    order_with_dose, unstable_baseline, more_than_one_protocol,
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
