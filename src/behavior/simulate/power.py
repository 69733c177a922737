"""How many rats? The study is simulated with the simulated rat, and analysed by the test that its report will use.

For each arm a pool of units is simulated once, each with all its sessions and calls as the animal made them (no device
in between, no detector). Studies of n units a dose are then drawn from the pool, without replacement, and tested as
`behavior summarize` would. The power is the share of them in which a dose differed from vehicle, with the interval of
that share. Beside it, where one exists, stands the formula's answer for the means and the spread of the pool.

The answer is as good as the simulated rat. It tells of a study's design, and nothing of a drug.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from behavior.config.limits import CEILINGS
from behavior.config.study import TEST, Arm, Study
from behavior.model.calls import CALL_COLUMNS, Call
from behavior.model.doses import Treatment
from behavior.model.errors import BadInput
from behavior.model.events import Event, RecordingStarted
from behavior.model.measures import MEASURES, Measure
from behavior.scoring.score import score_items
from behavior.session.assemble import assemble
from behavior.session.journal import Item
from behavior.session.runner import run
from behavior.simulate.animals import animal_for
from behavior.simulate.ideal import IdealBox
from behavior.simulate.study import paradigm_of
from behavior.simulate.subject import Subject, Vocalized
from behavior.study.allocate import stream
from behavior.study.design import williams_orders

if TYPE_CHECKING:
    import pandas as pd

POOL, DRAWS = 60, 200
"""Units a dose that are simulated, and studies that are drawn of each size."""
MOST_SHARE = 0.5
"""A study takes no larger share of the pool, or the studies drawn would be too much alike."""


@dataclass(frozen=True, slots=True)
class Power:
    """Studies of `n` units a dose: the share with a dose that differs (95 % interval), and each dose's own share."""

    n: int
    power: float
    lo: float
    hi: float
    by_dose: tuple[tuple[float, float], ...]
    n_untested: int
    """Studies in which no test could be made; they count as not different."""


@dataclass(frozen=True)
class ArmPower:
    """What was found for an arm. `formula_n` is None where no formula suits, and `formula` says which or why."""

    arm: str
    measure: str
    test: str
    planned: int
    found: tuple[Power, ...]
    formula_n: float | None
    formula: str

    def least(self, aim: float) -> int | None:
        """The smallest number of units that reached a power, and from which all larger ones did; None if none."""
        enough: int | None = None
        for one in sorted(self.found, key=lambda one: -one.n):
            if one.power < aim:
                break
            enough = one.n
        return enough


def power(
    arm: Arm,
    sizes: Sequence[int],
    *,
    seed: int,
    aim: float = 0.8,
    pool: int = POOL,
    draws: int = DRAWS,
    step: Callable[[], None] = lambda: None,
) -> ArmPower:
    """The power of an arm's primary endpoint with different numbers of units.

    Parameters
    ----------
    arm : of `Study.by_group()`, with two doses or more
    sizes : units a dose
    seed : of all that is drawn
    aim : power that the formula's number is for
    pool, draws : units a dose that are simulated; studies drawn of each size
    step : called after each unit and each study

    Raises
    ------
    BadInput
        The arm has one dose only, or a size is more than half of the pool.
    """
    if len(arm.doses_mg_kg) < 2:
        raise BadInput(f"arm {arm.name}: has one dose, and power is of a comparison with vehicle")
    if too_large := [n for n in sizes if n < 2 or n > pool * MOST_SHARE]:
        raise BadInput(
            f"{too_large[0]} units a dose: choose from 2 to {int(pool * MOST_SHARE)}, half of the {pool} simulated; "
            "or simulate more with --pool"
        )
    sessions, trials = simulated_pool(arm, pool, seed=seed, step=step)
    chance = stream(seed, f"power/{arm.name}")
    found, tests = [], set[str]()
    for n in sorted(set(sizes)):
        one, names = _drawn(arm, sessions, trials, n, draws, chance, step)
        found.append(one)
        tests |= names
    formula_n, formula = _formula(arm, sessions, aim)
    return ArmPower(arm.name, arm.primary, " or ".join(sorted(tests)), arm.n_per_dose, tuple(found), formula_n, formula)


