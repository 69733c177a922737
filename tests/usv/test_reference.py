"""The accuracy on real recordings and on modelled shock boxes, held slightly below what was measured.

Scored by the one-to-one matching of the scorer that comes with the recordings: F1 for any overlap, for onsets within
10 ms, and for an intersection over union of at least one half.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from behavior.usv.detect import detect_file
from behavior.usv.gate import read_events
from behavior.usv.profile import load_profile

HELD = {
    "mouse": ("mouse_courtship", "*.wav", (0.97, 0.92, 0.95)),
    "rat": ("rat_50khz", "rat50_semi.flac", (0.99, 0.99, 0.99)),
    "rat in 10 dB more noise": ("rat_50khz", "*plus10dB.flac", (0.985, 0.975, 0.95)),
    "rat, 22 kHz": ("rat_shock_box", "rat22_quiet.flac", (1.0, 1.0, 1.0)),
    "rat, 22 kHz, steady tones": ("rat_shock_box", "rat22_tones.flac", (0.98, 0.98, 0.97)),
    "rat, 22 kHz, shocks": ("rat_shock_box", "rat22_shock.flac", (0.98, 0.96, 0.96)),
}


def scorer(shared: Path):
    spec = importlib.util.spec_from_file_location("score_usv", shared / "tools" / "score_usv.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def found(path: Path, profile="rat", events=()):
    return detect_file(path, load_profile(profile), events=events).calls


@pytest.mark.parametrize("name", HELD)
def test_the_accuracy_is_held(shared, name):
    folder, pattern, least = HELD[name]
    paths = sorted((shared / "data" / "usv" / folder).glob(pattern))
    score = scorer(shared)
    truth = {path.stem: [] for path in paths}
    for row in score.read(paths[0].with_name("truth.csv")):
        if row[0] in truth and row[1] is not None:
            truth[row[0]].append(row[1:5])
    calls = {
        path.stem: [(call.onset_s, call.offset_s, None, None) for call in found(path, name.split()[0].rstrip(","))]
        for path in paths
    }
    result = score.score(truth, calls)
    got = tuple(result[criterion]["f1"] for criterion in ("overlap", "onset10", "iou50"))
    assert all(value >= bound for value, bound in zip(got, least, strict=True)), got


def test_an_empty_box_has_no_calls_and_shocks_alone_hardly_any(shared):
    folder = shared / "data" / "usv" / "rat_shock_box"
    assert found(folder / "empty_box.flac") == []
    assert len(found(folder / "shock_only.flac")) <= 1


def test_the_events_of_the_session_leave_no_false_call(shared):
    folder = shared / "data" / "usv" / "rat_shock_box"
    events = read_events(folder / "shock_only_artefacts.csv")
    assert found(folder / "shock_only.flac", events=events) == []


def test_the_events_of_the_session_cost_no_more_than_a_brief_call_under_a_lever(shared):
    path = shared / "data" / "usv" / "rat_shock_box" / "rat22_shock.flac"
    score = scorer(shared)
    truth = {path.stem: [row[1:5] for row in score.read(path.with_name("truth.csv")) if row[0] == path.stem]}
    events = read_events(path.with_name("rat22_shock_artefacts.csv"))
    without, known = (
        score.score(truth, {path.stem: [(c.onset_s, c.offset_s, None, None) for c in found(path, events=given)]})
        for given in ((), events)
    )
    assert known["overlap"]["recall"] >= without["overlap"]["recall"] - 0.03
    assert known["overlap"]["precision"] >= without["overlap"]["precision"]
    assert known["onset10"]["f1"] >= 0.945
