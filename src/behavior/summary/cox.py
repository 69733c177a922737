"""Cox's proportional hazards for levels against a reference, with errors that know which trials are one
animal's.

A hazard ratio above 1 means that the level responds sooner. With clusters, intervals and p-values use the
sandwich of cluster sums of score residuals; trials of one rat are not independent, and without it they look
about three times as sure as they are. That sandwich is still too sure with few animals: `permutation_p`
rearranges whole animals between two levels.

References
----------
Cox DR (1972). Journal of the Royal Statistical Society B 34, 187–220. Efron B (1977). Journal of the
American Statistical Association 72, 557–565. Lin DY, Wei LJ (1989). Journal of the American Statistical
Association 84, 1074–1078.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput
from behavior.summary.compare import Labels
from behavior.summary.derivatives import Floats
from behavior.summary.fit import ChiSquare
from behavior.summary.groups import check_rows, level_labels
from behavior.summary.multiplicity import adjust_p
from behavior.summary.ranks import PermutationAnova, PermutationComparison, permutation_anova, permutation_test
from behavior.summary.survival import Latencies

Ties: TypeAlias = Literal["efron", "breslow"]
_MAX_STEPS = 50
_CONFOUNDED = "the covariates cannot be told apart at the times of events; leave one out"
_SEPARATED = (
    "the hazard ratio has no finite estimate: one level responded only where no other was left; "
    "compare by log-rank or by restricted means"
)


@dataclass(frozen=True)
class CoxFit:
    """A fitted model: coefficients of shape (p,), model-based covariance, and the sandwich where there are clusters."""

    beta: Floats
    covariance: Floats
    robust_covariance: Floats | None
    loglik: float
    loglik_null: float
    n: int
    n_events: int
    n_clusters: int | None

    @property
    def likelihood_ratio(self) -> ChiSquare:
        """The model against none."""
        from scipy import stats

        chi2, df = max(2 * (self.loglik - self.loglik_null), 0.0), len(self.beta)
        return ChiSquare(chi2, df, float(stats.chi2.sf(chi2, df)))


@dataclass(frozen=True)
class _Deaths:
    """Rows sorted by falling time, and for every distinct time of events how far the risk set reaches."""

    x: Floats
    event: NDArray[np.bool_]
    at_risk: NDArray[np.intp]
    dying: tuple[NDArray[np.intp], ...]
    row_order: NDArray[np.intp]
    time: Floats
    times: Floats
    ties: Ties

    @classmethod
    def of(cls, time: Floats, event: NDArray[np.bool_], x: Floats, ties: Ties) -> _Deaths:
        order = np.argsort(-time, kind="stable")
        t, e = time[order], event[order]
        times = np.unique(t[e])
        at_risk = np.searchsorted(-t, -times, side="right")
        dying = tuple(np.flatnonzero(e & (t == at)) for at in times)
        return cls(x[order], e, at_risk, dying, order, t, times, ties)

    def steps(self, beta: Floats) -> tuple[Floats, list[tuple[Floats, Floats, Floats, Floats]]]:
        """exp(xb), and for every time of events the sums of Efron's d risk sets, their means and covariances."""
        linear = self.x @ beta
        risk = np.exp(linear - linear.max(initial=0.0))
        sums0, sums1 = np.cumsum(risk), np.cumsum(risk[:, None] * self.x, axis=0)
        sums2 = np.cumsum(risk[:, None, None] * self.x[:, :, None] * self.x[:, None, :], axis=0)
        found = []
        for reach, dead in zip(self.at_risk, self.dying, strict=True):
            d = len(dead)
            leave = np.arange(d) / d if self.ties == "efron" else np.zeros(d)
            xd, rd = self.x[dead], risk[dead]
            total = sums0[reach - 1] - leave * rd.sum()
            mean = (sums1[reach - 1] - leave[:, None] * (rd @ xd)) / total[:, None]
            second = sums2[reach - 1] - leave[:, None, None] * np.einsum("i,ij,ik->jk", rd, xd, xd)
            spread = second / total[:, None, None] - mean[:, :, None] * mean[:, None, :]
            found.append((total, mean, spread.sum(axis=0), leave))
        return risk, found

    def evaluate(self, beta: Floats) -> tuple[float, Floats, Floats]:
        """The partial log-likelihood, its gradient and the information."""
        linear = self.x @ beta
        top = float(linear.max(initial=0.0))
        _, steps = self.steps(beta)
        loglik, score, information = 0.0, np.zeros(len(beta)), np.zeros((len(beta), len(beta)))
        for dead, (total, mean, spread, _) in zip(self.dying, steps, strict=True):
            loglik += float(linear[dead].sum() - np.log(total).sum() - top * len(dead))
            score += self.x[dead].sum(axis=0) - mean.sum(axis=0)
            information += spread
        return loglik, score, information

    def score_residuals(self, beta: Floats) -> Floats:
        """What each row adds to the score, in the original order, shape (n, p)."""
        risk, steps = self.steps(beta)
        p = self.x.shape[1]
        pull, centre = np.zeros(len(self.times)), np.zeros((len(self.times), p))
        residuals = np.zeros_like(self.x)
        for i, (dead, (total, mean, _, leave)) in enumerate(zip(self.dying, steps, strict=True)):
            pull[i], centre[i] = float((1 / total).sum()), (mean / total[:, None]).sum(axis=0)
            # A row that dies now leaves Efron's risk sets step by step; give back what the sums below take too much.
            back, back_centre = float((leave / total).sum()), (leave[:, None] * mean / total[:, None]).sum(axis=0)
            residuals[dead] += self.x[dead] - mean.mean(axis=0)
            residuals[dead] += risk[dead, None] * (self.x[dead] * back - back_centre)
        passed = np.searchsorted(self.times, self.time, side="right")
        pulls = np.concatenate([[0.0], np.cumsum(pull)])[passed]
        centres = np.vstack([np.zeros((1, p)), np.cumsum(centre, axis=0)])[passed]
        residuals -= risk[:, None] * (self.x * pulls[:, None] - centres)
        original = np.empty_like(residuals)
        original[self.row_order] = residuals
        return original


