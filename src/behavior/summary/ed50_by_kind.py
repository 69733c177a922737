"""The dose–response model that an endpoint gets: it follows the kind of the outcome, as its test does.

===============  ==========================================================================================
share            fraction of trials, binomial with the dispersion between animals
count            rate, negative binomial with the exposure as offset
latency          median latency, log-normal and right-censored at the cut-off; the mean of many trials by
                 least squares
rate, ratio,     mean, by least squares
duration
===============  ==========================================================================================

Animals that had several doses have their own level each, and the curve is the one within them, by least squares; their
censored latencies have no such model, and get no ED50.

No measure here can be below 0. Where least squares put an end of the curve there, that end is held at 0 and the curve
fitted again: the best curve among those that can be. The result says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput
from behavior.model.measures import Measure
from behavior.summary.ed50 import Ed50, NoEd50, ed50
from behavior.summary.fit import Band
from behavior.summary.outcome_ed50 import Counts, CutLatencies, Fractions, Outcome, OutcomeEd50, outcome_ed50
from behavior.summary.units import Units
from behavior.summary.vehicle_test import ALPHA, CONF_LEVEL

End: TypeAlias = Literal["at_vehicle", "at_large_doses"]

_ENDS: dict[End, str] = {"at_large_doses": "c", "at_vehicle": "d"}


def ed50_of(
    units: Units,
    measure: Measure,
    *,
    percent_of_vehicle: float | None = None,
    asymptotes: Mapping[End, float] | None = None,
) -> Ed50 | OutcomeEd50 | NoEd50:
    """The ED50 of an endpoint by the model that suits it, or every reason against one.

    Parameters
    ----------
    units : what is analysed
    measure : the endpoint
    percent_of_vehicle : of an absolute ED50; None for the relative one
    asymptotes : ends of the curve that are held, "at_vehicle" or "at_large_doses", on the scale of the measure
    """
    n, n_doses = int(np.isfinite(units.times).sum()), len(np.unique(units.doses))
    if measure.kind == "latency" and units.repeated and units.censored.any():
        why = f"{units.unit}s had several doses, and censored latencies of the same {units.unit} have no curve here"
        return NoEd50((why,), None, n, n_doses)
    outcome, present = _outcome(units, measure)
    try:
        if outcome is None:
            return _by_means(units, measure, percent_of_vehicle, _fixed(asymptotes, 1.0) or {})
        fixed = _fixed(asymptotes, 1 / per_unit(units, measure))
        return outcome_ed50(
            units.doses[present], outcome, conf_level=CONF_LEVEL, alpha=ALPHA, percent_of_vehicle=percent_of_vehicle,
            fixed=fixed,
        )  # fmt: skip
    except BadInput as error:
        return NoEd50((str(error),), None, n, n_doses)
    except (ArithmeticError, np.linalg.LinAlgError, ValueError) as error:
        return NoEd50((f"the data are too few or too much alike for a curve ({error})",), None, n, n_doses)


def _by_means(
    units: Units, measure: Measure, percent_of_vehicle: float | None, fixed: Mapping[str, float]
) -> Ed50 | NoEd50:
    """By least squares, with no end of the curve below 0."""

    def fitted(held: Mapping[str, float]) -> Ed50 | NoEd50:
        return ed50(
            units.doses, units.responses, conf_level=CONF_LEVEL, alpha=ALPHA, percent_of_vehicle=percent_of_vehicle,
            fixed=held or None, animal=units.subjects if units.repeated else None,
        )  # fmt: skip

    found = fitted(fixed)
    # Curves within animals run about each animal's own level, so that their ends may lie anywhere.
    if found.fit is None or units.repeated:
        return found
    below = {name: found.fit.estimates[name] for name in "cd" if found.fit.estimates[name] < 0 and name not in fixed}
    if not below:
        return found
    again = fitted({**fixed, **dict.fromkeys(below, 0.0)})
    if isinstance(again, NoEd50):
        return again
    unit = f" {measure.unit}" if measure.unit else ""
    said = [
        f"the end of the curve at {'large doses' if name == 'c' else 'vehicle'} would be {value:.3g}{unit}, "
        "which cannot be, and is held at 0"
        for name, value in below.items()
    ]
    return replace(again, remarks=(*again.remarks, *said))


def _outcome(units: Units, measure: Measure) -> tuple[Outcome | None, NDArray[np.bool_]]:
    """The outcome with its likelihood and the rows that have it; None where least squares are right."""
    everything = np.isfinite(units.responses)
    if units.repeated:
        return None, everything
    if measure.kind == "share" and units.events is not None and units.trials is not None:
        rows = np.isfinite(units.events) & np.isfinite(units.trials) & (units.trials > 0)
        return Fractions(units.events[rows], units.trials[rows]), rows
    if measure.kind == "count":
        counts = units.responses if units.events is None else units.events
        exposure = np.ones(len(counts)) if units.exposure is None else units.exposure
        rows = np.isfinite(counts) & np.isfinite(exposure) & (exposure > 0)
        return Counts(counts[rows], exposure[rows]), rows
    if measure.kind == "latency" and units.by_trial is None:
        rows = np.isfinite(units.times) & (units.times > 0)
        return CutLatencies(units.times[rows], (~units.censored[rows]).astype(np.float64)), rows
    return None, everything


def per_unit(units: Units, measure: Measure) -> float:
    """What a fraction or a rate is multiplied with to be the measure: the usual number of trials, or time observed."""
    if measure.kind == "share" and units.trials is not None and measure.name.startswith("n_"):
        return float(np.nanmedian(units.trials))
    if measure.kind == "count" and units.exposure is not None:
        return float(np.nanmedian(units.exposure))
    return 1.0


def band_in_units(found: Ed50 | OutcomeEd50, units: Units, measure: Measure, doses: ArrayLike) -> Band:
    """The curve and its band on the scale of the measure, as figures need it."""
    band = found.band(doses)
    scale = per_unit(units, measure) if isinstance(found, OutcomeEd50) else 1.0
    return Band(band.x, band.fitted * scale, band.lo * scale, band.hi * scale)


def _fixed(asymptotes: Mapping[End, float] | None, scale: float) -> dict[str, float] | None:
    return {_ENDS[end]: value * scale for end, value in asymptotes.items()} if asymptotes else None
