"""What the pages of both kinetic designs say: published figures beside the own, and the methods."""

from __future__ import annotations

from collections.abc import Sequence

from behavior.assays.library import Library
from behavior.assays.pages.published import numbers_beside
from behavior.assays.quantity import Quantity, shortest
from behavior.assays.result import Beside, Endpoint, label_of
from behavior.assays.settings import KineticsSettings


def published_of(endpoints: Sequence[Endpoint], settings: KineticsSettings, library: Library) -> tuple[Beside, ...]:
    """Half-lives, peaks and ratios beside the published ones of the same analyte."""
    rows: list[Beside] = []
    for endpoint in endpoints:
        analyte = endpoint.of.removeprefix("analyte=").partition(",")[0] or settings.parent
        name = "auc_ratio" if endpoint.endpoint == "auc_ratio_infinity" else endpoint.endpoint
        if name not in ("half_life", "cmax", "auc_ratio") or endpoint.value is None:
            continue
        own = Quantity(shortest(endpoint.value), endpoint.value, unit=endpoint.unit)
        known = library.find(compounds=[analyte], quantities=[name])
        rows += numbers_beside(own, f"{label_of(name)} of {analyte}", known)
    return tuple(rows)


def methods_of(settings: KineticsSettings) -> tuple[str, ...]:
    """The methods as sentences."""
    areas = "linear trapezoid" if settings.main_trapezoid == "lin" else "trapezoid linear up and logarithmic down"
    c0 = (
        " The concentration at time 0 was back-extrapolated log-linearly from the first two samples."
        if settings.route == "iv_bolus"
        else ""
    )
    return (
        f"Non-compartmental analysis, route {settings.route.replace('_', ' ')}.{c0} Areas by the {areas} to "
        "the last quantifiable sample and, with C_last / λz, to infinity; the other rule's areas stand in the table.",
        "λz is the regression of ln concentration on time over the last points after "
        f"tmax{' (tmax included)' if settings.include_cmax else ''}, at least {settings.min_points}, that give the "
        "best adjusted R² "
        f"(most points within {settings.r2_tolerance:g} of it); the points used are listed for every animal.",
        f"Below quantification: {settings.below_before} before the first quantifiable sample, "
        f"{settings.below_between} between two, left out after the last.",
    )
