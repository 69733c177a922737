"""A recording searched in parts has the calls of the whole, to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from behavior.audio.faults import Faults
from behavior.simulate.acoustics import Artefact, PlannedCall, Soundscape
from behavior.usv import parts
from behavior.usv.detect import Detection, detect_file
from behavior.usv.gate import KnownEvent
from behavior.usv.parts import Part, joined, parts_of, search_part
from behavior.usv.profile import load_profile
from behavior.usv.search import BLOCK

RATE, SECONDS = 250_000, 90.0
RAT = load_profile("rat")
EVENTS = [KnownEvent("shock", at, at + 0.5) for at in (5.0, 33.0, 61.0)]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Calls everywhere, across every border too, and a tone that comes and goes."""
    random = np.random.default_rng(5)
    onsets = np.arange(0.3, SECONDS - 2, 1.37) + random.uniform(0, 0.3, len(np.arange(0.3, SECONDS - 2, 1.37)))
    calls = [PlannedCall(float(at), float(random.uniform(0.02, 1.2))) for at in onsets]
    artefacts = [Artefact("shock", event.start_s, 0.5) for event in EVENTS] + [Artefact("tone", 20.0, 15.0)]
    sound = np.concatenate(list(Soundscape(RATE, SECONDS, 7, calls, artefacts).blocks()))
    sound[40 * RATE : 40 * RATE + 30] = 32767
    path = tmp_path_factory.mktemp("parts") / "long.wav"
    soundfile.write(path, sound, RATE, subtype="PCM_16")
    return path


def in_parts(path: Path, part_s: float, events: Sequence[KnownEvent] = ()) -> tuple[list[Part], Detection]:
    pieces = parts_of(path, load_profile("rat"), part_s)
    found = [search_part(path, RAT, piece, events) for piece in reversed(pieces)]  # in any order
    return pieces, joined(path, RAT, pieces, found[::-1], events)


@pytest.mark.parametrize("part_s", [20.0, 27.0])
def test_the_calls_of_the_parts_are_those_of_the_whole(recording: Path, part_s: float) -> None:
    whole = detect_file(recording, load_profile("rat"), events=EVENTS)
    pieces, found = in_parts(recording, part_s, EVENTS)
    assert len(pieces) > 2
    assert pieces[-1].first > 0, "some part does not know the beginning"
    assert found == whole
    assert len(whole.calls) > 30
    assert any("clipped: 29 of " in warning for warning in found.warnings)


def test_neighbours_that_disagree_have_the_whole_searched(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = load_profile("rat")
    pieces = parts_of(recording, profile, 31.0)
    found = [search_part(recording, RAT, piece) for piece in pieces]
    near = next(i for i, call in enumerate(found[0].calls) if abs(call.onset_s - pieces[1].begins / RATE) < 3)
    spoiled = list(found[0].calls)
    spoiled[near] = replace(spoiled[near], level_db=spoiled[near].level_db + 1e-12)
    whole = detect_file(recording, profile)
    searched = []
    monkeypatch.setattr(parts, "detect_file", lambda *a, **k: searched.append(a) or whole)
    assert joined(recording, RAT, pieces, [replace(found[0], calls=spoiled), *found[1:]]) == whole
    assert len(searched) == 1
    joined(recording, RAT, pieces, found)
    assert len(searched) == 1


def test_parts_lie_on_the_grid_and_answer_for_every_sample_once(recording: Path) -> None:
    for part_s in (1.0, 7.3, 20.0, 44.9, 45.1, 1000.0):
        pieces = parts_of(recording, load_profile("rat"), part_s)
        assert pieces[0].begins == 0
        assert pieces[-1].ends == round(SECONDS * RATE)
        for one, other in pairwise(pieces):
            assert one.ends == other.begins
            assert one.stop > other.begins > other.first
        for piece in pieces:
            assert piece.first % (BLOCK * 128) == piece.begins % (BLOCK * 128) == 0
        assert (len(pieces) == 1) == (2 * part_s > SECONDS - 1) or part_s == 44.9


def test_a_recording_of_floats_is_one_part(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE, subtype="FLOAT")
    assert parts_of(tmp_path / "a.wav", load_profile("rat"), 0.2) == [Part(0, RATE, 0, RATE)]


@given(
    st.lists(st.sampled_from([0, 5, -700, 32767, -32768]), max_size=40),
    st.lists(st.integers(0, 40), max_size=4),
)
def test_faults_of_pieces_are_those_of_the_whole(samples: list[int], cuts: list[int]) -> None:
    sound = np.array(samples, np.int16)
    whole = Faults()
    whole.push(sound)
    both = Faults()
    for piece in np.split(sound, sorted(min(cut, len(sound)) for cut in cuts)):
        one = Faults()
        one.push(piece)
        both = both.followed_by(one)
    assert both.sentences == whole.sentences
