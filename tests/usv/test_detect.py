from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model.errors import BadInput
from behavior.simulate.acoustics import Artefact, PlannedCall, Soundscape
from behavior.usv.detect import Detector, detect_file
from behavior.usv.gate import KnownEvent
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


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, len(SOUND)), max_size=10))
def test_any_cutting_gives_the_same_calls_where_known_clicks_are_subtracted(cuts):
    shock = KnownEvent("shock", 2.0, 2.4)

    def searched(pieces):
        detector = Detector(load_profile("rat"), RATE, events=[shock])
        calls = [call for piece in pieces for call in detector.push(piece)]
        return calls + detector.flush(), detector.rejected

    assert searched(np.split(SOUND, sorted(cuts))) == searched([SOUND])


def test_integers_and_floats_of_the_same_sound_give_the_same_calls():
    assert found((SOUND / np.float32(32768)).astype(np.float32))[0] == WHOLE


@pytest.mark.parametrize("rate", [192_000, 200_000, 250_000, 300_000, 384_000, 500_000])
def test_onsets_and_offsets_are_those_of_the_plan_at_any_rate(rate):
    calls = found(sound(rate, artefacts=()), rate=rate)[0]
    assert len(calls) == len(PLAN)
    for call, planned in zip(calls, PLAN, strict=True):
        assert call.onset_s == pytest.approx(planned.onset_s, abs=0.006)
        assert 0 < call.offset_s - (planned.onset_s + planned.duration_s) < 0.025, "the chamber answers"
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


FRAME_S = 128 / RATE


def ramped(n, ramp_s=0.002):
    """Straight ramps at both ends, so that nothing clicks."""
    edge = np.minimum(np.arange(n), np.arange(n)[::-1]) / (ramp_s * RATE)
    return np.minimum(edge, 1.0)


def chirp(onset_s, duration_s, first_hz, last_hz, amplitude=0.01, total_s=2.5, noise=0.0005, seed=1):
    """A linear sweep in white noise, as floats."""
    samples = np.random.default_rng(seed).normal(0, noise, round(total_s * RATE))
    n, first = round(duration_s * RATE), round(onset_s * RATE)
    hz = np.linspace(first_hz, last_hz, n)
    samples[first : first + n] += amplitude * ramped(n) * np.sin(2 * np.pi * np.cumsum(hz) / RATE)
    return samples.astype(np.float32)


@pytest.mark.parametrize(
    ("duration_s", "first_hz", "last_hz"),
    [
        (0.050, 50_000, 70_000),
        (0.030, 80_000, 60_000),
        (0.8, 24_500, 21_500),
        (0.020, 60_000, 60_300),
        (0.1, 40_000, 90_000),
    ],
)
def test_a_sweep_is_measured_as_it_was_made(duration_s, first_hz, last_hz):
    (call,) = found(chirp(1.3, duration_s, first_hz, last_hz))[0]
    assert call.onset_s == pytest.approx(1.3, abs=6 * FRAME_S)
    assert call.duration_s == pytest.approx(duration_s, abs=10 * FRAME_S)
    slope = (last_hz - first_hz) / duration_s
    assert call.slope_hz_per_s == pytest.approx(slope, rel=0.05, abs=45_000)
    assert call.mean_hz == pytest.approx((first_hz + last_hz) / 2, abs=400)
    assert call.bandwidth_hz == pytest.approx(abs(last_hz - first_hz), abs=3_500)
    assert call.sinuosity == pytest.approx(1.0, abs=0.35)
    assert call.peak_hz == pytest.approx((first_hz + last_hz) / 2, abs=abs(last_hz - first_hz) / 2 + 300)


@pytest.mark.parametrize("amplitude_db", [-20, -40])
def test_the_level_is_that_of_a_sine_of_this_amplitude(amplitude_db):
    """Full scale is a sine of amplitude one; between two bins a Hann window loses 1.4 dB at most."""
    (call,) = found(chirp(1.3, 0.5, 24_000, 25_000, 10 ** (amplitude_db / 20)))[0]
    assert amplitude_db - 1.5 < call.level_db < amplitude_db + 0.1


def test_times_lie_on_the_grid_to_the_sample():
    for call in WHOLE:
        for seconds in (call.onset_s, call.offset_s):
            sample = seconds * RATE
            assert abs(sample - round(sample)) < 1e-6
            assert (round(sample) - 192) % 128 == 0
        assert call.duration_s == call.offset_s - call.onset_s


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 700))
def test_a_shift_by_whole_frames_shifts_the_calls(n_frames):
    """Before the sound comes more of the same noise; the floor may differ by a fraction of a decibel."""
    noise = np.random.default_rng(4).normal(0, 0.0005, n_frames * 128).astype(np.float32)
    sound = chirp(1.3, 0.050, 50_000, 70_000)
    (here,), (there,) = found(sound)[0], found(np.concatenate((noise, sound)))[0]
    assert there.onset_s - here.onset_s == pytest.approx(n_frames * FRAME_S, abs=1.5 * FRAME_S)
    assert there.offset_s - here.offset_s == pytest.approx(n_frames * FRAME_S, abs=1.5 * FRAME_S)
    assert there.mean_hz == pytest.approx(here.mean_hz, abs=300)


@pytest.mark.parametrize("gain_db", [-12, 12])
def test_loudness_shifts_levels_and_nothing_else(gain_db):
    sound = chirp(1.3, 0.050, 50_000, 70_000)
    (here,), (there,) = found(sound)[0], found((sound * np.float32(10 ** (gain_db / 20))).astype(np.float32))[0]
    assert there.level_db - here.level_db == pytest.approx(gain_db, abs=0.2)
    assert there.snr_db == pytest.approx(here.snr_db, abs=0.3)
    assert there.onset_s == pytest.approx(here.onset_s, abs=1.5 * FRAME_S)
    assert there.mean_hz == pytest.approx(here.mean_hz, abs=300)


