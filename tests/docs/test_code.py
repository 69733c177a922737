"""Code on the pages: every TOML block is read by what reads it in earnest, every block of Python is run or compiled."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from behavior.config.dialect import Dialect
from behavior.config.read import read_text, validate
from behavior.config.rig import Rig
from behavior.config.study import Arm, Study
from behavior.formats.profile import Profile
from behavior.paradigms import box, shuttle_escape
from behavior.scoring.signals import SignalMap
from behavior.session.boxes import BOXES
from behavior.session.core import SessionCore
from behavior.session.guard import Guard
from behavior.session.runner import run
from behavior.simulate.animals import animal_for
from behavior.simulate.ideal import IdealBox
from behavior.usv.calibration import Calibration
from docs.pages import PAGES, ROOT, Block, blocks, named
from paradigms.short import VEHICLE

Reader = Callable[[str], object]


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


TOML: dict[str, list[Reader]] = {
    "docs/explanations/how-sessions-are-scored.md": [as_(SignalMap)],
    "docs/explanations/which-statistics-and-why.md": [choices_of],
    "docs/how-to/add-a-line-shocker.md": [as_(Dialect)],
    "docs/how-to/connect-a-chamber.md": [rig_of, rig_of],
    "docs/how-to/design-a-study.md": [arms_of],
    "docs/how-to/detect-calls.md": [as_(Calibration)],
    "docs/how-to/record-ultrasound.md": [rig_of],
    "docs/reference/formats.md": [as_(Profile)],
    "docs/tutorial/first-chamber.md": [rig_of],
    "docs/tutorial/first-study.md": [as_(Study)],
    "docs/tutorial/from-a-med-pc-shelf.md": [as_(Study)],
}
"""What reads each block of a page, in order."""


def of(language: str) -> list[Block]:
    return [one for page in PAGES for one in blocks(page) if one.language == language]


def test_every_toml_block_is_what_it_says() -> None:
    for page, readers in TOML.items():
        found = [one.text for one in blocks(ROOT / page) if one.language == "toml"]
        for text, reader in zip(found, readers, strict=True):
            assert reader(text), page


def test_no_toml_block_is_left_out() -> None:
    """A new one is named above, with what reads it, or has a test of its own and a line here."""
    assert sorted({named(one.page) for one in of("toml")} - TOML.keys()) == []


def test_a_wrong_block_is_noticed() -> None:
    text = next(one.text for one in of("toml") if one.page.name == "connect-a-chamber.md")
    with pytest.raises(Exception, match="kind"):
        rig_of(text.replace("shock_controller", "shocker"))


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
