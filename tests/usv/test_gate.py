from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.audio.spectrogram import FrameGrid
from behavior.model.errors import BadFile
from behavior.simulate.acoustics import Artefact, PlannedCall, Soundscape
from behavior.usv.contour import LEAD, Contour
from behavior.usv.detect import Detector
from behavior.usv.gate import Gate, KnownEvent, Rejected, clicks_in, known_with, read_events, set_off_anew
from behavior.usv.profile import load_profile

GRID = FrameGrid.at(250_000)
PROFILE = load_profile("rat")


def contour(n=100, start=1000, *, level=20.0, fall=0.0, click=None, base=0.0, rivals=0.0, heard=0.0, hz_per_frame=0.0):
    """`n` frames at `level` dB, falling by `fall` dB a frame, with a click at frame `click`."""
    ridge = np.full(n, level) - fall * np.arange(n)
    loud = np.full(n + LEAD, base)
    if click is not None:
        loud[LEAD + click : LEAD + click + 3] = 20.0
    audible = np.where(np.arange(n + LEAD) >= LEAD, heard, 0.0)
    bins = 20.0 + hz_per_frame / GRID.bin_hz * np.arange(n)
    return Contour(start, start + n, float(ridge.max()), bins, ridge, ridge.copy(), np.full(n, rivals), audible, loud)


def reason(sound: Contour, events=()) -> str | None:
    return Gate(PROFILE, GRID, events).of_contour(sound)


def test_a_clean_contour_passes():
    assert reason(contour()) is None


@pytest.mark.parametrize(
    ("sound", "why"),
    [
        (contour(20, click=0), "ringing after a click"),
        (contour(20, heard=30.0), "ringing after a click"),
        (contour(100, fall=0.1, click=0), "ringing after a click"),
        (contour(400, level=9.0, base=9.0), "texture of broadband noise"),
        (contour(rivals=6.0), "one of many ridges"),
        (contour(8000), "steady tone"),
        (contour(10, level=4.6), ""),
    ],
    ids=["short, at a click", "short, with a thud", "dying away", "weak in noise", "harmonics", "endless", "noise"],
)
def test_what_is_no_call_is_told_by_its_shape(sound, why):
    assert reason(sound) == why


@pytest.mark.parametrize(
    "sound",
    [
        contour(400, click=0),
        contour(100, click=50),
        contour(100, click=0, hz_per_frame=40),
        contour(100, level=20.0, base=9.0),
    ],
    ids=["long, at a click", "a click within", "sweeping, at a click", "strong in noise"],
)
def test_calls_among_noises_pass(sound):
    assert reason(sound) is None


def test_most_of_a_brief_contour_within_a_known_event_is_enough():
    """One that outlasts what a click rings, strongly and without a break, is left to the other rules."""
    sound = contour(20)
    start_s = GRID.onset_s(sound.start)
    assert reason(sound, [KnownEvent("lever", start_s, start_s + 0.012)]) == "during lever"
    assert reason(sound, [KnownEvent("lever", start_s + 1, start_s + 1.012)]) is None
    amid = [KnownEvent("shock", start_s - 1, start_s + 5)]
    assert reason(contour(400), amid) is None
    assert reason(contour(60), amid) is None
    assert reason(contour(60, level=6.0), amid) == "during shock"


@pytest.mark.parametrize(("between_db", "why"), [(4.0, None), (1.0, "")])
def test_what_has_few_points_is_scattered_noise_unless_it_is_faintly_there_between_them(between_db, why):
    sound = wobbling(400)
    ridge, excess = sound.ridge.copy(), sound.excess.copy()
    ridge[100:300], excess[100:300] = np.nan, between_db
    assert reason(dataclasses.replace(sound, ridge=ridge, excess=excess)) == why


def test_a_click_that_makes_it_louder_cuts_a_contour():
    ridge = np.where(np.arange(100) < 50, 10.0, 30.0)
    loud = np.zeros(100 + LEAD)
    loud[LEAD + 48 : LEAD + 50] = 20.0
    sound = Contour(0, 100, 30.0, np.full(100, 9.0), ridge, ridge, np.zeros(100), np.zeros(100 + LEAD), loud)
    assert set_off_anew(sound) == [48]
    parts = sound.cut([48])
    assert [(part.start, part.stop, part.strongest) for part in parts] == [(0, 48, 10.0), (48, 100, 30.0)]
    assert [len(part.base) - LEAD for part in parts] == [48, 52]


