"""Per-dose summaries: right figures, the method that suits the outcome, and reasons where something is not there."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from behavior.model.measures import MEASURES
from behavior.study.dataset import read_dataset
from behavior.summary.against_vehicle import compared
from behavior.summary.by_latency import LOG_RANK
from behavior.summary.by_means import MIXED
from behavior.summary.ed50 import Ed50, NoEd50
from behavior.summary.per_dose import ArmSummary, censored_quartiles, per_dose_table, summarize_arms
from behavior.summary.units import Units
from behavior.summary.vehicle_test import CLIFF
from study.datasets import given as treatment
from study.datasets import write_conflict, write_session, write_vocalization

RATES = {0.0: [1.0, 2.0, 3.0, 2.5], 1.0: [2.0, 3.0, 4.0, 2.0], 3.0: [5.0, 6.0, 7.0, 5.5], 10.0: [6.0, 7.0, 9.0, 8.0]}
CLEAR = {0.0: [19, 20, 21], 0.3: [18, 19, 20], 1.0: [14, 15, 16], 3.0: [8, 9, 10], 10.0: [3, 4, 5], 30.0: [1, 2, 3]}


def units_of(doses: np.ndarray, responses: np.ndarray) -> Units:
    n = len(doses)
    names = tuple(f"R{i}" for i in range(n))
    return Units(names, doses, responses, np.zeros(n, dtype=bool), None, (1,) * n)


def only_arm(path: Path) -> ArmSummary:
    (arm,) = summarize_arms(read_dataset(path))
    return arm


@pytest.fixture
def conflict(tmp_path: Path) -> ArmSummary:
    return only_arm(write_conflict(tmp_path / "data", RATES))


def test_rows_hold_n_mean_spread_and_share_of_vehicle(conflict: ArmSummary) -> None:
    rows = {row.dose_mg_kg: row for row in conflict.primary.rows}
    assert list(rows) == [0.0, 1.0, 3.0, 10.0]
    for dose, values in RATES.items():
        described = rows[dose].described
        assert described.n == 4
        assert described.mean == pytest.approx(np.mean(values))
        assert described.sem == pytest.approx(stats.sem(values))
        assert described.percent_of_vehicle == pytest.approx(100 * np.mean(values) / np.mean(RATES[0.0]))


def test_p_values_and_intervals_are_dunnetts(conflict: ArmSummary) -> None:
    reference = stats.dunnett(*[RATES[d] for d in (1.0, 3.0, 10.0)], control=RATES[0.0], rng=np.random.default_rng(1))
    limits = reference.confidence_interval(0.95)
    rows = conflict.primary.rows
    assert rows[0].against is None
    for i, row in enumerate(rows[1:]):
        assert row.against is not None
        assert row.against.p_adjusted == pytest.approx(reference.pvalue[i], abs=2e-3)
        assert (row.against.lo, row.against.hi) == pytest.approx((limits.low[i], limits.high[i]), abs=0.02)
    assert conflict.primary.test is not None
    assert conflict.primary.test.name == "Dunnett"
    assert conflict.primary.test.effective is not None
    assert conflict.primary.test.effective.contiguous == "3"


def test_the_primary_comes_first_and_the_motor_control_stands_beside(conflict: ArmSummary) -> None:
    assert [endpoint.is_primary for endpoint in conflict.endpoints] == [True, False, False]
    assert conflict.motor_control is conflict.endpoints[1]
    table = per_dose_table([conflict])
    means = {row.dose_mg_kg: row.described.mean for row in conflict.motor_control.rows}
    assert table["motor_control_mean"].tolist() == [means[dose] for dose in table["dose_mg_kg"]]
    assert "2 endpoints are secondary" in conflict.multiplicity
    assert "primary endpoint is punished responses" in conflict.multiplicity


def test_counts_are_compared_as_rates_over_the_time_they_were_counted_in(conflict: ArmSummary) -> None:
    shocks = conflict.endpoints[2]
    assert shocks.test is not None
    assert (shocks.test.method, shocks.test.scale) == ("negative_binomial", "Rate ratio")
    counts = {dose: np.round(np.array(values) * 6) for dose, values in RATES.items()}
    against = shocks.rows[2].against
    assert against is not None
    assert against.estimate == pytest.approx(counts[3.0].mean() / counts[0.0].mean(), rel=1e-6)
    assert shocks.rows[2].described.mean == np.mean(counts[3.0])


def test_durations_with_many_zeros_are_compared_by_ranks(tmp_path: Path) -> None:
    times = {0.0: [20.0, 15.0, 12.0, 18.0], 1.0: [10.0, 0.0, 8.0, 7.0], 10.0: [0.0, 0.0, 0.5, 0.0]}
    arm = only_arm(write_vocalization(tmp_path / "data", times))
    assert arm.primary.test is not None
    assert (arm.primary.test.name, arm.primary.test.scale) == ("Dunn", CLIFF)
    h, p = stats.kruskal(*times.values())
    assert arm.primary.test.overall.startswith(f"Kruskal–Wallis H(2) = {h:.2f}, p = {p:.3f}")
    top = arm.primary.rows[2].against
    assert top is not None
    assert top.estimate == -1.0
    assert top.p_adjusted < 0.05


def test_durations_with_few_zeros_are_compared_by_means(tmp_path: Path) -> None:
    times = {0.0: [20.0, 15.0, 12.0, 18.0], 1.0: [10.0, 3.0, 8.0, 7.0]}
    arm = only_arm(write_vocalization(tmp_path / "data", times))
    assert arm.primary.test is not None
    assert arm.primary.test.name == "Dunnett"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.0, 1.5, 2.0, 4.0, 7.5]), min_size=9, max_size=9), st.permutations(range(9)))
def test_the_choice_of_method_never_depends_on_who_had_which_dose(times: list[float], order: list[int]) -> None:
    doses = np.repeat([0.0, 1.0, 3.0], 3)
    one, other = (
        compared(units_of(doses, np.array(values)), MEASURES["calling_time_s"])
        for values in (times, np.array(times)[order])
    )
    names = {found.test.name for found in (one, other) if found.test is not None}
    assert len(names) <= 1


def test_a_silent_rat_is_censored_and_not_missing(tmp_path: Path) -> None:
    times = {0.0: [20.0, 15.0, 12.0], 1.0: [10.0, 0.0, 0.0]}
    latency = only_arm(write_vocalization(tmp_path / "data", times)).endpoints[2]
    row = latency.rows[1]
    assert (row.described.n, row.n_censored, row.described.n_missing) == (1, 2, 0)
    assert row.described.median == math.inf
    assert row.described.q1 is not None
    assert math.isfinite(latency.rows[0].described.q3 or math.inf)
    assert latency.units.cut_off == 60.0
    assert latency.test is not None
    assert latency.test.name == LOG_RANK
    assert row.against is not None
    restricted = [np.mean([60 / 21, 60 / 16, 60 / 13]), np.mean([60 / 11, 60, 60])]
    assert row.against.estimate == pytest.approx(restricted[1] - restricted[0])
    assert "2 of 6 animals did not respond before the test ended: R05 (1 mg/kg), R06 (1 mg/kg)" in latency.notes[0]
    assert isinstance(latency.ed50, NoEd50)
    delta = row.effects.cliffs_delta
    assert row.effects.hedges_g is None
    assert delta is not None
    assert delta.estimate == 1.0


@given(st.lists(st.floats(0, 100) | st.just(math.nan), min_size=1, max_size=12))
def test_censored_quartiles_are_numpys_where_no_censored_one_is_reached(latencies: list[float]) -> None:
    found = censored_quartiles(np.array(latencies))
    observed = sorted(x for x in latencies if not math.isnan(x))
    assert list(found) == sorted(found)
    for p, quartile in zip((0.25, 0.5, 0.75), found, strict=True):
        if math.ceil(p * (len(latencies) - 1)) < len(observed):
            filled = [*observed, *[1e9] * (len(latencies) - len(observed))]
            assert quartile == pytest.approx(np.quantile(filled, p))
        else:
            assert math.isinf(quartile) or quartile == observed[-1]


def test_latencies_are_compared_by_rearranging_animals(tmp_path: Path) -> None:
    times = {0.0: [20.0, 15.0, 12.0, 18.0, 17.0], 1.0: [1.0, 0.0, 0.0, 2.0, 0.5]}
    latency = only_arm(write_vocalization(tmp_path / "data", times)).endpoints[2]
    against = latency.rows[1].against
    assert against is not None
    assert against.p_adjusted == pytest.approx(2 / math.comb(10, 5))  # every treated rat later than every other
    assert against.estimate > 0


def test_without_a_window_the_session_is_the_cut_off(tmp_path: Path) -> None:
    path = write_vocalization(tmp_path / "data", {0.0: [20.0, 15.0], 1.0: [1.0, 0.0]})
    for score in path.rglob("score.json"):
        score.write_text(score.read_text().replace('"window_s"', '"other_s"'))
    latency = only_arm(path).endpoints[2]
    assert latency.units.cut_off == 20.0
    assert latency.rows[1].n_censored == 1
    assert latency.test is not None


def test_an_endpoint_that_no_session_has_is_a_row_of_nothing(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", RATES)
    study = (path / "study.toml").read_text().replace('"n_shocks_delivered"', '"n_timeout_presses"')
    (path / "study.toml").write_text(study)
    endpoint = only_arm(path).endpoints[2]
    assert [row.n for row in endpoint.rows] == [0, 0, 0, 0]
    assert [row.described.n_missing for row in endpoint.rows] == [4, 4, 4, 4]
    assert endpoint.test is None
    assert "16 of 16 animals have no value" in endpoint.notes[0]


def test_when_no_rat_called_there_is_a_reason_and_no_test(tmp_path: Path) -> None:
    arm = only_arm(write_vocalization(tmp_path / "data", {0.0: [0.0, 0.0, 0.0], 1.0: [0.0, 0.0, 0.0]}))
    assert [endpoint.test for endpoint in arm.endpoints] == [None, None, None]
    assert "every latency is at the cut-off" in arm.endpoints[2].no_test
    assert arm.endpoints[2].rows[1].n_censored == 3


def write_crossover(path: Path, rates: dict[float, list[float]], orders: list[list[float]]) -> Path:
    """Every animal has every dose, in its own order, a week apart."""
    write_conflict(path, {dose: [] for dose in rates}, n=len(orders))
    for animal, order in enumerate(orders):
        for week, dose in enumerate(order):
            measures = {
                "punished_rate_per_min": rates[dose][animal],
                "unpunished_rate_per_min": 20.0 + animal + week / 7,
                "n_shocks_delivered": 6 * animal + week,
            }
            write_session(path, f"R{animal}", dose, measures, started_at=f"2026-03-{2 + 7 * week:02d}T09:00:00+00:00")
    return path


def test_animals_with_several_doses_are_compared_with_themselves(tmp_path: Path) -> None:
    rates = {0.0: [1.0, 5.0, 9.0, 13.0, 3.0, 7.0], 1.0: [2.1, 6.0, 9.9, 14.0, 4.2, 7.8]}
    orders = [[0.0, 1.0], [1.0, 0.0]] * 3
    endpoint = only_arm(write_crossover(tmp_path / "data", rates, orders)).primary
    assert endpoint.test is not None
    assert endpoint.test.name == MIXED
    assert "Within 6 animals, with period" in endpoint.test.overall
    against = endpoint.rows[1].against
    assert against is not None
    assert against.estimate == pytest.approx(1.0)
    assert against.p_adjusted < 0.01  # between animals of such spread nothing would be seen
    assert endpoint.units.periods == (1, 2, 1, 2, 1, 2, 2, 1, 2, 1, 2, 1)
    assert endpoint.rows[1].effects.hedges_g is None
    assert isinstance(endpoint.ed50, NoEd50)
    assert "too few to see the shape" in endpoint.ed50.reasons[0]


def test_a_period_that_always_is_the_same_dose_is_left_out(tmp_path: Path) -> None:
    rates = {0.0: [1.0, 5.0, 9.0, 13.0], 1.0: [2.1, 6.0, 9.9, 14.0]}
    endpoint = only_arm(write_crossover(tmp_path / "data", rates, [[0.0, 1.0]] * 4)).primary
    assert endpoint.test is not None
    assert "without period" in endpoint.test.overall


def test_an_ed50_is_given_where_the_data_hold_one(tmp_path: Path) -> None:
    found = only_arm(write_conflict(tmp_path / "data", CLEAR)).primary.ed50
    assert isinstance(found, Ed50)
    assert 1.0 < found.lo < found.estimate < found.hi < 5.0


def test_a_flat_study_has_no_ed50_and_says_why(tmp_path: Path) -> None:
    flat = {dose: [5.0, 6.0, 7.0, 5.5] for dose in (0.0, 1.0, 3.0, 10.0)}
    found = only_arm(write_conflict(tmp_path / "data", flat)).primary.ed50
    assert isinstance(found, NoEd50)
    assert "do not differ between doses" in found.reasons[0]


def test_no_variance_at_all_is_a_reason_and_no_crash(tmp_path: Path) -> None:
    same = {dose: [5.0, 5.0, 5.0] for dose in (0.0, 1.0, 3.0, 10.0)}
    endpoint = only_arm(write_conflict(tmp_path / "data", same)).primary
    assert endpoint.test is None
    assert "variance" in endpoint.no_test
    assert isinstance(endpoint.ed50, NoEd50)
    assert endpoint.rows[1].described.sem == 0


def test_one_animal_a_dose_is_described_and_not_tested(tmp_path: Path) -> None:
    endpoint = only_arm(write_conflict(tmp_path / "data", {0.0: [1.0], 1.0: [2.0], 3.0: [4.0]}, n=2)).primary
    assert endpoint.test is None
    assert endpoint.rows[2].described.mean == 4.0
    assert endpoint.rows[2].described.sem is None
    assert endpoint.rows[2].n_planned == 2


def test_sessions_left_out_are_counted_and_not_analysed(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", RATES)
    next((path / "sub-R05").glob("ses-*/footer.json")).unlink()
    arm = only_arm(path)
    row = arm.primary.rows[1]
    assert (row.n_planned, row.n_run, row.n_left_out, row.described.n) == (4, 4, 1, 3)
    assert [reason for _, reason in arm.left_out] == ["nobody closed it (no footer)"]


def test_a_dose_nobody_had_has_its_row(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", RATES)
    for subject in ("R13", "R14", "R15", "R16"):
        next((path / f"sub-{subject}").glob("ses-*/footer.json")).unlink()
    row = only_arm(path).primary.rows[3]
    assert (row.n_run, row.n_left_out, row.described.n, row.described.mean, row.against) == (4, 4, 0, None, None)


def test_without_vehicle_nothing_is_compared_and_it_is_said(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", RATES)
    for subject in ("R01", "R02", "R03", "R04"):
        next((path / f"sub-{subject}").glob("ses-*/footer.json")).unlink()
    arm = only_arm(path)
    assert arm.endpoints == ()
    assert "no session with the vehicle" in arm.unmade


def test_two_sessions_of_an_animal_at_a_dose_count_as_one_animal(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", RATES)
    measures = {"punished_rate_per_min": 3.0, "unpunished_rate_per_min": 20.0, "n_shocks_delivered": 18}
    write_session(path, "R01", 0.0, measures, started_at="2026-03-05T09:00:00+00:00")
    row = only_arm(path).primary.rows[0]
    assert row.n_run == 5
    assert row.described.n == 4
    assert row.described.mean == pytest.approx(np.mean([2.0, *RATES[0.0][1:]]))  # R01: the mean of 1 and 3


def test_a_measure_that_is_missing_in_a_session_is_counted_and_named(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", RATES)
    write_session(path, "R99", 1.0, {"punished_rate_per_min": None, "unpunished_rate_per_min": 20.0})
    endpoint = only_arm(path).primary
    assert (endpoint.rows[1].described.n, endpoint.rows[1].described.n_missing) == (4, 1)
    assert "R99 (1 mg/kg)" in endpoint.notes[0]


def test_a_blinded_arm_has_no_summary(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", RATES)
    coded = treatment(None, compound=None, blind_code="K1")
    write_session(path, "B1", None, {"punished_rate_per_min": 2.0}, treatment=coded)
    arm = only_arm(path)
    assert arm.endpoints == ()
    assert "behavior unblind" in arm.unmade


def test_loose_sessions_are_arms_by_paradigm_and_compound(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", {}, n=2, study=False)
    for k, (compound, dose) in enumerate([("ipsapirone", 0.0), ("ipsapirone", 0.0), ("ipsapirone", 1.0),
                                          ("ipsapirone", 1.0), ("diazepam", 2.0), ("diazepam", 2.0)]):  # fmt: skip
        measures = {"punished_rate_per_min": 1.0 + k, "unpunished_rate_per_min": 20.0}
        write_session(path, f"R{k}", dose, measures, arm=None, study=None, treatment=treatment(dose, compound=compound))
    arms = summarize_arms(read_dataset(path))
    assert [(arm.plan.compound, arm.plan.doses_mg_kg) for arm in arms] == [
        ("diazepam", (0.0, 2.0)),
        ("ipsapirone", (0.0, 1.0)),
    ]
    assert [arm.primary.vehicle.described.n for arm in arms] == [2, 2]
    assert [endpoint.measure.name for endpoint in arms[0].endpoints] == [
        "punished_rate_per_min"
    ]  # the other is constant
    assert not any(endpoint.is_primary for arm in arms for endpoint in arm.endpoints)
    assert all("No endpoint was named as primary" in arm.multiplicity for arm in arms)


def test_the_table_has_one_row_an_endpoint_and_dose_and_fractions_no_percent(conflict: ArmSummary) -> None:
    table = per_dose_table([conflict])
    assert len(table) == 12
    assert not table.duplicated(["arm", "endpoint", "dose_mg_kg"]).any()
    assert table["fraction_of_vehicle"].iloc[0] == 1.0
    assert not [column for column in table if "percent" in column]
