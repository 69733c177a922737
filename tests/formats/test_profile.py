"""Decoder profiles as people write them: found by program, and every slip is one sentence that says what to do."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.config.read import read_text, validate
from behavior.formats.profile import HAPPENINGS, NAMED, Meaning, Profile, profile_in, read_profile, shipped_profile
from behavior.model.errors import BadFile, BadInput

SMALLEST = """
programs = ["P"]
[[streams]]
array = "D"
encoding = "times"
unit = "s"
event = { event = "head entry" }
"""


def profile(text: str = SMALLEST, **changes: tuple[str, str]) -> Profile:
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    return read_text(text, Profile, file="mine.toml")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('programs = ["P"]', "programs = []", "programs: must have at least 1 entries"),
        ('array = "D"', 'array = "DD"', "streams.1.array"),
        ('array = "D"', 'array = "D"\ncode_digits = 2', "code_digits does not belong to the encoding 'times'"),
        ('array = "D"', 'array = "D"\nn_in = "G[1]"', "streams.1.n_in"),
        (
            'encoding = "times"',
            'encoding = "seconds"',
            "streams.1.encoding: must be one of 'times', 'times beside codes'",
        ),
        ('unit = "s"', 'unit = "ticks"', "streams.1.unit: must be one of 's', 'ms' or 'min'"),
        ('unit = "s"', "tick_s = 0", "streams.1.tick_s: must be more than 0"),
        ('unit = "s"', 'unit = "s"\nsampling = 3', "streams.1.sampling: is not known here"),
        ('"head entry"', '"nosepoke"', "streams.1.event.event: must be one of 'press'"),
        (
            "[[streams]]",
            '[codes]\n1 = { event = "ignore" }\n[[streams]]',
            "[codes] is a legend and no stream has codes",
        ),
        ("[[streams]]", 'system = "pycontrol"\n[[streams]]', "streams say which array holds what"),
        ("[[streams]]", 'lasts = { variable = "S" }\n[[streams]]', "is it in a unit or in ticks?"),
        (
            "[[streams]]",
            '[[timetable]]\ncomponent = "a"\nbegin_s = 5\nend_s = 5\n[[streams]]',
            "end_s (5) must be after",
        ),
        (
            "[[streams]]",
            "[[fields]]\nfield = \"Group\"\npattern = '(?P<dose>x)'\n[[streams]]",
            "pattern has a group 'dose'",
        ),
        ("[[streams]]", "[[fields]]\nfield = \"Group\"\npattern = 'x'\n[[streams]]", "pattern has no named group"),
        (
            "[[streams]]",
            "[[fields]]\nfield = \"Group\"\npattern = '(('\n[[streams]]",
            "pattern is no regular expression",
        ),
    ],
)
def test_a_slip_is_named(old: str, new: str, sentence: str) -> None:
    with pytest.raises(BadFile) as raised:
        profile(change=(old, new))
    assert sentence in str(raised.value)


def test_two_streams_of_one_array_are_refused() -> None:
    with pytest.raises(BadFile, match="two streams both read array D"):
        profile(SMALLEST + SMALLEST[SMALLEST.index("[[") :])


def test_codes_without_a_legend_are_refused() -> None:
    coded = SMALLEST.replace('encoding = "times"', 'encoding = "time.code"\ncode_digits = 2')
    with pytest.raises(BadFile, match=r"codes are written and no legend is given; add \[codes\]"):
        profile(coded.replace('event = { event = "head entry" }\n', ""))


@pytest.mark.parametrize("event", HAPPENINGS)
@given(name=st.booleans(), ma=st.booleans(), lasts=st.booleans())
def test_an_event_has_exactly_what_belongs_to_it(event: str, name: bool, ma: bool, lasts: bool) -> None:
    given_: dict[str, Any] = {"event": event}
    given_ |= {"name": "x"} if name else {}
    given_ |= {"ma": 0.4} if ma else {}
    given_ |= {"shock_s": 0.5} if lasts else {}
    right = name == (event in NAMED) and ma == (event in ("shock", "shock on")) and lasts == (event == "shock")
    if right:
        assert Meaning.model_validate(given_).event == event
    else:
        with pytest.raises(BadFile):
            validate(given_, Meaning, file="x")


@pytest.mark.parametrize(
    ("text", "seconds"), [('unit = "min"', "60"), ('unit = "ms"', "0.001"), ("tick_s = 0.002", "0.002")]
)
def test_a_unit_or_a_tick_is_exact(text: str, seconds: str) -> None:
    assert profile(change=('unit = "s"', text)).streams[0].scale_s == Decimal(seconds)


def test_codes_are_numbers_however_they_are_spelled() -> None:
    coded = SMALLEST.replace('encoding = "times"', 'encoding = "time.code"\ncode_digits = 2')
    coded = coded.replace('event = { event = "head entry" }', '[codes]\n"007" = { event = "ignore" }')
    assert set(profile(coded).legend) == {"7"}


def test_a_profile_is_found_by_the_program_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(SMALLEST)
    (tmp_path / "b.toml").write_text(SMALLEST.replace('["P"]', '["Q", "R"]'))
    for program, name in (("P", "a.toml"), ("R", "b.toml")):
        found = profile_in(tmp_path, program)
        assert found is not None
        assert found[1].name == name
    assert profile_in(tmp_path, "S") is None
    (tmp_path / "c.toml").write_text(SMALLEST)
    with pytest.raises(BadInput, match=r"a.toml and c.toml are both for the program 'P'"):
        profile_in(tmp_path, "P")


def test_no_two_shipped_profiles_are_for_one_program() -> None:
    assert shipped_profile("CRF", "medpc") is not None
    assert shipped_profile("CRF", "pycontrol") is None
    assert shipped_profile("no such program", "medpc") is None


def test_a_profile_for_the_other_system_is_refused() -> None:
    assert read_profile("example-conflict", "pycontrol")[0].system == "pycontrol"
    path = read_profile("example-conflict", "pycontrol")[1]
    with pytest.raises(BadInput, match="is a profile for pycontrol, and the file is of medpc"):
        read_profile(str(path), "medpc")
    with pytest.raises(BadInput, match=r"shipped: .*crf-nosepoke"):
        read_profile("nowhere", "medpc")
