"""Lines through the shares of animals that responded: what old papers print, for comparison with them.

Of latencies with a cut-off, an animal either responded in time or did not. That share against the logarithm of the dose
has a probit line with Fieller's interval, and Litchfield and Wilcoxon's. Both throw away when an animal responded, and
neither has room for a response under vehicle; the censored curve of `outcome_ed50` keeps both, and stands first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from behavior.model.errors import BadInput
from behavior.model.measures import Measure
from behavior.summary.quantal import LitchfieldWilcoxon, QuantalFit, fit_quantal, litchfield_wilcoxon
from behavior.summary.units import Units

MOST_AT_VEHICLE = 0.1
"""The share of vehicle animals with the response beyond which no line is drawn."""

LEAST_DOSES = 3
"""Besides the vehicle, as for any ED50."""


@dataclass(frozen=True)
class Lines:
    """Both lines, or why there is none.

    Attributes
    ----------
    responded : whether what is counted is a response in time; otherwise that there was none
    counts : dose, animals with it, animals; vehicle first
    """

    responded: bool
    counts: tuple[tuple[float, int, int], ...]
    probit: QuantalFit | None
    litchfield_wilcoxon: LitchfieldWilcoxon | None
    why_not: str


def lines_of(units: Units, measure: Measure) -> Lines | None:
    """The lines of an endpoint; None where animals do not either respond in time or not."""
    if measure.kind != "latency" or units.repeated or units.by_trial is not None or not units.censored.any():
        return None
    seen = np.isfinite(units.responses) | units.censored
    doses = sorted(set(units.doses[seen].tolist()))
    if len(doses) < 2 or 0 not in doses or units.censored[seen].all():
        return None
    share = [float(units.censored[seen & (units.doses == dose)].mean()) for dose in doses]
    responded = share[-1] <= share[0]
    counts = []
    for dose in doses:
        here = seen & (units.doses == dose)
        n, k = int(here.sum()), int(units.censored[here].sum())
        counts.append((dose, n - k if responded else k, n))
    (_, at_vehicle, n_vehicle), *treated = counts
    if at_vehicle > MOST_AT_VEHICLE * n_vehicle:
        why = f"{at_vehicle} of {n_vehicle} under vehicle did so too, for which these lines have no room"
        return Lines(responded, tuple(counts), None, None, why)
    if len(treated) < LEAST_DOSES:
        few = "1 dose besides the vehicle is" if len(treated) == 1 else f"{len(treated)} doses besides the vehicle are"
        why = f"{few} too few; it takes {LEAST_DOSES}"
        return Lines(responded, tuple(counts), None, None, why)
    x, k_of, n_of = (np.array(column, dtype=np.float64) for column in zip(*treated, strict=True))
    try:
        probit = fit_quantal(x, k_of, n_of)
        legacy = litchfield_wilcoxon(x, k_of, n_of)
    except (BadInput, ArithmeticError, np.linalg.LinAlgError) as error:
        return Lines(responded, tuple(counts), None, None, str(error))
    if probit.fieller is None:
        why = "the share does not change significantly with dose, so that any dose could be the ED50"
        return Lines(responded, tuple(counts), None, None, why)
    return Lines(responded, tuple(counts), probit, legacy, "")