def test_a_higher_confirmation_keeps_a_part_of_the_calls():
    sound = sum(chirp(0.3 * k + 0.2, 0.04, 50_000, 60_000, 0.0005 * 1.35**k, 4.0, 0.0003, k) for k in range(1, 12))
    counts = []
    for confirm in (7.0, 9.0, 12.0, 16.0, 25.0):
        detector = Detector(load_profile("rat").model_copy(update={"confirm_db": confirm}), RATE)
        counts.append({call.onset_s for call in detector.push(sound) + detector.flush()})
    assert all(more >= fewer for more, fewer in pairwise(counts))
    assert len(counts[0]) > len(counts[-1])


def with_tone(hz, onset_s, duration_s, total_s, calls=(), amplitude=0.003):
    samples = sound(calls=calls, artefacts=(), duration_s=total_s) / 32768
    n, first = round(duration_s * RATE), round(onset_s * RATE)
    samples[first : first + n] += amplitude * ramped(n, 0.020) * np.sin(2 * np.pi * hz * np.arange(n) / RATE)
    return samples.astype(np.float32)


@pytest.mark.parametrize(
    ("onset_s", "duration_s"), [(0.5, 4.0), (1.0, 6.0), (1.5, 1.6), (2.0, 5.0), (3.0, 4.0), (3.0, 9.0)]
)
def test_a_tone_that_is_switched_on_is_no_call_and_neither_is_its_remainder(onset_s, duration_s):
    calls, detector = found(with_tone(25_100, onset_s, duration_s, onset_s + duration_s + 1.0))
    assert calls == []
    assert {event.reason for event in detector.rejected} <= {"steady tone", "skirt of a stronger sound"}
    assert sum(e.offset_s - e.onset_s for e in detector.rejected if e.reason == "steady tone") > 0.4 * duration_s


def test_calls_beside_a_tone_are_found_and_held_back_for_the_longest_call_at_most():
    """What a contour that still runs may yet be joined with has to wait; nothing runs longer than `longest_s`."""
    planned = [PlannedCall(onset, 0.3) for onset in (1.5, 4.5, 6.0, 8.5, 10.0)]
    samples = with_tone(40_000, 3.0, 6.0, 12.0, planned)
    detector, late, calls = Detector(load_profile("rat"), RATE), [], []
    for start in range(0, len(samples), 2500):
        for call in detector.push(samples[start : start + 2500]):
            calls.append(call)
            late.append((start + 2500) / RATE - call.offset_s)
    calls += detector.flush()
    assert [call.onset_s for call in calls] == pytest.approx([call.onset_s for call in planned], abs=0.01)
    assert max(late) <= load_profile("rat").longest_s + 0.6
    assert late[0] <= 0.6


def test_contours_in_a_row_that_overlap_are_no_endless_call():
    """Twelve seconds of calls of 2.2 s, each of which begins before the last is over."""
    samples = np.random.default_rng(0).normal(0, 0.0004, 13 * RATE)
    for k in range(6):
        n, first = round(2.2 * RATE), round((0.5 + 2 * k) * RATE)
        hz = (24_000, 38_000)[k % 2] + 600 * np.sin(2 * np.pi * 1.3 * np.arange(n) / RATE)
        samples[first : first + n] += 0.02 * np.sin(2 * np.pi * np.cumsum(hz) / RATE) * np.hanning(n) ** 0.1
    calls = found(samples.astype(np.float32))[0]
    assert len(calls) >= 4
    assert max(call.duration_s for call in calls) <= load_profile("rat").longest_s + 2 * FRAME_S


def test_after_the_first_second_nothing_is_held_back_longer_than_promised():
    """The first second waits for a floor; what ended within it comes with it."""
    planned = [PlannedCall(0.1, 0.1), PlannedCall(0.4, 0.1)]
    samples = sound(calls=planned, artefacts=(), duration_s=2.0)
    detector, at = Detector(load_profile("rat"), RATE), []
    for start in range(0, len(samples), 2500):
        at += [(start + 2500) / RATE for _ in detector.push(samples[start : start + 2500])]
    assert len(at) == 2
    assert max(at) <= 1.4


def test_a_detector_says_what_is_wrong_with_the_samples_so_far():
    detector = Detector(load_profile("rat"), RATE)
    detector.push(np.zeros(1000, np.int16))
    assert "silent" in detector.faults.sentences[0]
    detector.push(SOUND[:100_000])
    assert detector.faults.sentences == []


def test_faults_of_a_recording_are_among_its_warnings(tmp_path):
    loud = np.clip(SOUND.astype(int) * 60, -32768, 32767).astype(np.int16)
    soundfile.write(tmp_path / "loud.wav", loud, RATE)
    detection = detect_file(tmp_path / "loud.wav", load_profile("rat"))
    assert any("clipped" in warning for warning in detection.warnings)
    assert detection.n_samples == len(SOUND)


def test_a_file_gives_the_same_as_its_samples_and_tells_how_far_it_is(tmp_path):
    soundfile.write(tmp_path / "a.wav", SOUND, RATE)
    told = []
    detection = detect_file(tmp_path / "a.wav", load_profile("rat"), progress=told.append)
    assert detection.calls == WHOLE
    assert sorted(detection.rejected, key=repr) == sorted(REJECTED, key=repr)
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize("rate", [176_400, 220_500, 353_000, 705_600])
def test_odd_rates_have_a_grid(rate):
    samples = np.random.default_rng(1).normal(0, 20, rate).astype(np.int16)
    calls, detector = found(samples, rate=rate)
    assert calls == []
    assert 0.0014 <= detector.grid.size / rate <= 0.003
