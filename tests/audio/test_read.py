from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.audio.read import Recording
from behavior.model.errors import BadInput

RATE = 250_000
RNG = np.random.default_rng(3)
SOUND = RNG.integers(-32768, 32767, 5000, dtype=np.int16)


def written(path: Path, samples, subtype="PCM_16", rate=RATE, kind=None) -> Path:
    soundfile.write(path, samples, rate, subtype=subtype, format=kind)
    return path


def everything(path: Path, n=999, **options):
    with Recording(path, **options) as recording:
        blocks = [block.copy() for block in recording.blocks(n)]
        return np.concatenate(blocks), recording


@pytest.mark.parametrize(("name", "kind"), [("a.wav", "WAV"), ("a.flac", "FLAC"), ("a.w64", "W64"), ("a.rf64", "RF64")])
def test_sixteen_bits_come_exactly_as_they_stand(tmp_path, name, kind):
    samples, recording = everything(written(tmp_path / name, SOUND, kind=kind))
    assert samples.dtype == np.int16
    np.testing.assert_array_equal(samples, SOUND)
    assert (recording.sample_rate_hz, recording.n_samples, recording.warnings) == (RATE, 5000, [])


@pytest.mark.parametrize("subtype", ["PCM_24", "PCM_32", "FLOAT"])
def test_more_bits_come_as_floats_of_full_scale_one(tmp_path, subtype):
    samples, _ = everything(written(tmp_path / "a.wav", SOUND / 32768, subtype))
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, SOUND / 32768, atol=2e-7)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6000))
def test_any_block_size_gives_the_same_samples(tmp_path_factory, n):
    path = written(tmp_path_factory.mktemp("sound") / "a.wav", SOUND)
    np.testing.assert_array_equal(everything(path, n)[0], SOUND)


def test_a_channel_is_chosen_from_several(tmp_path):
    path = written(tmp_path / "a.wav", np.stack([SOUND, SOUND[::-1]], axis=1))
    np.testing.assert_array_equal(everything(path, channel=2)[0], SOUND[::-1])


@pytest.mark.parametrize("channel", [0, 3, -1])
def test_a_channel_that_is_not_there_is_refused(tmp_path, channel):
    path = written(tmp_path / "a.wav", np.stack([SOUND, SOUND], axis=1))
    with pytest.raises(BadInput, match="1 to 2"):
        Recording(path, channel=channel)


def test_several_channels_need_a_choice(tmp_path):
    path = written(tmp_path / "a.wav", np.stack([SOUND, SOUND], axis=1))
    with pytest.raises(BadInput, match="--channel"):
        Recording(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "is empty"), (b"hello, world, this is text", "not a sound file"), (b"RIFF\0\0\0\0WAVE", "not a sound file")],
    ids=["no bytes", "text", "a header and nothing else"],
)
def test_what_is_no_sound_is_refused_in_a_sentence(tmp_path, content, sentence):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=sentence):
        Recording(path)


def test_a_folder_and_nothing_at_all_are_refused(tmp_path):
    with pytest.raises(BadInput, match="is a folder"):
        Recording(tmp_path)
    with pytest.raises(BadInput, match="no such file"):
        Recording(tmp_path / "none.wav")


def test_a_recording_of_no_samples_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no samples"):
        Recording(written(tmp_path / "a.wav", SOUND[:0]))


def test_a_sample_rate_that_cannot_be_true_is_refused_and_can_be_overridden(tmp_path):
    path = written(tmp_path / "a.wav", SOUND, rate=8)
    with pytest.raises(BadInput, match="--sample-rate"):
        Recording(path)
    assert everything(path, sample_rate_hz=RATE)[1].sample_rate_hz == RATE


def test_a_truncated_wav_is_read_as_far_as_it_goes_and_said(tmp_path):
    path = written(tmp_path / "a.wav", SOUND)
    path.write_bytes(path.read_bytes()[:-4000])
    samples, recording = everything(path)
    np.testing.assert_array_equal(samples, SOUND[:3000])
    assert len(recording.warnings) == 1
    assert "0.020 s" in recording.warnings[0]
    assert "0.012 s" in recording.warnings[0]


def test_a_truncated_flac_is_read_as_far_as_it_goes_and_said(tmp_path):
    long = np.tile(SOUND, 20)
    path = written(tmp_path / "a.flac", long)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    samples, recording = everything(path)
    assert 0 < len(samples) < len(long)
    np.testing.assert_array_equal(samples, long[: len(samples)])
    assert "cut short" in recording.warnings[0]
    assert recording.n_samples == len(samples)


def test_samples_that_are_not_numbers_are_silence_and_said(tmp_path):
    samples = (SOUND / 32768).astype(np.float32)
    samples[[7, 2000]] = np.nan, np.inf
    read, recording = everything(written(tmp_path / "a.wav", samples, "FLOAT"))
    assert read[7] == read[2000] == 0
    assert np.isfinite(read).all()
    assert "2 of 5000 samples are not numbers" in recording.warnings[0]


def test_a_recording_of_nothing_but_nan_is_refused(tmp_path):
    path = written(tmp_path / "a.wav", np.full(100, np.nan, np.float32), "FLOAT")
    with pytest.raises(BadInput, match="none of its 100 samples"):
        everything(path)
