"""A rig names each chamber, device and identity once."""

from __future__ import annotations

import pytest

from behavior.config import read, read_text
from behavior.config.rig import Rig
from behavior.config.shipped import shipped
from behavior.model.errors import BadFile, BadInput

PATH = shipped("configs", "rigs", "simulated.toml")
TEXT = PATH.read_text(encoding="utf-8")


def test_every_shipped_rig_can_be_read() -> None:
    for path in PATH.parent.glob("*.toml"):
        assert read(path, Rig).chambers


def test_an_unknown_chamber_is_said_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="rig simulated has no chamber 'C'; choose one of A, B"):
        read(PATH, Rig).chamber("C")
    assert read(PATH, Rig).chamber("B").devices[0].name == "shocker-B"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('name = "B"', 'name = "A"', "two chambers are both 'A'"),
        ("0b01", "0a01", "two chambers are both '5eed0000000000000000000000000a01'"),
        (
            '"operant-A", kind = "operant_chamber"',
            '"shocker-A", kind = "operant_chamber"',
            "two devices are both 'shocker-A'",
        ),
        ('"operant_chamber"', '"shock_controller"', "two devices are both 'shock_controller'"),
        (
            '"operant_chamber"',
            '"toaster"',
            "must be one of 'shock_controller', 'operant_chamber', 'shuttle_box', 'harp_behavior', "
            "'ttl_shocker', 'parallel_shocker' or 'line_shocker' (is 'toaster')",
        ),
        (
            'kind = "operant_chamber"',
            'kind = "operant_chamber", sides = { left = "dark" }',
            "sides are of a shuttle_box, and 'operant-A' is of kind operant_chamber; leave them out",
        ),
        (
            'kind = "operant_chamber"',
            'kind = "shuttle_box", sides = { left = "right" }',
            "both sides are called 'right'; give each a name of its own",
        ),
        ("max_ma = 1.0", "max_ma = 3.5", "must be 3.0 or less (is 3.5)"),
        ("0a01", "0A01x", "string should match pattern"),
        ("sample_rate_hz = 250_000", "sample_rate_hz = 44_100", "must be 96000 or more (is 44100)"),
    ],
)
def test_what_is_wrong_with_a_rig_is_said(old: str, new: str, problem: str) -> None:
    with pytest.raises(BadFile) as caught:
        read_text(TEXT.replace(old, new, 1), Rig, file="rig.toml")
    assert caught.value.problems[0].what.startswith(problem)
