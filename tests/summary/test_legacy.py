"""Lines through shares of animals: what old papers print, or why it is not printed."""

from __future__ import annotations

import numpy as np
import pytest

from behavior.model.measures import MEASURES
from behavior.summary.legacy import lines_of
from behavior.summary.quantal import fit_quantal, litchfield_wilcoxon
from behavior.summary.units import Units
from behavior.summary.wording import lines_sentence
from summary.made import endpoint_of, units_of

LATENCY = MEASURES["retention_latency_s"]
CUT_OFF = 300.0


def latencies(in_time: dict[float, int], n: int = 10) -> Units:
    """So many of n animals at each dose that responded before the cut-off."""
    doses = np.repeat(list(in_time), n)
    times = np.concatenate([np.r_[np.linspace(20, 200, k), np.full(n - k, CUT_OFF)] for k in in_time.values()])
    return units_of(doses, times, cut_off=CUT_OFF)


RISING = {0.0: 0, 0.25: 1, 0.5: 4, 1.0: 7, 2.0: 10}


def test_both_lines_are_those_of_the_counts() -> None:
    lines = lines_of(latencies(RISING), LATENCY)
    assert lines is not None and lines.probit is not None and lines.litchfield_wilcoxon is not None
    assert lines.responded
    assert lines.counts == tuple((dose, k, 10) for dose, k in RISING.items())
    x, k, n = [0.25, 0.5, 1, 2], [1, 4, 7, 10], [10] * 4
    assert lines.probit.ed50 == fit_quantal(x, k, n).ed50
    assert lines.litchfield_wilcoxon == litchfield_wilcoxon(x, k, n)
    said = lines_sentence(endpoint_of(latencies(RISING), LATENCY))
    assert "(0/10 under vehicle, 1/10 at 0.25, 4/10 at 0.5, 7/10 at 1, 10/10 at 2 mg/kg)" in said
    assert "probit ED50 0.6" in said and "Litchfield–Wilcoxon ED50 0." in said
    assert said.endswith("Legacy figures: they ignore when an animal responded.")


def test_a_drug_that_keeps_animals_from_responding_is_counted_by_those_that_did_not() -> None:
    falling = {dose: 10 - k for dose, k in RISING.items()}
    lines, mirror = lines_of(latencies(falling), LATENCY), lines_of(latencies(RISING), LATENCY)
    assert lines is not None and mirror is not None
    assert not lines.responded
    assert lines.counts == mirror.counts
    assert lines.litchfield_wilcoxon == mirror.litchfield_wilcoxon


def test_responses_under_vehicle_leave_no_room_for_a_line() -> None:
    lines = lines_of(latencies({**RISING, 0.0: 4}), LATENCY)
    assert lines is not None and lines.probit is None
    said = lines_sentence(endpoint_of(latencies({**RISING, 0.0: 4}), LATENCY))
    assert "no line is drawn, because 4 of 10 under vehicle did so too" in said


@pytest.mark.parametrize(
    ("in_time", "why"),
    [
        ({0.0: 0, 1.0: 0, 2.0: 10, 4.0: 10}, "no finite slope"),
        ({0.0: 0, 1.0: 10, 2.0: 10, 4.0: 10}, "all animals or none responded"),
        ({0.0: 0, 1.0: 5, 2.0: 4, 4.0: 6}, "does not change significantly with dose"),
        ({0.0: 0, 1.0: 3, 2.0: 9}, "2 doses besides the vehicle are too few"),
    ],
    ids=["steep", "all", "flat", "few"],
)
def test_counts_without_a_line_say_why(in_time: dict[float, int], why: str) -> None:
    lines = lines_of(latencies(in_time), LATENCY)
    assert lines is not None and lines.probit is None
    assert why in lines.why_not


def test_only_latencies_that_were_cut_off_have_such_lines() -> None:
    assert lines_of(latencies(RISING), MEASURES["punished_rate_per_min"]) is None
    assert lines_of(units_of([0, 0, 1, 1, 2, 2], [1.0, 2, 3, 4, 5, 6]), LATENCY) is None
    assert lines_of(latencies(dict.fromkeys(RISING, 0)), LATENCY) is None
    assert lines_sentence(endpoint_of(units_of([0, 0, 1, 1], [1.0, 2, 3, 4]), LATENCY)) == ""
