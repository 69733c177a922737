from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.audio.follow import GrowingRecording
from behavior.audio.write import RecordingWriter


@given(st.lists(st.tuples(st.integers(0, 5_000), st.booleans()), max_size=20), st.integers(1, 3))
@settings(max_examples=30)
def test_what_was_written_is_read_however_often_one_looks(tmp_path_factory, steps, channels) -> None:
    path, rng, written, read = tmp_path_factory.mktemp("f") / "a.wav", np.random.default_rng(1), [], []
    with RecordingWriter(path, 192_000, channels) as writer, GrowingRecording(path, channels) as growing:
        assert (growing.channels, growing.sample_rate_hz) == (channels, 192_000)
        for n, look in steps:
            block = rng.integers(-32768, 32768, (n, channels)).astype(np.int16)
            writer.write(block)
            written.append(block[:, -1])
            if look:
                read.append(growing.read())
        read.append(growing.read())
        assert growing.n_samples == writer.n_samples
        assert not len(growing.read())
    np.testing.assert_array_equal(np.concatenate(read), np.concatenate([*written, np.empty(0, np.int16)]))


@pytest.mark.parametrize("n_torn", [1, 2, 3])
def test_half_a_sample_waits_for_its_other_half(tmp_path, n_torn) -> None:
    path = tmp_path / "a.wav"
    with RecordingWriter(path, 192_000, 2):
        pass
    with GrowingRecording(path) as growing, path.open("ab", buffering=0) as file:
        data = np.arange(8, dtype="<i2").tobytes()
        file.write(data[:n_torn])
        assert not len(growing.read())
        file.write(data[n_torn:])
        assert growing.read().tolist() == [0, 2, 4, 6]
