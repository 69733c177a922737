"""Provisional onsets: soon, right for clear calls, taken back where they were none, and no other calls for them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.simulate.acoustics import Artefact, PlannedCall, Soundscape
from behavior.usv.detect import Detector
from behavior.usv.onset import Onset, Withdrawn
from behavior.usv.profile import load_profile

RATE, SECONDS = 250_000, 9.0
LONG, SHORT = "22-kHz", "50-kHz"
CALLS = (
    PlannedCall(1.5, 0.7, LONG, -36), PlannedCall(2.5, 0.03, SHORT, -34), PlannedCall(2.9, 0.05, SHORT, -40),
    PlannedCall(3.4, 1.1, LONG, -30), PlannedCall(5.0, 0.4, LONG, -42), PlannedCall(6.0, 0.04, SHORT, -30),
    PlannedCall(6.3, 1.2, LONG, -33), PlannedCall(7.9, 0.06, SHORT, -36),
)  # fmt: skip


@cache
def sound(*, calls=CALLS, artefacts=(), rate=RATE, seed=4):
    return np.concatenate(list(Soundscape(rate, SECONDS, seed, calls, artefacts).blocks()))


def listened(samples, size, *, rate=RATE, provisional=True, **options):
    """The calls, and what was said of onsets with the number of samples pushed by then."""
    detector, calls, said = Detector(load_profile("rat"), rate, provisional=provisional, **options), [], []
    for first in range(0, len(samples), size):
        calls += detector.push(samples[first : first + size])
        said += [(min(first + size, len(samples)), one) for one in detector.onsets()]
    calls += detector.flush()
    return calls, said + [(len(samples), one) for one in detector.onsets()]


@pytest.mark.parametrize("rate", [200_000, 250_000, 384_000])
def test_a_clear_calls_onset_is_said_within_50_ms_of_sound(rate):
    calls, said = listened(sound(rate=rate), rate // 1000, rate=rate)
    assert len(calls) == len(CALLS)
    onsets = [(n, one) for n, one in said if isinstance(one, Onset)]
    assert len(onsets) == len(CALLS)
    for call, (n, onset) in zip(CALLS, onsets, strict=True):
        assert onset.onset_s == pytest.approx(call.onset_s, abs=0.006)
        assert n / rate - call.onset_s <= 0.050
        assert n / rate - 0.001 <= onset.said_s <= n / rate, "said as soon as the sound for it is there"
    assert not any(isinstance(one, Withdrawn) for _, one in said)
    assert [one.number for _, one in onsets] == list(range(1, len(CALLS) + 1))


@settings(max_examples=5, deadline=None)
@given(st.integers(500, 300_000))
def test_any_blocks_say_the_same(size):
    samples = sound()[: 4 * RATE]
    known = [one for _, one in listened(samples, 65_536)[1]]
    assert len(known) == 4
    assert [one for _, one in listened(samples, size)[1]] == known


def test_calls_are_those_without_it_and_nothing_is_said_unless_asked():
    calls, said = listened(sound(), 10_000, provisional=False)
    assert said == []
    assert listened(sound(), 10_000)[0] == calls


def test_an_empty_room_and_steady_tones_have_no_onset():
    for artefacts in ((), (Artefact("tone", 0.0, SECONDS, 40_000.0),)):
        assert listened(sound(calls=(), artefacts=artefacts, seed=11), 10_000)[1] == []


def test_what_was_no_call_is_withdrawn_and_said_of_the_same_number():
    """Levers ring, and feeders rattle: what is said of them is taken back, all of it."""
    artefacts = tuple(Artefact("lever", 1.5 + 0.31 * k, 0.05) for k in range(20))
    artefacts += tuple(Artefact("shock", at, 0.5) for at in (2.0, 5.0))
    calls, said = listened(sound(calls=(), artefacts=artefacts, seed=8), 5_000)
    assert calls == []
    numbers = [[one.number for _, one in said if isinstance(one, kind)] for kind in (Onset, Withdrawn)]
    assert numbers[0] == sorted(numbers[1])
    for n, one in said:
        if isinstance(one, Withdrawn):
            assert n / RATE > one.onset_s


def test_a_call_that_is_cut_off_by_the_end_is_settled_there():
    samples = sound()[: round(1.9 * RATE)]
    calls, said = listened(samples, 1_000)
    assert [type(one) for _, one in said] == [Onset]
    assert len(calls) == 1
    detector = Detector(load_profile("rat"), RATE, provisional=True)
    detector.push(samples[: round(1.53 * RATE)])
    assert [type(one) for one in detector.onsets()] == [Onset]
