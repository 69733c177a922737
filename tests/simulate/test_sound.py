from __future__ import annotations

import csv

import numpy as np
import pytest
import soundfile

from behavior.model.errors import BadInput
from behavior.simulate.acoustics import Artefact, PlannedCall, Soundscape, TrueCall
from behavior.simulate.sound import SOUND_FILE, TRUTH_COLUMNS, TRUTH_FILE, SimulatedMicrophone, write_truth

RATE = 192_000


def recorded(folder, sounds=(), start_us=0, stop_us=1_000_000, seed=3):
    microphone = SimulatedMicrophone(RATE)
    microphone.start(start_us)
    ended = microphone.stop(stop_us)
    return microphone.write(folder, sounds, seed), ended


def truth_of(folder):
    with (folder / TRUTH_FILE).open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize(("stop_us", "n"), [(1_000_000, 192_000), (1_500_003, 288_001), (10, 2)])
def test_a_recording_is_as_long_as_it_ran_to_the_sample(tmp_path, stop_us, n):
    path, ended = recorded(tmp_path, stop_us=stop_us)
    assert ended.n_samples == n
    info = soundfile.info(path)
    assert (info.frames, info.samplerate, info.subtype) == (n, RATE, "PCM_16")


def test_what_sounds_at_session_time_lies_at_its_time_in_the_recording(tmp_path):
    recorded(tmp_path, [PlannedCall(12.25, 0.3)], start_us=12_000_000, stop_us=13_000_000)
    (call,) = truth_of(tmp_path)
    assert (float(call["onset_s"]), float(call["offset_s"])) == (0.25, 0.55)
    assert call["file"] == SOUND_FILE
    samples, _ = soundfile.read(tmp_path / SOUND_FILE)
    loud = [np.abs(samples[round(low * RATE) : round(high * RATE)]).max() for low, high in ((0, 0.25), (0.3, 0.5))]
    assert loud[1] > 5 * loud[0]


def test_what_sounded_before_the_recording_is_not_in_it(tmp_path):
    before, within = PlannedCall(0.5, 2.0), PlannedCall(1.2, 0.1)
    recorded(tmp_path, [before, within], start_us=1_000_000, stop_us=2_000_000)
    assert [float(call["onset_s"]) for call in truth_of(tmp_path)] == [pytest.approx(0.2)]


def test_noises_are_in_the_sound_and_not_in_the_truth(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    recorded(tmp_path / "a", [Artefact("lever", 0.5, 0.01)])
    recorded(tmp_path / "b")
    assert truth_of(tmp_path / "a") == []
    with_noise, without = (soundfile.read(tmp_path / name / SOUND_FILE)[0] for name in "ab")
    assert not np.array_equal(with_noise, without)
    np.testing.assert_array_equal(with_noise[: RATE // 2], without[: RATE // 2])


def test_equal_sessions_give_equal_bytes_and_another_seed_does_not(tmp_path):
    written = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        (tmp_path / name).mkdir()
        recorded(tmp_path / name, [PlannedCall(0.2, 0.1)], stop_us=500_000, seed=seed)
        written.append([(tmp_path / name / file).read_bytes() for file in (SOUND_FILE, TRUTH_FILE)])
    assert written[0] == written[1]
    assert written[0] != written[2]


def test_what_never_ran_leaves_no_file(tmp_path):
    assert SimulatedMicrophone(RATE).write(tmp_path, [], 1) is None
    microphone = SimulatedMicrophone(RATE)
    microphone.start(5)
    microphone.stop(5)
    assert microphone.write(tmp_path, [PlannedCall(0, 1)], 1) is None
    assert list(tmp_path.iterdir()) == []


def test_a_recording_that_is_there_is_not_overwritten(tmp_path):
    recorded(tmp_path, stop_us=1000)
    with pytest.raises(BadInput, match="never overwritten"):
        recorded(tmp_path, stop_us=1000)


def test_the_truth_has_its_columns_and_microseconds(tmp_path):
    write_truth(tmp_path / "t.csv", [TrueCall(0.1234564, 0.9999996, 21_000.4, 24_999.6, "22-kHz")])
    header, row = (tmp_path / "t.csv").read_text().splitlines()
    assert header == ",".join(TRUTH_COLUMNS)
    assert row == "audio.flac,0.123456,1.0,21000,25000,22-kHz"
    with pytest.raises(FileExistsError):
        write_truth(tmp_path / "t.csv", [])


def test_the_truth_is_the_plan_whatever_else_sounds():
    calls = [PlannedCall(0.1, 0.2), PlannedCall(0.6, 0.05, "50-kHz")]
    alone = Soundscape(RATE, 1.0, 7, calls).truth
    assert Soundscape(RATE, 1.0, 7, calls, [Artefact("shock", 0.1, 0.5)]).truth == alone
    assert [(call.onset_s, call.kind) for call in alone] == [(0.1, "22-kHz"), (0.6, "50-kHz")]
