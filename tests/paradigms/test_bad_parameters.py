"""Parameters that cannot be: whatever a parameter file holds, it is refused with its key, or the session runs through.

Each number of each paradigm is tried below, at and beyond what it can be, alone and together with others.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from behavior.config.limits import ShockLimits
from behavior.model.errors import BadFile, BadInput
from behavior.paradigms.catalogue import find_paradigm, our_paradigms
from behavior.session.assemble import assemble, dry_run, resolve
from behavior.session.runner import run
from behavior.simulate.animals import animal_for
from behavior.simulate.ideal import IdealBox
from behavior.simulate.subject import Absent
from paradigms.short import VEHICLE, WAYS


def types_in(annotation: Any) -> Iterator[type]:
    """The plain types that a field may hold."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from types_in(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for one in get_args(annotation):
            yield from types_in(one)
    elif isinstance(annotation, type):
        yield annotation


def numbers(record: type[BaseModel]) -> list[str]:
    """The fields of a record that hold numbers."""
    return [
        name
        for name, field in record.model_fields.items()
        if {int, float} & set(types_in(field.annotation)) and bool not in types_in(field.annotation)
    ]


FIELDS = [(name, field) for name in our_paradigms() for field in numbers(find_paradigm(name).parameters)]


def test_every_paradigm_has_numbers_to_try() -> None:
    assert {name for name, _ in FIELDS} == set(our_paradigms())
    assert ("shuttle_escape", "iti_s") in FIELDS


@pytest.mark.parametrize(("paradigm", "field"), FIELDS)
def test_no_number_is_less_than_nothing_or_not_finite(paradigm: str, field: str) -> None:
    found = find_paradigm(paradigm)
    for value in (-1, -1e-9, float("nan"), float("inf"), "much"):
        with pytest.raises(BadFile, match=field):
            resolve(found, {field: value}, file="p.toml")
    if field in ("iti_s", "interval_s"):
        for value in ({"low": -1, "high": 5}, {"low": 5, "high": 4}, {"low": 0, "high": float("inf")}):
            with pytest.raises(BadFile, match=field):
                resolve(found, {field: value}, file="p.toml")


@pytest.mark.parametrize("paradigm", our_paradigms())
def test_a_key_that_is_not_known_and_a_shock_beyond_the_device_are_refused(paradigm: str) -> None:
    found = find_paradigm(paradigm)
    with pytest.raises(BadFile, match="n_loops: is not known here"):
        resolve(found, {"n_loops": 3}, file="p.toml")
    with pytest.raises(BadFile, match=r"limits\.max_ma"):
        resolve(found, {"limits": {"max_ma": 3.1}}, file="p.toml")


@pytest.mark.parametrize("name", WAYS)
def test_shocks_beyond_the_rigs_limits_are_refused_in_the_dry_run(name: str) -> None:
    paradigm, changes = WAYS[name]
    found = find_paradigm(paradigm)
    p = resolve(found, changes, file=name)
    usual, weak = (assemble(found, p, seed=1, limits=ShockLimits(max_ma=ma)) for ma in (3.0, 0.01))
    one, other = (IdealBox(animal_for(paradigm, p.model_dump(mode="json"), 1, VEHICLE)) for _ in range(2))
    run(usual, one, lambda item, host_us: None)
    if not usual.guard.shocks:
        dry_run(weak, other, what=name)
        return
    with pytest.raises(BadInput, match=r"mA, where 0\.01 mA is the limit.*nothing was started"):
        dry_run(weak, other, what=name)


VALUES = st.sampled_from([0, 1e-6, 0.001, 0.5, 1, 2, 3, 15.0, 30, 31, 60, 500, 501, {"low": 0.001, "high": 2}])


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_parameters_are_refused_or_run_through_to_an_end(data: st.DataObject) -> None:
    """With an animal that does nothing and with one that works; nothing hangs, and nothing fails otherwise."""
    name = data.draw(st.sampled_from(sorted(WAYS)))
    paradigm, given_ = WAYS[name]
    found = find_paradigm(paradigm)
    fields = [field for field in numbers(found.parameters) if field != "n_cycles"]
    changes = data.draw(st.dictionaries(st.sampled_from(fields), VALUES, min_size=1, max_size=4))
    try:
        p = resolve(found, {**given_, **changes}, file="p.toml")
    except BadFile:
        return
    for animal in (Absent(), animal_for(paradigm, p.model_dump(mode="json"), 1, VEHICLE)):
        core = assemble(found, p, seed=1)
        try:
            dry_run(core, IdealBox(animal), what=name)
        except BadInput as error:
            assert "refused by the guard" in str(error), changes
        assert core.ended is not None
        assert core.error is None, changes
