from __future__ import annotations

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.audio import write
from behavior.audio.read import Recording
from behavior.audio.write import RecordingWriter
from behavior.model.errors import BadInput, Failure

SOUND = np.random.default_rng(4).integers(-32768, 32767, 4000, dtype=np.int16)


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, 4000), max_size=5))
def test_what_is_written_is_read_back(tmp_path_factory, name, cuts):
    path = tmp_path_factory.mktemp("sound") / name
    with RecordingWriter(path, 250_000) as writer:
        for block in np.split(SOUND, sorted(cuts)):
            writer.write(block)
    samples, rate = soundfile.read(path, dtype="int16")
    np.testing.assert_array_equal(samples, SOUND)
    assert rate == 250_000
    assert writer.n_samples == 4000


def test_channels_stay_apart(tmp_path):
    with RecordingWriter(tmp_path / "a.wav", 250_000, channels=2) as writer:
        writer.write(SOUND.reshape(-1, 2))
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a.wav", dtype="int16")[0], SOUND.reshape(-1, 2))


def test_a_kill_at_any_moment_leaves_all_but_the_last_block(tmp_path):
    """The file is looked at between writes, as a kill would leave it."""
    path, rate = tmp_path / "a.wav", 1_000
    writer = RecordingWriter(path, rate)
    for n in range(1, 9):
        writer.write(SOUND[(n - 1) * 500 : n * 500])
        samples, _ = soundfile.read(path, dtype="int16")
        np.testing.assert_array_equal(samples, SOUND[: n * 500])
    writer.close()


def test_a_file_that_is_still_written_can_be_searched(tmp_path):
    writer = RecordingWriter(tmp_path / "a.wav", 1_000)
    writer.write(SOUND[:1500])
    with Recording(tmp_path / "a.wav") as recording:
        np.testing.assert_array_equal(np.concatenate([b.copy() for b in recording.blocks()]), SOUND[:1500])
    writer.close()


def test_past_four_gigabytes_the_header_is_rf64(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "_LARGEST_RIFF", 5000)
    with RecordingWriter(tmp_path / "a.wav", 250_000) as writer:
        writer.write(SOUND)
    assert soundfile.info(tmp_path / "a.wav").format == "RF64"
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a.wav", dtype="int16")[0], SOUND)


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_file_that_is_there_is_never_overwritten(tmp_path, name):
    (tmp_path / name).write_bytes(b"precious")
    with pytest.raises(BadInput, match="never overwritten"):
        RecordingWriter(tmp_path / name, 250_000)
    assert (tmp_path / name).read_bytes() == b"precious"


def test_other_endings_and_absent_folders_are_refused(tmp_path):
    with pytest.raises(BadInput, match=r"\.wav or \.flac"):
        RecordingWriter(tmp_path / "a.mp3", 250_000)
    with pytest.raises(Failure, match="cannot be made"):
        RecordingWriter(tmp_path / "none" / "a.wav", 250_000)


def test_blocks_of_another_kind_are_a_mistake_of_the_caller(tmp_path):
    with RecordingWriter(tmp_path / "a.wav", 250_000, channels=2) as writer:
        with pytest.raises(TypeError):
            writer.write(SOUND.astype(np.float32))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="2 channels"):
            writer.write(SOUND)
