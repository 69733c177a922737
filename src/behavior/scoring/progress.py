"""From one session of a subject to its next: training stages with criteria, and the shock that suits this rat.

Nothing here decides: a stage is proposed and a current is proposed, each with the sentence that says why, and a person
confirms. Both follow from the scores alone, so that the same history always gives the same proposal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import fmean
from typing import Annotated, Self

from pydantic import Field, model_validator

from behavior.config.read import Record
from behavior.scoring.score import Row


class Criterion(Record):
    """When a stage is mastered: in the last `n_sessions` of it, all of what is given."""

    measure: str
    """Column of the score, such as `unpunished_rate_per_min`."""
    n_sessions: Annotated[int, Field(ge=1, le=100)] = 1
    at_least: float | None = None
    at_most: float | None = None
    within: Annotated[float | None, Field(gt=0, lt=1)] = None
    """Stable: each session lies within this fraction of their mean, as in `within = 0.2`."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.at_least is None and self.at_most is None and self.within is None:
            raise ValueError("give at_least, at_most or within: without any there is nothing to reach")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least ({self.at_least:g}) must not be more than at_most ({self.at_most:g})")
        if self.within is not None and self.n_sessions < 2:
            raise ValueError("within needs n_sessions of 2 or more: one session is always stable")
        return self


class Stage(Record):
    """A stage of training."""

    name: str
    parameters: str
    """Parameter file, or name of a shipped one."""
    criterion: Criterion


@dataclass(frozen=True, slots=True)
class Proposal:
    """The stage of the next session. `mastered`: the criterion of the last stage of all is met."""

    stage: Stage
    why: str
    mastered: bool = False


def propose(plan: TrainingPlan, history: Sequence[tuple[str, Row]]) -> Proposal:
    """The stage that a subject's next session should have.

    Parameters
    ----------
    plan : the stages
    history : stage and score (`Score.session`) of each session so far, oldest first; stages that the plan does not know
        are taken as a break
    """
    places = {stage.name: i for i, stage in enumerate(plan.stages)}
    if not history or history[-1][0] not in places:
        return Proposal(plan.stages[0], f"starts with {plan.stages[0].name}")
    at = places[history[-1][0]]
    stage = plan.stages[at]
    rows = [row for _, row in takewhile(lambda one: one[0] == stage.name, reversed(history))][::-1]
    met, why = judge(stage.criterion, rows)
    if not met:
        return Proposal(stage, f"stays in {stage.name}: {why}")
    if at + 1 == len(plan.stages):
        return Proposal(stage, f"has mastered {stage.name}, the last stage: {why}", mastered=True)
    return Proposal(plan.stages[at + 1], f"goes on to {plan.stages[at + 1].name}: {why}")


def judge(criterion: Criterion, rows: Sequence[Row]) -> tuple[bool, str]:
    """Whether the last sessions of a stage meet its criterion, and why.

    A session without the measure, or one that did not complete, meets none.
    """
    last = rows[-criterion.n_sessions :]
    if len(last) < criterion.n_sessions:
        return False, f"{len(last)} of {criterion.n_sessions} sessions that the criterion asks for"
    values = [row.get(criterion.measure) for row in last]
    if not all(isinstance(value, int | float) for value in values) or not all(row.get("completed") for row in last):
        return False, f"a session without {criterion.measure}, or not completed, is among the last {len(last)}"
    numbers = [float(value or 0) for value in values]
    listed = f"{criterion.measure} {', '.join(f'{number:.3g}' for number in numbers)}"
    if criterion.at_least is not None and min(numbers) < criterion.at_least:
        return False, f"{listed}, where {criterion.at_least:g} or more is asked for"
    if criterion.at_most is not None and max(numbers) > criterion.at_most:
        return False, f"{listed}, where {criterion.at_most:g} or less is asked for"
    if criterion.within is not None and not stable(numbers, criterion.within):
        return False, f"{listed}, not within {criterion.within:.0%} of their mean"
    return True, listed


def stable(values: Sequence[float], within: float) -> bool:
    """Whether each value lies within a fraction of their mean.

    >>> stable([10, 11, 9, 10, 12], within=0.2), stable([10, 11, 9, 10, 14], within=0.2)
    (True, False)
    """
    mean = fmean(values)
    return all(abs(value - mean) <= within * abs(mean) for value in values)


# -- shock ------------------------------------------------------------------------------------------------------------


class Titration(Record):
    """Raise or lower a rat's shock until it suppresses responding as much as the test needs."""

    target: Annotated[float, Field(gt=0, lt=0.5)] = 0.1
    """Suppression ratio P/(P+U) to reach; 0.5 is no suppression."""
    tolerance: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    start_ma: Annotated[float, Field(gt=0, le=3.0)] = 0.2
    step_ma: Annotated[float, Field(gt=0, le=1.0)] = 0.05
    min_ma: Annotated[float, Field(gt=0, le=3.0)] = 0.05
    max_ma: Annotated[float, Field(gt=0, le=3.0)] = 0.8
    n_sessions: Annotated[int, Field(ge=1, le=20)] = 1
    """Sessions at a current before it is changed."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min_ma <= self.start_ma <= self.max_ma:
            raise ValueError(
                f"min_ma ({self.min_ma:g}), start_ma ({self.start_ma:g}) and max_ma ({self.max_ma:g}) "
                "must be in this order"
            )
        return self


@dataclass(frozen=True, slots=True)
class Step:
    """The current for the next session, and the sentence for the log. `reached`: the target is met and it stays."""

    shock_ma: float
    why: str
    reached: bool = False


def titrate(titration: Titration, history: Sequence[tuple[float, float | None]]) -> Step:
    """The next step of a titration.

    Parameters
    ----------
    titration : the rule
    history : current (mA) and suppression ratio of each session so far, oldest first; None where there was no ratio
    """
    if not history:
        return Step(titration.start_ma, f"starts at {titration.start_ma:g} mA")
    now_ma = history[-1][0]
    here = [ratio for ma, ratio in takewhile(lambda one: one[0] == now_ma, reversed(history)) if ratio is not None]
    last = here[: titration.n_sessions]
    if len(last) < titration.n_sessions:
        return Step(now_ma, f"stays at {now_ma:g} mA: {len(last)} of {titration.n_sessions} sessions with a ratio")
    ratio = fmean(last)
    found = f"suppression ratio {ratio:.3g}, target {titration.target:g} ± {titration.tolerance:g}"
    if abs(ratio - titration.target) <= titration.tolerance:
        return Step(now_ma, f"stays at {now_ma:g} mA: {found}", reached=True)
    change_ma = titration.step_ma if ratio > titration.target else -titration.step_ma
    next_ma = round(min(max(now_ma + change_ma, titration.min_ma), titration.max_ma), 6)
    if next_ma == now_ma:
        bound = "highest" if change_ma > 0 else "lowest"
        return Step(now_ma, f"stays at {now_ma:g} mA, the {bound} that the titration allows: {found}")
    return Step(next_ma, f"{'up' if change_ma > 0 else 'down'} from {now_ma:g} to {next_ma:g} mA: {found}")


# -- plans ------------------------------------------------------------------------------------------------------------


class TrainingPlan(Record):
    """Stages, in order, and how the shock is found after them."""

    paradigm: str
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    titration: Titration | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [stage.name for stage in self.stages]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two stages are both {twice[0]!r}; give each its own name")
        if self.titration is not None and self.paradigm != "geller_seifter":
            raise ValueError(f"titration is for geller_seifter, which has a suppression ratio, not {self.paradigm}")
        return self
