"""An ED50, or the reasons why the data do not hold one.

An ED50 is given only if all of these hold; otherwise every reason that applies is named.

1. At least three doses besides the vehicle, and no more free parameters than doses.
2. The doses differ (one-way ANOVA), and, if asked for, some dose mean by at least `min_effect` of the
vehicle's. 3. The response moves in one direction: no dose lies significantly (Tukey) on the wrong side of a
lower one. 4. A log-logistic curve settles and is determined.
5. The data reach what the ED50 means: a *relative* ED50 is half the fitted range, so the largest dose mean
must have come
   at least half of that range; an *absolute* one is a percentage of the vehicle's response, which the curve
   must cross.
6. The dose lies within the doses tested, and its profile interval ends on both sides, no more than ten times beyond
   the doses tested.

That a curve does not settle is named only where no other reason explains it.

Nothing is assumed about direction: punished responding that rises with dose is as welcome as calling that
falls.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput
from behavior.summary.compare import Anova, Labels, one_way_anova
from behavior.summary.derivatives import Floats
from behavior.summary.dose_response import (
    Model,
    absolute_dose,
    absolute_dose_profile,
    effective_dose,
    effective_dose_profile,
    fit_dose_response,
    lack_of_fit,
)
from behavior.summary.fit import Band, CurveFit, FTest, Interval, confidence_band
from behavior.summary.groups import level_labels
from behavior.summary.mixed import f_contrast, fit_mixed

REACH = 10.0
"""How far beyond the lowest and highest dose the interval of an ED50 may run, as a factor."""

_LEAST_DOSES = 3
_LEAST_TURN = 0.25


@dataclass(frozen=True)
class Ed50:
    """An ED50 with its profile interval.

    `kind` is "relative" (half the fitted range) or "absolute" (`percent_of_vehicle` of the fitted vehicle
    response), and `meaning` says so in words. `remarks` holds what a reader should know, such as a lack of
    fit.
    """

    estimate: float
    lo: float
    hi: float
    conf_level: float
    kind: Literal["relative", "absolute"]
    meaning: str
    direction: Literal["decrease", "increase"]
    model: Model
    fixed: Mapping[str, float]
    fit: CurveFit
    effect: FTest
    n: int
    n_doses: int
    remarks: tuple[str, ...]
    within: bool = False

    @property
    def parameters(self) -> Mapping[str, float]:
        """b, c, d and e of the curve."""
        return self.fit.estimates

    @property
    def likelihood(self) -> str:
        """What responses are taken to vary like about the curve."""
        return "least squares within animals" if self.within else "least squares"

    def band(self, dose: ArrayLike) -> Band:
        """The fitted curve with its pointwise band."""
        return confidence_band(self.fit, dose, self.conf_level)


@dataclass(frozen=True)
class NoEd50:
    """Why there is no ED50, each reason a sentence; `fit` where a curve could be fitted all the same."""

    reasons: tuple[str, ...]
    fit: CurveFit | None
    n: int
    n_doses: int


def ed50(
    dose: ArrayLike,
    response: ArrayLike,
    *,
    model: Model = "LL.4",
    fixed: Mapping[str, float] | None = None,
    percent_of_vehicle: float | None = None,
    conf_level: float = 0.95,
    alpha: float = 0.05,
    min_effect: float | None = None,
    animal: Labels | None = None,
) -> Ed50 | NoEd50:
    """The dose of half the effect, or the reasons why the data do not hold one.

    Parameters
    ----------
    dose : shape (n,), 0 for the vehicle, one row per experimental unit and dose
    response : shape (n,); rows where it is NaN are left out
    model, fixed : as `fit_dose_response`
    percent_of_vehicle : None for the relative ED50; otherwise the absolute one, the dose at which the
    response is at this
        percentage of the vehicle's (50 for a fall to half, 200 for a rise to double)
    conf_level : of the profile interval
    alpha : of the tests that decide whether there is an effect, and whether it turns
    min_effect : the fraction of the vehicle's mean by which some dose must differ
    animal : the animal of every row, where animals had several doses; curve and tests are then those within
    animals

    Raises
    ------
    BadInput
        Doses and responses do not match or a dose is negative. What the data cannot answer is not an error.
    """
    x, y, who = _rows(dose, response, animal)
    doses = np.unique(x)
    reasons = _against_design(x, doses)
    if reasons:
        return NoEd50(tuple(reasons), None, len(x), len(doses))
    try:
        effect = _Effect.of(x, y, doses, who)
    except BadInput as error:
        return NoEd50((str(error),), None, len(x), len(doses))
    reasons = effect.against(alpha, min_effect)
    try:
        fit = fit_dose_response(x, y, model=model, fixed=fixed, animal=who)
    except BadInput as error:
        reasons = reasons or [effect.turn_seen(model) or f"{model} cannot be fitted: {error}"]
        return NoEd50(tuple(reasons), None, len(x), len(doses))
    target = _Target(fit, percent_of_vehicle, conf_level)
    reasons += target.reasons(doses, effect.means) if not reasons else []
    if reasons:
        return NoEd50(tuple(reasons), fit, len(x), len(doses))
    interval = target.interval(doses)
    if not isinstance(interval, Interval):
        return NoEd50((interval,), fit, len(x), len(doses))
    return Ed50(
        estimate=target.dose(),
        lo=interval.lo,
        hi=interval.hi,
        conf_level=conf_level,
        kind=target.kind,
        meaning=target.meaning(),
        direction="decrease" if fit.estimates["c"] < fit.estimates["d"] else "increase",
        model=model,
        fixed=dict(fixed or {}),
        fit=fit,
        effect=effect.test,
        n=len(x),
        n_doses=len(doses),
        remarks=_remarks(fit, alpha),
        within=who is not None,
    )


def _rows(
    dose: ArrayLike, response: ArrayLike, animal: Labels | None = None
) -> tuple[Floats, Floats, NDArray[np.str_] | None]:
    x, y = np.asarray(dose, dtype=np.float64), np.asarray(response, dtype=np.float64)
    if len(x) != len(y):
        raise BadInput(f"{len(x)} doses stand beside {len(y)} responses; give one of each per row")
    present = np.isfinite(x) & np.isfinite(y)
    if (x[present] < 0).any():
        raise BadInput(f"a dose of {x[present].min():g} is negative; doses start at 0 for the vehicle")
    if animal is None:
        return x[present], y[present], None
    who = level_labels(animal)
    if len(who) != len(x):
        raise BadInput(f"{len(who)} animals stand beside {len(x)} doses; give one of each per row")
    return x[present], y[present], who[present]


def _against_design(x: Floats, doses: Floats) -> list[str]:
    n_doses = int((doses > 0).sum())
    reasons = []
    if n_doses < _LEAST_DOSES:
        few = "1 dose besides the vehicle is" if n_doses == 1 else f"{n_doses} doses besides the vehicle are"
        reasons.append(f"{few} too few to see the shape of the effect; it takes {_LEAST_DOSES}, better five")
    if len(x) <= len(doses):
        reasons.append("every dose has one animal, so that nothing is known about the error")
    return reasons


@dataclass(frozen=True, slots=True)
class DoseEffect:
    """Whether doses differ, and by how much at most, as a fraction of the reference mean."""

    anova: Anova
    largest_change: float
    alpha: float
    min_effect: float

    @property
    def holds(self) -> bool:
        """Whether there is an effect to summarise: significant, and as large as asked for."""
        return self.anova.p < self.alpha and self.largest_change >= self.min_effect


def dose_effect_rule(
    dose: ArrayLike, response: ArrayLike, *, alpha: float = 0.05, min_effect: float = 0.0, reference: float = 0.0
) -> DoseEffect:
    """Whether the doses differ enough for an ED50 to be thought of.

    Raises
    ------
    BadInput
        One animal per dose, no variance, or no row of the reference dose.
    """
    x, y, _ = _rows(dose, response)
    anova = one_way_anova(y, x, reference=reference)
    means = np.array([y[x == d].mean() for d in np.unique(x)])
    base = float(y[x == reference].mean())
    change = float(np.abs(means - base).max()) / abs(base) if base != 0 else math.inf
    return DoseEffect(anova, change, alpha, min_effect)


@dataclass(frozen=True)
class _Effect:
    """What the doses do, before any curve: their test, adjusted means, and the errors of differences between means."""

    doses: Floats
    means: Floats
    test: FTest
    se_of_difference: Floats

    @classmethod
    def of(cls, x: Floats, y: Floats, doses: Floats, animal: NDArray[np.str_] | None) -> _Effect:
        cells = (x[:, None] == doses[None, :]).astype(np.float64)
        if animal is None:
            anova = one_way_anova(y, x, reference=float(doses[0]))
            means, covariance = cells.T @ y / cells.sum(axis=0), np.diag(anova.mse / cells.sum(axis=0))
            test = FTest(anova.f, anova.df1, anova.df2, anova.p)
        else:
            fit = fit_mixed(y, cells, animal)
            means, covariance = fit.beta, fit.covariance
            test = f_contrast(fit, np.eye(len(doses))[1:] - np.eye(len(doses))[0])
        spread = np.diag(covariance)
        variance = spread[:, None] + spread[None, :] - 2 * covariance
        return cls(doses, means, test, np.asarray(np.sqrt(np.maximum(variance, 0.0)), dtype=np.float64))

    def against(self, alpha: float, min_effect: float | None) -> list[str]:
        """Why there may be no ED50 whatever the curve."""
        test, means, reasons = self.test, self.means, []
        if test.p >= alpha:
            reasons.append(
                "the responses do not differ between doses "
                f"(F({test.df1:g}, {test.df2:.3g}) = {test.f:.2f}, p = {test.p:.2g})"
            )
        if min_effect is not None and np.abs(means - means[0]).max() < min_effect * abs(means[0]):
            reasons.append(f"no dose changes the response by {100 * min_effect:g} % of the vehicle's")
        turn = self._turn(alpha)
        return [*reasons, *([turn] if turn is not None else [])]

    def _turn(self, alpha: float) -> str | None:
        """The most significant step against the overall direction, if there is one and it is significant."""
        from scipy import stats

        i, j, t = self._step_back()
        # Tukey: a studentised range is √2 times a t.
        p = float(stats.studentized_range.sf(math.sqrt(2) * t, len(self.doses), self.test.df2))
        return self._not_monotone(i, j, f"(p = {p:.2g})") if p < alpha else None

    def turn_seen(self, model: Model) -> str | None:
        """A step back of a quarter of the effect, which need not be significant to keep a curve from settling."""
        i, j, _ = self._step_back()
        if abs(self.means[j] - self.means[i]) < _LEAST_TURN * np.ptp(self.means):
            return None
        return self._not_monotone(i, j, f"({self.means[i]:.4g} to {self.means[j]:.4g}), so that {model} does not fit,")

    def _step_back(self) -> tuple[int, int, float]:
        """Between which doses the means go most against their overall direction, and its t."""
        up = (self.means[None, :] - self.means[:, None]) / np.where(self.se_of_difference > 0, self.se_of_difference, 1)
        up[np.tril_indices(len(self.doses))] = 0.0
        wrong = -up if up.max() >= -up.min() else up
        i, j = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        return int(i), int(j), float(wrong[i, j])

    def _not_monotone(self, i: int, j: int, proof: str) -> str:
        what = "falls" if self.means[j] < self.means[i] else "rises"
        step = f"the response {what} from {self.doses[i]:g} to {self.doses[j]:g}"
        return (
            f"the effect is not monotone: {step} {proof} against its overall direction; "
            "report directions per dose, or fit a biphasic curve"
        )


@dataclass(frozen=True, slots=True)
class _Target:
    """Which dose is meant: half of the fitted range, or a percentage of the fitted vehicle response."""

    fit: CurveFit
    percent_of_vehicle: float | None
    conf_level: float

    @property
    def kind(self) -> Literal["relative", "absolute"]:
        return "relative" if self.percent_of_vehicle is None else "absolute"

    @property
    def response(self) -> float:
        c, d = self.fit.estimates["c"], self.fit.estimates["d"]
        return (c + d) / 2 if self.percent_of_vehicle is None else d * self.percent_of_vehicle / 100

    def dose(self) -> float:
        if self.percent_of_vehicle is None:
            return effective_dose(self.fit, 50).estimate
        return absolute_dose(self.fit, self.response).estimate

    def interval(self, doses: Floats) -> Interval | str:
        """The profile interval, or why there is none that says something."""
        try:
            if self.percent_of_vehicle is None:
                found = effective_dose_profile(self.fit, 50, self.conf_level)
            else:
                found = absolute_dose_profile(self.fit, self.percent_of_vehicle / 100, self.conf_level)
        except BadInput as error:
            return f"it has no confidence interval: {error}"
        return says_nothing(found, doses) or found

    def meaning(self) -> str:
        c, d = self.fit.estimates["c"], self.fit.estimates["d"]
        if self.percent_of_vehicle is None:
            return f"relative: half way from {d:.4g} at dose 0 to {c:.4g} at the largest effect, both as fitted"
        return f"absolute: {self.percent_of_vehicle:g} % of the fitted vehicle response of {d:.4g}"

    def reasons(self, doses: Floats, means: Floats) -> list[str]:
        c, d = self.fit.estimates["c"], self.fit.estimates["d"]
        farthest = float(means.min() if c < d else means.max())
        short = farthest > self.response if c < d else farthest < self.response
        level = "half of the fitted range" if self.kind == "relative" else f"{self.percent_of_vehicle:g} % of vehicle"
        if short:
            return [
                f"the responses do not reach {level} ({self.response:.4g}): the farthest dose mean is {farthest:.4g}; "
                "test higher doses"
            ]
        try:
            dose = self.dose()
        except BadInput as error:
            return [str(error)]
        lowest, highest = float(doses[doses > 0].min()), float(doses.max())
        if not lowest <= dose <= highest:
            return [
                f"it would be {dose:.3g}, outside the doses tested ({lowest:g} to {highest:g}); test doses around it"
            ]
        return []


def says_nothing(interval: Interval, doses: Floats) -> str | None:
    """Why an interval says too little for an ED50 to be given: it lacks a limit, or runs far beyond the doses."""
    lo, hi = interval.lo, interval.hi
    missing = [*(["lower"] if lo <= 0 else []), *(["upper"] if not math.isfinite(hi) else [])]
    if missing:
        return (
            f"its confidence interval has no {' and no '.join(missing)} limit: almost any dose there would fit; "
            "test more doses around it, or hold an asymptote fixed"
        )
    lowest, highest = float(doses[doses > 0].min()), float(doses.max())
    if lowest / REACH <= lo and hi <= highest * REACH:
        return None
    return (
        f"its confidence interval, {lo:.2g} to {hi:.2g}, runs more than {REACH:g} times beyond the doses tested, "
        f"{lowest:g} to {highest:g}; test more doses around it, or hold an asymptote fixed"
    )


def _remarks(fit: CurveFit, alpha: float) -> tuple[str, ...]:
    try:
        test = lack_of_fit(fit)
    except BadInput:
        return ()
    if test.p >= alpha:
        return ()
    return (
        f"one mean per dose describes the data better than the curve does (lack of fit F({test.df1:g}, {test.df2:g}) = "
        f"{test.f:.2f}, p = {test.p:.2g}); look at the figure before using the ED50",
    )
