import numpy as np
import pytest

from behavior.usv.classify import call_type, jumps, turning_points

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


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (contour(0.3, lambda x: 31_900 + 0 * x), "22-kHz long"),
        (contour(0.29, lambda x: 31_900 + 0 * x), "22-kHz short"),
        (contour(0.16, lambda x: 32_100 + 0 * x), "44-kHz long"),
        (contour(0.14, lambda x: 32_100 + 0 * x), "50-kHz flat"),
        (contour(0.2, lambda x: 44_000 + 6_000 * x), "50-kHz FM"),
        (contour(0.05, lambda x: 50_000 + 5_400 * x), "50-kHz flat"),
        (contour(0.05, lambda x: 50_000 + 5_800 * x), "50-kHz FM"),
        (contour(0.05, lambda x: np.where(x < 0.5, 50_000.0, 55_000.0)), "50-kHz step"),
        (contour(0.05, lambda x: np.where(x < 0.5, 50_000.0, 54_990.0)), "50-kHz flat"),
        (contour(0.05, lambda x: 60_000 + 4_000 * np.sin(2 * np.pi * 1.4 * x)), "50-kHz FM"),
        (contour(0.18, lambda x: 60_000 + 4_000 * np.sin(2 * np.pi * 4 * x)), "50-kHz FM"),
        (contour(0.06, lambda x: np.where(np.round(6 * x) % 2 == 0, 50_000.0, 56_000.0)), "50-kHz trill"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_borders_of_the_types_are_where_the_rules_put_them(call, kind):
    """0.3 s; 0.15 s; 5 kHz between the 5th and 95th percentile; a jump of 5 kHz; three turns 20 ms apart."""
    assert call_type(*call) == kind


def test_jumps_are_what_the_step_rule_counts():
    assert jumps(np.array([50.0, 55, 55, 49, 52, 60]) * 1e3).tolist() == [0, 2, 4]
    assert len(jumps(np.full(9, 60_000.0))) == len(jumps(np.full(1, 60_000.0))) == 0


def test_a_call_of_one_point_has_a_type():
    assert call_type(np.zeros(1), np.full(1, 60_000.0), 0.004) == "50-kHz flat"


def test_small_wobbles_are_no_turns():
    wobble = 60_000 + 900 * np.sin(np.arange(200))
    assert turning_points(wobble) == []
    hz = np.array([50, 55, 50, 55, 50]) * 1e3
    assert turning_points(hz) == [1, 2, 3]
