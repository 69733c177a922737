"""What a level's responses look like: counts at every step, mean and its error, quartiles, and the size of
the effect.

SD and variance use n - 1; SEM = SD / √n; the interval of the mean is mean -/+ t(n - 1) SEM. Quartiles are of
type 7 (R, numpy) unless type 6 (SPSS, Prism) is asked for; a report must say which.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput
from behavior.summary.derivatives import Floats
from behavior.summary.effect_size import cliffs_delta, cohens_d, small_sample_factor
from behavior.summary.fit import t_quantile
from behavior.summary.groups import Level, as_responses, level_labels, named_levels

QuantileType = Literal[6, 7]


@dataclass(frozen=True, slots=True)
class LevelDescription:
    """One level. What the responses do not determine is None: an SD of one response, an effect on the
    reference itself.

    `n_allocated` counts all rows of the level, of which `n_excluded` were excluded, `n_missing` were not and
    have no response, and `n` were analysed.
    """

    level: str
    n_allocated: int
    n_excluded: int
    n_missing: int
    n: int
    mean: float | None
    sd: float | None
    sem: float | None
    ci_lo: float | None
    ci_hi: float | None
    median: float | None
    q1: float | None
    q3: float | None
    min: float | None
    max: float | None
    percent_of_vehicle: float | None
    cohens_d: float | None
    hedges_g: float | None
    cliffs_delta: float | None


def describe(
    response: ArrayLike,
    group: Sequence[object] | NDArray[np.generic],
    *,
    reference: Level,
    levels: Sequence[Level] | None = None,
    excluded: ArrayLike | None = None,
    conf_level: float = 0.95,
    quantile_type: QuantileType = 7,
) -> tuple[LevelDescription, ...]:
    """Describe the responses of every level, the reference first.

    Parameters
    ----------
    response : shape (n,), NaN where missing
    group : the level of every row, shape (n,)
    reference : the vehicle's level
    levels : the levels and their order; all that occur where absent
    excluded : True for rows that are counted but not analysed, shape (n,)
    conf_level : of the interval of the mean
    quantile_type : 7 (R, numpy) or 6 (SPSS, Prism)

    Raises
    ------
    BadInput
        Lengths differ or the reference does not occur.
    """
    values, labels = as_responses(response), level_labels(group)
    out = np.zeros(len(values), dtype=bool) if excluded is None else np.asarray(excluded, dtype=bool)
    if not len(values) == len(labels) == len(out):
        raise BadInput(f"{len(values)} responses stand beside {len(labels)} levels; give one of each per row")
    names = named_levels(labels, reference=reference, levels=levels)
    missing = np.isnan(values) & ~out
    vehicle = values[(labels == names[0]) & ~out & ~missing]
    described = []
    for name in names:
        here = labels == name
        analysed = values[here & ~out & ~missing]
        counts = (int(here.sum()), int((here & out).sum()), int((here & missing).sum()))
        is_vehicle = name == names[0]
        described.append(_level(name, counts, analysed, vehicle, is_vehicle, conf_level, quantile_type))
    return tuple(described)


def _level(
    name: str,
    counts: tuple[int, int, int],
    values: Floats,
    vehicle: Floats,
    is_vehicle: bool,
    conf_level: float,
    quantile_type: QuantileType,
) -> LevelDescription:
    n = len(values)
    mean = float(values.mean()) if n else None
    sd = float(values.std(ddof=1)) if n > 1 else None
    sem = sd / math.sqrt(n) if sd is not None else None
    half = t_quantile(conf_level, n - 1) * sem if sem is not None else None
    q1, median, q3 = (quantile(values, p, quantile_type) if n else None for p in (0.25, 0.5, 0.75))
    base = float(vehicle.mean()) if len(vehicle) else 0.0
    effects = (None, None, None) if is_vehicle else _effects(values, vehicle)
    return LevelDescription(
        name,
        *counts,
        n=n,
        mean=mean,
        sd=sd,
        sem=sem,
        ci_lo=mean - half if mean is not None and half is not None else None,
        ci_hi=mean + half if mean is not None and half is not None else None,
        median=median,
        q1=q1,
        q3=q3,
        min=float(values.min()) if n else None,
        max=float(values.max()) if n else None,
        percent_of_vehicle=100 * mean / base if mean is not None and base != 0 else None,
        cohens_d=effects[0],
        hedges_g=effects[1],
        cliffs_delta=effects[2],
    )


def _effects(values: Floats, vehicle: Floats) -> tuple[float | None, float | None, float | None]:
    if not len(values) or not len(vehicle):
        return None, None, None
    delta = cliffs_delta(values, vehicle).estimate
    try:
        d = cohens_d(values, vehicle)
        return d, d * small_sample_factor(len(values) + len(vehicle) - 2), delta
    except BadInput:
        return None, None, delta


def quantile(values: Floats, p: float, quantile_type: QuantileType = 7) -> float:
    """A sample quantile of type 7 or 6.

    References
    ----------
    Hyndman RJ, Fan Y (1996). The American Statistician 50, 361–365.
    """
    return float(np.quantile(values, p, method="linear" if quantile_type == 7 else "weibull"))
