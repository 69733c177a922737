"""Sentences say what the figures say: direction, size, what is missing, and nothing that did not happen."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.study.dataset import read_dataset
from behavior.summary import wording
from behavior.summary.per_dose import ArmSummary, summarize_arms
from behavior.summary.records_text import arrive, flow, parameters_of, treatment_of, what_was_done
from study.datasets import write_conflict, write_session, write_vocalization

UP = {0.0: [1.0, 2.0, 3.0, 2.5], 1.0: [2.0, 3.0, 4.0, 2.0], 3.0: [5.0, 6.0, 7.0, 5.5], 10.0: [6.0, 7.0, 9.0, 8.0]}
TURNING = {0.0: [5.0, 5.5, 6.0], 1.0: [9.0, 9.5, 10.0], 3.0: [5.0, 5.6, 6.1], 10.0: [1.0, 1.5, 2.0]}
FLAT = {0.0: [5.0, 6.0, 7.0], 1.0: [5.5, 6.5, 6.0], 3.0: [5.0, 6.0, 7.5]}


def arm_of(path: Path) -> ArmSummary:
    (arm,) = summarize_arms(read_dataset(path))
    return arm


def test_a_rise_is_told_with_doses_means_share_and_p(tmp_path: Path) -> None:
    arm = arm_of(write_conflict(tmp_path / "data", UP))
    assert wording.result_sentence(arm, arm.primary) == (
        "Ipsapirone raised punished responses at 3 and 10 mg/kg "
        "(at 10: mean 7.50 against 2.12 1/min, 353 % of vehicle, Dunnett p < 0.001)."
    )


def test_both_directions_are_told_and_a_turn_is_pointed_out(tmp_path: Path) -> None:
    arm = arm_of(write_conflict(tmp_path / "data", TURNING))
    said = wording.result_sentence(arm, arm.primary)
    assert "raised punished responses at 1 mg/kg" in said
    assert "and lowered punished responses at 10 mg/kg" in said
    assert "10 mg/kg" in wording.effective_sentence(arm.primary)
    assert "Look for a biphasic effect" in wording.effective_sentence(arm.primary)
    assert "not monotone" in wording.ed50_sentence(arm.primary)


def test_no_difference_is_told_with_the_number_of_doses(tmp_path: Path) -> None:
    arm = arm_of(write_conflict(tmp_path / "data", FLAT))
    assert wording.result_sentence(arm, arm.primary) == (
        "Punished responses: none of 2 doses differed from vehicle (Dunnett). That is no proof of no effect: farthest "
        "from vehicle is 3 mg/kg (103 % of vehicle, difference +0.2 [−2.1, 2.4], n = 3 and 3)."
    )
    assert wording.effective_sentence(arm.primary) == ""
    two = arm_of(write_conflict(tmp_path / "two", {0.0: [5.0, 6.0, 7.0], 1.0: [5.5, 6.5, 6.0]}))
    assert "the dose did not differ from vehicle" in wording.result_sentence(two, two.primary)


def test_ranks_and_latencies_are_told_as_medians_with_the_cut_off(tmp_path: Path) -> None:
    times = {0.0: [20.0, 15.0, 12.0, 18.0, 14.0, 16.0], 10.0: [0.0, 0.0, 0.5, 0.0, 0.0, 0.0]}
    arm = arm_of(write_vocalization(tmp_path / "data", times))
    assert "lowered 22-kHz calling time at 10 mg/kg (median 0.00 against 15.50 s, Dunn p" in wording.result_sentence(
        arm, arm.primary
    )
    latency = arm.endpoints[2]
    said = wording.result_sentence(arm, latency)
    assert "raised the latency to first 22-kHz call at 10 mg/kg (median > 60 against 3." in said
    assert wording.quartiles(latency.rows[1], 1, 60.0) == "> 60 [> 60, > 60]"


def test_where_only_one_of_two_tests_sees_a_difference_it_is_said(tmp_path: Path) -> None:
    wild = {0.0: [5.0, 5.1, 4.9, 5.0], 1.0: [5.6, 5.7, 5.5, 5.6], 3.0: [1.0, 9.0, 0.0, 14.0]}
    endpoint = arm_of(write_conflict(tmp_path / "data", wild)).primary
    assert "the conclusion changes at 1 mg/kg (Dunnett p" in wording.welch_sentence(endpoint)
    assert wording.spread_sentence(endpoint).startswith("Variances")
    calm = arm_of(write_conflict(tmp_path / "calm", UP)).primary
    assert wording.welch_sentence(calm) == ""


@given(st.floats(-1e6, 1e6), st.integers(0, 4))
def test_numbers_have_no_hyphen_and_no_negative_zero(value: float, decimals: int) -> None:
    text = wording.number(value, decimals)
    assert "-" not in text
    assert float(text.replace(wording.MINUS, "-")) == pytest.approx(value, abs=0.51 * 10**-decimals)
    assert text.strip("0.") != wording.MINUS


@given(st.floats(1e-6, 1e6), st.integers(1, 4))
def test_significant_digits_are_kept(value: float, digits: int) -> None:
    text = wording.significant(value, digits)
    assert float(text) == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))
    assert "e" not in text


@given(st.floats(0, 1))
def test_p_values_are_never_zero_nor_one(p: float) -> None:
    cell = wording.p_cell(p)
    assert cell not in ("0", "0.000", "1.00", "0.00")
    assert wording.p_text(p).removeprefix("= ") == cell


def test_lists_read_like_lists() -> None:
    assert [wording.listed(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_decimals_follow_the_standard_error(tmp_path: Path) -> None:
    small = {dose: [value / 1000 for value in values] for dose, values in UP.items()}
    assert wording.decimals_of(arm_of(write_conflict(tmp_path / "a", UP)).primary) == 2
    assert wording.decimals_of(arm_of(write_conflict(tmp_path / "b", small)).primary) == 4
    large = {dose: [1000 * value for value in values] for dose, values in UP.items()}
    assert wording.decimals_of(arm_of(write_conflict(tmp_path / "c", large)).primary) == 0
    lone = arm_of(write_conflict(tmp_path / "d", {0.0: [1.0], 1.0: [2.0]}, n=2)).primary
    assert wording.decimals_of(lone) == 2


def test_what_was_done_is_told_from_the_records(tmp_path: Path) -> None:
    dataset = read_dataset(write_conflict(tmp_path / "data", UP))
    facts = dict(what_was_done(dataset))
    assert facts["Animals"] == "male Wistar rats"
    assert facts["Subjects and sessions"] == "16 subjects, 16 sessions"
    assert facts["Weight at the session"] == "280 ± 0 (SD) g, 280 to 280, n = 16"
    assert facts["Dates"] == "2026-03-02"
    assert facts["Rig and chambers"] == "test: A and B"
    (arm,) = summarize_arms(dataset)
    assert treatment_of(arm) == "ipsapirone 1, 3, 10 mg/kg or saline, i.p., 30 min before the session"


def test_what_the_records_do_not_hold_is_said_to_be_missing(tmp_path: Path) -> None:
    write_session(tmp_path, "R1", 0.0, {"punished_rate_per_min": 1.0}, weight_g=None, arm=None, study=None)
    write_session(tmp_path, "R2", 1.0, {"punished_rate_per_min": 2.0}, weight_g=None, arm=None, study=None)
    dataset = read_dataset(tmp_path)
    facts = dict(what_was_done(dataset))
    assert facts["Weight at the session"] == "not in the records"
    assert "Animals" not in facts
    items = {item.item: item for item in arrive(dataset, summarize_arms(dataset))}
    assert len(items) == 10
    assert items["4 Randomisation"].missing == "the method and seed of allocation"
    assert items["6 Outcome measures"].missing == "which outcome the study is judged on"


def test_parameters_that_differ_between_sessions_are_not_told_as_one(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", UP)
    arm = arm_of(path)
    common = parameters_of(read_dataset(path), arm)
    assert "n_cycles = 2" in common
    assert any(line.startswith("components 2: name = punished") for line in common)
    other = {"n_cycles": 5}
    write_session(path, "X1", 1.0, {"punished_rate_per_min": 2.0}, parameters=other)
    lines = parameters_of(read_dataset(path), arm)
    assert "n_cycles: differs between sessions" in lines
    assert "n_cycles = 2" not in lines


def test_the_flow_adds_up(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", UP)
    for subject in ("R02", "R07", "R08"):
        next((path / f"sub-{subject}").glob("ses-*/score.json")).unlink()
    dataset = read_dataset(path)
    rows = flow(dataset, summarize_arms(dataset)[0])
    assert [(row.name, row.n_planned, row.n_run, row.n_analysed) for row in rows] == [
        ("vehicle", 4, 4, 3),
        ("1 mg/kg", 4, 4, 2),
        ("3 mg/kg", 4, 4, 4),
        ("10 mg/kg", 4, 4, 4),
    ]
    assert rows[1].reasons == ("it has no score: 2",)
    assert sum(row.n_run for row in rows) == len(dataset.sessions)


def test_an_infinite_quartile_without_a_cut_off_is_not_a_number(tmp_path: Path) -> None:
    assert wording.number(math.inf, 1) == "∞"
    assert wording.interval(None, 1.0, 2.0, 1) == wording.DASH
    assert wording.interval(1.0, None, None, 1, signed=True) == "+1.0"
    assert wording.effect(None) == wording.DASH