def test_noise_before_a_hole_is_trimmed_and_a_part_of_the_call_is_not():
    for before_db, start in ((5.0, 10), (12.0, 0)):
        ridge = np.full(60, 15.0)
        ridge[:2], ridge[2:10] = before_db, np.nan
        sound = Contour(0, 60, 15.0, np.full(60, 9.0), ridge, ridge, np.zeros(60), np.zeros(72), np.zeros(72))
        assert sound.trimmed(4.4, 2.5).start == start


def test_events_are_read_in_order_and_problems_come_all_at_once(tmp_path):
    table = tmp_path / "events.csv"
    table.write_text("kind,start_s,stop_s\nlever,2,2.1\nshock,1,1.5\n")
    assert [event.kind for event in read_events(table)] == ["shock", "lever"]
    table.write_text("kind,start_s,stop_s\nlever,x,2.1\nshock,3,1.5\n")
    with pytest.raises(BadFile) as error:
        read_events(table)
    assert [problem.key for problem in error.value.problems] == ["line 2", "line 3"]
    table.write_text("kind,start_s\n")
    with pytest.raises(BadFile, match="stop_s"):
        read_events(table)


def wobbling(n, start=1000, **options):
    """A contour of `n` frames whose pitch moves by 600 Hz, as a larynx's does."""
    plain = contour(n, start, **options)
    return dataclasses.replace(plain, bins=plain.bins + 300 / GRID.bin_hz * np.sin(np.arange(n) / 200))


@pytest.mark.parametrize(("seconds", "why"), [(0.9, None), (1.1, "steady tone"), (3.0, "steady tone")])
def test_a_pitch_held_for_a_second_as_no_larynx_can_is_a_tone(seconds, why):
    n = round(seconds / GRID.frame_s)
    assert reason(contour(n)) == why
    assert reason(wobbling(n)) is None


@pytest.mark.parametrize(
    ("apart", "bins_off", "why"),
    [(0, 0.0, "steady tone"), (150, 1.0, "steady tone"), (250, 0.0, None), (0, 2.5, None), (-20, 0.0, "steady tone")],
)
def test_what_goes_on_where_a_tone_was_cut_is_the_tone(apart, bins_off, why):
    gate = Gate(PROFILE, GRID)
    tone = wobbling(8000)
    assert gate.of_contour(tone) == "steady tone"
    rest = wobbling(500, tone.stop + apart)
    rest = dataclasses.replace(rest, bins=rest.bins - rest.bins[0] + tone.bins[-1] + bins_off)
    assert gate.of_contour(rest) == why


def test_the_remainder_of_a_remainder_is_the_tone_too():
    gate, end = Gate(PROFILE, GRID), 0
    for n in (8000, 900, 700):
        assert gate.of_contour(dataclasses.replace(wobbling(n, end), bins=np.full(n, 20.0))) == "steady tone"
        end += n


def with_train(n=900, every=16, first=0, last=None):
    """A contour with a click of three frames every so often."""
    sound = wobbling(n)
    loud = np.zeros(n + LEAD)
    for at in range(first, n if last is None else last, every):
        loud[LEAD + at : LEAD + at + 3] = 20.0
    return dataclasses.replace(sound, base=loud)


@pytest.mark.parametrize(
    ("sound", "why"),
    [
        (with_train(), "whine along a train of clicks"),
        (with_train(first=-5), "whine along a train of clicks"),
        (with_train(every=33), "whine along a train of clicks"),
        (with_train(last=700), None),
        (with_train(first=100), None),
        (with_train(first=-40), None),
        (with_train(every=60), None),
        (with_train(n=180), None),
    ],
    ids=[
        "all along",
        "a little before",
        "60 a second",
        "outlasts it",
        "before it",
        "amid it",
        "single clicks",
        "short",
    ],
)
def test_what_sounds_exactly_as_long_as_clicks_follow_each_other_is_their_source(sound, why):
    assert reason(sound) == why