def fit_cox(
    time: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike,
    *,
    cluster: Labels | None = None,
    ties: Ties = "efron",
) -> CoxFit:
    """Fit by Newton's method on the partial likelihood.

    Parameters
    ----------
    time : shape (n,)
    event : True where the event was seen, shape (n,)
    covariates : shape (n, p)
    cluster : the animal of every row, for the sandwich covariance
    ties : Efron's or Breslow's approximation

    Raises
    ------
    BadInput
        No event, or a covariate whose effect has no finite estimate.
    """
    t, x = np.asarray(time, dtype=np.float64), np.asarray(covariates, dtype=np.float64)
    seen = np.asarray(event, dtype=bool)
    check_rows(latencies=t, events=seen, covariates=x)
    if not seen.any():
        raise BadInput("no event was seen, so that hazards cannot be compared")
    deaths = _Deaths.of(t, seen, x - x.mean(axis=0), ties)
    beta = np.zeros(x.shape[1])
    loglik_null, score, information = deaths.evaluate(beta)
    loglik = loglik_null
    for i in range(_MAX_STEPS):
        if not _is_definite(information):
            raise BadInput(_SEPARATED if i else _CONFOUNDED)
        step = np.asarray(np.linalg.solve(information, score), dtype=np.float64)
        while True:
            higher = deaths.evaluate(beta + step)
            if higher[0] >= loglik - 1e-10 * abs(loglik) or np.abs(step).max() < 1e-12:
                break
            step = step / 2
        gain, beta = higher[0] - loglik, beta + step
        loglik, score, information = higher
        if abs(gain) <= 1e-12 * max(abs(loglik), 1.0) and np.abs(step).max() < 1e-7:
            break
    else:
        raise BadInput(_SEPARATED)
    if not _is_definite(information):
        raise BadInput(_SEPARATED)
    covariance = np.linalg.inv(information)
    robust, n_clusters = None, None
    if cluster is not None:
        _, which = np.unique(level_labels(cluster), return_inverse=True)
        n_clusters = int(which.max()) + 1
        sums = np.zeros((n_clusters, x.shape[1]))
        np.add.at(sums, which, deaths.score_residuals(beta) @ covariance)
        robust = np.asarray(sums.T @ sums, dtype=np.float64)
    return CoxFit(
        beta, np.asarray(covariance, dtype=np.float64), robust, loglik, loglik_null, len(t), int(seen.sum()), n_clusters
    )


