import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from behavior.audio.extremes import sum_and_extremes
from behavior.audio.faults import Faults

RNG = np.random.default_rng(6)
GOOD = RNG.normal(0, 300, 20_000).astype(np.int16)


def said(samples, cuts=()):
    faults = Faults()
    for block in np.split(samples, sorted(cuts)):
        faults.push(block)
    return faults.sentences


def as_float(samples):
    return (samples / np.float32(32768)).astype(np.float32)


def overloaded(gain=4.0):
    sine = gain * np.sin(2 * np.pi * np.arange(20_000) / 50)
    return np.clip(np.rint(32768 * sine), -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("form", [np.asarray, as_float], ids=["int16", "float32"])
@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (overloaded(), "clipped"),
        (np.zeros(500, np.int16), "silent"),
        (np.full(500, 1234, np.int16), "silent"),
        (np.tile(np.array([0, 1], np.int16), 300), "silent"),
        (GOOD + np.int16(700), "off zero by 2.1 %"),
        (GOOD - np.int16(3277), "off zero by -10.0 %"),
    ],
)
def test_each_fault_is_said_in_integers_and_in_floats(form, samples, sentence):
    (found,) = said(form(samples))
    assert sentence in found


@pytest.mark.parametrize("form", [np.asarray, as_float], ids=["int16", "float32"])
@pytest.mark.parametrize(
    "samples",
    [GOOD, GOOD + np.int16(600), np.tile(np.array([-1, 0, 1], np.int16), 300), np.zeros(0, np.int16)],
    ids=["noise", "a little off", "three steps", "nothing"],
)
def test_sound_samples_have_no_fault(form, samples):
    assert said(form(samples)) == []


def test_a_sound_that_only_touches_full_scale_is_not_clipped():
    touching = GOOD.copy()
    touching[100], touching[200], touching[300] = 32767, -32768, 32767
    assert said(touching) == []
    touching[101] = 32767
    assert "1 of 20000" in said(touching)[0]


def test_as_many_samples_are_clipped_as_a_sine_stays_beyond_full_scale():
    """A sine of gain 2 exceeds 1 for 2/3 of each half period, 50/3 samples: 16 or 17, of which the first is no stay."""
    samples = overloaded(2.0)
    n = int(said(samples)[0].split()[1])
    flat = (samples == 32767) | (samples == -32768)
    runs = np.diff(np.flatnonzero(np.diff(flat.astype(int), prepend=0, append=0)))[::2]
    assert n == (runs - 1).sum()
    assert n / (20_000 / 25) == pytest.approx(50 / 3 - 1, abs=1.0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2_000), max_size=12), st.sampled_from(["good", "clipped", "silent", "off"]))
def test_any_cutting_gives_the_same_sentences(cuts, kind):
    samples = {
        "good": GOOD,
        "clipped": overloaded(),
        "silent": np.full(2_000, -5, np.int16),
        "off": GOOD + np.int16(2_000),
    }[kind][:2_000]
    assert said(samples, cuts) == said(samples)


def test_two_faults_are_two_sentences():
    samples = np.clip(GOOD.astype(int) * 80 + 9_000, -32768, 32767).astype(np.int16)
    assert [sentence.split()[0].rstrip(":") for sentence in said(samples)] == ["clipped", "off"]


@given(arrays(np.int16, st.integers(1, 400), elements=st.integers(-32768, 32767)))
def test_the_sum_of_integers_is_exact(samples):
    found = sum_and_extremes(samples)
    assert tuple(map(int, found)) == (samples.astype(np.int64).sum(), samples.min(), samples.max())
