"""Agreement on events that each marked for himself: figures by hand, and those of an independent scorer."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.scoring.agreement import Marked, Tolerances, agreement

times = st.integers(0, 60).map(lambda tens: tens / 100)


@st.composite
def events(draw: st.DrawFn) -> list[Marked]:
    made = []
    for _ in range(draw(st.integers(0, 6))):
        onset_s = draw(times)
        low_hz = draw(st.none() | st.sampled_from([20_000.0, 50_000.0]))
        high_hz = None if low_hz is None else low_hz + 5_000
        made.append(Marked(onset_s, onset_s + draw(times), low_hz, high_hz))
    return made


@pytest.fixture(scope="module")
def scorer(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score_usv", shared / "tools" / "score_usv.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@settings(max_examples=150)
@given(true=events(), found=events(), band=st.booleans())
def test_counts_are_those_of_an_independent_scorer(
    scorer: ModuleType, true: list[Marked], found: list[Marked], band: bool
) -> None:
    def plain(marked: list[Marked]) -> dict[str, list[tuple[float | None, ...]]]:
        return {"a": [(one.onset_s, one.offset_s, one.low_hz, one.high_hz) for one in marked]}

    theirs = scorer.score(plain(true), plain(found), freq=band)
    ours = agreement({"a": true}, {"a": found}, Tolerances(band=band))
    wanted = {"overlap": ours.overlap, "onset10": ours.onset, "iou50": ours.iou}
    assert {name: one.n_paired for name, one in wanted.items()} == {name: theirs[name]["tp"] for name in wanted}
    assert (ours.n_split, ours.n_merged) == (theirs["split"], theirs["merged"])


@given(true=events(), found=events())
def test_between_raters_f1_has_no_direction(true: list[Marked], found: list[Marked]) -> None:
    one, other = agreement({"a": true}, {"a": found}), agreement({"a": found}, {"a": true})
    assert (one.overlap.f1, one.onset.f1, one.iou.f1) == (other.overlap.f1, other.onset.f1, other.iou.f1)
    assert (one.overlap.precision, one.n_split) == (other.overlap.recall, other.n_merged)


@given(marked=events())
def test_whoever_agrees_with_himself_agrees_wholly(marked: list[Marked]) -> None:
    same = agreement({"a": marked}, {"a": list(reversed(marked))})
    assert same.iou.n_paired == same.onset.n_paired == len(marked)
    assert all(error == 0 for error in (*same.onset_errors_s, *same.offset_errors_s)) or len(marked) > 1


def test_a_case_by_hand() -> None:
    true = {"a": [Marked(1.0, 2.0, label="flat"), Marked(3.0, 4.0, label="trill"), Marked(8.0, 9.0)], "b": []}
    found = {"a": [Marked(1.005, 2.01, label="flat"), Marked(3.0, 3.4), Marked(3.5, 4.0, label="flat")]}
    result = agreement(true, found)
    assert (result.overlap.n_paired, result.onset.n_paired, result.iou.n_paired) == (2, 2, 2)
    assert (result.overlap.precision, result.overlap.recall, result.overlap.f1) == (2 / 3, 2 / 3, 2 / 3)
    assert (result.n_split, result.n_merged) == (1, 0)
    assert result.onset_errors_s == pytest.approx((0.005, 0.5))
    assert result.offset_errors_s == pytest.approx((0.01, 0.0))
    assert result.labels == (["flat", "trill"], ["flat", "flat"])


def test_as_many_pairs_as_can_be_and_not_the_first_that_fits() -> None:
    true = {"a": [Marked(0.0, 2.0), Marked(1.9, 3.0)]}
    found = {"a": [Marked(1.8, 2.2), Marked(0.0, 0.5)]}
    assert agreement(true, found).overlap.n_paired == 2


def test_what_nothing_can_be_said_of_is_none() -> None:
    nothing = agreement({"a": []}, {"a": []})
    assert (nothing.overlap.precision, nothing.overlap.recall, nothing.overlap.f1) == (None, None, None)
    missed = agreement({"a": [Marked(0, 1)]}, {})
    assert (missed.iou.precision, missed.iou.recall, missed.iou.f1) == (None, 0.0, None)


def test_recordings_are_not_mixed() -> None:
    assert agreement({"a": [Marked(0, 1)]}, {"b": [Marked(0, 1)]}).overlap.n_paired == 0
