"""What the apparatus sounded, once, however much of it at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from behavior.model import commands as c
from behavior.model import events as e
from behavior.scoring.artefacts import Artefact, artefacts, covered_us
from behavior.scoring.finish import known_events
from behavior.scoring.timeline import timeline_of
from scoring.sessions import S, journal

SOUNDS = journal(
    e.RecordingStarted(S, "audio.flac", 250_000),
    c.Shock(1, 0.4, 0.5),
    e.ShockEnded(5 * S, 1, S // 2, 0.4, "duration"),
    e.LeverPressed(8 * S, "left"),
    c.Deliver(1),
    e.Delivered(8 * S + 300_000, 1),
    c.Deliver(2),
)


def test_shocks_levers_and_the_feeder_sound() -> None:
    assert artefacts(timeline_of(SOUNDS)) == [
        Artefact("shock", 4_500_000, 5_000_000),
        Artefact("feeder", 7_700_000, 8_300_000),
        Artefact("lever", 8_000_000, 8_050_000),
    ]


def test_the_detector_is_told_in_seconds_of_the_recording() -> None:
    found = [(event.kind, event.start_s, event.stop_s) for event in known_events(SOUNDS)]
    assert found == [("shock", 3.5, 4.0), ("feeder", 6.7, 7.3), ("lever", 7.0, 7.05)]


def test_time_that_lies_in_two_counts_once() -> None:
    assert covered_us(timeline_of(SOUNDS), 0, 20 * S) == 1_100_000
    assert covered_us(timeline_of(SOUNDS), 4_900_000, 7_800_000) == 200_000
    assert covered_us(timeline_of(SOUNDS), 9 * S, 20 * S) == 0


@given(st.lists(st.integers(0, 400), max_size=12), st.integers(0, 200), st.integers(200, 400))
def test_what_is_covered_is_what_any_sound_covers(presses_ms: list[int], begin_ms: int, end_ms: int) -> None:
    timeline = timeline_of(journal(*[e.LeverPressed(at * 1000, "left") for at in presses_ms]))
    brute = sum(any(at <= ms < at + 50 for at in presses_ms) for ms in range(begin_ms, end_ms))
    assert covered_us(timeline, begin_ms * 1000, end_ms * 1000) == brute * 1000
