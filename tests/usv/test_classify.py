import numpy as np
import pytest

from behavior.usv.classify import call_type, turning_points

DT = 0.000512


def contour(duration_s, hz):
    """`hz` of the fraction of the call that is over."""
    seconds = np.arange(round(duration_s / DT)) * DT
    return seconds, hz(seconds / duration_s), duration_s


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (contour(1.0, lambda x: 24_000 - 1_000 * x), "22-kHz long"),
        (contour(0.2, lambda x: 24_000 - 1_000 * x), "22-kHz short"),
        (contour(0.5, lambda x: 43_000 + 2_000 * x), "44-kHz long"),
        (contour(0.05, lambda x: 55_000 + 2_000 * x), "50-kHz flat"),
        (contour(0.05, lambda x: 50_000 + 15_000 * x), "50-kHz FM"),
        (contour(0.05, lambda x: np.where(x < 0.5, 45_000.0, 60_000.0)), "50-kHz step"),
        (contour(0.06, lambda x: 60_000 + 4_000 * np.sin(2 * np.pi * 5 * x)), "50-kHz trill"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_types_follow_from_the_contour(call, kind):
    assert call_type(*call) == kind


def test_a_call_of_one_point_has_a_type():
    assert call_type(np.zeros(1), np.full(1, 60_000.0), 0.004) == "50-kHz flat"


def test_small_wobbles_are_no_turns():
    wobble = 60_000 + 900 * np.sin(np.arange(200))
    assert turning_points(wobble) == []
    hz = np.array([50, 55, 50, 55, 50]) * 1e3
    assert turning_points(hz) == [1, 2, 3]
