"""Repeated measures on the same animals: crossover studies, and groups followed over days.

Both are linear mixed models with a random intercept per animal (see `mixed`). An animal that misses a
session keeps its others. Differences are always level minus reference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput
from behavior.summary.compare import Labels
from behavior.summary.derivatives import Floats
from behavior.summary.fit import FTest
from behavior.summary.groups import (
    Level,
    as_responses,
    check_rows,
    level_label,
    level_labels,
    named_levels,
    ordered_levels,
)
from behavior.summary.mixed import (
    Contrast,
    MixedFit,
    contrast,
    correlation_of,
    f_contrast,
    fit_mixed,
    kenward_roger,
)
from behavior.summary.multiplicity import adjust_p
from behavior.summary.multivariate_t import adjusted_p, critical_value


@dataclass(frozen=True, slots=True)
class RepeatedComparison:
    """A level against the reference, within animals.

    `p` is unadjusted; `p_holm` and `p_dunnett` hold over the family. `lo` and `hi` are simultaneous
    (Dunnett, multivariate t) in a crossover, and pointwise per day. `at` is the day, or "" in a crossover.
    """

    level: str
    reference: str
    at: str
    estimate: float
    se: float
    df: float
    t: float
    p: float
    p_holm: float
    p_dunnett: float | None
    lo: float
    hi: float
    se_kenward_roger: float
    df_kenward_roger: float


@dataclass(frozen=True)
class WithinSubject:
    """A crossover study. `missing` counts sessions without a response."""

    fit: MixedFit
    treatment: FTest
    period: FTest | None
    comparisons: tuple[RepeatedComparison, ...]
    n: int
    n_subjects: int
    missing: int


@dataclass(frozen=True)
class GroupByTime:
    """Groups followed over days, type III tests with sum-to-zero coding."""

    fit: MixedFit
    group: FTest
    time: FTest
    interaction: FTest
    comparisons: tuple[RepeatedComparison, ...]
    n: int
    n_subjects: int
    missing: int
    averages: Floats
    """Contrasts of every group with the reference over the mean of the days, shape (groups - 1, p)."""
    groups: tuple[str, ...]


@dataclass(frozen=True)
class _Rows:
    """The rows that have a response and a place in the design."""

    y: Floats
    first: NDArray[np.str_]
    second: NDArray[np.str_]
    subject: NDArray[np.str_]
    missing: int

    @classmethod
    def of(cls, response: ArrayLike, first: Labels, second: Labels, subject: Labels, levels: Sequence[str]) -> _Rows:
        y, a, b, who = as_responses(response), level_labels(first), level_labels(second), level_labels(subject)
        check_rows(responses=y, levels=a, periods=b, subjects=who)
        used = np.isin(a, levels) & (b != "") & (who != "")
        present = used & np.isfinite(y)
        return cls(y[present], a[present], b[present], who[present], int((used & ~np.isfinite(y)).sum()))


def within_subject(
    response: ArrayLike,
    group: Labels,
    subject: Labels,
    *,
    reference: Level,
    levels: Sequence[Level] | None = None,
    period: Labels | None = None,
    conf_level: float = 0.95,
) -> WithinSubject:
    """A crossover study: treatments compared within animals, with periods as a factor.

    Parameters
    ----------
    response : shape (n,), NaN for a session that is missing; its animal stays
    group : the treatment of every row, shape (n,)
    subject : the animal, shape (n,)
    reference, levels : the vehicle and the order of treatments
    period : the place in the sequence, a factor; None to leave it out
    conf_level : of the simultaneous intervals

    Raises
    ------
    BadInput
        No animal had two sessions, treatments and periods cannot be told apart, or nothing varies.
    """
    labels = level_labels(group)
    names = named_levels(labels, reference=reference, levels=levels)
    rows = _Rows.of(response, labels, period if period is not None else ["all"] * len(labels), subject, names)
    periods = ordered_levels(rows.second.tolist(), reference=min(set(rows.second.tolist()), default=""))
    design = np.column_stack(
        [np.ones(len(rows.y)), *(rows.first == name for name in names[1:]), *(rows.second == p for p in periods[1:])]
    ).astype(np.float64)
    _each_level_occurs(rows.first, names)
    fit = fit_mixed(rows.y, design, rows.subject)
    picks = np.eye(design.shape[1])
    treated, timed = picks[1 : len(names)], picks[len(names) :]
    return WithinSubject(
        fit=fit,
        treatment=f_contrast(fit, treated),
        period=f_contrast(fit, timed) if len(timed) else None,
        comparisons=_family(fit, treated, names, conf_level),
        n=fit.n,
        n_subjects=fit.n_subjects,
        missing=rows.missing,
    )


def _each_level_occurs(labels: NDArray[np.str_], names: Sequence[str]) -> None:
    for name in names:
        if not (labels == name).any():
            raise BadInput(f"level {name} has no responses; leave it out")


def _family(fit: MixedFit, rows: Floats, names: Sequence[str], conf_level: float) -> tuple[RepeatedComparison, ...]:
    found = [contrast(fit, row) for row in rows]
    correlation = correlation_of(fit, rows)
    holm = adjust_p([c.p for c in found], "holm")
    return tuple(
        _comparison(
            fit,
            row,
            c,
            (name, names[0], ""),
            float(p_holm),
            adjusted_p(c.t, correlation, c.df),
            critical_value(conf_level, correlation, c.df),
        )
        for row, c, name, p_holm in zip(rows, found, names[1:], holm, strict=True)
    )


def _comparison(
    fit: MixedFit,
    row: Floats,
    c: Contrast,
    place: tuple[str, str, str],
    p_holm: float,
    p_dunnett: float | None,
    critical: float,
) -> RepeatedComparison:
    kr = kenward_roger(fit, row)
    level, reference, at = place
    return RepeatedComparison(
        level=level,
        reference=reference,
        at=at,
        estimate=c.estimate,
        se=c.se,
        df=c.df,
        t=c.t,
        p=c.p,
        p_holm=p_holm,
        p_dunnett=p_dunnett,
        lo=c.estimate - critical * c.se,
        hi=c.estimate + critical * c.se,
        se_kenward_roger=kr.se,
        df_kenward_roger=kr.df,
    )


def group_by_time(
    response: ArrayLike,
    group: Labels,
    time: Labels,
    subject: Labels,
    *,
    reference: Level,
    levels: Sequence[Level] | None = None,
    times: Sequence[Level] | None = None,
    conf_level: float = 0.95,
) -> GroupByTime:
    """Groups followed over days: group, day and their interaction, and every group against the reference on
    each day.

    Parameters
    ----------
    response : shape (n,), NaN for a session that is missing
    group : the group of every row, shape (n,)
    time : the day of every row, taken as a factor, shape (n,)
    subject : the animal, shape (n,)
    reference, levels : the control group and the order of groups
    times : the days and their order; all that occur where absent
    conf_level : of the pointwise intervals

    Raises
    ------
    BadInput
        A group has no responses on one of the days, no animal has two, or nothing varies.
    """
    labels, days = level_labels(group), level_labels(time)
    check_rows(responses=as_responses(response), levels=labels, days=days, subjects=level_labels(subject))
    names = named_levels(labels, reference=reference, levels=levels)
    if times is None:
        order = ordered_levels(days.tolist(), reference=min((d for d in days.tolist() if d), default=""))
        kept = tuple(sorted(order, key=_as_number))
    else:
        kept = tuple(level_label(t) for t in times)
    on = np.isin(days, kept)
    rows = _Rows.of(as_responses(response)[on], labels[on], days[on], level_labels(subject)[on], names)
    if len(kept) < 2:
        raise BadInput("all rows are of one day; a study over time needs a second one")
    for name in names:
        for day in kept:
            if not ((rows.first == name) & (rows.second == day)).any():
                raise BadInput(f"group {name} has no responses on day {day}; leave the day or the group out")
    codes, day_codes = _sum_to_zero(len(names)), _sum_to_zero(len(kept))
    cell_rows = {(g, d): _cell(codes[i], day_codes[j]) for i, g in enumerate(names) for j, d in enumerate(kept)}
    design = np.array([cell_rows[g, d] for g, d in zip(rows.first.tolist(), rows.second.tolist(), strict=True)])
    fit = fit_mixed(rows.y, design, rows.subject)
    picks, a, b = np.eye(design.shape[1]), len(names) - 1, len(kept) - 1
    return GroupByTime(
        fit=fit,
        group=f_contrast(fit, picks[1 : 1 + a]),
        time=f_contrast(fit, picks[1 + a : 1 + a + b]),
        interaction=f_contrast(fit, picks[1 + a + b :]),
        comparisons=_per_day(fit, cell_rows, names, kept, conf_level),
        n=fit.n,
        n_subjects=fit.n_subjects,
        missing=rows.missing,
        averages=np.array([np.mean([cell_rows[g, d] - cell_rows[names[0], d] for d in kept], axis=0)
                           for g in names[1:]]),
        groups=tuple(names),
    )  # fmt: skip


def averaged_over_time(found: GroupByTime, conf_level: float = 0.95) -> tuple[RepeatedComparison, ...]:
    """Every group against the reference over the mean of the days, simultaneous as in a crossover."""
    return _family(found.fit, found.averages, found.groups, conf_level)


def _as_number(label: str) -> tuple[bool, float, str]:
    try:
        return False, float(label), label
    except ValueError:
        return True, math.inf, label


def _sum_to_zero(k: int) -> Floats:
    """The codes of k levels, shape (k, k - 1); columns add up to 0."""
    return np.vstack([np.eye(k - 1), -np.ones((1, k - 1))])


def _cell(group_code: Floats, day_code: Floats) -> Floats:
    return np.concatenate([[1.0], group_code, day_code, np.outer(group_code, day_code).ravel()])


def _per_day(
    fit: MixedFit, cells: dict[tuple[str, str], Floats], names: Sequence[str], days: Sequence[str], conf_level: float
) -> tuple[RepeatedComparison, ...]:
    from behavior.summary.fit import t_quantile

    places = [(name, names[0], day) for day in days for name in names[1:]]
    rows = [cells[name, day] - cells[reference, day] for name, reference, day in places]
    found = [contrast(fit, row) for row in rows]
    holm = adjust_p([c.p for c in found], "holm")
    return tuple(
        _comparison(fit, row, c, place, float(p), None, t_quantile(conf_level, c.df))
        for row, c, place, p in zip(rows, found, places, holm, strict=True)
    )
