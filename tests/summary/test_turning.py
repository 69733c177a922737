"""An effect that turns is found where there is one, in either direction, and is not looked for elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from behavior.model.measures import MEASURES
from behavior.summary.dose_response import fit_dose_response
from behavior.summary.ed50 import NoEd50
from behavior.summary.fit import FTest
from behavior.summary.hormesis import brain_cousens
from behavior.summary.turning import Turn, best_without_turn, turn_of
from behavior.summary.wording import turn_sentence
from summary.made import endpoint_of, units_of

RATE = MEASURES["unpunished_rate_per_min"]
DOSES = np.repeat([0.0, 0.1, 0.3, 1.0, 3.0, 10.0], 8)
TRUE = np.array([4.0, 2.0, 20.0, 3.0, 15.0])
"""b, c, d, e and f: 20 under vehicle, above it at low doses, 2 at large ones."""
REFUSED = NoEd50(("the effect is not monotone: it turns",), None, 48, 6)


def responses(seed: int = 0, sd: float = 1.5) -> np.ndarray:
    return brain_cousens(DOSES, TRUE) + np.random.default_rng(seed).normal(0, sd, len(DOSES))


def found(y: np.ndarray) -> Turn:
    turn = turn_of(units_of(DOSES, y), RATE, REFUSED, [1, -1])
    assert isinstance(turn, Turn)
    return turn


def test_a_rise_and_fall_is_found_with_its_peak() -> None:
    turn, grid = found(responses()), np.linspace(0.01, 10, 2000)
    truth = brain_cousens(grid, TRUE)
    assert not turn.falls_first
    assert turn.p < 1e-4
    assert turn.p == pytest.approx(2 * turn.test.p)
    assert turn.peak.dose == pytest.approx(grid[truth.argmax()], rel=0.25)
    assert turn.peak.response == pytest.approx(truth.max(), rel=0.1)
    assert turn.back is not None
    assert turn.curve([turn.back])[0] == pytest.approx((turn.fit.estimates["c"] + turn.fit.estimates["d"]) / 2)


def test_a_fall_and_rise_is_the_mirror_image() -> None:
    y = responses(3)
    base = y[DOSES == 0].mean()
    up, down = found(y), found(2 * base - y)
    assert down.falls_first and not up.falls_first
    assert down.peak.dose == pytest.approx(up.peak.dose, rel=1e-4)
    assert down.curve(DOSES) == pytest.approx(2 * base - up.curve(DOSES), rel=1e-3)


@pytest.mark.parametrize("factor", [0.01, 1000.0])
def test_units_of_dose_and_response_do_not_matter(factor: float) -> None:
    y = responses(1)
    one, scaled = found(y), turn_of(units_of(DOSES * factor, y * 7), RATE, REFUSED, [])
    assert isinstance(scaled, Turn)
    assert scaled.p == pytest.approx(one.p, rel=1e-3)
    assert scaled.peak.dose == pytest.approx(one.peak.dose * factor, rel=1e-2)
    assert scaled.peak.response == pytest.approx(one.peak.response * 7, rel=1e-3)


def test_nothing_is_fitted_where_the_data_do_not_call_for_it() -> None:
    other = NoEd50(("the responses do not differ between doses",), None, 48, 6)
    units = units_of(DOSES, responses())
    assert turn_of(units, RATE, other, [1, 1]) is None
    assert turn_of(units, RATE, other, []) is None
    assert isinstance(turn_of(units, RATE, other, [1, -1]), Turn)


def test_too_few_doses_and_censored_responses_are_told() -> None:
    few = DOSES < 1
    assert "takes 5 doses" in str(turn_of(units_of(DOSES[few], responses()[few]), RATE, REFUSED, []))
    latency = units_of(DOSES, responses(), cut_off=20.0)
    assert "without censoring" in str(turn_of(latency, MEASURES["retention_latency_s"], REFUSED, []))


def test_the_sentence_names_every_direction_and_the_curve() -> None:
    endpoint = endpoint_of(units_of(DOSES, responses()), RATE)
    assert isinstance(endpoint.turn, Turn)
    said = turn_sentence(endpoint)
    assert said.startswith(
        "Directions per dose: raised at 0.3, 1 and 3 mg/kg; lowered at 10 mg/kg; no significant change at 0.1 mg/kg. "
    )
    assert "(Brain–Cousens, BC.5, least squares) describes the data better than one that does not: F(1, 43) = " in said
    assert "highest at" in said


def test_a_curve_that_is_not_needed_gives_no_peak() -> None:
    endpoint = endpoint_of(units_of(DOSES, responses()), RATE)
    assert isinstance(endpoint.turn, Turn)
    weak = Turn(FTest(1.0, 1, 43, 0.32), 0.64, endpoint.turn.fit, False, 20.0, endpoint.turn.peak, None)
    object.__setattr__(endpoint, "turn", weak)
    said = turn_sentence(endpoint)
    assert "is not needed by the data" in said
    assert "highest" not in said


def test_an_effect_in_one_direction_says_nothing_of_it() -> None:
    y = 20 - 15 * DOSES / (DOSES + 1) + np.random.default_rng(0).normal(0, 1.5, len(DOSES))
    endpoint = endpoint_of(units_of(DOSES, y), RATE)
    assert endpoint.turn is None
    assert turn_sentence(endpoint) == ""


def test_the_best_curve_without_a_turn_is_the_fitted_one_where_that_settles() -> None:
    y = 20 - 15 * DOSES / (DOSES + 1) + np.random.default_rng(0).normal(0, 1.5, len(DOSES))
    assert best_without_turn(DOSES, y) == pytest.approx(fit_dose_response(DOSES, y).rss, rel=1e-6)
