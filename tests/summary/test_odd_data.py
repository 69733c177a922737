"""A report of odd data is drawn and told all the same: a lost dose, one animal, zeros, very small and very large."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model.measures import MEASURES
from behavior.study.dataset import read_dataset
from behavior.summary import wording
from behavior.summary.against_vehicle import compared
from behavior.summary.figures import DoseAxis
from behavior.summary.names import dose_text, plain, slugs_of
from behavior.summary.per_dose import ArmSummary, per_dose_table, summarize_arms
from behavior.summary.report import _all
from behavior.summary.units import Units
from behavior.summary.vehicle_test import Compared, p_text
from study.datasets import write_conflict

RATES: dict[str, dict[float, list[float]]] = {
    "very small": {0.0: [1e-9, 2e-9, 3e-9], 1e-6: [2e-9, 3e-9, 5e-9], 1e-5: [1e-9, 2e-9, 2.5e-9]},
    "very large": {0.0: [1e12, 2e12, 3e12], 1e5: [2e12, 3e12, 5e12], 1e6: [1e12, 2e12, 2.5e12]},
    "all zero": {0.0: [0.0, 0.0, 0.0], 1.0: [0.0, 0.0, 0.0], 3.0: [0.0, 0.0, 0.0]},
    "vehicle zero": {0.0: [0.0, 0.0, 0.0], 1.0: [1.0, 0.0, 2.0], 3.0: [4.0, 5.0, 6.0]},
    "below zero": {0.0: [-1.0, -2.0, -3.0], 1.0: [-5.0, -2.0, -1.0]},
    "one animal a dose": {0.0: [1.0], 1.0: [2.0], 3.0: [1.5]},
    "one outlier": {0.0: [1.0, 1.0, 1.0], 1.0: [1.0, 1.0, 1e9]},
}


def drawn(path: Path, name: str = "conflict") -> tuple[ArmSummary, list[str]]:
    dataset = read_dataset(path)
    (arm,) = summarize_arms(dataset)
    stems = []
    for stem, figure, caption, _ in _all(dataset, arm, name):
        figure.draw_without_rendering()
        assert caption.endswith(".")
        stems.append(stem)
    return arm, stems


@pytest.mark.parametrize("name", RATES)
def test_whatever_the_data_every_endpoint_is_drawn_and_told(tmp_path: Path, name: str) -> None:
    arm, stems = drawn(write_conflict(tmp_path / "data", RATES[name], n=3))
    assert len(set(stems)) == len(stems), "no figure overwrites another"
    for endpoint in arm.endpoints:
        assert f"conflict-{endpoint.measure.name}-dose-response" in stems
        for said in (wording.result_sentence(arm, endpoint), wording.ed50_sentence(endpoint)):
            assert said.endswith((".", ".)")) and not re.search(r"\b(nan|inf|None)\b", said), said
    table = per_dose_table((arm,))
    assert len(table) == len(arm.endpoints) * len(RATES[name])


def test_a_study_whose_other_doses_are_lost_shows_the_vehicle(tmp_path: Path) -> None:
    """All sessions at the one dose left out: the report still has to be made."""
    path = write_conflict(tmp_path / "data", {0.0: [1.0, 2.0], 1.0: [3.0, 4.0]})
    for subject in ("R03", "R04"):
        next((path / f"sub-{subject}").glob("ses-*/score.json")).unlink()
    arm, stems = drawn(path)
    assert "conflict-punished_rate_per_min-dose-response" in stems
    assert arm.primary.test is None
    assert wording.result_sentence(arm, arm.primary).startswith("Punished responses: not tested, because ")
    assert [row.n for row in arm.primary.rows] == [2, 0]


@given(st.lists(st.floats(1e-6, 1e6), max_size=6, unique=True), st.booleans())
def test_an_axis_holds_all_its_doses_whichever_there_are(doses: list[float], vehicle: bool) -> None:
    if not doses and not vehicle:
        return
    axis = DoseAxis((*((0.0,) if vehicle else ()), *sorted(doses)))
    left, right = axis.limits()
    places = [axis.at(dose) for dose in axis.doses]
    assert all(map(math.isfinite, (left, right, axis.gap, axis.step)))
    assert left < places[0] and places[-1] < right
    assert places == sorted(places)


# -- words ------------------------------------------------------------------------------------------------------------


@given(st.floats(0, 1))
def test_a_p_value_is_never_said_to_be_smaller_or_larger_than_it_is_by_much(p: float) -> None:
    sign, _, number = p_text(p).partition(" ")
    said = float(number)
    if sign == "=":
        assert said == pytest.approx(p, abs=5.1e-4 if p < 0.1 else 5.1e-3)
    else:
        assert (p < said) if sign == "<" else (p > said)


@given(st.floats(allow_nan=True, allow_infinity=True) | st.none(), st.integers(0, 4))
def test_a_number_on_the_page_is_the_number_rounded_and_never_minus_zero(value: float | None, decimals: int) -> None:
    text = wording.number(value, decimals)
    if value is None or math.isnan(value):
        assert text == "–"
    elif math.isinf(value):
        assert text in ("∞", "−∞")
    else:
        back = float(text.replace("−", "-"))
        assert abs(back - value) <= max(0.5001 * 10**-decimals, abs(value) * 1e-15)
        assert "-" not in text and not (back == 0 and text.startswith("−"))


@given(st.floats(1e-12, 1e12), st.integers(1, 6))
def test_significant_digits_lose_no_more_than_they_say(value: float, digits: int) -> None:
    text = wording.significant(value, digits)
    assert "e" not in text
    assert float(text) == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))


@given(st.lists(st.text(max_size=12), max_size=8))
def test_arms_never_share_their_files_and_names_need_no_quoting(names: list[str]) -> None:
    slugs = slugs_of(names)
    assert len(slugs) == len(names) == len(set(slugs))
    assert all(letter.isalnum() or letter == "-" for slug in slugs for letter in slug)
    assert slugs == slugs_of(names)


@pytest.mark.parametrize(
    ("dose", "text"), [(0.0, "vehicle"), (0.3, "0.3 mg/kg"), (10.0, "10 mg/kg"), (1e-5, "1e-05 mg/kg")]
)
def test_a_dose_is_named_as_people_do(dose: float, text: str) -> None:
    assert dose_text(dose) == text


def test_a_label_in_a_sentence_keeps_its_capitals_but_the_first() -> None:
    assert plain("Suppression ratio P/(P+U)") == "suppression ratio"
    assert plain("Latency from CS, failures at cut-off (s)") == "latency from CS, failures at cut-off"


# -- tests ------------------------------------------------------------------------------------------------------------

VALUES = st.sampled_from([0.0, 1.0, 2.0, 1e-8, 1e8]) | st.floats(0, 100)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 1.0, 3.0]), VALUES | st.just(math.nan)), min_size=1, max_size=14),
    st.sampled_from(
        ["punished_rate_per_min", "n_calls", "calling_time_s", "suppression_ratio", "latency_first_call_s"]
    ),
    st.booleans(),
)
def test_every_endpoint_gets_a_test_or_a_reason_and_never_both(
    rows: list[tuple[float, float]], name: str, repeated: bool
) -> None:
    doses, responses = (np.array(column) for column in zip(*rows, strict=True))
    subjects = tuple(f"R{k % 4 if repeated else k}" for k in range(len(rows)))
    censored = np.isnan(responses) if name.startswith("latency") else np.zeros(len(rows), dtype=bool)
    units = Units(subjects, doses, responses, censored, 120.0, (1,) * len(rows))
    found: Compared = compared(units, MEASURES[name])
    assert (found.test is None) == bool(found.why_not)
    assert bool(found.against) == (found.test is not None)
    for label, against in found.against.items():
        assert float(label) > 0, "the vehicle is not compared with itself"
        assert 0 <= against.p_adjusted <= 1
        assert against.p_welch is None or 0 <= against.p_welch <= 1
        if against.lo is not None and against.hi is not None:
            assert against.lo <= against.estimate <= against.hi