def test_a_long_sound_that_begins_or_ends_with_a_known_event_within_it_is_its_own():
    sound = wobbling(900)
    start_s, stop_s = GRID.onset_s(sound.start), GRID.onset_s(sound.stop)
    during = lambda low, high: reason(sound, [KnownEvent("shock", low, high)])  # noqa: E731
    assert during(start_s, stop_s) == "during shock"
    assert during(start_s - 0.1, stop_s + 0.01) == "during shock"
    assert during(start_s - 0.01, stop_s + 0.1) == "during shock"
    assert during(start_s - 0.1, stop_s + 0.1) is None, "a call amid a shock"
    assert during(start_s, stop_s - 0.1) is None, "a call that outlasts it"
    assert during(start_s + 0.1, stop_s) is None, "a call that was there before"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 2)), max_size=12),
    st.integers(0, 9000),
    st.integers(12, 280),
)
def test_the_search_for_an_event_leaves_none_out(pairs, start, n):
    """Against a plain look at every event, for contours that are short enough for the rule of the share."""
    events = [KnownEvent("lever", at, at + long) for at, long in pairs]
    sound = wobbling(n, start, level=5.2)
    low, high = GRID.onset_s(start), GRID.onset_s(start + n)
    shares = [min(high, e.stop_s + 0.015) - max(low, e.start_s - 0.005) for e in events if e.start_s <= high]
    expected = any(share > 0.6 * (high - low) + 1e-9 for share in shares)
    edge = any(min(abs(low - e.start_s), abs(high - e.stop_s)) < 0.02 for e in events)
    if not edge:
        assert (reason(sound, events) == "during lever") is expected


@pytest.mark.parametrize("events_first", [True, False])
def test_the_first_rule_that_holds_gives_the_reason(events_first):
    sound = contour(20, click=0)
    events = [KnownEvent("feeder", 0, 100)] if events_first else []
    assert reason(sound, events) == ("during feeder" if events_first else "ringing after a click")


@pytest.mark.parametrize(
    ("contours", "why"),
    [
        ([contour(30)], None),
        ([contour(7)], ""),
        ([contour(200, level=6.5)], ""),
        ([contour(8, level=8.0)], ""),
        ([contour(8, level=8.0), contour(8, 1020, level=8.0)], ""),
        ([contour(8, level=8.0), contour(30, 1020, level=8.0)], None),
    ],
    ids=["strong", "too short", "never strong", "little evidence", "little evidence twice", "one part is enough"],
)
def test_a_call_needs_length_strength_and_evidence_in_one_part(contours, why):
    assert Gate(PROFILE, GRID).of_call(contours) == why


def test_clicks_are_where_the_level_rises_and_not_where_it_stays():
    base = np.zeros(60)
    base[20:40] = 10.0
    base[45:47] = 10.0
    assert clicks_in(base).tolist() == [20, 45]
    assert clicks_in(np.linspace(0, 12, 60)).tolist() == [], "a slow rise is none"
    assert clicks_in(np.full(10, 9.0)).tolist() == [0]


def test_what_was_rejected_tells_its_place_in_seconds_and_hertz():
    sound = dataclasses.replace(contour(100, 50), bins=np.linspace(3, 13, 100))
    rejected = Rejected.of([sound, contour(10, 200)], "a reason", GRID, 37, "a.wav")
    assert rejected.onset_s == pytest.approx((50 * 128 + 192) / 250_000)
    assert rejected.offset_s == pytest.approx((210 * 128 + 192) / 250_000)
    assert rejected.low_hz == pytest.approx(40 * 250_000 / 512)
    assert rejected.high_hz == pytest.approx(57 * 250_000 / 512)
    assert (rejected.score, rejected.reason, rejected.file) == (20.0, "a reason", "a.wav")


@pytest.mark.parametrize("time", ["nan", "inf", "-inf", "", "1,5", "soon"])
def test_times_of_events_must_be_numbers(tmp_path, time):
    table = tmp_path / "events.csv"
    table.write_text(f'kind,start_s,stop_s\nlever,"{time}",9\n')
    with pytest.raises(BadFile, match="must be numbers"):
        read_events(table)


def test_a_table_of_events_from_a_spreadsheet_is_read(tmp_path):
    """With a byte-order mark, Windows' line ends and a column more."""
    table = tmp_path / "events.csv"
    table.write_bytes("\ufeffkind,start_s,stop_s,note\r\nlever,1,2,äh\r\n".encode())
    assert read_events(table) == [KnownEvent("lever", 1.0, 2.0)]


@pytest.mark.parametrize(("over_floor", "why"), [(20.0, None), (15.0, None), (13.0, "skirt of a stronger sound")])
def test_a_ridge_that_is_stronger_than_what_is_there_is_borrowed(over_floor, why):
    """A mean along a slope cannot exceed the level over the floor, unless a stronger neighbour reaches into it."""
    sound = contour(100, level=20.0)
    assert reason(dataclasses.replace(sound, excess=np.full(100, over_floor))) == why


