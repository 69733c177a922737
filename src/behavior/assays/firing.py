"""Firing rates under cumulative doses: percent inhibition per neuron, its ED50, and one curve through all
neurons.

Inhibition is 100 (1 - rate / baseline rate) of the same neuron; a neuron without a baseline or silent in it
is left out, and said so. A neuron's ED50 is interpolated on log dose between the first dose with at least the
criterion (50 %) and the dose before it; a neuron that reaches it at its first dose, or never, has no ED50 and
is counted as such. The mean is geometric.

The pooled curve is 100 / (1 + (dose / ED50)^h) % of baseline on doses above 0, by least squares, limits on ln
ED50. All of a neuron's points enter it as if independent, so that its limits are narrower than the neurons'
own spread allows: the interpolated ED50s, one a neuron, carry the inference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.assays.kinetics import geometric_mean
from behavior.assays.limits import profile_limits, raised
from behavior.assays.result import Estimate, Unusable
from behavior.model.errors import BadInput
from behavior.summary.fit import CurveFit, fit_curve, t_quantile

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Neuron:
    """One neuron: its doses (ascending, the baseline not among them) and percent inhibition at each.

    `ed50` is None where it could not be interpolated, and `why` says why.
    """

    name: str
    baseline_hz: float
    doses: tuple[float, ...]
    inhibition_percent: tuple[float, ...]
    ed50: float | None
    why: str


def analyse_neuron(
    name: str,
    dose: ArrayLike,
    rate_hz: ArrayLike,
    *,
    baseline_dose: float = 0.0,
    criterion_percent: float = 50.0,
) -> Neuron:
    """Percent inhibition by cumulative dose, and the interpolated ED50.

    Parameters
    ----------
    name : of the neuron
    dose : cumulative, shape (n,); several rows of the baseline dose are averaged
    rate_hz : shape (n,); NaN is missing
    baseline_dose : the dose of the baseline rows
    criterion_percent : the inhibition at which the ED50 is read

    Raises
    ------
    BadInput
        Doses do not increase.
    Unusable
        No baseline sample, or a silent baseline.
    """
    doses, rates = np.asarray(dose, dtype=np.float64), np.asarray(rate_hz, dtype=np.float64)
    there = np.isfinite(rates)
    doses, rates = doses[there], rates[there]
    is_baseline = doses == baseline_dose
    if not is_baseline.any():
        raise Unusable(f"{name}: there is no baseline sample (dose {baseline_dose:g}); leave the neuron out or add it")
    baseline = float(rates[is_baseline].mean())
    if baseline <= 0:
        raise Unusable(f"{name}: the baseline rate is {baseline:g} Hz; inhibition cannot be told, leave the neuron out")
    falls = (np.diff(doses) < 0).any()
    doses, rates = doses[~is_baseline], rates[~is_baseline]
    if falls or (np.diff(doses) == 0).any():
        raise BadInput(f"{name}: cumulative doses do not increase; sort the rows or mend the entry")
    inhibition = 100 * (1 - rates / baseline)
    ed50, why = interpolate_ed50(doses, inhibition, criterion_percent)
    return Neuron(name, baseline, tuple(doses.tolist()), tuple(inhibition.tolist()), ed50, why)


def interpolate_ed50(doses: Floats, inhibition: Floats, criterion: float) -> tuple[float | None, str]:
    """The dose at the criterion, linear in log dose, or None with the reason."""
    reached = np.flatnonzero(inhibition >= criterion)
    if not len(reached):
        best = float(inhibition.max()) if len(inhibition) else 0.0
        return None, f"{criterion:g} % inhibition not reached (most: {best:.0f} %)"
    at = int(reached[0])
    if at == 0:
        return None, f"{criterion:g} % inhibition reached at the first dose already"
    if doses[at - 1] <= 0:
        return None, "the dose before is 0, which has no place on a log axis"
    rise = (criterion - inhibition[at - 1]) / (inhibition[at] - inhibition[at - 1])
    log = np.log10(doses)
    return float(10 ** (log[at - 1] + rise * (log[at] - log[at - 1]))), ""


@dataclass(frozen=True, slots=True)
class DoseInhibition:
    """Inhibition at one cumulative dose over neurons; percent."""

    dose: float
    n: int
    mean: float
    sem: float | None


def inhibition_by_dose(neurons: Sequence[Neuron]) -> list[DoseInhibition]:
    """Mean and SEM of percent inhibition at each dose, ascending."""
    by_dose: dict[float, list[float]] = {}
    for neuron in neurons:
        for dose, value in zip(neuron.doses, neuron.inhibition_percent, strict=True):
            by_dose.setdefault(dose, []).append(value)
    return [
        DoseInhibition(
            dose,
            len(values),
            float(np.mean(values)),
            float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None,
        )
        for dose, values in sorted(by_dose.items())
    ]


@dataclass(frozen=True, slots=True)
class MeanED50:
    """The geometric mean of the neurons' ED50s; `estimate` is None where no neuron has one."""

    estimate: Estimate | None
    n: int
    n_without: int


