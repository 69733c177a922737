"""Code on the pages: every TOML block is read by what reads it in earnest, every block of Python is run or compiled."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from behavior.config.read import read_text, validate
from behavior.config.rig import Rig
from behavior.config.study import Arm, Study
from behavior.model.errors import BehaviorError
from behavior.paradigms import box, shuttle_escape
from behavior.session.boxes import BOXES
from behavior.session.core import SessionCore
from behavior.session.guard import Guard
from behavior.session.runner import run
from behavior.simulate.animals import animal_for
from behavior.simulate.ideal import IdealBox
from docs.pages import PAGES, ROOT, Block, blocks, named
from generate.configuration import files
from paradigms.short import VEHICLE

Reader = Callable[[str], object]


def every_record() -> list[type]:
    """The records of every kind of file, as the reference has them."""
    return [record for _, _, records in files() for record in records]


def as_(record: type) -> Reader:
    return lambda text: read_text(text, record)


def rig_of(text: str) -> object:
    """A rig, or chambers of one; devices that are left out are two of ours."""
    text = text.replace(
        "[ … ]", '[{ name = "x", kind = "shock_controller", uid = "0123456789abcdef0123456789abcdef" }]'
    )
    return read_text(text if text.startswith("name") else f'name = "rig"\n{text}', Rig)


def arms_of(text: str) -> object:
    return [validate(arm, Arm, file="page") for arm in tomllib.loads(text)["arms"]]


def choices_of(text: str) -> object:
    """Keys of an arm that decide its statistics."""
    arm = {
        "name": "x", "paradigm": "shuttle_escape", "compound": "x", "vehicle": "saline", "route": "i.p.",
        "doses_mg_kg": [0, 1, 2, 3], "n_per_dose": 6, "endpoints": ["n_failures", "n_calls", "calling_time_s"],
        "primary": "n_failures", "pretreatment_min": 30, "animals_per_unit": 2,
    }  # fmt: skip
    return validate(arm | tomllib.loads(text), Arm, file="page")


READERS: list[Reader] = [rig_of, as_(Study), arms_of, choices_of, *map(as_, every_record())]
"""Whatever reads a TOML file that people write; a block has to be one of them, whole or a part."""


def read_by(text: str) -> list[str]:
    """What is wrong with a block to each reader; empty if one reads it."""
    wrong = []
    for reader in READERS:
        try:
            reader(text)
        except (BehaviorError, KeyError, TypeError) as error:
            wrong.append(str(error).partition("\n")[0])
        else:
            return []
    return wrong


def of(language: str) -> list[Block]:
    return [one for page in PAGES for one in blocks(page) if one.language == language]


def test_every_toml_block_is_what_it_says() -> None:
    found = of("toml")
    assert [(named(one.page), one.text, wrong) for one in found if (wrong := read_by(one.text))] == []
    assert len(found) > 10


@pytest.mark.parametrize(
    ("right", "wrong"), [("shock_controller", "shocker"), ("pulse_timed_by", "timed_by"), ("n_per_dose", "n_each")]
)
def test_a_wrong_block_is_noticed(right: str, wrong: str) -> None:
    found = [one.text for one in of("toml") if right in one.text]
    assert found
    assert all(read_by(text.replace(right, wrong)) for text in found)


def test_every_python_block_can_be_read() -> None:
    for block in of("python"):
        text = block.text
        if ">>>" in text:
            continue  # doctests of their pages, which other tests run
        ast.parse(text)
    assert len(of("python")) > 5


def test_the_paradigm_of_the_readme_runs() -> None:
    """On a simulated rat, without devices: it ends as planned, and its shocks have their ends."""
    (block,) = (one for one in blocks(ROOT / "README.md") if one.language == "python")
    names: dict[str, Any] = {**vars(box), **vars(shuttle_escape)}
    exec(compile(block.text, "README.md", "exec"), names)
    parameters = shuttle_escape.ShuttleEscapeParameters(n_trials=6, habituation_s=5, helpless_min_failures=3)
    core = SessionCore(
        lambda one: names["shuttle_escape"](one, parameters),
        BOXES[box.ShuttleBox],
        seed=1,
        guard=Guard(parameters.limits),
    )
    items: list[Any] = []
    animal = animal_for("shuttle_escape", parameters.model_dump(mode="json"), 1, VEHICLE)
    run(core, IdealBox(animal), lambda item, host_us: items.append(item))
    assert str(core.ended) == "completed"
    kinds = [type(item).__name__ for item in items]
    assert kinds.count("BeginTrial") == kinds.count("EndTrial") == 6
    assert kinds.count("ShockStarted") == kinds.count("ShockEnded") > 0
