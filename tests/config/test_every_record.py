"""Contracts of all that people write: every record is strict and frozen, every shipped file is one of them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import behavior
from behavior.app.run import run
from behavior.config import Record, read, read_text
from behavior.config.limits import CEILINGS, ShockLimits
from behavior.config.rig import Rig
from behavior.config.shipped import find, shipped
from behavior.config.squad import SquadFile, Start
from behavior.config.study import Study
from behavior.model.errors import BadFile, BadInput
from behavior.model.measures import MEASURES
from behavior.paradigms.catalogue import find_paradigm
from behavior.session.assemble import read_parameters, resolve


def every_record() -> list[type[Record]]:
    for module in pkgutil.walk_packages(behavior.__path__, "behavior."):
        importlib.import_module(module.name)
    found, left = set(), [Record]
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        if kind.__module__.startswith("behavior."):
            found.add(kind)
    return sorted(found - {Record}, key=lambda kind: f"{kind.__module__}.{kind.__name__}")


EACH = pytest.mark.parametrize("kind", every_record(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")


@EACH
def test_a_key_that_a_record_does_not_know_is_an_error_of_its_file(kind: type[Record]) -> None:
    with pytest.raises(BadFile) as caught:
        read_text("nonesuch = 1", kind, file="x.toml")
    assert "nonesuch: is not known here; check the spelling or leave it out" in str(caught.value)


@EACH
def test_a_record_is_frozen_and_holds_only_finite_numbers(kind: type[Record]) -> None:
    assert kind.model_config["frozen"] and not kind.model_config["allow_inf_nan"]


# -- limits -----------------------------------------------------------------------------------------------------------

LIMITS = st.builds(
    ShockLimits,
    max_ma=st.floats(0.001, 3.0),
    max_single_s=st.floats(0.001, 30.0),
    max_total_s=st.floats(0.001, 1200.0),
    max_count=st.integers(0, 500),
    max_duty=st.floats(0.001, 0.5),
    min_interval_s=st.floats(0, 1e6),
)


def allows(limits: ShockLimits, other: ShockLimits) -> bool:
    """Whether all that `other` allows is allowed by `limits` too."""
    mine, others = limits.model_dump(), other.model_dump()
    gap = mine.pop("min_interval_s") <= others.pop("min_interval_s")
    return gap and all(mine[name] >= others[name] for name in mine)


@given(LIMITS, LIMITS, LIMITS)
def test_what_two_limits_allow_together_each_allows(one: ShockLimits, two: ShockLimits, three: ShockLimits) -> None:
    both = one.lowered_to(two)
    assert allows(one, both) and allows(two, both)
    assert both == two.lowered_to(one) == both.lowered_to(one)
    assert both.lowered_to(three) == one.lowered_to(two.lowered_to(three))
    assert CEILINGS.lowered_to(one) == one, "no limit is above the ceilings of the device"


@pytest.mark.parametrize("name", ShockLimits.model_fields)
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 1e9])
def test_nobody_can_raise_a_ceiling(name: str, value: float) -> None:
    if name == "min_interval_s" and value == 1e9:
        return
    with pytest.raises(ValidationError):
        ShockLimits(**{name: value})


# -- squads -----------------------------------------------------------------------------------------------------------


def test_every_option_that_a_plan_gives_is_one_of_run() -> None:
    known = {f"--{name.replace('_', '-')}" for name in inspect.signature(run).parameters}
    values: dict[str, Any] = {"dose_mg_kg": 3.0, "pretreatment_min": 30.0, "day": 8, "free_feeding_g": 300.0}
    names = [name for name in Start.model_fields if name != "subject"]
    start = Start(**{name: values.get(name, "x") for name in Start.model_fields})
    options = start.options()
    assert options[::2] == [f"--{name.replace('_', '-')}" for name in names]
    assert set(options[::2]) <= known
    assert "--subject" not in options, "a subject is confirmed and never taken from the plan"


def test_what_a_plan_leaves_out_is_no_option() -> None:
    start = Start(chamber="A", subject="R1", paradigm="p", dose_mg_kg=0.0)
    assert start.options() == ["--chamber", "A", "--paradigm", "p", "--dose-mg-kg", "0.0"]


@pytest.mark.parametrize("what", ["chamber", "subject"])
def test_nobody_is_started_twice(what: str) -> None:
    starts = [{"chamber": "A", "subject": "R1"}, {"chamber": "B", "subject": "R2"}]
    starts[1][what] = starts[0][what]
    text = "\n".join(
        f'[[sessions]]\nchamber = "{s["chamber"]}"\nsubject = "{s["subject"]}"\nparadigm = "p"' for s in starts
    )
    with pytest.raises(BadFile, match=f"{what} '{starts[0][what]}' stands twice"):
        read_text(text, SquadFile, file="plan.toml")


# -- what is shipped --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(shipped("configs", "studies").glob("*.toml")), ids=lambda path: path.stem)
def test_a_shipped_study_names_what_is_there(path: Path) -> None:
    study = read(path, Study)
    rig = read(find(study.rig, "configs", "rigs"), Rig)
    for arm in study.arms:
        assert resolve(find_paradigm(arm.paradigm), arm.parameters, file=path).limits.max_ma > 0
        assert rig.chambers and set(arm.endpoints) <= set(MEASURES)


@pytest.mark.parametrize("path", sorted(shipped("configs", "paradigms").glob("*.toml")), ids=lambda path: path.stem)
def test_a_shipped_preset_suits_the_paradigm_that_it_is_named_after(path: Path) -> None:
    assert read_parameters(find_paradigm(path.stem.split("-")[0]), path).limits.max_ma <= CEILINGS.max_ma


def test_an_own_file_goes_before_a_shipped_one_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    theirs = find("simulated", "configs", "rigs")
    (tmp_path / "simulated").write_text("")
    assert find("simulated", "configs", "rigs") == Path("simulated") != theirs


def test_what_is_not_found_is_said_with_all_that_is_shipped(tmp_path: Path) -> None:
    known = ", ".join(sorted(path.stem for path in shipped("configs", "rigs").glob("*.toml")))
    with pytest.raises(BadInput, match=rf"\(shipped: {known}\)"):
        find("nonesuch", "configs", "rigs")
    with pytest.raises(BadInput, match=r"\(shipped: none\)"):
        find("nonesuch", "configs", "nonesuch")


# -- text that is not TOML --------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(['name = "a"', "= 3", "[t", "", "x = [", "[[s]]", "y = 1 2"]), max_size=40))
def test_every_line_named_is_a_line_and_none_is_named_twice_nor_more_than_twenty(lines: list[str]) -> None:
    with pytest.raises(BadFile) as caught:
        read_text("\n".join(lines), Study, file="x.toml")
    numbers = [int(problem.key[5:]) for problem in caught.value.problems if problem.key.startswith("line ")]
    assert len(numbers) <= 20
    assert len(set(numbers)) == len(numbers)
    assert all(1 <= number <= len(lines) for number in numbers)


def test_what_may_not_be_read_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(BadInput, match=r"cannot be read \(Permission denied\); check its permissions"):
        read(tmp_path / "x.toml", Study)