def mean_ed50(neurons: Sequence[Neuron], conf_level: float = 0.95) -> MeanED50:
    """The geometric mean of interpolated ED50s, and how many neurons had none.

    Neurons that never reach the criterion are left out of the mean, which pulls it down: their number stands
    beside it.
    """
    found = [neuron.ed50 for neuron in neurons if neuron.ed50 is not None]
    estimate = geometric_mean(found, conf_level) if found else None
    return MeanED50(estimate, len(found), len(neurons) - len(found))


@dataclass(frozen=True)
class PooledCurve:
    """One curve through all neurons' points; `ed50_wald` is that of ln ED50 -/+ t se."""

    fit: CurveFit
    ed50: Estimate
    ed50_wald: Estimate
    hill: float


def _remaining(x: Floats, p: Floats) -> Floats:
    ed50, hill = p
    if ed50 <= 0:
        return np.full(len(x), np.nan)
    with np.errstate(over="ignore"):
        return np.asarray(100 / (1 + (x / ed50) ** hill), dtype=np.float64)


def fit_pooled(neurons: Sequence[Neuron], conf_level: float = 0.95) -> PooledCurve:
    """Fit percent of baseline = 100 / (1 + (dose / ED50)^h) through all points with a dose above 0.

    Raises
    ------
    BadInput
        Fewer than two doses, or inhibition that never passes 50 % on average, so that an ED50 would be
        invented.
    """
    points = [(d, 100 - i) for n in neurons for d, i in zip(n.doses, n.inhibition_percent, strict=True) if d > 0]
    if len({dose for dose, _ in points}) < 2:
        raise BadInput("a dose–response curve needs at least two doses above 0; report percent inhibition instead")
    means = [step.mean for step in inhibition_by_dose(neurons)]
    if max(means) < 50:
        raise BadInput(
            f"no dose inhibits by half on average (most: {max(means):.0f} %), so that the data hold no "
            "ED50; test higher doses"
        )
    x, y = np.array(points).T
    starts = [(float(np.exp(np.quantile(np.log(x), q))), slope) for q in (0.25, 0.5, 0.75) for slope in (1.0, 2.0)]
    fit = fit_curve(_remaining, x, y, starts, names=("ed50", "hill"))
    log_se = fit.se["ed50"] / fit.estimates["ed50"]
    half = t_quantile(conf_level, fit.df_residual) * log_se
    ed50 = fit.estimates["ed50"]
    middle = math.log(ed50)
    wald = raised(Estimate(middle, middle - half, middle + half, conf_level), math.e)
    return PooledCurve(fit, profile_limits(fit, "ed50", conf_level, positive=True), wald, fit.estimates["hill"])


def rates_from_spikes(
    spike_times_s: ArrayLike,
    injections: Sequence[tuple[float, float]],
    *,
    window_s: float,
    delay_s: float = 0.0,
    baseline_s: float | None = None,
) -> Mapping[float, float]:
    """Firing rates around injections, from the spike times of one neuron.

    Parameters
    ----------
    spike_times_s : shape (n,), seconds from the start of the recording
    injections : (time_s, cumulative dose) of each, in order
    window_s : length of the counting window after an injection; it is cut at the next injection
    delay_s : from the injection to the window
    baseline_s : length of the window before the first injection; `window_s` where None

    Returns
    -------
    Mapping
        Rate in Hz by cumulative dose, the baseline at 0.

    Raises
    ------
    BadInput
        Injections or their doses out of order, no room for the baseline, or a window that the next injection
        leaves no room for.
    """
    spikes = np.sort(np.asarray(spike_times_s, dtype=np.float64))
    times = [at for at, _ in injections]
    if not injections or any(b <= a for a, b in pairwise(times)):
        raise BadInput("injection times must be given and increase; sort them or mend the entry")
    given = [dose for _, dose in injections]
    if given[0] <= 0 or any(b <= a for a, b in pairwise(given)):
        raise BadInput(
            "cumulative doses of the injections must be above 0 and increase (are "
            f"{', '.join(f'{dose:g}' for dose in given)}); leave vehicle injections out, or mend the entry"
        )
    first, before = times[0], baseline_s or window_s
    if first < before:
        raise BadInput(f"the first injection is at {first:g} s: no {before:g} s of baseline stand before it")
    rates = {0.0: _rate(spikes, first - before, first)}
    for (at, dose), following in zip(injections, [*times[1:], math.inf], strict=True):
        start, stop = at + delay_s, min(at + delay_s + window_s, following)
        if stop <= start:
            raise BadInput(
                f"the next injection follows {following - at:g} s after that at {at:g} s; shorten delay_s or window_s"
            )
        rates[dose] = _rate(spikes, start, stop)
    return rates


def _rate(spikes: Floats, start: float, stop: float) -> float:
    return float(np.searchsorted(spikes, stop) - np.searchsorted(spikes, start)) / (stop - start)