def test_events_that_are_told_as_they_happen_are_those_known_before():
    """Each is told when the sound has come to its beginning: a lever's before anything of it is worked out."""
    artefacts = [Artefact("lever", 0.9 + 0.35 * k, 0.05) for k in range(12)] + [Artefact("feeder", 2.2, 0.4)]
    artefacts.append(Artefact("shock", 4.0, 0.5))
    calls = [PlannedCall(1.5, 0.6), PlannedCall(3.0, 0.05, "50-kHz"), PlannedCall(3.9, 0.8)]
    sound = np.concatenate(list(Soundscape(250_000, 6.0, 9, calls, artefacts).blocks()))
    events = sorted(
        (KnownEvent(a.kind, a.onset_s, a.onset_s + a.duration_s) for a in artefacts), key=lambda e: e.start_s
    )
    before, after = Detector(load_profile("rat"), 250_000, events=events), Detector(load_profile("rat"), 250_000)
    known, found = before.push(sound) + before.flush(), []
    for first in range(0, len(sound), 10_000):
        while events and events[0].start_s < (first + 10_000) / 250_000:
            event = events.pop(0)
            after.know(KnownEvent(event.kind, event.start_s, event.stop_s + 0.04))
            after.know(event)
        found += after.push(sound[first : first + 10_000])
    assert found + after.flush() == known
    assert after.rejected == before.rejected
    assert any(one.reason.startswith("during") for one in after.rejected)


def test_what_is_long_past_is_forgotten_and_an_end_is_corrected():
    events = [KnownEvent("shock", 1.0, 31.0)]
    events = known_with(events, KnownEvent("shock", 1.0, 1.5))
    assert events == [KnownEvent("shock", 1.0, 1.5)]
    events = known_with(events, KnownEvent("lever", 0.5, 0.6))
    assert [event.start_s for event in events] == [0.5, 1.0]
    assert known_with(events, KnownEvent("lever", 70.0, 70.1)) == [KnownEvent("lever", 70.0, 70.1)]


@pytest.mark.parametrize(("n", "level", "could"), [(100, 20.0, True), (100, 7.0, False), (2, 20.0, False)])
def test_what_could_be_a_call_has_its_ridge_and_its_evidence(n, level, could):
    assert Gate(PROFILE, GRID).could_be_call(contour(n, level=level)) is could


def tone_and_another(multiple, *, off=0.0, first=0, n=400):
    """A gate that rejected a whine of 0.5 s at bin 50, and another sound at a multiple of its frequency."""
    gate = Gate(PROFILE, GRID, lowest_bin=30)
    whine = dataclasses.replace(contour(1000), bins=np.full(1000, 20.0), base=train_of_clicks(1000))
    assert gate.of_contour(whine) == "whine along a train of clicks"
    return gate.is_overtone(
        dataclasses.replace(contour(n, start=1000 + first), bins=np.full(n, 50.0 * multiple - 30 + off))
    )


def train_of_clicks(n, every=16):
    base = np.zeros(n + LEAD)
    for at in range(LEAD, n + LEAD, every):
        base[at : at + 2] = 20.0
    return base


@pytest.mark.parametrize(
    ("multiple", "off", "first", "is_one"),
    [
        (2, 0.0, 0, True), (3, 1.5, 100, True), (3, 2.5, 100, False), (2.5, 0.0, 0, False), (1, 0.0, 0, False),
        (3, 0.0, 700, False),
    ],
    ids=["twice", "thrice, nearly", "not nearly", "between", "the same", "most of it after the whine"],
)  # fmt: skip
def test_what_runs_along_at_a_multiple_of_a_whine_is_its_overtone(multiple, off, first, is_one):
    assert tone_and_another(multiple, off=off, first=first) is is_one


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-4, 40).map(float), max_size=40))
def test_a_click_is_where_the_broadband_level_rises_to_it_within_four_frames(base):
    """Six decibels, and six more than four frames before; the first frame of each rise."""
    rises = [level > 6 and level - (base[i - 4] if i >= 4 else 0.0) > 6 for i, level in enumerate(base)]
    expected = [i for i, here in enumerate(rises) if here and not (i and rises[i - 1])]
    assert clicks_in(np.array(base)).tolist() == expected
