"""Measures and call columns: one name and unit each, the same in name, label and file."""

from __future__ import annotations

import re

import pytest

from behavior.model.calls import CALL_COLUMNS, Call
from behavior.model.measures import MEASURES, METHODS, Measure
from behavior.summary.names import plain

UNIT_OF = {"per_min": "1/min", "s": "s", "hz": "Hz", "db": "dB"}
SUFFIXES = {"rate": ("_per_min",), "duration": ("_s",), "latency": ("_s",), "ratio": ("_ratio",), "count": ()}
EACH = pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure.name)


@EACH
def test_the_name_carries_the_unit_that_the_label_shows(measure: Measure) -> None:
    shown = re.search(r" \(([^()]+)\)$", measure.label)
    suffix = next((suffix for suffix in UNIT_OF if measure.name.endswith(f"_{suffix}")), None)
    assert (shown[1] if shown else None) == (UNIT_OF[suffix] if suffix else None)
    assert measure.unit == (UNIT_OF[suffix] if suffix else "")


@EACH
def test_the_kind_follows_from_the_name(measure: Measure) -> None:
    if measure.kind == "count":
        assert measure.name.startswith("n_")
    elif measure.kind == "ratio":
        assert measure.name.endswith("_ratio") or measure.name.startswith("fraction_")
    elif measure.kind == "share":
        assert measure.name.startswith(("n_", "fraction_"))
    else:
        assert measure.name.endswith(SUFFIXES[measure.kind])
    assert (measure.kind == "latency") == ("latency" in measure.name)


@EACH
def test_each_kind_names_the_columns_that_its_statistics_need(measure: Measure) -> None:
    assert bool(measure.of) == (measure.kind == "share"), "a share has the number of its trials"
    assert bool(measure.exposure) == (measure.kind == "count"), "a count has the time in which it was counted"
    assert not measure.trial or measure.kind == "latency"
    if measure.name.startswith("fraction_") and measure.kind == "share":
        assert MEASURES[measure.events].of == measure.of
    assert measure.methods[0] in METHODS[measure.kind]


@EACH
def test_a_name_is_a_column_and_a_label_stands_in_a_sentence(measure: Measure) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", measure.name)
    assert MEASURES[measure.name] is measure
    said = plain(measure.label)
    assert said and not said.endswith(" ") and "(" not in said


def test_no_two_measures_share_a_label() -> None:
    labels = [measure.label for measure in MEASURES.values()]
    assert len(set(labels)) == len(labels)
    assert len({plain(label) for label in labels}) == len(labels), "in a sentence too"


def test_columns_of_calls_carry_their_units_and_stand_in_the_order_of_the_record() -> None:
    assert Call.__slots__ == CALL_COLUMNS
    assert CALL_COLUMNS[:3] == ("file", "onset_s", "offset_s")
    bare = {"file", "sinuosity", "tonality", "call_type", "score"}
    for name in set(CALL_COLUMNS) - bare:
        assert name.endswith(("_s", "_hz", "_db", "_hz_per_s")), name
