"""How often each default test finds a dose where none did anything, and how often an ED50's interval holds the truth.

    python tests/bench/null_studies.py                        all tests, 2,000 studies each, 6, 8 and 12 rats a group
    python tests/bench/null_studies.py share latency -n 500   some, with fewer
    python tests/bench/null_studies.py --coverage             intervals of ED50s

A study has vehicle and three doses. Rats differ, as in the figures of learned helplessness, conflict and passive
avoidance that the simulated rat was made from; trials belong to rats. `any dose` is the share of studies in which some
dose is called different (adjusted p below 0.05), `overall` that in which the test over all doses says so.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behavior.model.measures import MEASURES, Measure
from behavior.summary.against_vehicle import compared
from behavior.summary.by_latency import sorted_out
from behavior.summary.cox import whole_animal_test
from behavior.summary.dose_response import log_logistic
from behavior.summary.ed50 import NoEd50
from behavior.summary.ed50_by_kind import ed50_of
from behavior.summary.repeated import averaged_over_time, group_by_time
from behavior.summary.units import TrialTimes, Units

Rng = np.random.Generator
DOSES = (0.0, 1.0, 3.0, 10.0)
N_TRIALS = 30


def _groups(n: int) -> np.ndarray:
    return np.repeat(DOSES, n)


def _units(doses: np.ndarray, responses: np.ndarray, **more: object) -> Units:
    n = len(doses)
    settings = {"censored": np.zeros(n, dtype=bool), "cut_off": None, "periods": (1,) * n} | more
    return Units(tuple(f"R{i}" for i in range(n)), doses, responses, **settings)  # type: ignore[arg-type]


def _crossed(n: int, responses: np.ndarray, rng: Rng, **more: object) -> Units:
    """Every rat has every dose, in an order of its own; responses have shape (n, doses)."""
    order = np.array([rng.permutation(len(DOSES)) for _ in range(n)])
    who = np.repeat([f"R{i}" for i in range(n)], len(DOSES))
    return Units(
        tuple(who.tolist()), np.array(DOSES)[order].ravel(), responses.ravel(),
        **{"censored": np.zeros(n * len(DOSES), dtype=bool), "cut_off": None} | more,  # type: ignore[arg-type]
        periods=tuple(np.tile(np.arange(1, len(DOSES) + 1), n).tolist()),
    )  # fmt: skip


def rates(n: int, rng: Rng) -> Units:
    """Punished responses a minute: 1.6 on average, rats differ as a gamma of shape 6, 15 min observed."""
    doses = _groups(n)
    return _units(doses, rng.poisson(15 * 1.6 * rng.gamma(6, 1 / 6, len(doses))) / 15)


def ratios(n: int, rng: Rng) -> Units:
    """Suppression ratios."""
    doses = _groups(n)
    p, u = (rng.poisson(m * rng.gamma(6, 1 / 6, len(doses))) for m in (24, 300))
    return _units(doses, p / np.maximum(p + u, 1))


def durations(n: int, rng: Rng) -> Units:
    """Calling times, 15 % of the rats silent."""
    doses = _groups(n)
    return _units(doses, np.clip(rng.normal(120, 45, len(doses)), 5, 300) * (rng.random(len(doses)) > 0.3))


def counts(n: int, rng: Rng) -> Units:
    """Calls in 300 s, or in what was heard of it."""
    doses = _groups(n)
    time = rng.choice([300.0, 280.0, 240.0], len(doses))
    y = rng.poisson(0.43 * time * rng.gamma(2.5, 1 / 2.5, len(doses))).astype(float)
    return _units(doses, y, events=y, exposure=time)


def few_counts(n: int, rng: Rng) -> Units:
    """Intertrial crossings: about three a session."""
    doses = _groups(n)
    y = rng.poisson(3 * rng.gamma(2, 1 / 2, len(doses))).astype(float)
    return _units(doses, y, events=y, exposure=np.full(len(doses), 900.0))


def _failing(n: int, rng: Rng) -> np.ndarray:
    """Each rat's chance to fail: half of them helpless."""
    helpless = rng.random(n) < 0.5
    return np.where(helpless, rng.beta(8, 2, n), rng.beta(1.5, 6, n))


def shares(n: int, rng: Rng) -> Units:
    """Failures of 30 trials."""
    doses = _groups(n)
    k = rng.binomial(N_TRIALS, _failing(len(doses), rng)).astype(float)
    return _units(doses, k, events=k, trials=np.full(len(doses), float(N_TRIALS)))


def even_shares(n: int, rng: Rng) -> Units:
    """Shocks with a fight, of 60: pairs differ little."""
    doses = _groups(n)
    p = 1 / (1 + np.exp(-rng.normal(0.6, 0.5, len(doses))))
    k = rng.binomial(60, p).astype(float)
    return _units(doses, k, events=k, trials=np.full(len(doses), 60.0))


def latencies(n: int, rng: Rng) -> Units:
    """Step-through latencies, cut at 300 s, half of them."""
    doses = _groups(n)
    time = 400 * rng.weibull(1.1, len(doses))
    cut = time > 300
    return _units(doses, np.where(cut, np.nan, time), censored=cut, cut_off=300.0)


