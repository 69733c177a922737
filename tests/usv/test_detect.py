from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model.errors import BadInput
from behavior.simulate.acoustics import Artefact, PlannedCall, Soundscape
from behavior.usv.detect import Detector
from behavior.usv.profile import load_profile

RATE = 250_000
PLAN = (
    PlannedCall(0.4, 0.7),
    PlannedCall(1.6, 0.03, "50-kHz"),
    PlannedCall(1.75, 0.04, "50-kHz"),
    PlannedCall(2.2, 0.5),
)
NOISES = (Artefact("lever", 1.3, 0.01), Artefact("shock", 2.0, 0.4))


def sound(rate=RATE, calls=PLAN, artefacts=NOISES, duration_s=3.0):
    return np.concatenate(list(Soundscape(rate, duration_s, 8, calls, artefacts).blocks()))


SOUND = sound()


def found(samples, cuts=(), rate=RATE, profile="rat"):
    detector = Detector(load_profile(profile), rate, file="a.wav")
    calls = []
    for block in np.split(samples, sorted(cuts)):
        calls += detector.push(block)
    return calls + detector.flush(), detector


WHOLE, REJECTED = found(SOUND)[0], found(SOUND)[1].rejected


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, len(SOUND)), max_size=30))
def test_any_cutting_gives_the_same_calls_to_the_last_bit(cuts):
    calls, detector = found(SOUND, cuts)
    assert calls == WHOLE
    assert detector.rejected == REJECTED


def test_integers_and_floats_of_the_same_sound_give_the_same_calls():
    assert found((SOUND / np.float32(32768)).astype(np.float32))[0] == WHOLE


@pytest.mark.parametrize("rate", [192_000, 200_000, 250_000, 300_000, 384_000, 500_000])
def test_onsets_and_offsets_are_those_of_the_plan_at_any_rate(rate):
    calls = found(sound(rate, artefacts=()), rate=rate)[0]
    assert len(calls) == len(PLAN)
    for call, planned in zip(calls, PLAN, strict=True):
        assert call.onset_s == pytest.approx(planned.onset_s, abs=0.006)
        assert call.offset_s == pytest.approx(planned.onset_s + planned.duration_s, abs=0.015)
        assert call.call_type.startswith(planned.kind)


def test_calls_come_soon_after_their_end():
    detector, late = Detector(load_profile("rat"), RATE), []
    for start in range(0, len(SOUND), 2500):
        late += [start / RATE + 0.01 - call.offset_s for call in detector.push(SOUND[start : start + 2500])]
    assert late
    assert max(late[1:]) <= 0.6


def test_a_profile_finds_only_what_it_looks_for():
    kinds = {
        profile: {call.call_type[:6] for call in found(SOUND, profile=profile)[0]}
        for profile in ("rat-22khz", "rat-50khz")
    }
    assert kinds["rat-22khz"] == {"22-kHz"}
    assert "22-kHz" not in kinds["rat-50khz"]


def test_noise_alone_gives_no_call():
    assert found(sound(calls=(), artefacts=(), duration_s=20.0))[0] == []


def test_silence_gives_no_call():
    assert found(np.zeros(3 * RATE, np.int16))[0] == []


@pytest.mark.parametrize("n", [0, 1, 511, 512, 5000, 300_000])
def test_short_sounds_are_searched_too(n):
    found(SOUND[:n])


def test_a_rate_that_holds_nothing_of_the_band_is_refused_in_a_sentence():
    with pytest.raises(BadInput, match="--sample-rate"):
        Detector(load_profile("mouse"), 44_100)


def test_a_rate_that_holds_a_part_of_the_band_says_so():
    assert "46.6 kHz only" in Detector(load_profile("rat"), 96_000).warnings[0]
    assert Detector(load_profile("rat-22khz"), 96_000).warnings == []