def simulated_pool(
    arm: Arm, pool: int, *, seed: int, step: Callable[[], None] = lambda: None
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Sessions of many units of an arm as a dataset's session table, and their trials.

    Within subjects each of `pool` units has every dose; between subjects there are `pool` at each dose.
    """
    import pandas as pd

    records: list[dict[str, Any]] = []
    trials: list[dict[str, Any]] = []
    chance = Random(f"{seed}/{arm.name}")
    orders = williams_orders(len(arm.doses_mg_kg), pool, seed) if arm.design == "within" else ()
    per_unit = 1 if arm.experimental_unit == "pair" else arm.n_animals
    for dose_place, dose in enumerate(arm.doses_mg_kg):
        for number in range(pool):
            unit = f"U{number}" if arm.design == "within" else f"U{dose_place}-{number}"
            place = orders[number].index(dose_place) if orders else 0
            for k in range(per_unit):
                subject = unit if per_unit == 1 else f"{unit}/{k + 1}"
                individual = Random(f"{seed}/{arm.name}/{subject}").getrandbits(32)
                for day in [arm.days[0] + place] if orders else arm.days:
                    session = f"{subject} day {day} at {dose:g}"
                    measures, rows = _session(arm, dose, chance.getrandbits(32), individual)
                    records.append(
                        {
                            "session": session, "subject": subject, "unit": unit, "cage": unit, "arm": arm.name,
                            "stage": TEST, "compound": arm.compound, "dose_mg_kg": dose, "day": day,
                            "started_at": f"{day:04d}", "left_out": "", **measures,
                        }
                    )  # fmt: skip
                    trials += [{"session": session, **row} for row in rows]
            step()
    return pd.DataFrame(records), pd.DataFrame(trials) if trials else None


def _session(arm: Arm, dose: float, seed: int, individual: int) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    """Measures of one session, and its trials if it has some."""
    paradigm, parameters = paradigm_of(arm)
    asked = parameters.model_dump(mode="json")
    treatment = Treatment(compound=arm.compound, dose_mg_kg=dose)
    animal = Overheard(animal_for(paradigm.name, asked, seed, treatment, individual=individual))
    items: list[Item] = []
    core = assemble(paradigm, parameters, seed=seed, limits=CEILINGS)
    run(core, IdealBox(animal), lambda item, host_us: items.append(item))
    began = next((item.at_us for item in items if isinstance(item, RecordingStarted)), None)
    calls = None if began is None else [_call(call, began) for call in animal.calls if call.at_us >= began]
    score = score_items(paradigm.name, items, asked, calls)
    return dict(score.session), tuple(dict(row) for row in score.rows) if score.rows_name == "trials" else ()


class Overheard:
    """A subject, and every call that it made."""

    def __init__(self, subject: Subject) -> None:
        self._subject, self.calls = subject, list[Vocalized]()

    @property
    def next_us(self) -> int:
        """As of the subject."""
        return self._subject.next_us

    def perceive(self, happening: Any, at_us: int) -> None:
        """As of the subject."""
        self._subject.perceive(happening, at_us)

    def act(self) -> Event:
        """As of the subject."""
        deed = self._subject.act()
        if isinstance(deed, Vocalized):
            self.calls.append(deed)
        return deed


def _call(made: Vocalized, began_us: int) -> Call:
    """A call as a perfect detector would tell of it: what no score asks for is 0."""
    onset_s = (made.at_us - began_us) / 1e6
    values: dict[str, Any] = dict.fromkeys(CALL_COLUMNS, 0.0)
    times = {"onset_s": onset_s, "offset_s": onset_s + made.duration_s, "duration_s": made.duration_s}
    return Call(**{**values, **times, "file": "", "peak_hz": 24_000.0, "call_type": "22-kHz"})


# -- studies drawn from the pool --------------------------------------------------------------------------------------


def _drawn(
    arm: Arm,
    sessions: pd.DataFrame,
    trials: pd.DataFrame | None,
    n: int,
    draws: int,
    chance: Random,
    step: Callable[[], None],
) -> tuple[Power, set[str]]:
    from behavior.summary.arms import ArmPlan
    from behavior.summary.groups import level_label
    from behavior.summary.per_dose import vehicle_test
    from behavior.summary.vehicle_test import ALPHA

    measure = MEASURES[arm.primary]
    plan = ArmPlan(
        name=arm.name, paradigm=arm.paradigm, compound=arm.compound, vehicle=arm.vehicle, route=arm.route,
        pretreatment_min=arm.pretreatment_min, doses_mg_kg=tuple(sorted(arm.doses_mg_kg)), n_per_dose=n,
        endpoints=(measure,), primary=arm.primary, motor_control=None, unit=arm.experimental_unit, methods=arm.methods,
    )  # fmt: skip
    units = {dose: sorted(set(own["unit"])) for dose, own in sessions.groupby("dose_mg_kg")}
    doses = [dose for dose in plan.doses_mg_kg if dose > 0]
    hits, untested, tests = dict.fromkeys(["any", *doses], 0), 0, set[str]()
    for _ in range(draws):
        if arm.design == "within":
            chosen = set(chance.sample(units[0.0], n))
        else:
            chosen = {unit for own in units.values() for unit in chance.sample(own, n)}
        here = sessions[sessions["unit"].isin(chosen)].reset_index(drop=True)
        rows = None if trials is None else trials[trials["session"].isin(set(here["session"]))].reset_index(drop=True)
        result = vehicle_test(here, rows, plan, measure)
        untested += result.test is None
        tests |= {result.test.name} if result.test else set()
        different = [
            dose
            for dose in doses
            if (against := result.against.get(level_label(dose))) is not None
            and against.p_adjusted is not None
            and against.p_adjusted < ALPHA
        ]
        for key in [*different, *(["any"] if different else [])]:
            hits[key] += 1
        step()
    lo, hi = _wilson(hits["any"], draws)
    shares = tuple((dose, hits[dose] / draws) for dose in doses)
    return Power(n, hits["any"] / draws, lo, hi, shares, untested), tests


def _wilson(k: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The interval of a share (Wilson 1927)."""
    share, unit = k / n, z * z / n
    middle, half = share + unit / 2, z * math.sqrt(share * (1 - share) / n + unit / (4 * n))
    return max(0.0, (middle - half) / (1 + unit)), min(1.0, (middle + half) / (1 + unit))


def _formula(arm: Arm, sessions: pd.DataFrame, aim: float) -> tuple[float | None, str]:
    """Units a dose by the formula that suits the design and the kind of outcome, for what the pool shows."""
    measure = MEASURES[arm.primary]
    try:
        if measure.kind == "latency" and not measure.trial and arm.design == "between" and len(arm.days) == 1:
            return _log_rank_formula(measure, sessions, aim)
        if measure.kind == "latency" and not measure.trial:
            return None, "none: latencies are cut off and units are measured more than once"
        if arm.design == "within":
            return _within_formula(measure.name, sessions, aim)
        return _between_formula(measure.name, sessions, aim, n_days=len(arm.days))
    except BadInput as error:
        return None, f"none: {error}"


def _between_formula(name: str, sessions: pd.DataFrame, aim: float, *, n_days: int) -> tuple[float, str]:
    from behavior.summary.power import anova_n

    of_units = sessions.groupby(["dose_mg_kg", "unit"])[name].mean().groupby("dose_mg_kg")
    means, sd = of_units.mean().tolist(), math.sqrt(float(of_units.var().mean()))
    what = f"means of units over {n_days} days, " if n_days > 1 else ""
    return anova_n(means, sd, aim), f"one-way analysis of variance, {what}means and SD ({sd:.3g}) of the pool"


def _within_formula(name: str, sessions: pd.DataFrame, aim: float) -> tuple[float, str]:
    from behavior.summary.power import within_anova_n

    wide = sessions.pivot_table(index="unit", columns="dose_mg_kg", values=name, aggfunc="mean").dropna()
    covariance = wide.cov().to_numpy()
    k = len(covariance)
    variance = float(covariance.trace()) / k
    if variance <= 0:
        raise BadInput("units do not vary at all")
    correlation = float(covariance.sum() - covariance.trace()) / (k * (k - 1)) / variance
    sd = math.sqrt(variance)
    n = within_anova_n(wide.mean().tolist(), sd, correlation, aim)
    return n, (
        f"analysis of variance within units, means, SD ({sd:.3g}) and correlation ({correlation:.2f}) of the pool; "
        "units in all, for each has every dose"
    )


def _log_rank_formula(measure: Measure, sessions: pd.DataFrame, aim: float) -> tuple[float, str]:
    """Vehicle against the dose that lies farthest from it, at α over the number of doses."""
    from behavior.summary.power import log_rank_events
    from behavior.summary.vehicle_test import ALPHA

    flag = f"{measure.name.removesuffix('_s')}_censored"
    censored = sessions[flag].eq(True) if flag in sessions else sessions[measure.name].isna()
    lasted = sessions["window_s"] if "window_s" in sessions else sessions["duration_s"]
    table = sessions.assign(event=~censored, time=sessions[measure.name].where(~censored, lasted).astype("float64"))
    of_dose = table.groupby("dose_mg_kg").agg(events=("event", "sum"), time=("time", "sum"), share=("event", "mean"))
    rates = of_dose["events"] / of_dose["time"]
    if rates[0.0] <= 0 or (rates <= 0).all():
        raise BadInput("no unit of the pool responded under vehicle, so that there is no ratio of hazards")
    ratios = (rates / rates[0.0]).drop(0.0)
    usable = ratios[ratios > 0]
    if usable.empty:
        raise BadInput("no unit of the pool responded at a dose, so that there is no ratio of hazards")
    farthest = usable.map(lambda ratio: abs(math.log(ratio))).idxmax()
    ratio, share = float(usable[farthest]), float(of_dose.loc[[0.0, farthest], "share"].mean())
    alpha = ALPHA / len(ratios)
    n = log_rank_events(ratio, aim, alpha) / 2 / share
    return n, (
        f"log-rank test by Schoenfeld, vehicle against {farthest:g} mg/kg: hazard ratio {ratio:.2f} and {share:.0%} "
        f"responding in the pool, α {alpha:.3g} for {len(ratios)} doses"
    )


def arms_with_power(study: Study) -> tuple[Arm, ...]:
    """The arms, group by group, in which doses are compared."""
    return tuple(arm for arm in study.by_group().arms if len(arm.doses_mg_kg) > 1)
