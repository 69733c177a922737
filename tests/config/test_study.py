"""A study file's arms, cells and groups; and TOML as it is written and read back."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.config.write import toml
from behavior.model.errors import BadInput
from study.designs import ARM, CHRONIC, GROUPS, KINDS, PAIRS, WITHIN, study_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_what_is_written_as_toml_is_read_back(values: dict[str, object]) -> None:
    assert tomllib.loads(toml(values)) == values


def test_nothing_is_left_out_and_what_toml_cannot_hold_is_said() -> None:
    assert toml({"a": None, "b": {"c": None, "d": 1}}) == "b = { d = 1 }\n"
    with pytest.raises(BadInput, match="cannot be written as TOML"):
        toml({"a": object()})


@pytest.mark.parametrize(
    ("kind", "units", "animals", "cells"),
    [("between", 12, 1, 3), ("within", 6, 1, 3), ("chronic", 9, 2, 3), ("groups", 8, 1, 4), ("pairs", 9, 2, 3)],
)
def test_how_many_units_and_animals_a_study_needs(kind: str, units: int, animals: int, cells: int) -> None:
    (arm,) = study_of(KINDS[kind]).arms
    assert (arm.n_units, arm.n_animals, len(arm.cells)) == (units, animals, cells)


def test_a_group_has_parameters_of_its_own_and_shares_the_rest() -> None:
    (arm,) = study_of(GROUPS).arms
    assert arm.parameters_at("induction", "naive") == {"group": "no shock"}
    assert arm.parameters_at("induction", "helpless") == {}
    assert arm.paradigm_at("induction") == "helplessness_induction"
    assert arm.paradigm_at("test") == "geller_seifter"


def test_groups_are_analysed_as_arms_and_other_studies_as_they_are() -> None:
    helpless, naive = study_of(GROUPS).by_group().arms
    assert (helpless.name, helpless.doses_mg_kg) == ("conflict.helpless", (0.0, 1.0, 3.0))
    assert (naive.name, naive.doses_mg_kg, naive.n_units) == ("conflict.naive", (0.0,), 2)
    for arm in (ARM, WITHIN, CHRONIC, PAIRS):
        assert study_of(arm).by_group() == study_of(arm)


def test_a_treatment_precedes_the_stage_that_it_names() -> None:
    assert study_of(ARM).arms[0].treated_stage == "test"
    trained = ARM.replace("n_per_dose", 'precedes = "training"\nn_per_dose')
    assert study_of(trained).arms[0].treated_stage == "test", "no such stage is in the study"
    staged = trained.replace("n_per_dose", 'stages = [{ name = "training", paradigm = "x" }]\ndays = [2]\nn_per_dose')
    assert study_of(staged).arms[0].treated_stage == "training"