def _is_definite(information: Floats) -> bool:
    values = np.linalg.eigvalsh(information)
    return bool(values[0] > 1e-9 * max(values[-1], 1e-300))


def score_test(time: ArrayLike, event: ArrayLike, covariate: ArrayLike, ties: Ties = "efron") -> ChiSquare:
    """Cox's score test of one covariate, such as the dose itself: a trend test for censored latencies."""
    from scipy import stats

    x, t = np.asarray(covariate, dtype=np.float64)[:, None], np.asarray(time, dtype=np.float64)
    seen = np.asarray(event, dtype=bool)
    check_rows(latencies=t, events=seen, covariates=x)
    deaths = _Deaths.of(t, seen, x - x.mean(), ties)
    _, score, information = deaths.evaluate(np.zeros(1))
    if information[0, 0] <= 0:
        raise BadInput("the covariate does not vary among those at risk, so that there is no trend to test")
    chi2 = float(score[0] ** 2 / information[0, 0])
    return ChiSquare(chi2, 1, float(stats.chi2.sf(chi2, 1)))


@dataclass(frozen=True, slots=True)
class HazardComparison:
    """A level against the reference. A level without any event has a hazard ratio of 0, and neither error
    nor p.

    `se` is model-based; `robust_se`, where there are clusters, is what `lo`, `hi` and `p` use.
    """

    level: str
    reference: str
    coef: float
    hazard_ratio: float
    se: float
    robust_se: float | None
    lo: float
    hi: float
    p: float | None


@dataclass(frozen=True)
class CoxComparisons:
    """Every level against the reference, and the fit of the levels that had events."""

    fit: CoxFit
    comparisons: tuple[HazardComparison, ...]
    conf_level: float


def cox_comparisons(
    found: Latencies, *, cluster: Labels | None = None, ties: Ties = "efron", conf_level: float = 0.95
) -> CoxComparisons:
    """Hazard ratios of every level against the reference.

    Parameters
    ----------
    found : the latencies
    cluster : the animal of every row of `found`
    ties : Efron's or Breslow's approximation
    conf_level : of the Wald intervals

    Raises
    ------
    BadInput
        The reference level has no event.
    """
    reference, *others = found.levels
    seen = [level for level in found.levels if found.of(level)[1].any()]
    if reference not in seen:
        raise BadInput(
            f"no animal of {reference} responded before the cut-off, so that hazard ratios against it do not exist; "
            "compare by log-rank or by restricted means"
        )
    if len(seen) == 1:
        raise BadInput(f"only {reference} had any event, so that there is no hazard ratio; compare by log-rank")
    # A level without events has an infinitely small hazard: at that limit its rows weigh nothing.
    rows = np.isin(found.label, seen)
    x = np.column_stack([found.label[rows] == level for level in seen[1:]]).astype(np.float64)
    who = _animals(found, cluster)[rows] if cluster is not None else None
    fit = fit_cox(found.time[rows], found.event[rows], x, cluster=who, ties=ties)
    return CoxComparisons(fit, tuple(_hazard(fit, level, reference, seen, conf_level) for level in others), conf_level)


