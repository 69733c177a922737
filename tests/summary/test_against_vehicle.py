"""Every method of comparison: right by another route, equal under what must not matter, refused where it cannot be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from behavior.model.measures import MEASURES
from behavior.model.measures import METHODS as SUITED
from behavior.summary.against_vehicle import compared, usual_method
from behavior.summary.methods import BETWEEN, METHODS
from behavior.summary.units import TrialTimes, Units

RATE, COUNT, SHARE, LATENCY = (
    MEASURES[name]
    for name in ("punished_rate_per_min", "n_calls", "n_failures", "retention_latency_s")
)  # fmt: skip
DOSES = np.repeat([0.0, 1.0, 3.0], 6)


def units_of(
    kind: str, seed: int = 1, doses: np.ndarray = DOSES, *, effect: float = 1.0, repeated: bool = False
) -> Units:
    """Made-up units of a kind; of repeated ones every animal had every dose."""
    rng = np.random.default_rng(seed)
    n, level = len(doses), 1 + effect * doses
    own = rng.lognormal(0, 0.5 if kind == "share" else 0.2, n)
    who = [f"R{i % 6 if repeated else i}" for i in range(n)]
    periods = tuple(int(i // 6 + 1) for i in range(n)) if repeated else (1,) * n
    none = np.zeros(n, dtype=bool)
    if kind == "share":
        trials = np.full(n, 30.0)
        events = rng.binomial(30, np.clip(0.2 * level**0.7 * own, 0.02, 0.95)).astype(float)
        return Units(tuple(who), doses, events, none, None, periods, events=events, trials=trials)
    if kind == "count":
        time = rng.choice([60.0, 120.0], n)
        counts = rng.poisson(0.2 * time * level * own).astype(float)
        return Units(tuple(who), doses, counts, none, None, periods, events=counts, exposure=time)
    if kind == "latency":
        times = rng.exponential(60 * level * own)
        censored = times > 200
        return Units(tuple(who), doses, np.where(censored, np.nan, times), censored, 200.0, periods)
    return Units(tuple(who), doses, 5 * level * own + rng.normal(0, 0.5, n), none, None, periods)


def clustered(seed: int = 1, effect: float = 0.0, n: int = 6, n_trials: int = 10) -> Units:
    """Latencies of trials, cut at 3 s, of animals that differ."""
    rng = np.random.default_rng(seed)
    doses = np.repeat([0.0, 1.0, 3.0], n)
    time = rng.exponential(
        (1.5 * np.exp(effect * doses) * rng.lognormal(0, 0.6, len(doses)))[:, None], (3 * n, n_trials)
    )
    capped = np.minimum(time, 3.0)
    by_trial = TrialTimes(np.repeat(np.arange(3 * n), n_trials), capped.ravel(), (time <= 3.0).ravel(), 3.0)
    names = tuple(f"R{i}" for i in range(3 * n))
    return Units(
        names, doses, capped.mean(axis=1), np.zeros(3 * n, dtype=bool), None, (1,) * (3 * n), by_trial=by_trial
    )


def example(name: str) -> tuple[Units, str]:
    """Units that a method can compare, and the kind of the measure."""
    kind = next(kind for kind, names in SUITED.items() if name in names)
    return units_of(kind, repeated=METHODS[name].design != BETWEEN and name not in ("gee", "gee_plain")), kind


OF_KIND = {"rate": RATE, "ratio": RATE, "duration": RATE, "count": COUNT, "share": SHARE, "latency": LATENCY}
EACH = pytest.mark.parametrize("name", METHODS)


def test_every_method_that_a_study_file_may_name_exists_and_suits_some_kind() -> None:
    named = {name for names in SUITED.values() for name in names}
    assert named == set(METHODS)
    for measure in MEASURES.values():
        assert METHODS[measure.methods[0]].design == BETWEEN


@EACH
def test_every_method_compares_each_dose_and_says_how(name: str) -> None:
    units, kind = example(name)
    found = compared(units, OF_KIND[kind], name)
    assert found.why_not == ""
    assert found.test is not None
    assert list(found.against) == ["1", "3"]
    assert found.test.method == name
    assert found.test.overall and found.test.scale and "{" not in METHODS[name].said.format(units="animals")
    for one in found.against.values():
        assert one.p is not None and one.p_adjusted is not None
        assert 0 <= one.p <= one.p_adjusted + 1e-9 <= 1 + 1e-9
        if one.lo is not None and one.hi is not None:
            assert one.lo <= one.estimate <= one.hi


@EACH
def test_the_order_of_rows_and_the_unit_of_dose_do_not_matter(name: str) -> None:
    units, kind = example(name)
    order = np.random.default_rng(3).permutation(len(units.doses))
    moved = Units(
        tuple(units.subjects[i] for i in order), units.doses[order] * 1000, units.responses[order],
        units.censored[order], units.cut_off, tuple(units.periods[i] for i in order),
        *(None if column is None else column[order] for column in (units.events, units.trials, units.exposure)),
    )  # fmt: skip
    one, other = compared(units, OF_KIND[kind], name), compared(moved, OF_KIND[kind], name)
    for a, b in zip(one.against.values(), other.against.values(), strict=True):
        assert (a.estimate, a.p) == pytest.approx((b.estimate, b.p), rel=1e-6, abs=1e-9)


@EACH
def test_what_cannot_be_compared_is_refused_with_a_reason_and_never_crashes(name: str) -> None:
    _, kind = example(name)
    units, measure = units_of(kind), OF_KIND[kind]
    n, none = len(units.doses), np.zeros(len(units.doses), dtype=bool)

    def changed(responses: np.ndarray, doses: np.ndarray = DOSES, censored: np.ndarray = none) -> Units:
        counts = np.nan_to_num(responses)
        return Units(
            units.subjects, doses, responses, censored, 200.0, units.periods, events=counts, trials=np.full(n, 30.0),
            exposure=np.full(n, 60.0),
        )  # fmt: skip

    odd = [
        changed(np.full(n, 7.0)),
        changed(np.zeros(n)),
        changed(np.full(n, np.nan), censored=~none),
        changed(np.full(n, np.nan)),
        changed(np.arange(n, dtype=float), doses=np.zeros(n)),
        changed(np.arange(n, dtype=float), doses=np.arange(n, dtype=float)),
        changed(np.where(DOSES == 0, 0.0, 30.0)),
        changed(np.where(DOSES == 0, 30.0, 0.0)),
    ]
    for one in odd:
        for method in (name, ""):
            found = compared(one, measure, method)
            assert (found.test is None) == bool(found.why_not)
            assert not found.against or found.test is not None
            for against in found.against.values():
                assert not math.isnan(against.estimate)
                assert against.p_adjusted is None or 0 <= against.p_adjusted <= 1


def test_the_usual_method_follows_the_kind_and_the_design() -> None:
    for kind, measure in OF_KIND.items():
        assert usual_method(units_of(kind), measure) == measure.methods[0]
    assert usual_method(units_of("rate", repeated=True), RATE) == "mixed"
    assert usual_method(units_of("count", repeated=True), COUNT) == "mixed"
    assert usual_method(units_of("share", repeated=True), SHARE) == "gee"
    assert usual_method(units_of("latency", repeated=True), LATENCY) == "permutation_within"
    bare = units_of("rate")
    assert usual_method(bare, SHARE) == "permutation", "a share without its trials"


@given(st.integers(0, 1000), st.permutations(range(len(DOSES))))
def test_few_counts_are_rearranged_whichever_dose_an_animal_had(seed: int, order: list[int]) -> None:
    counts = np.random.default_rng(seed).poisson(3.0, len(DOSES)).astype(float)
    who, none, periods = tuple(f"R{i}" for i in range(len(DOSES))), np.zeros(len(DOSES), dtype=bool), (1,) * len(DOSES)

    def made(doses: np.ndarray, y: np.ndarray, seconds: np.ndarray) -> Units:
        return Units(who, doses, y, none, None, periods, events=y, exposure=seconds)

    long = np.full(len(DOSES), 900.0)
    chosen = {usual_method(made(doses, counts, long), COUNT) for doses in (DOSES, DOSES[order])}
    assert chosen == {"permutation" if counts.mean() < 5 else "negative_binomial"}
    assert usual_method(made(DOSES, counts + 5, long), COUNT) == "negative_binomial", "many"
    cut = np.where(np.arange(len(DOSES)) == 3, 450.0, 900.0)
    assert usual_method(made(DOSES, counts, cut), COUNT) == "negative_binomial", "one was cut short"


def test_groups_and_repeated_units_are_not_taken_for_each_other() -> None:
    found = compared(units_of("rate", repeated=True), RATE, "dunnett")
    assert found.why_not == (
        "animals had several doses, and dunnett takes groups to be independent; compare by mixed or permutation_within"
    )
    assert (
        compared(units_of("rate"), RATE, "mixed").why_not
        == "no animal had two doses, and mixed compares within animals"
    )
    assert compared(units_of("rate"), RATE, "guess").why_not.startswith("'guess' is no method; choose one of dunnett, ")


def test_two_groups_of_shares_are_the_f_test_of_the_quasi_binomial_model() -> None:
    import statsmodels.api as sm

    units = units_of("share", 2, np.repeat([0.0, 1.0], 6))
    found = compared(units, SHARE)
    x = sm.add_constant((units.doses > 0).astype(float))
    both = np.column_stack([units.events, units.trials - units.events])
    full, null = sm.GLM(both, x, sm.families.Binomial()).fit(), sm.GLM(both, x[:, :1], sm.families.Binomial()).fit()
    dispersion = max(full.pearson_chi2 / full.df_resid, 1.0)
    f = (null.deviance - full.deviance) / dispersion
    assert found.against["1"].p == pytest.approx(stats.f.sf(f, 1, 10), rel=1e-6)
    assert found.against["1"].p_adjusted == pytest.approx(found.against["1"].p, rel=1e-6), "one comparison needs none"
    assert found.against["1"].estimate == pytest.approx(math.exp(full.params[1]), rel=1e-6)
    assert found.test is not None and found.test.figures["dispersion"] == pytest.approx(dispersion, rel=1e-6)


def test_two_groups_of_counts_are_the_likelihood_ratio_at_the_common_dispersion() -> None:
    import statsmodels.api as sm

    units = units_of("count", 3, np.repeat([0.0, 1.0], 7))
    found = compared(units, COUNT)
    assert found.test is not None
    alpha = found.test.figures["alpha"]
    x = sm.add_constant((units.doses > 0).astype(float))
    family = sm.families.NegativeBinomial(alpha=alpha)
    full, null = (sm.GLM(units.responses, x[:, :k], family, exposure=units.exposure).fit(tol=1e-12) for k in (2, 1))
    assert full.pearson_chi2 == pytest.approx(full.df_resid, rel=1e-6), "the dispersion by moments"
    assert found.against["1"].p == pytest.approx(stats.f.sf(null.deviance - full.deviance, 1, 12), rel=1e-5)
    assert found.against["1"].estimate == pytest.approx(math.exp(full.params[1]), rel=1e-6)


@pytest.mark.parametrize(("kind", "at"), [("share", 0.0), ("share", 30.0), ("count", 0.0)])
def test_a_dose_without_any_event_or_with_nothing_else_is_compared_all_the_same(kind: str, at: float) -> None:
    units = units_of(kind, effect=0.0)
    assert units.events is not None
    events = np.where(DOSES == 3.0, at, units.events)
    edge = Units(
        units.subjects, DOSES, events, units.censored, None, units.periods, events, units.trials, units.exposure
    )
    found = compared(edge, OF_KIND[kind]).against["3"]
    assert found.p_adjusted is not None and found.p_adjusted < 0.001
    assert found.estimate == (0.0 if at == 0 else math.inf)
    assert found.lo is not None and found.hi is not None
    assert (found.lo == 0 and found.hi < 0.5) if at == 0 else (found.hi == math.inf and found.lo > 2)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=12, max_size=12))
def test_the_interval_of_a_ratio_leaves_1_out_exactly_where_the_dose_differs(events: list[int]) -> None:
    k = np.array(events, dtype=float)
    doses = np.repeat([0.0, 1.0, 3.0], 4)
    names = tuple(f"R{i}" for i in range(12))
    units = Units(
        names, doses, k, np.zeros(12, dtype=bool), None, (1,) * 12, events=k, trials=np.full(12, 12.0),
        exposure=np.full(12, 60.0),
    )  # fmt: skip
    for measure in (SHARE, COUNT):
        found = compared(units, measure, measure.methods[0])
        for one in found.against.values():
            assert one.lo is not None and one.hi is not None and one.p_adjusted is not None
            if abs(one.p_adjusted - 0.05) > 1e-4:
                assert (one.lo > 1 or one.hi < 1) == (one.p_adjusted < 0.05)


def test_trials_of_an_animal_stay_together() -> None:
    """Ten copies of every trial bring no new animal, and no smaller p."""
    units = clustered(4, effect=0.25)
    assert units.by_trial is not None
    trials = units.by_trial
    copied = TrialTimes(*(np.tile(column, 10) for column in (trials.entry, trials.time, trials.event)), trials.cut_off)
    more = Units(units.subjects, units.doses, units.responses, units.censored, None, units.periods, by_trial=copied)
    mean = MEASURES["mean_escape_latency_s"]
    for method in ("log_rank", "cox"):
        one, other = (compared(some, mean, method).against["3"].p for some in (units, more))
        assert other == pytest.approx(one, rel=0.35), method
    plain = compared(more, mean, "log_rank").test
    assert plain is not None and "rearranging whole animals" in plain.overall


def test_trials_are_no_sample_for_a_model_of_single_latencies() -> None:
    assert "not independent" in compared(clustered(), MEASURES["mean_escape_latency_s"], "tobit").why_not


def test_exchanges_within_animals_are_the_sign_test_of_their_differences() -> None:
    units = units_of("rate", repeated=True)
    found = compared(units, RATE, "permutation_within").against["3"]
    differences = units.responses[DOSES == 3] - units.responses[DOSES == 0]
    reference = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, rng=np.random.default_rng(1)
    )
    assert found.p == pytest.approx(reference.pvalue)
    assert found.estimate == pytest.approx(differences.mean())


def test_a_default_that_the_data_do_not_hold_gives_way_to_rearrangement_and_says_so() -> None:
    units = units_of("share", repeated=True)
    events = np.where(DOSES == 3.0, 30.0, np.minimum(units.events, 29.0))
    edge = Units(units.subjects, DOSES, events, units.censored, None, units.periods, events, units.trials)
    found = compared(edge, SHARE)
    assert found.test is not None
    assert found.test.method == "permutation_within"
    assert "Not as usual: in one level all trials ended alike" in found.test.overall
    assert compared(edge, SHARE, "gee").test is None, "a method that was named is never replaced"
