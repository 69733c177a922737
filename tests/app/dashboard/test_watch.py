"""What a screen knows while a session runs is what its score says when it is over."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from behavior.app.dashboard.watch import MOST_EVENTS, Watch
from behavior.model import commands as c
from behavior.model import events as e
from behavior.scoring.score import Score, score_items
from behavior.session.journal import Item
from paradigms.short import WAYS, way
from session.recorded import header_of


def watched(items: list[Item], **changes: Any) -> Watch:
    watch = Watch(header_of(**changes))
    for item in items:
        watch.take(item, watch.now_us)
    return watch


@pytest.fixture(scope="module", params=WAYS)
def both(request: pytest.FixtureRequest) -> tuple[Watch, Score]:
    """A session of every way to run every paradigm, watched as it ran and scored when it was over."""
    name, parameters = WAYS[request.param]
    items = way(request.param).journal()
    watch = watched(items, paradigm=name, parameters=parameters)
    return watch, score_items(name, items, watch.header.parameters)


def test_counts_and_the_end_are_those_of_the_score(both: tuple[Watch, Score]) -> None:
    watch, score = both
    assert watch.ended == score.session["end_reason"]
    assert watch.n_shocks == score.session["n_shocks_commanded"]
    assert watch.n_shocks_ended == score.session["n_shocks_delivered"] + score.session["n_shocks_invalid"]
    assert watch.n_arrived == score.session["n_deliveries"]
    assert watch.n_responses == sum(row["kind"] in ("press", "crossing") for row in score.responses)
    assert watch.shock_on_ma is None and watch.cues == set() and not watch.recording


def test_components_have_the_responses_and_the_time_of_the_score(both: tuple[Watch, Score]) -> None:
    watch, score = both
    n, time_s = Counter[Any](), Counter[Any]()
    for row in score.rows if score.rows_name == "components" else ():
        n[row["component"]] += int(row["n_presses"] or 0)
        time_s[row["component"]] += float(row["time_s"] or 0)
    for name in time_s:
        part = watch.parts[str(name)]
        assert part.n_responses == n[name]
        assert part.time_us / 1e6 == pytest.approx(time_s[name])
        assert part.rate_per_min(watch.now_us) == pytest.approx(n[name] * 60 / time_s[name])


def test_trials_have_the_outcomes_and_latencies_of_the_score(both: tuple[Watch, Score]) -> None:
    watch, score = both
    for trial in watch.trials:
        (row,) = (row for row in score.rows if row["trial"] == trial.number)
        assert trial.at_s == row["begin_s"]
        if "outcome" in row:
            assert trial.outcome == row["outcome"]
            assert trial.latency_s == (row["latency_cs_s"] if row["latency_us_s"] is None else row["latency_us_s"])
    judged = [row for row in score.rows if row.get("outcome") or row.get("escaped") is not None]
    assert len(watch.trials) >= len(judged)
    if "n_failures" in score.session:
        tally = watch.tally
        assert tally["failure"] == score.session["n_failures"]
        assert tally["escape"] == score.session["n_escapes"]
        assert tally["avoidance"] == score.session["n_avoidances"]


def test_escapes_are_a_share_of_escapes_and_failures() -> None:
    watch = watched([])
    assert watch.fraction_escapes() is None
    watch.tally.update({"avoidance": 5, "invalid": 2})
    assert watch.fraction_escapes() is None
    watch.tally.update({"escape": 3, "failure": 1})
    assert watch.fraction_escapes() == 0.75


def test_what_is_wrong_is_an_alert() -> None:
    watch = watched(
        [
            c.Shock(1, 0.4, 0.5),
            e.ShockStarted(1_000_000, 1),
            e.ShockEnded(1_500_000, 1, 500_000, 0.1, "completed"),
            e.LinkLost(2_000_000, "shocker-A"),
            e.Faulted(2_000_000, "operant-A", "jam"),
            c.Refuse("Shock", "more than 500 shocks"),
        ]
    )
    assert watch.alerts == [
        "shock 1: 0.10 mA measured of 0.40 mA asked",
        "link to shocker-A lost",
        "fault of operant-A: jam",
        "the guard refused: more than 500 shocks",
    ]
    assert watch.lost == {"shocker-A"}


def test_a_disturbed_wire_is_one_notice_a_device_that_counts_on_and_is_the_last() -> None:
    watch = watched(
        [
            e.Disturbed(12_000_000, "operant-A", 300_000, 4, 0),
            e.Disturbed(13_000_000, "shocker-A", 300_000, 4, 0),
            e.Disturbed(14_200_000, "operant-A", 900_000, 0, 1),
        ]
    )
    assert watch.alerts == [
        "the wire to shocker-A was disturbed at 13 s: responses of that time may be missing; look at its plug "
        "and cable",
        "the wire to operant-A was disturbed at 14 s, 2 times: responses of that time may be missing; look at its plug "
        "and cable",
    ]


def test_a_shock_through_which_current_flowed_only_in_part_is_an_alert() -> None:
    watch = watched([c.Shock(1, 0.4, 1.0), e.ShockEnded(1_500_000, 1, 1_000_000, None, "completed", 400_000)])
    assert watch.alerts == ["shock 1: current flowed for 0.40 s of 1.00 s"]


def test_a_shock_is_on_from_its_command_to_its_report() -> None:
    watch = watched([c.Shock(1, 0.4, 0.5)])
    assert watch.shock_on_ma == 0.4
    watch.take(e.ShockEnded(500_000, 1, 500_000, None, "completed"), 500_000)
    assert watch.shock_on_ma is None
    assert watch.last == "shock 1: not measured, 0.50 s"


def test_the_rate_of_the_last_minute_is_over_the_time_there_was() -> None:
    watch = watched([e.LeverPressed(at_s * 1_000_000, "left") for at_s in range(1, 31)])
    assert watch.recent_per_min(0) is None
    assert watch.recent_per_min(30_000_000) == 60
    assert watch.recent_per_min(80_000_000) == 10
    assert watch.recent_per_min(200_000_000) == 0


def test_a_raster_of_a_long_session_lets_the_oldest_go() -> None:
    watch = watched([])
    for at_us in range(MOST_EVENTS + 10):
        watch.take(e.HeadEntered(at_us), at_us)
    assert watch.n_events == MOST_EVENTS + 10
    assert MOST_EVENTS // 2 < len(watch.events) // 3 <= MOST_EVENTS
    assert list(watch.events[-3:]) == [MOST_EVENTS + 9, watch.lanes["head entry"], 1]


def test_a_journal_that_does_not_fit_together_breaks_nothing() -> None:
    watch = watched(
        [c.EndTrial(3), c.EndComponent("a"), c.BeginTrial(1), c.BeginTrial(2), e.ShockEnded(1, 7, 1, 0.1, "?")]
    )
    assert watch.trial == 2
