"""The figures' common look: series told apart, a place for 0 on a log axis, plain numbers, nothing for nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.assays import canvas


def labels(axis, which="x"):
    axis.figure.draw_without_rendering()
    low, high = axis.get_xlim() if which == "x" else axis.get_ylim()
    line = axis.xaxis if which == "x" else axis.yaxis
    return {
        round(float(at), 9): text.get_text()
        for at, text in zip(line.get_majorticklocs(), line.get_majorticklabels(), strict=True)
        if low <= at <= high and text.get_text()
    }


def with_doses(doses):
    figure, (axis,) = canvas.panels(1)
    places = canvas.log_doses(axis, doses)
    axis.plot([places[d] for d in doses], [1.0] * len(doses), "o")
    return figure, axis, places


def test_eight_series_differ_in_colour_marker_and_dash():
    looks = [canvas.series(i) for i in range(8)]
    for what in ("colour", "marker", "dash"):
        assert len({str(getattr(look, what)) for look in looks}) == 8, what
    assert canvas.series(8) == looks[0]


@pytest.mark.parametrize(("qualifier", "marker"), [("", "D"), ("~", "D"), (">", ">"), (">=", ">"), ("<=", "<")])
def test_published_bounds_point_where_they_bound(qualifier, marker):
    assert canvas.published_marker(qualifier) == marker


@pytest.mark.parametrize(("n", "shape"), [(1, (1, 1)), (3, (1, 3)), (4, (2, 3)), (7, (3, 3))])
def test_panels_in_rows_with_the_spare_ones_hidden(n, shape):
    figure, axes = canvas.panels(n)
    assert len(axes) == n and len(figure.axes) == shape[0] * shape[1]
    assert [axis.get_visible() for axis in figure.axes] == [i < n for i in range(len(figure.axes))]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1e-4, 1e4), min_size=1, max_size=15, unique=True))
def test_zero_stands_left_of_every_dose_and_no_two_doses_share_a_place(doses):
    _, (axis,) = canvas.panels(1)
    places = canvas.log_doses(axis, [0.0, *doses])
    assert places[0.0] < min(doses)
    assert {dose: place for dose, place in places.items() if dose} == {dose: dose for dose in doses}
    assert min(doses) / places[0.0] <= 10**0.75 * 1.001
    assert "//" in {text.get_text() for text in axis.texts}


@pytest.mark.parametrize("doses", [[0, 1], [0, 0.1, 0.3, 1, 3], [0, 1, 10, 100, 1000]])
def test_few_doses_are_all_labelled_and_nothing_else(doses):
    _, axis, places = with_doses(doses)
    assert labels(axis) == {round(places[d], 9): f"{d:g}" for d in doses}


def test_of_many_doses_the_decades_are_labelled_and_0_at_its_own_place():
    doses = [0, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000]
    _, axis, places = with_doses(doses)
    assert labels(axis) == {round(places[0], 9): "0", 0.1: "0.1", 1: "1", 10: "10", 100: "100", 1000: "1000"}


def test_many_doses_without_0_have_no_0():
    _, axis, _ = with_doses([0.1, 0.3, 1, 3, 10, 30, 100, 300])
    assert "0" not in labels(axis).values() and "10" in labels(axis).values()
    assert not axis.texts


@pytest.mark.parametrize("doses", [[], [0.0], [5.0]])
def test_doses_that_make_no_axis_still_have_their_places(doses):
    _, _, places = with_doses(doses)
    assert set(doses) <= set(places) and all(place > 0 for place in places.values())


@pytest.mark.parametrize(
    ("ends", "wanted"),
    [((1, 5), {"1", "2", "3", "5"}), ((1, 100), {"1", "2", "5", "10", "50", "100"}), ((0.1, 1e5), {"0.1", "1000"})],
)
@pytest.mark.parametrize("which", ["x", "y"])
def test_log_axes_have_plain_numbers(ends, wanted, which):
    _, (axis,) = canvas.panels(1)
    axis.plot(ends, ends)
    canvas.plain_log(axis, which, ends)
    seen = set(labels(axis, which).values())
    assert wanted <= seen and not any("10^" in text or "$" in text for text in seen)


def test_headroom_is_a_share_above_the_data_only():
    _, (axis,) = canvas.panels(1)
    axis.set_ylim(10, 20)
    canvas.headroom(axis, 0.3)
    assert axis.get_ylim() == pytest.approx((10, 23))


def test_a_legend_only_where_there_is_something_to_name():
    _, (axis, other) = canvas.panels(2)
    axis.plot([1], [1])
    canvas.legend(axis)
    assert axis.get_legend() is None
    canvas.errorbars(other, [1, 2], [1, 2], [0.1, None], canvas.series(1), "named")
    canvas.legend(other, loc="upper left")
    assert [text.get_text() for text in other.get_legend().get_texts()] == ["named"]


def test_error_bars_are_as_long_as_their_spread_and_missing_ones_nothing():
    _, (axis,) = canvas.panels(1)
    canvas.errorbars(axis, [1, 2], [5.0, 7.0], [0.5, None], canvas.series(0))
    (bars,) = axis.containers[0].lines[2]
    heights = [np.ptp(segment[:, 1]) for segment in bars.get_segments()]
    assert heights == pytest.approx([1.0, 0.0])
