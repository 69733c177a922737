"""Pairings end together; the test is tone alone."""

from __future__ import annotations

from typing import Any

import pytest

from behavior.model.commands import SetCue, SetRecording, Shock
from behavior.model.errors import BadFile
from behavior.model.events import Event, ShockEnded
from behavior.paradigms.catalogue import find_paradigm
from behavior.session.assemble import resolve
from paradigms.short import way


def test_the_shock_ends_with_the_tone() -> None:
    items = way("vocalization, conditioning").journal()
    now_us, offs, ends = 0, [], []
    for item in items:
        now_us = max(now_us, item.at_us) if isinstance(item, Event) else now_us
        offs += [now_us] if isinstance(item, SetCue) and not item.on else []
        ends += [item.at_us] if isinstance(item, ShockEnded) else []
    assert offs == ends
    assert len(offs) == 2
    assert not [item for item in items if isinstance(item, SetRecording)]


def test_the_test_has_the_tone_a_recording_and_no_shock() -> None:
    items = way("vocalization, test").journal()
    assert [item.on for item in items if isinstance(item, SetCue)] == [True, False]
    assert [item.on for item in items if isinstance(item, SetRecording)] == [True, False]
    assert not [item for item in items if isinstance(item, Shock)]


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"cs_s": 1.0}, r"cs_s \(1\) must be more than shock_s \(1\)"),
        ({"iti_s": {"low": 0, "high": 60}}, "iti_s must be more than 0"),
        ({"test_s": 0}, "test_s: must be more than 0"),
        ({"stage": "screening", "test_s": 30}, r"non_caller_below_s \(30\) must be less than test_s \(30\)"),
        ({"n_pairings": 0}, "n_pairings: must be 1 or more"),
    ],
)
def test_contradictory_parameters_are_refused(given: dict[str, Any], what: str) -> None:
    with pytest.raises(BadFile, match=what):
        resolve(find_paradigm("conditioned_usv"), given, file="usv.toml")