def _hazard(fit: CoxFit, level: str, reference: str, seen: Sequence[str], conf_level: float) -> HazardComparison:
    from scipy import stats

    if level not in seen:
        return HazardComparison(level, reference, -math.inf, 0.0, math.inf, None, 0.0, math.inf, None)
    i = seen.index(level) - 1
    coef, se = float(fit.beta[i]), math.sqrt(fit.covariance[i, i])
    robust = math.sqrt(fit.robust_covariance[i, i]) if fit.robust_covariance is not None else None
    used = se if robust is None else robust
    half = float(stats.norm.ppf((1 + conf_level) / 2)) * used
    p = 2 * float(stats.norm.sf(abs(coef) / used)) if used > 0 else None
    lo, middle, hi = (float(np.exp(np.clip(coef + step, -700, 700))) for step in (-half, 0.0, half))
    return HazardComparison(level, reference, coef, middle, se, robust, lo, hi, p)


def whole_animal_tests(found: Latencies, animal: Labels) -> tuple[PermutationComparison, ...]:
    """Every level against the reference by rearranging animals with all their trials: a clustered log-rank
    test.

    Each trial scores its log-rank residual (event less cumulative hazard of the two levels together), an
    animal the sum of its trials' scores; `diff` is the difference of the mean animal scores, above 0 where
    the level responds sooner. The test holds its level with any number of animals and any dependence between
    an animal's trials.

    Parameters
    ----------
    found : the latencies
    animal : the animal of every row of `found`

    References
    ----------
    Brunner E, Munzel U, Puri ML (2002). Journal of Statistical Planning and Inference 108, for ranks; the
    scores are those of Peto R, Peto J (1972), Journal of the Royal Statistical Society A 135, 185–207.
    """
    reference, *others = found.levels
    tests: list[PermutationComparison] = []
    for level in others:
        _, sums, labels = animal_scores(found, animal, (reference, level))
        tests += permutation_test(sums, labels, reference=reference, levels=[reference, level])
    holm = adjust_p([test.p for test in tests], "holm")
    return tuple(replace(test, p_holm=float(p)) for test, p in zip(tests, holm, strict=True))


def whole_animal_test(found: Latencies, animal: Labels) -> PermutationAnova:
    """All levels at once by rearranging animals with all their trials: a clustered log-rank test over levels.

    With one latency an animal it is the log-rank test by permutation, for samples too small for χ².

    Parameters
    ----------
    found : the latencies
    animal : the animal of every row of `found`
    """
    _, sums, labels = animal_scores(found, animal, found.levels)
    return permutation_anova(sums, labels, reference=found.levels[0], levels=list(found.levels))


def animal_scores(
    found: Latencies, animal: Labels, levels: Sequence[str]
) -> tuple[NDArray[np.str_], Floats, NDArray[np.str_]]:
    """Every animal, its sum of log-rank residuals among these levels, and its level; in the order of their names."""
    who = _animals(found, animal)
    rows = np.isin(found.label, levels)
    scores = found.event[rows] - _cumulative_hazard(found.time[rows], found.event[rows])
    names, first, which = np.unique(who[rows], return_index=True, return_inverse=True)
    return names, np.asarray(np.bincount(which, weights=scores), dtype=np.float64), found.label[rows][first]


def _animals(found: Latencies, animal: Labels) -> NDArray[np.str_]:
    who = level_labels(animal)
    if len(who) != len(found.time):
        raise BadInput(f"{len(who)} animals stand beside {len(found.time)} latencies; give one of each per row")
    return who


def _cumulative_hazard(time: Floats, event: NDArray[np.bool_]) -> Floats:
    """Nelson and Aalen's estimate at every row's own time."""
    times = np.unique(time[event])
    steps = np.array([(event & (time == t)).sum() / (time >= t).sum() for t in times])
    return np.asarray(np.concatenate([[0.0], np.cumsum(steps)])[np.searchsorted(times, time, side="right")])