def trials(n: int, rng: Rng) -> Units:
    """Escape latencies of 30 trials a rat, cut at 3 s."""
    doses = _groups(n)
    scale = np.where(rng.random(len(doses)) < 0.5, 7.0, 1.5) * rng.lognormal(0, 0.35, len(doses))
    time = scale[:, None] * rng.weibull(1.3, (len(doses), N_TRIALS))
    capped = np.minimum(time, 3.0)
    by_trial = TrialTimes(np.repeat(np.arange(len(doses)), N_TRIALS), capped.ravel(), (time <= 3.0).ravel(), 3.0)
    return _units(doses, capped.mean(axis=1), by_trial=by_trial)


def crossed_rates(n: int, rng: Rng) -> Units:
    """Every rat has every dose; two sessions are missing."""
    y = rng.lognormal(0, 0.4, (n, 1)) * 5 + rng.normal(0, 1, (n, len(DOSES)))
    y.flat[rng.choice(y.size, 2, replace=False)] = np.nan
    return _crossed(n, y, rng)


def crossed_shares(n: int, rng: Rng) -> Units:
    """Failures of 30 trials, every rat at every dose."""
    logit = rng.normal(0, 0.8, (n, 1)) + rng.normal(0, 0.4, (n, len(DOSES)))
    k = rng.binomial(N_TRIALS, 1 / (1 + np.exp(-logit))).astype(float)
    return _crossed(n, k, rng, events=k.ravel(), trials=np.full(k.size, float(N_TRIALS)))


def crossed_latencies(n: int, rng: Rng) -> Units:
    """Latencies cut at 300 s, every rat at every dose."""
    time = 250 * rng.lognormal(0, 0.5, (n, 1)) * rng.weibull(1.3, (n, len(DOSES)))
    cut = time > 300
    return _crossed(n, np.where(cut, np.nan, time), rng, censored=cut.ravel(), cut_off=300.0)


STUDIES: dict[str, tuple[Callable[[int, Rng], Units], str, str]] = {
    "rate": (rates, "punished_rate_per_min", ""),
    "ratio": (ratios, "suppression_ratio", ""),
    "duration": (durations, "calling_time_s", ""),
    "count": (counts, "n_calls", ""),
    "few counts": (few_counts, "n_intertrial_crossings", ""),
    "share": (shares, "n_failures", ""),
    "even share": (even_shares, "n_shocks_with_fight", ""),
    "latency": (latencies, "retention_latency_s", ""),
    "trial latencies": (trials, "mean_escape_latency_s", ""),
    "rate within": (crossed_rates, "punished_rate_per_min", ""),
    "share within": (crossed_shares, "n_failures", ""),
    "latency within": (crossed_latencies, "retention_latency_s", ""),
    "count, √": (counts, "n_calls", "dunnett_sqrt"),
    "count, plain": (counts, "n_calls", "negative_binomial_plain"),
    "few counts, negative binomial": (few_counts, "n_intertrial_crossings", "negative_binomial"),
    "share, GEE": (shares, "n_failures", "gee"),
    "share, GEE plain": (shares, "n_failures", "gee_plain"),
    "share, beta-binomial": (shares, "n_failures", "beta_binomial"),
    "share, rearranged": (shares, "n_failures", "permutation"),
    "trial latencies, Cox": (trials, "mean_escape_latency_s", "cox"),
    "trial latencies, Cox plain": (trials, "mean_escape_latency_s", "cox_plain"),
    "latency, tobit": (latencies, "retention_latency_s", "tobit"),
}
"""A kind of study: how it is made, the measure, and the method where not the usual one."""


def _overall(units: Units, measure: Measure, figures: dict[str, float]) -> float:
    if "p" in figures:
        return figures["p"]
    if measure.kind == "latency" and not units.repeated:
        return whole_animal_test(*sorted_out(units)).p
    return math.nan


def spare_intervals() -> None:
    """Leave out intervals and what stands beside the tests, which cost most of the time and are not looked at here."""
    from behavior.summary import by_likelihood, by_means, compare, likelihood_ratios, repeated

    def nothing(*_: object, **__: object) -> float:
        return math.nan

    for room in (by_likelihood, compare, likelihood_ratios, repeated):
        room.critical_value = nothing  # type: ignore[attr-defined]
    likelihood_ratios._end = nothing  # type: ignore[assignment]
    by_means._welch = lambda *_: {}  # type: ignore[assignment]
    by_means.williams_dose = lambda *_, **__: None  # type: ignore[attr-defined]


def _one(task: tuple[str, int, int]) -> tuple[float, float, float]:
    """Whether some dose was called different, whether doses were, and whether there was a test at all."""
    name, n, seed = task
    make, measure_name, method = STUDIES[name]
    measure = MEASURES[measure_name]
    units = make(n, np.random.default_rng([seed, n]))
    found = compared(units, measure, method)
    if found.test is None:
        return 0.0, 0.0, 0.0
    ps = [one.p_adjusted for one in found.against.values() if one.p_adjusted is not None]
    overall = _overall(units, measure, dict(found.test.figures)) if not method else math.nan
    return float(min(ps, default=1.0) < 0.05), (float(overall < 0.05) if overall == overall else math.nan), 1.0


