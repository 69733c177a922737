import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt

from behavior.simulate.acoustics import Artefact, PlannedCall, Soundscape, reverberation_s, room_response, wave_of

RATE = 250_000
CALLS = (PlannedCall(0.1, 0.3), PlannedCall(0.5, 0.03, "50-kHz"), PlannedCall(0.9, 0.5))
NOISES = tuple(
    Artefact(kind, 0.05 + 0.15 * i, 0.1)
    for i, kind in enumerate(("shock", "lever", "feeder", "tone", "squeal", "scratch"))
)


def heard(calls=CALLS, artefacts=NOISES, seed=1, n=1 << 16, duration_s=1.0):
    return np.concatenate(list(Soundscape(RATE, duration_s, seed, calls, artefacts).blocks(n)))


SOUND = heard()


def decay(hz, seed, rate=RATE):
    """Of the room's answer in a third of an octave: seconds for 60 dB, by Schroeder's backward integral."""
    response = room_response(seed, rate).astype(float)
    response[0] = 0
    band = butter(2, [hz / 1.12, hz * 1.12], "bandpass", fs=rate, output="sos")
    left = np.cumsum((sosfilt(band, response) ** 2)[::-1])[::-1]
    db = 10 * np.log10(left / left[0])
    inside = np.flatnonzero((db < -3) & (db > -18))
    return -60 / np.polyfit(inside / rate, db[inside], 1)[0]


@pytest.mark.parametrize("hz", [20_000, 40_000, 80_000])
@pytest.mark.parametrize("rate", [250_000, 384_000])
def test_the_chamber_answers_as_long_as_is_stated_and_shorter_the_higher(hz, rate):
    times = [decay(hz, seed, rate) for seed in range(12)]
    assert np.median(times) == pytest.approx(reverberation_s(hz), rel=0.2)


def test_the_chamber_is_of_its_seed_and_its_answer_has_the_energy_that_is_stated():
    assert not np.array_equal(room_response(1, RATE), room_response(2, RATE))
    energy = []
    for seed in range(20):
        response = room_response(seed, RATE)
        assert response[0] == 1
        assert not response[1 : round(0.001 * RATE)].any(), "no wall is nearer"
        spectrum = np.abs(np.fft.rfft(np.r_[0, response[1:]])) ** 2
        hz = np.fft.rfftfreq(len(response), 1 / RATE)
        energy.append(spectrum[(hz > 18_000) & (hz < 22_000)].mean())
    assert 10 * np.log10(np.mean(energy)) == pytest.approx(-9, abs=1)


def test_a_call_dies_away_in_its_chamber_and_not_before():
    call = PlannedCall(0.1, 0.2, level_db=-12)
    wave = wave_of(call, 0, 1, RATE).astype(float)
    rms = [np.sqrt(np.mean(wave[round(at * RATE) :][:500] ** 2)) for at in (0.190, 0.204, 0.216)]
    assert len(wave) > (0.2 + 0.02) * RATE
    assert rms[0] > 3 * rms[1] > 9 * rms[2] > 0


@settings(max_examples=10, deadline=None)
@given(st.integers(1000, 300_000))
def test_any_block_size_gives_the_same_samples(n):
    np.testing.assert_array_equal(heard(n=n), SOUND)


def test_blocks_have_the_size_asked_for():
    sizes = [len(block) for block in Soundscape(RATE, 1.0, 1).blocks(60_000)]
    assert sizes == [60_000] * 4 + [10_000]


def test_the_seed_decides_the_samples():
    assert not np.array_equal(heard(seed=2), SOUND)


def test_what_is_added_at_the_end_of_the_plan_changes_nothing_before_it():
    more = heard(artefacts=(*NOISES, Artefact("lever", 0.8, 0.01)))
    first = round(0.8 * RATE)
    np.testing.assert_array_equal(more[:first], SOUND[:first])
    assert not np.array_equal(more[first:], SOUND[first:])


def test_the_truth_is_where_the_energy_is():
    """The planned band carries most of the power above the rumble, within the times and not outside."""
    scene = Soundscape(RATE, 1.0, 1, CALLS[:1])
    (call,) = scene.truth
    sound = np.concatenate(list(scene.blocks())).astype(float)

    def power_in_band(start_s, stop_s):
        piece = sound[round(start_s * RATE) : round(stop_s * RATE)]
        spectrum = np.abs(np.fft.rfft(piece)) ** 2 / len(piece)
        hz = np.fft.rfftfreq(len(piece), 1 / RATE)
        return spectrum[(hz > call.low_hz - 500) & (hz < call.high_hz + 500)].mean()

    inside = power_in_band(call.onset_s, call.offset_s)
    assert inside > 1000 * power_in_band(0, call.onset_s)
    assert inside > 1000 * power_in_band(call.offset_s + 0.02, 0.99)


def test_calls_are_cut_at_the_end_and_later_ones_are_not_there():
    truth = Soundscape(RATE, 1.0, 1, (*CALLS, PlannedCall(1.5, 0.2))).truth
    assert [call.kind for call in truth] == ["22-kHz", "50-kHz", "22-kHz"]
    assert truth[-1].offset_s == 1.0


@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.kind)
def test_every_noise_is_loud_within_its_time_and_gone_soon_after(noise):
    quiet, loud = heard((), ()).astype(int), heard((), (noise,)).astype(int)
    difference = loud - quiet
    start, stop = (round(s * RATE) for s in (noise.onset_s, noise.onset_s + noise.duration_s + 0.02))
    assert np.abs(difference[start:stop]).max() > 100
    assert not difference[:start].any()
    assert not difference[stop:].any()


def test_calls_of_each_kind_lie_in_their_band():
    calls = [PlannedCall(0.01 * i, 0.2, kind) for i in range(40) for kind in ("22-kHz", "50-kHz")]
    for call in Soundscape(RATE, 1.0, 3, calls).truth:
        low, high = (18_000, 33_000) if call.kind == "22-kHz" else (33_000, 80_000)
        assert low < call.low_hz <= call.high_hz < high


@pytest.mark.parametrize("level_db", [-12.0, -32.0])
def test_the_level_of_a_call_is_that_of_its_peak(level_db):
    """Echoes add half as much again at most, modulation takes a third away at most."""
    quiet, loud = heard((), ()), heard((PlannedCall(0.1, 0.5, "22-kHz", level_db),), ())
    peak_db = 20 * np.log10(np.abs(loud.astype(int) - quiet).max() / 32768)
    assert level_db - 3.6 < peak_db < level_db + 4.5


def test_a_shock_clicks_as_often_as_its_scrambler_switches():
    """Clicks at 120 a second: the envelope of what a shock adds has its line there."""
    shock = Artefact("shock", 0.1, 0.8)
    added = np.abs(heard((), (shock,)).astype(float) - heard((), ()))[round(0.1 * RATE) : round(0.9 * RATE)]
    spectrum = np.abs(np.fft.rfft(added - added.mean()))
    hz = np.fft.rfftfreq(len(added), 1 / RATE)
    assert hz[spectrum[hz < 1000].argmax()] % 120 == pytest.approx(0, abs=1.5)


@pytest.mark.parametrize("rate", [192_000, 500_000])
def test_a_tone_has_its_frequency_at_any_rate(rate):
    scene = Soundscape(rate, 0.5, 1, (), (Artefact("tone", 0.0, 0.5, 40_000.0),))
    sound = np.concatenate(list(scene.blocks())).astype(float)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert np.fft.rfftfreq(len(sound), 1 / rate)[spectrum.argmax()] == pytest.approx(40_000, abs=2)
