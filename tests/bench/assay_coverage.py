"""`python tests/bench/assay_coverage.py [N]`: bias and coverage of Ki, Kd, Bmax and half-life over N simulated assays.

Bias is that of the median estimate, in percent; coverage is how often the 95 % limits hold the truth (of N = 1,000 a
true 95 % gives 93.6 to 96.4 in 19 of 20 runs).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from behavior.assays.binding import Model, Radioligand, fit_competition
from behavior.assays.kinetics import analyse_profile, geometric_mean, handle_below_limit
from behavior.assays.result import Estimate
from behavior.assays.saturation import fit_global, fit_specific
from behavior.assays.spread import Spread
from behavior.simulate.assays import (
    CompetitionTruth,
    OralTruth,
    Row,
    SaturationTruth,
    competition,
    oral_kinetics,
    saturation,
)

RADIOLIGAND = Radioligand(1.0, 1.1)
MODELS: tuple[Model, ...] = ("one_site_hill1", "hill_free")
SPREADS: tuple[Spread, ...] = ("grows", "constant")
Named = Iterator[tuple[str, float, Estimate]]


def column(rows: list[Row], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])


def ki(rng: np.random.Generator) -> Named:
    rows = competition(rng, CompetitionTruth({"a": 10.0}), n_experiments=1)
    mine = [row for row in rows if row["compound"] == "a"]
    x, y = column(mine, "conc_nM"), column(mine, "bound_dpm")
    for model, spread in product(MODELS, SPREADS):
        fit = fit_competition(x, y, RADIOLIGAND, model=model, spread=spread)
        yield f"Ki, one curve, {model}, spread {spread}", 10.0, fit.ki


def ki_between(rng: np.random.Generator) -> Named:
    rows = competition(rng, CompetitionTruth({"a": 10.0}, cv_between_experiments=0.15), n_experiments=4)
    found = []
    for experiment in range(1, 5):
        mine = [row for row in rows if row["compound"] == "a" and row["experiment"] == experiment]
        found.append(
            fit_competition(column(mine, "conc_nM"), column(mine, "bound_dpm"), RADIOLIGAND, spread="grows").ki.value
        )
    yield "Ki, four experiments, limits between them", 10.0, geometric_mean(found)


def ki_unsure_kd(rng: np.random.Generator) -> Named:
    rows = competition(rng, CompetitionTruth({"a": 10.0}), n_experiments=1)
    mine = [row for row in rows if row["compound"] == "a"]
    measured = Radioligand(1.0, float(rng.normal(1.1, 0.11)), kd_se_nm=0.11)
    fit = fit_competition(column(mine, "conc_nM"), column(mine, "bound_dpm"), measured, spread="grows")
    yield "Ki, Kd measured with 10 % error, carried over", 10.0, fit.ki


def kd(rng: np.random.Generator) -> Named:
    rows = saturation(rng, SaturationTruth())
    free, total = column(rows, "free_nM"), column(rows, "total_fmol_mg")
    other = column(rows, "nonspecific_fmol_mg")
    for spread in SPREADS:
        one, both = fit_specific(free, total - other, spread=spread), fit_global(free, total, other, spread=spread)
        for name, fit in (("specific", one), ("global", both)):
            yield f"Kd, {name} fit, spread {spread}", 1.1, fit.kd
            yield f"Bmax, {name} fit, spread {spread}", 220.0, fit.bmax


def half_life(rng: np.random.Generator) -> Named:
    truth = OralTruth()
    rows = oral_kinetics(rng, truth)
    for analyte, true in (("ipsapirone", truth.half_life_min), ("1-PP", truth.metabolite_half_life_min)):
        values = []
        for subject in dict.fromkeys(row["subject"] for row in rows):
            mine = [row for row in rows if (row["subject"], row["analyte"]) == (subject, analyte)]
            below = [row["conc_nmol_ml"].startswith("<") for row in mine]
            levels = np.array([float(row["conc_nmol_ml"].lstrip("<")) for row in mine])
            slope = analyse_profile(column(mine, "time_min"), handle_below_limit(levels, below, levels)).slope
            if slope is not None:
                values.append(slope.half_life.value)
        yield f"half-life of {analyte}, six rats, limits between them", true, geometric_mean(values)


def run(make: Callable[[np.random.Generator], Named], n: int, seed: int) -> None:
    found: dict[str, list[tuple[float, Estimate]]] = {}
    for i in range(n):
        for name, true, estimate in make(np.random.default_rng([seed, i])):
            found.setdefault(name, []).append((true, estimate))
    for name, pairs in found.items():
        ratios = np.array([one.value / true for true, one in pairs])
        held = [(one.low is None or one.low <= true) and (one.high is None or true <= one.high) for true, one in pairs]
        open_ends = sum(one.low is None or one.high is None for _, one in pairs)
        print(
            f"{name:62s} bias {100 * (np.median(ratios) - 1):+6.2f} %   spread {100 * np.std(np.log(ratios)):5.1f} %   "
            f"coverage {100 * np.mean(held):5.1f} %   open {open_ends}"
        )


if __name__ == "__main__":
    n_assays = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for seed, one in enumerate((ki, ki_between, ki_unsure_kd, kd, half_life)):
        run(one, n_assays, seed)
