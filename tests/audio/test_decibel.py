import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from behavior.audio.decibel import to_decibels


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, (3, 21), elements=st.floats(2**-70, 2**70, width=32)))
def test_decibels_are_right_to_a_thousandth(power):
    out = np.empty_like(power)
    to_decibels(power, out)
    np.testing.assert_allclose(out, 10 * np.log10(power.astype(float) + 1e-17), atol=0.001)


def test_silence_has_a_level():
    out = np.empty((1, 4), np.float32)
    to_decibels(np.zeros((1, 4), np.float32), out)
    np.testing.assert_allclose(out, -170, atol=0.01)
