"""Figures: the same bytes for the same data, nothing of the machine in them, and what they draw is the data."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.study.dataset import Dataset, read_dataset
from behavior.summary.drawing import INK, PAPER, inline, save, style, svg_of, swarm
from behavior.summary.ed50 import Ed50
from behavior.summary.figures import DoseAxis, dose_response, estimation, side_by_side, still_waiting
from behavior.summary.per_dose import ArmSummary, summarize_arms
from behavior.summary.session_figures import (
    call_rates,
    calls_raster,
    cumulative_records,
    responses_raster,
    typical_sessions,
)
from behavior.summary.wording import significant
from study.datasets import write_conflict, write_vocalization

CLEAR = {0.0: [19, 20, 21], 0.3: [18, 19, 20], 1.0: [14, 15, 16], 3.0: [8, 9, 10], 10.0: [3, 4, 5], 30.0: [1, 2, 3]}
TIMES = {0.0: [20.0, 15.0, 12.0, 18.0], 1.0: [10.0, 0.0, 8.0, 7.0], 10.0: [0.0, 0.0, 0.5, 0.0]}


@pytest.fixture(scope="module")
def conflict(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, ArmSummary]:
    dataset = read_dataset(write_conflict(tmp_path_factory.mktemp("conflict") / "data", CLEAR))
    return dataset, summarize_arms(dataset)[0]


@pytest.fixture(scope="module")
def vocalization(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, ArmSummary]:
    dataset = read_dataset(write_vocalization(tmp_path_factory.mktemp("vocalization") / "data", TIMES))
    return dataset, summarize_arms(dataset)[0]


def drawn_points(axes) -> set[tuple[float, float]]:
    return {
        (round(float(x), 6), round(float(y), 6))
        for line in axes.get_lines()
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }


def test_every_animal_and_every_mean_is_drawn(conflict) -> None:
    endpoint = conflict[1].primary
    (axes,) = dose_response(endpoint).axes
    heights = {y for _, y in drawn_points(axes)}
    assert {round(float(value), 6) for values in CLEAR.values() for value in values} <= heights
    assert {round(float(np.mean(values)), 6) for values in CLEAR.values()} <= heights
    assert [label.get_text() for label in axes.get_xticklabels()][:2] == ["vehicle\nn = 3", "0.3\n3"]
    assert axes.get_ylabel() == "Punished responses (1/min)"


def test_the_ed50_is_marked_where_it_lies(conflict) -> None:
    endpoint = conflict[1].primary
    assert isinstance(endpoint.ed50, Ed50)
    (axes,) = dose_response(endpoint).axes
    at = round(float(np.log10(endpoint.ed50.estimate)), 6)
    assert at in {x for x, _ in drawn_points(axes)}
    assert f"ED50 {significant(endpoint.ed50.estimate, 2)} mg/kg [" in axes.get_title(loc="left")


def test_without_an_ed50_there_is_no_curve(vocalization) -> None:
    (axes,) = dose_response(vocalization[1].primary).axes
    assert axes.get_title(loc="left") == ""
    assert max(len(line.get_xdata()) for line in axes.get_lines()) < 20


def test_differences_stand_with_their_intervals_and_p(conflict) -> None:
    endpoint = conflict[1].primary
    (axes,) = estimation(endpoint).axes
    points = drawn_points(axes)
    for place, row in enumerate(endpoint.rows[1:]):
        against = row.against
        for value in (against.estimate, against.lo, against.hi):
            assert (float(place), round(value, 6)) in points
    assert [text.get_text() for text in axes.texts][-2:] == ["< 0.001", "p"]


def test_ranks_are_shown_as_cliffs_delta(vocalization) -> None:
    (axes,) = estimation(vocalization[1].primary).axes
    assert axes.get_ylabel() == "Cliff's δ"
    assert axes.get_ylim() == pytest.approx((-1.08, 1.08))


def test_rats_that_did_not_call_stand_on_the_cut_off(vocalization) -> None:
    latency = vocalization[1].endpoints[2]
    (axes,) = dose_response(latency).axes
    triangles = [line for line in axes.get_lines() if line.get_marker() == "^" and len(line.get_xdata())]
    assert sum(len(line.get_xdata()) for line in triangles) == 4
    assert all(np.allclose(line.get_ydata(), 60.0) for line in triangles)


def test_kaplan_meier_curves_end_at_the_share_that_did_not_call(vocalization) -> None:
    latency = vocalization[1].endpoints[2]
    figure = still_waiting(latency)
    (axes,) = figure.axes
    steps = [line for line in axes.get_lines() if line.get_marker() in ("None", "", None)]
    ends = [float(line.get_ydata()[-1]) for line in steps]
    assert ends == [sum(time == 0 for time in times) / 4 for times in TIMES.values()]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["vehicle", "1 mg/kg", "10 mg/kg"]


def test_punished_and_unpunished_begin_at_100_percent(conflict) -> None:
    (axes,) = side_by_side(conflict[1], ["punished_rate_per_min", "unpunished_rate_per_min"]).axes
    assert {y for _, y in drawn_points(axes)} >= {100.0}
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "Punished responses",
        "Unpunished responses",
    ]


def test_a_typical_session_is_the_nearest_to_the_median(conflict) -> None:
    examples = typical_sessions(*conflict)
    assert [example.dose_mg_kg for example in examples] == list(CLEAR)
    by_subject = conflict[0].sessions.set_index("subject")["punished_rate_per_min"]
    assert [by_subject[example.subject] for example in examples] == [np.median(v) for v in CLEAR.values()]


def test_a_cumulative_record_ends_at_the_number_of_responses(conflict) -> None:
    examples = typical_sessions(*conflict)[:2]
    figure = cumulative_records(examples)
    for axes, example in zip(figure.axes, examples, strict=True):
        record = max(axes.get_lines(), key=lambda line: len(line.get_xdata()))
        assert record.get_ydata()[-1] == len(example.timeline.presses) == 3
        assert next(line for line in axes.get_lines() if line.get_marker() == "^").get_xdata() == pytest.approx(
            [11 / 60]
        )
        assert len(axes.patches) == 1  # the punished component


def test_an_unreadable_journal_makes_way_for_the_next_nearest(conflict, tmp_path: Path) -> None:
    dataset = read_dataset(write_conflict(tmp_path / "data", CLEAR))
    (arm,) = summarize_arms(dataset)
    first = typical_sessions(dataset, arm)[0]
    (dataset.folder(first.session) / "journal.jsonl").unlink()
    assert typical_sessions(dataset, arm)[0].subject != first.subject


def test_every_rat_has_a_row_of_calls_whether_it_called_or_not(vocalization) -> None:
    dataset, _ = vocalization
    figure = calls_raster(dataset.rows["calls"], dataset.analysed, 60.0)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"R{n:02d}" for n in range(1, 13)]
    bars = [path.get_extents() for bar in axes.collections for path in bar.get_paths()]
    assert sum(extent.width for extent in bars) == pytest.approx(sum(sum(times) for times in TIMES.values()))


def test_equal_data_give_equal_bytes_whatever_the_settings_of_the_machine(conflict, tmp_path: Path) -> None:
    figures = [dose_response(conflict[1].primary)]
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red", "svg.hashsalt": "other"}):
        figures.append(dose_response(conflict[1].primary))
        texts = [svg_of(figure) for figure in figures]
        for name, text, figure in zip("ab", texts, figures, strict=True):
            save(text, figure, tmp_path / name)
    assert texts[0] == texts[1]
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert "<dc:date>" not in texts[0]


def test_dots_in_a_name_stay(conflict, tmp_path: Path) -> None:
    figure = dose_response(conflict[1].primary)
    save(svg_of(figure), figure, tmp_path / "arm-v1.5-dose")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arm-v1.5-dose.png", "arm-v1.5-dose.svg"]


def test_style_leaves_no_trace() -> None:
    before = dict(mpl.rcParams)
    with style():
        assert mpl.rcParams["svg.hashsalt"] == "behavior"
    assert dict(mpl.rcParams) == before


def test_an_inlined_figure_is_wellformed_labelled_and_keeps_to_itself(conflict) -> None:
    svg = svg_of(dose_response(conflict[1].primary))
    one, other = (inline(svg, name, 'rate by "dose" & more') for name in ("figure-1", "figure-2"))
    root = ET.fromstring(one)
    assert root.get("aria-label") == 'rate by "dose" & more'
    ids = set(re.findall(r'\bid="([^"]+)"', one))
    assert ids
    assert not ids & set(re.findall(r'\bid="([^"]+)"', other))
    assert set(re.findall(r'href="#([^"]+)"', one)) | set(re.findall(r"url\(#([^)]+)\)", one)) <= ids
    assert INK not in one and PAPER not in one and "var(--ink)" in one
    assert re.findall(r"#[0-9a-f]{6}\b", one) == []
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", one)


@given(st.lists(st.floats(0, 100), max_size=20))
def test_in_a_swarm_nobody_touches_and_nobody_moves_up(values: list[float]) -> None:
    offsets = swarm(values, height=2.0, width=1.0)
    assert len(offsets) == len(values)
    placed = list(zip(values, offsets, strict=True))
    for i, (y, x) in enumerate(placed):
        assert x <= 0
        for other_y, other_x in placed[i + 1 :]:
            assert abs(y - other_y) >= 2.0 or x != other_x


@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=6, unique=True))
def test_doses_keep_their_order_with_vehicle_left_of_all(doses: list[float]) -> None:
    axis = DoseAxis((0.0, *sorted(doses)))
    places = [axis.at(dose) for dose in axis.doses]
    assert places == sorted(places)
    lo, hi = axis.limits()
    assert lo < places[0] and places[-1] < hi


def test_a_raster_of_many_sessions_fits_a_page() -> None:
    for n in (10, 400):
        names = [f"S{i}" for i in range(n)]
        sessions = pd.DataFrame(
            {"session": names, "subject": names, "dose_mg_kg": [float(i % 4) for i in range(n)], "duration_s": 600.0}
        )
        figure = responses_raster({name: [1.0, 300.0] for name in names}, sessions)
        assert figure.get_size_inches()[1] < 10
        figure.draw_without_rendering()
        assert len(figure.axes[0].get_yticks()) == (n if n == 10 else 0)


def test_calling_over_time_is_the_mean_of_units_in_each_bin() -> None:
    sessions = pd.DataFrame(
        {"session": ["a", "b"], "subject": ["R1", "R2"], "unit": ["R1", "R2"], "dose_mg_kg": [0.0, 0.0]}
    )
    bins = pd.DataFrame(
        {
            "session": ["a", "a", "b", "b"],
            "begin_s": [0, 60] * 2,
            "time_s": [60.0] * 4,
            "calling_time_s": [30, 0, 6, 12],
        }
    )
    figure = call_rates(bins, sessions)
    line = figure.axes[0].lines[0]
    assert list(line.get_xdata()) == [30.0, 90.0]
    assert list(line.get_ydata()) == pytest.approx([30.0, 10.0])
