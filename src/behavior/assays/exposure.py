"""Exposure beside effect: what each dose gave in concentration and what it did, of one study.

Concentrations are averaged geometrically, effects arithmetically, each with its t interval and its own n: an
animal may have only one of the two. Dose proportionality is the power model ln C = a + b ln dose; b = 1 is
proportional. Where an affinity and an unbound fraction are given, the expected occupancy is C_u / (C_u + Ki):
a prediction from plasma, not a measurement.

References
----------
Smith BP et al. (2000). Confidence interval criteria for assessment of dose proportionality. Pharm Res 17,
1278–1283.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.assays.kinetics import geometric_mean
from behavior.assays.result import Estimate
from behavior.model.errors import BadInput
from behavior.summary.fit import t_quantile

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DoseRow:
    """One dose: concentration and effect with their own numbers of animals; None where there is nothing."""

    dose: float
    n_concentration: int
    n_below_limit: int
    concentration: Estimate | None
    n_effect: int
    effect: Estimate | None
    occupancy: float | None


def by_dose(
    dose: ArrayLike,
    concentration: ArrayLike,
    effect: ArrayLike,
    *,
    below_limit: ArrayLike | None = None,
    ki: float | None = None,
    fraction_unbound: float | None = None,
    conf_level: float = 0.95,
) -> list[DoseRow]:
    """Concentration and effect of each dose, ascending.

    Parameters
    ----------
    dose, concentration, effect : one animal each, shape (n,); NaN is missing
    below_limit : which concentrations are below the limit of quantification; a dose with one has no geometric
        mean
    ki, fraction_unbound : `ki` in the unit of `concentration`; both for the expected occupancy

    Raises
    ------
    BadInput
        A dose has neither a concentration nor an effect, or a concentration is not above 0.
    """
    doses, levels = np.asarray(dose, dtype=np.float64), np.asarray(concentration, dtype=np.float64)
    effects = np.asarray(effect, dtype=np.float64)
    under = np.zeros(len(doses), bool) if below_limit is None else np.asarray(below_limit, dtype=bool)
    rows = []
    for one in np.unique(doses):
        here = doses == one
        quantified = levels[here & ~under & np.isfinite(levels)]
        n_below = int((here & under).sum())
        if (quantified < 0).any() or (one > 0 and (quantified == 0).any()):
            raise BadInput(f"dose {one:g}: a concentration is not above 0; write BLQ where it is below the limit")
        positive = quantified[quantified > 0]
        seen = geometric_mean(positive, conf_level) if len(positive) and not n_below else None
        measured = effects[here & np.isfinite(effects)]
        if not len(measured) and not len(quantified) and not n_below:
            raise BadInput(f"dose {one:g} has neither concentration nor effect; fill one in or leave the dose out")
        occupancy = None
        if ki is not None and fraction_unbound is not None and seen is not None:
            unbound = seen.value * fraction_unbound
            occupancy = unbound / (unbound + ki)
        rows.append(
            DoseRow(
                dose=float(one),
                n_concentration=len(quantified) + n_below,
                n_below_limit=n_below,
                concentration=seen,
                n_effect=len(measured),
                effect=_mean(measured, conf_level) if len(measured) else None,
                occupancy=occupancy,
            )
        )
    return rows


def _mean(values: Floats, conf_level: float) -> Estimate:
    mean = float(values.mean())
    if len(values) < 2:
        return Estimate(mean, None, None, conf_level)
    half = t_quantile(conf_level, len(values) - 1) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Estimate(mean, mean - half, mean + half, conf_level)


def proportionality(dose: ArrayLike, concentration: ArrayLike, conf_level: float = 0.95) -> Estimate:
    """The exponent of the power model with its t interval; 1 is proportional to dose.

    Raises
    ------
    BadInput
        Fewer than two doses above 0, or too few animals for an error.
    """
    x, y = np.asarray(dose, dtype=np.float64), np.asarray(concentration, dtype=np.float64)
    keep = (x > 0) & np.isfinite(y) & (y > 0)
    x, y = np.log(x[keep]), np.log(y[keep])
    if len(np.unique(x)) < 2 or len(x) < 3:
        raise BadInput("dose proportionality needs concentrations at two doses above 0 and three animals at least")
    spread = x - x.mean()
    sxx = float(spread @ spread)
    slope = float(spread @ y) / sxx
    left = y - y.mean() - slope * spread
    half = t_quantile(conf_level, len(x) - 2) * math.sqrt(float(left @ left) / (len(x) - 2) / sxx)
    return Estimate(slope, slope - half, slope + half, conf_level)


@dataclass(frozen=True, slots=True)
class RankAssociation:
    """Spearman's rank correlation of effect with concentration over the animals that have both."""

    rho: float
    p: float
    n: int


def association(concentration: Sequence[float], effect: Sequence[float]) -> RankAssociation | None:
    """Whether the animals with higher concentrations have larger effects; None with fewer than four such
    animals.
    """
    from scipy import stats

    x, y = np.asarray(concentration, dtype=np.float64), np.asarray(effect, dtype=np.float64)
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < 4 or np.ptp(x[both]) == 0 or np.ptp(y[both]) == 0:
        return None
    rho, p = stats.spearmanr(x[both], y[both])
    return RankAssociation(float(rho), float(p), int(both.sum()))


def emax_effect(dose: float, *, ed50: float, hill: float = 1.0, maximum: float = 100.0) -> float:
    """The effect that a sigmoid Emax curve expects at a dose: maximum D^h / (D^h + ED50^h)."""
    return maximum / (1 + (ed50 / dose) ** hill) if dose > 0 else 0.0
