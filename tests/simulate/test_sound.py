"""The simulated microphone: as many samples as time, the calls where they sounded, and nothing over what is there."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from behavior.model.events import RecordingEnded, RecordingStarted
from behavior.simulate.acoustics import Artefact, PlannedCall
from behavior.simulate.sound import SOUND_FILE, TRUTH_COLUMNS, TRUTH_FILE, SimulatedMicrophone

S = 1_000_000


@given(st.integers(0, 10**10), st.integers(0, 10**10), st.sampled_from([96_000, 192_000, 250_000, 384_000]))
def test_a_recording_holds_as_many_samples_as_it_lasted(start_us: int, lasts_us: int, rate: int) -> None:
    microphone = SimulatedMicrophone(rate)
    assert microphone.start(start_us) == RecordingStarted(start_us, SOUND_FILE, rate)
    ended = microphone.stop(start_us + lasts_us)
    assert isinstance(ended, RecordingEnded)
    assert abs(ended.n_samples - lasts_us * rate / S) <= 0.5
    assert ended.n_dropped == 0


def test_where_nothing_was_recorded_there_is_no_file(tmp_path: Path) -> None:
    never, empty = SimulatedMicrophone(250_000), SimulatedMicrophone(250_000)
    empty.start(S)
    empty.stop(S)
    assert never.write(tmp_path, [], 1) is None and empty.write(tmp_path, [], 1) is None
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    microphone = SimulatedMicrophone(250_000)
    microphone.start(2 * S)
    microphone.stop(4 * S)
    sounds = [PlannedCall(1.0, 0.5), Artefact("feeder", 2.1, 0.25), PlannedCall(2.75, 0.6)]
    assert microphone.write(folder, sounds, seed=7) == folder / SOUND_FILE
    return folder


def test_the_truth_counts_from_the_first_sample_and_holds_only_what_is_in_the_file(written: Path) -> None:
    with (written / TRUTH_FILE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == TRUTH_COLUMNS
    assert [(row["file"], float(row["onset_s"]), float(row["offset_s"])) for row in rows] == [
        (SOUND_FILE, 0.75, pytest.approx(1.35, abs=0.001))
    ]
    assert 18_000 < float(rows[0]["low_hz"]) <= float(rows[0]["high_hz"]) < 32_000


def test_the_call_is_heard_where_the_truth_says(written: Path) -> None:
    import numpy as np

    samples, rate = soundfile.read(written / SOUND_FILE)
    assert (len(samples), rate) == (2 * 250_000, 250_000)

    def power_at_22_khz(begin_s: float, end_s: float) -> float:
        part = samples[round(begin_s * rate) : round(end_s * rate)]
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2 / len(part)
        frequency = np.fft.rfftfreq(len(part), 1 / rate)
        return float(spectrum[(frequency > 18_000) & (frequency < 32_000)].sum() / len(part))

    assert power_at_22_khz(0.8, 1.3) > 30 * power_at_22_khz(1.5, 2.0)


def test_the_same_seed_gives_the_same_bytes_and_nothing_is_overwritten(written: Path, tmp_path: Path) -> None:
    def write(seed: int, folder: Path) -> bytes:
        folder.mkdir(exist_ok=True)
        microphone = SimulatedMicrophone(250_000)
        microphone.start(0)
        microphone.stop(S // 10)
        microphone.write(folder, [PlannedCall(0.02, 0.05)], seed)
        return (folder / SOUND_FILE).read_bytes()

    assert write(1, tmp_path / "a") == write(1, tmp_path / "b") != write(2, tmp_path / "c")
    before = (tmp_path / "a" / SOUND_FILE).read_bytes()
    with pytest.raises(Exception, match=r"exists|is there already"):
        write(3, tmp_path / "a")
    assert (tmp_path / "a" / SOUND_FILE).read_bytes() == before