def _day_study(task: tuple[int, int]) -> tuple[float, float, float]:
    """Groups on days 1, 8, 15 and 20: any dose over days, group by day, any simple effect."""
    n, seed = task
    rng = np.random.default_rng([seed, n])
    doses, days = _groups(n), (1, 8, 15, 20)
    y = 150 + rng.normal(0, 25, (len(doses), 1)) + rng.normal(0, 20, (len(doses), len(days)))
    y.flat[rng.choice(y.size, 3, replace=False)] = np.nan
    who = np.repeat(np.arange(len(doses)), len(days))
    found = group_by_time(
        y.ravel(), np.repeat(doses, len(days)).tolist(), np.tile(days, len(doses)).tolist(), who.tolist(), reference=0.0
    )
    over = min(c.p_dunnett or 1.0 for c in averaged_over_time(found))
    return float(over < 0.05), float(found.interaction.p < 0.05), float(min(c.p_holm for c in found.comparisons) < 0.05)


TRUE = np.array([1.5, 0.1, 0.8, 2.5])
"""b, c, d and e of the curve whose e is looked for."""
CURVE_DOSES = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0)


def _curve_study(task: tuple[str, int, int]) -> tuple[float, float, float]:
    """Whether an ED50 was given, whether its interval held the truth, and its width as a factor."""
    kind, n, seed = task
    rng = np.random.default_rng([seed, n])
    doses = np.repeat(CURVE_DOSES, n)
    level = log_logistic(doses, TRUE)
    m = len(doses)
    if kind == "rate":
        units, measure = _units(doses, 10 * level + rng.normal(0, 1, m)), MEASURES["punished_rate_per_min"]
    elif kind == "share":
        k = rng.binomial(N_TRIALS, rng.beta(10 * level, 10 * (1 - level))).astype(float)
        units = _units(doses, k, events=k, trials=np.full(m, float(N_TRIALS)))
        measure = MEASURES["n_failures"]
    elif kind == "count":
        y = rng.poisson(100 * level * rng.gamma(6, 1 / 6, m)).astype(float)
        units, measure = _units(doses, y, events=y, exposure=np.full(m, 300.0)), MEASURES["n_calls"]
    else:
        time = 300 * level * rng.lognormal(0, 0.5, m)
        cut = time > 200
        units = _units(doses, np.where(cut, np.nan, time), censored=cut, cut_off=200.0)
        measure = MEASURES["retention_latency_s"]
    found = ed50_of(units, measure)
    if isinstance(found, NoEd50):
        return 0.0, math.nan, math.nan
    return 1.0, float(found.lo <= TRUE[3] <= found.hi), found.hi / found.lo


def _line(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def main() -> None:
    """Run, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=", ".join([*STUDIES, "days"]))
    parser.add_argument("-n", type=int, default=2000, help="studies of each kind and size")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sizes", type=int, nargs="+", default=[6, 8, 12])
    parser.add_argument("--coverage", action="store_true", help="intervals of ED50s instead")
    given = parser.parse_args()
    with ProcessPoolExecutor(given.jobs, initializer=spare_intervals if not given.coverage else None) as pool:
        if given.coverage:
            _line("ED50 of", "rats a dose", "given %", "interval holds the truth %", "median hi/lo")
            for kind in given.names or ["rate", "share", "count", "latency"]:
                for n in given.sizes:
                    tasks = [(kind, n, seed) for seed in range(given.n)]
                    found = np.array(list(pool.map(_curve_study, tasks, chunksize=10)))
                    held = found[found[:, 0] == 1]
                    _line(
                        kind, n, f"{100 * found[:, 0].mean():.1f}", f"{100 * held[:, 1].mean():.1f}",
                        f"{np.median(held[:, 2]):.2f}",
                    )  # fmt: skip
            return
        _line("test", "rats a group", "any dose %", "overall %", "without a test %")
        for name in given.names or [*STUDIES, "days"]:
            for n in given.sizes:
                if name == "days":
                    found = np.array(list(pool.map(_day_study, [(n, s) for s in range(given.n)], chunksize=20)))
                    shown = [f"{100 * x:.1f}" for x in found.mean(axis=0)]
                    _line(
                        "days", n, f"{shown[0]} over days", f"{shown[1]} group × day", f"{shown[2]} any simple effect"
                    )
                    continue
                found = np.array(list(pool.map(_one, [(name, n, s) for s in range(given.n)], chunksize=20)))
                overall = found[:, 1]
                said = f"{100 * np.nanmean(overall):.1f}" if np.isfinite(overall).any() else "–"
                _line(name, n, f"{100 * found[:, 0].mean():.1f}", said, f"{100 * (1 - found[:, 2].mean()):.1f}")


if __name__ == "__main__":
    main()
