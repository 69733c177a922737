"""The page of a sparse kinetic design: animals that gave one or few samples, one mean profile an analyte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from behavior.assays import canvas
from behavior.assays.kinetics import LambdaZRule, Profile, SparseArea, analyse_profile, sparse_area
from behavior.assays.library import Library
from behavior.assays.pages.kinetics_words import methods_of, published_of
from behavior.assays.pages.published import disagreements_of
from behavior.assays.result import AssayResult, Drawing, Endpoint, ResultTable, Row
from behavior.assays.settings import KineticsSettings
from behavior.assays.table import Table
from behavior.assays.units import shown
from behavior.model.errors import BadInput


@dataclass(frozen=True)
class _Mean:
    """A sparse design's mean profile of one analyte."""

    analyte: str
    profile: Profile
    area: SparseArea
    samples: tuple[tuple[float, float], ...]


def sparse_page(table: Table, settings: KineticsSettings, library: Library) -> AssayResult:
    """Analyse a sparse design.

    Raises
    ------
    BadInput
        Every sample is below the limit of quantification, or a time has one animal.
    """
    means, flags = _sparse(table, settings)
    conc, time = table.units["conc"], table.units["time"]
    endpoints: list[Endpoint] = []
    for mean in means:
        endpoints += _endpoints(mean, conc, time)
        if mean.profile.slope is None:
            flags.append(f"{mean.analyte or 'mean profile'}: no half-life, {mean.profile.why_no_slope}")
    return AssayResult(
        kind="kinetics",
        title=settings.title or "Kinetics, sparse design",
        endpoints=tuple(endpoints),
        tables=(
            ResultTable.of(
                "mean_profile",
                "Means of each time; each animal gave one or few samples.",
                _sparse_rows(means, conc, time),
            ),
        ),
        drawings=(
            Drawing(
                "profiles", "Every sample (grey) and the means (black).", lambda: _draw_sparse(means, (conc, time))
            ),
        ),
        methods=(
            "Sparse design: each animal gave one or few samples, so that there is one mean profile an "
            "analyte and no kinetics of single animals. The area's error is Bailer's (1988), "
            "with the covariances of animals sampled more than once (Holder 2001) and Satterthwaite's "
            "degrees of freedom.",
            *methods_of(settings)[1:],
        ),
        flags=(*table.notes, *flags),
        published=published_of(endpoints, settings, library),
        disagreements=disagreements_of(
            library, [settings.parent, *settings.metabolites], ("half_life", "cmax", "auc_ratio")
        ),
        settings=settings.model_dump(),
        units=(conc, time),
    )


def _endpoints(mean: _Mean, conc: str, time: str) -> list[Endpoint]:
    what: dict[str, Any] = {"assay": "kinetics", "of": f"analyte={mean.analyte}" if mean.analyte else ""}
    samples: dict[str, Any] = {"n": sum(mean.area.n_by_time), "n_of": "samples"}
    area, profile = mean.area, mean.profile
    method = f"mean profile, Bailer's error, {area.df:.3g} df"
    found = [
        Endpoint.of_estimate(
            area.area, endpoint="auc_last_lin", unit=f"{conc}_x_{time}", method=method, **what, **samples
        ),
        Endpoint(endpoint="cmax", value=profile.cmax, unit=conc, method="highest mean", **what, **samples),
        Endpoint(endpoint="tmax", value=profile.tmax, unit=time, method="of the highest mean", **what),
    ]
    if profile.slope is not None:
        points: dict[str, Any] = {
            "n": profile.slope.n_points,
            "n_of": "means",
            "method": "regression through the means",
        }
        found.append(Endpoint.of_estimate(profile.slope.half_life, endpoint="half_life", unit=time, **what, **points))
    return found


def _sparse(table: Table, settings: KineticsSettings) -> tuple[list[_Mean], list[str]]:
    means, flags = [], []
    for analyte, part in table.frame.groupby("analyte", sort=False):
        part = part.sort_values("time", kind="stable")
        conc = part["conc"].to_numpy(dtype=float).copy()
        below = part["conc_below"].to_numpy(dtype=bool)
        if below.all() or not np.nansum(np.where(below, 0.0, conc)):
            flags.append(f"{analyte or 'the analyte'}: every sample is below the limit of quantification (left out)")
            continue
        if below.any():
            conc[below] = 0.0
            flags.append(
                f"{analyte or 'the analyte'}: {int(below.sum())} samples below quantification count as 0 in the means"
            )
        times = part["time"].to_numpy(dtype=float)
        name = str(analyte)
        got = sparse_area([str(s) for s in part["subject"]], times, conc, conf_level=settings.conf_level)
        rule = LambdaZRule(settings.min_points, settings.include_cmax, settings.r2_tolerance)
        profile = analyse_profile(got.times, got.means, route=settings.route, rule=rule, subject=name or "mean profile")
        samples = tuple(zip(times.tolist(), conc.tolist(), strict=True))
        means.append(_Mean(name, profile, got, samples))
    if not means:
        raise BadInput(
            f"{table.file}: every sample is below the limit of quantification; a more sensitive assay or a "
            "higher dose is needed"
        )
    return means, flags


def _sparse_rows(means: Sequence[_Mean], conc: str, time: str) -> list[Row]:
    return [
        {"analyte": mean.analyte, f"time_{time}": at, f"mean_{conc}": level, "n": n}
        for mean in means
        for at, level, n in zip(mean.area.times, mean.area.means, mean.area.n_by_time, strict=True)
    ]


def _draw_sparse(means: Sequence[_Mean], units: tuple[str, str]) -> Any:
    figure, axes = canvas.panels(len(means), width=3.6, height=2.9)
    for axis, mean in zip(axes, means, strict=True):
        positive = [(at, level) for at, level in mean.samples if level > 0]
        axis.plot(*zip(*positive, strict=True), ".", color=canvas.FAINT, ms=4)
        levels = [(at, level) for at, level in zip(mean.area.times, mean.area.means, strict=True) if level > 0]
        axis.plot(*zip(*levels, strict=True), "o-", color=canvas.INK, ms=4)
        axis.set(title=mean.analyte or "concentration", xlabel=f"Time after dose ({shown(units[1])})")
        canvas.plain_log(axis, "y")
    axes[0].set_ylabel(f"Concentration ({shown(units[0])})")
    return figure
