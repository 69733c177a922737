"""Decoder profiles: all seven encodings, exact times, nothing guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.config.read import read_text, validate
from behavior.config.shipped import shipped
from behavior.formats import medpc, pycontrol
from behavior.formats.decode import Decoded, DecodedSession, decode_rows, decode_session, items_of, tally
from behavior.formats.encode import as_events, numbers_of
from behavior.formats.medpc import MedPCSession, compose
from behavior.formats.profile import Profile, shipped_profile
from behavior.formats.template import template
from behavior.model.errors import BadFile
from behavior.scoring.timeline import timeline_of
from formats.test_medpc import HEADER

PRESS = {"event": "press", "name": "left"}
CODES = {"1": PRESS, "2": {"event": "delivery"}, "16": {"event": "head entry"}}
ENCODINGS: dict[str, dict[str, Any]] = {
    "one array per event, seconds": {"encoding": "times", "unit": "s", "event": PRESS},
    "companion arrays": {"encoding": "times beside codes", "codes_array": "E", "tick_s": 0.01},
    "TIME.CODE": {"encoding": "time.code", "code_digits": 3, "tick_s": 0.01},
    "ticks x 10000 + code": {"encoding": "time then code", "factor": 10_000, "tick_s": 0.002},
    "code x 10000 + seconds": {"encoding": "code then time", "factor": 10_000, "unit": "s"},
    "relative intervals": {"encoding": "times beside codes", "codes_array": "E", "tick_s": 0.01, "relative": True},
}


def profile_of(stream: dict[str, Any], **more: Any) -> Profile:
    codes = {} if stream["encoding"] in ("times", "counts") else {"codes": CODES}
    data = {"programs": ["PROGRAM"], "streams": [{"array": "D", **stream}], **codes, **more}
    return validate(data, Profile, file="profile.toml")


def session_of(variables: dict[str, float | Sequence[float]], decimals: int = 3, **header: str) -> MedPCSession:
    return compose("x", [({**HEADER, **header}, variables)], decimals=decimals).sessions[0]


def decoded(profile: Profile, **variables: float | Sequence[float]) -> DecodedSession:
    return decode_session(session_of(variables), profile, file="f.txt")


def times_s(session: DecodedSession) -> list[float]:
    return [one.at_us / 1e6 for one in session.events]


pairs = st.lists(st.tuples(st.integers(0, 3_599_000_000), st.sampled_from(sorted(CODES))), max_size=8).map(sorted)


@pytest.mark.parametrize("name", ENCODINGS)
@given(pairs=pairs)
def test_what_was_encoded_is_decoded(name: str, pairs: list[tuple[int, str]]) -> None:
    profile = profile_of({**ENCODINGS[name], "n_in": "G"})
    (stream,) = profile.streams
    coded = stream.encoding != "times"
    wanted = [(at_us, code if coded else "") for at_us, code in pairs]
    variables = numbers_of(stream, [(at_us, code or "1") for at_us, code in wanted])
    found = decoded(profile, **variables, G=float(len(pairs)))
    legend = profile.legend if coded else {"": profile.streams[0].event}
    expected = as_events(wanted, stream, legend)  # type: ignore[arg-type]
    if stream.relative:  # intervals are rounded once each, on one grid
        assert [replace(one, at_us=0) for one in found.events] == [replace(one, at_us=0) for one in expected]
        assert all(abs(a.at_us - b.at_us) <= 10_000 for a, b in zip(found.events, expected, strict=True))
    else:
        assert list(found.events) == expected


def test_counts_stay_counts_and_get_no_times() -> None:
    profile = profile_of({"encoding": "counts", "bin_s": 60, "event": PRESS})
    found = decoded(profile, D=[3.0, 0.0, 12.0, *[0.0] * 97])
    assert found.events == ()
    (counted,) = found.counts
    assert counted.counts[:3] == (3, 0, 12)
    assert len(counted.counts) == 60  # the session's hour; the empty cells after it are no bins
    notes = [item.text for item in items_of(found) if hasattr(item, "text")]
    assert notes[2] == "counted: press left, 12 from 120 to 180 s"


@pytest.mark.parametrize(
    ("text", "stream", "at_us", "code"),
    [
        ("30180.970", {"encoding": "code then time", "factor": 10_000, "unit": "s"}, 180_970_000, "3"),
        ("218500116", {"encoding": "time then code", "factor": 10_000, "tick_s": 0.002}, 43_700_000, "116"),
        ("661.016", {"encoding": "time.code", "code_digits": 3, "tick_s": 0.01}, 6_610_000, "16"),
        ("661.1", {"encoding": "time.code", "code_digits": 1, "tick_s": 0.01}, 6_610_000, "1"),
        ("98.450", {"encoding": "times", "unit": "s", "event": PRESS}, 98_450_000, ""),
        ("98.450", {"encoding": "times", "unit": "min", "event": PRESS}, 5_907_000_000, ""),
    ],
)
def test_numbers_worked_by_hand(text: str, stream: dict[str, Any], at_us: int, code: str) -> None:
    data = medpc.compose("x", [({**HEADER, "End Time": "23:00:00"}, {"D": [9.0]})]).text.replace(
        "9.000\r\n", f"{text}\r\n"
    )
    codes = {} if stream["encoding"] == "times" else {"codes": {code: PRESS}}
    profile = validate({"programs": ["P"], "streams": [{"array": "D", **stream}], **codes}, Profile, file="p")
    (one,) = decode_session(medpc.parse(data).sessions[0], profile, file="f").events
    assert (one.at_us, one.code) == (at_us, code)


# -- where an array ends ----------------------------------------------------------------------------------------------

SECONDS = {"encoding": "times", "unit": "s", "event": PRESS}


def test_an_array_that_was_not_sealed_is_not_trimmed_by_guess() -> None:
    variables = {"D": [0.0, 5.0, 7.0, *[0.0] * 9_731]}
    with pytest.raises(BadFile, match=r"D: ends in 9,731 zeros; .*add padding = \"zeros\" or n_in"):
        decoded(profile_of(SECONDS), **variables)
    assert times_s(decoded(profile_of({**SECONDS, "padding": "zeros"}), **variables)) == [0.0, 5.0, 7.0]
    assert times_s(decoded(profile_of({**SECONDS, "n_in": "G"}), **variables, G=2)) == [0.0, 5.0]
    assert times_s(decoded(profile_of({**SECONDS, "n_in": "A(1)"}), **variables, A=[9.0, 3.0])) == [0.0, 5.0, 7.0]


@pytest.mark.parametrize("decimals", [0, 1, 3])
def test_a_seal_ends_an_array_with_whatever_decimals(decimals: int) -> None:
    session = session_of({"D": [1.0, 2.0, -987.987, 0.0, 55.0]}, decimals=decimals)
    assert times_s(decode_session(session, profile_of(SECONDS), file="f")) == [1.0, 2.0]


def test_the_first_cell_can_be_left_out() -> None:
    assert times_s(decoded(profile_of({**SECONDS, "first": 1}), D=[99.0, 1.0, 2.0])) == [1.0, 2.0]


# -- checks -----------------------------------------------------------------------------------------------------------

COMPANION = ENCODINGS["companion arrays"]


@pytest.mark.parametrize(
    ("stream", "variables", "sentence"),
    [
        (SECONDS, {"D": [5.0, 4.0]}, "D: time goes back at index 1: 4 s follows 5 s"),
        (SECONDS, {"D": [-1.0]}, "D: time goes back at index 0"),
        (SECONDS, {"D": [5.0, 3_700.0]}, "its last event is at 3700 s, and the session ended at 3600 s; is the unit"),
        (SECONDS, {"E": [5.0]}, r"D: is no array of this session \(its arrays: E\)"),
        (SECONDS, {"D": 5.0}, "D: is no array of this session"),
        ({**SECONDS, "n_in": "G"}, {"D": [5.0], "G": 2}, "D: holds 1 numbers, and G says 2.000; was the file cut?"),
        ({**SECONDS, "n_in": "A(4)"}, {"D": [5.0], "A": [1.0]}, r"A\(4\): is not in this session"),
        (COMPANION, {"D": [5.0, 6.0], "E": [1.0]}, "E: holds 1 codes beside 2 times; was the file cut?"),
        (COMPANION, {"D": [500.0, 600.0], "E": [1.0, 17.0]}, "code 17: stands there once, first at 6 s"),
        (COMPANION, {"D": [500.0], "E": [1.5]}, r"code 1.5: stands there once"),
        ({**ENCODINGS["TIME.CODE"], "code_digits": 4}, {"D": [5.001]}, "5.001 has 3 decimals, and a code 4"),
        ({"encoding": "counts", "bin_s": 60, "event": PRESS}, {"D": [1.5]}, "1.500 at index 0 is no count"),
    ],
)
def test_what_does_not_fit_the_profile_is_refused(stream: Any, variables: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadFile, match=sentence):
        decoded(profile_of(stream), **variables)


def test_a_damaged_session_is_refused_with_its_lines() -> None:
    text = compose("x", [(HEADER, {"D": [1.0, 2.0]})]).text.replace("2.000", "2.0x0")
    with pytest.raises(BadFile, match=r"f.txt, subject R01, 03/02/26 09:00:00: .*line 14: '2.0x0' is no number"):
        decode_session(medpc.parse(text).sessions[0], profile_of(SECONDS), file="f.txt")


def test_an_event_in_the_last_begun_second_is_within_the_session() -> None:
    assert decoded(profile_of(SECONDS), D=[3_600.4]).end_us == 3_600_400_000


def test_a_session_shorter_than_planned_is_not_complete() -> None:
    assert not decoded(profile_of(SECONDS, completed_from_s=3_700), D=[1.0]).completed
    assert decoded(profile_of(SECONDS, completed_from_s=3_600), D=[1.0]).completed
    lasting = decoded(profile_of(SECONDS, lasts={"variable": "S", "tick_s": 0.01}), D=[1.0], S=12_345)
    assert lasting.end_us == 123_450_000


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"unit": None}, "is the time in a unit or in ticks"),
        ({"tick_s": 0.01}, "is the time in a unit or in ticks"),
        ({"unit": "?"}, "must be one of"),
        ({"event": None}, "the encoding 'times' needs event"),
        ({"factor": 100}, "factor does not belong to the encoding 'times'"),
        ({"event": {"event": "shock", "shock_s": 0.5}}, "ma, the current that was set"),
        ({"event": {"event": "press"}}, "a press needs its name"),
        ({"event": {"event": "head entry", "name": "x"}}, "a head entry has no name"),
    ],
)
def test_a_profile_that_leaves_something_open_is_refused(change: dict[str, Any], sentence: str) -> None:
    stream = {key: value for key, value in {**SECONDS, **change}.items() if value is not None}
    with pytest.raises(BadFile, match=sentence):
        profile_of(stream)


# -- to a journal -----------------------------------------------------------------------------------------------------


def test_codes_become_a_timeline() -> None:
    codes = {
        "1": PRESS,
        "2": {"event": "delivery"},
        "3": {"event": "shock", "ma": 0.4, "shock_s": 0.25},
        "4": {"event": "component begin", "name": "punished"},
        "5": {"event": "component end", "name": "punished"},
        "6": {"event": "trial begin"},
        "7": {"event": "trial end"},
        "8": {"event": "cue on", "name": "tone"},
        "9": {"event": "cue off", "name": "tone"},
    }
    profile = validate({"programs": ["P"], "streams": [{"array": "D", **COMPANION}], "codes": codes}, Profile, file="p")
    times = [0, 100, 100, 100, 100, 200, 300, 300, 400]
    found = decode_session(session_of({"D": times, "E": [4, 8, 1, 2, 3, 6, 7, 9, 5]}), profile, file="f")
    timeline = timeline_of(items_of(found))
    assert timeline.problems == ()
    assert timeline.completed
    assert [(one.begin_us, one.end_us) for one in timeline.components] == [(0, 4_000_000)]
    assert [(one.begin_us, one.end_us) for one in timeline.trials] == [(2_000_000, 3_000_000)]
    (shock,) = timeline.shocks
    assert (shock.ma, shock.duration_us, shock.delivered, shock.verified) == (0.4, 250_000, True, False)
    assert (shock.component, timeline.deliveries[0].arrived_us, len(timeline.presses)) == (0, 1_000_000, 1)


def test_shocks_that_overlap_mean_that_the_profile_is_wrong() -> None:
    shock = {"event": "shock", "ma": 0.4, "shock_s": 0.5}
    with pytest.raises(BadFile, match=r"a shock begins while another is on, at 1.1 s"):
        decoded(profile_of({**SECONDS, "event": shock}), D=[1.0, 1.1])


def test_a_timetable_gives_components_that_no_array_has() -> None:
    timetable = [
        {"component": "food", "begin_s": 0, "end_s": 600},
        {"component": "shock", "begin_s": 600, "end_s": 900},
    ]
    found = decoded(profile_of(SECONDS, timetable=timetable), D=[599.9, 600.0])
    timeline = timeline_of(items_of(found))
    assert timeline.placed(timeline.components, timeline.presses) == [0, 1]


def test_one_press_at_a_component_s_begin_stays_before_it_in_several_arrays() -> None:
    streams = [
        {"array": "B", "encoding": "times", "unit": "s", "event": {"event": "component begin", "name": "a"}},
        {"array": "D", **SECONDS},
    ]
    profile = validate({"programs": ["P"], "streams": streams}, Profile, file="p")
    found = decode_session(session_of({"B": [5.0], "D": [5.0]}), profile, file="f")
    assert [one.meaning.event for one in found.events] == ["press", "component begin"]


# -- the real files ---------------------------------------------------------------------------------------------------

COUNTED = {
    # grep -c and a look at the arrays, by hand: responses and deliveries that stand in the files
    "Subject_818": {"press left": 4, "head entry": 215, "delivery": 30},
    "wrangler": {"press CS+": 68 + 131 + 96 + 14, "press CS-": 1 + 8 + 11 + 1, "head entry": 58 + 184 + 226 + 220},
    "multipellet": {"head entry": 1012, "delivery": 153, "component begin one-pellet cue": 81},
    "2022-05-08": {"press nosepoke": 26, "head entry": 26},
    "2022-11-03": {"press nosepoke": 30, "head entry": 29},
    "2023-03-04": {"press nosepoke": 50, "head entry": 29},
}


@pytest.mark.parametrize("name", COUNTED)
def test_events_of_the_real_files_are_those_counted_by_hand(shared: Path, name: str) -> None:
    (path,) = (shared / "data" / "medpc").glob(f"*{name}*.txt")
    found: dict[str, int] = {}
    for session in medpc.read(path).sessions:
        known = shipped_profile(session.program, "medpc")
        assert known is not None
        for what, n in tally(decode_session(session, known[0], file=path)).items():
            found[what] = found.get(what, 0) + n
    assert {what: found[what] for what in COUNTED[name]} == COUNTED[name]


def test_every_number_of_the_real_event_arrays_is_an_event_or_is_ignored_by_name(shared: Path) -> None:
    arrays = {"Go-no-go": "W", "TT_auto": "B", "AM_App": "D", "CRF": "BC"}
    n_events = n_ignored = n_numbers = 0
    for path in sorted((shared / "data" / "medpc").glob("*.txt")):
        if "not_medpc" in path.name:
            continue
        for text in path.read_text().split("Start Date:")[1:]:
            (letters,) = [letters for name, letters in arrays.items() if f"MSN: {name}" in text]
            for letter in letters:
                rows = re.search(rf"^{letter}:\s*$((?:\s+\d+:.*$)*)", text, re.MULTILINE)
                assert rows is not None
                numbers = [word for word in rows[1].split() if not word.endswith(":")]
                while "B" in letters and numbers and float(numbers[-1]) == 0:
                    numbers.pop()
                n_numbers += len(numbers)
        for session in medpc.read(path).sessions:
            profile = shipped_profile(session.program, "medpc")
            assert profile is not None
            ignored = {code for code, meaning in profile[0].legend.items() if meaning.event == "ignore"}
            whole = {code: meaning.model_copy(update={"event": "note"}) for code, meaning in profile[0].codes.items()}
            for one in decode_session(session, profile[0].model_copy(update={"codes": whole}), file=path).events:
                n_ignored += one.code in ignored
                n_events += one.code not in ignored
    assert (n_events, n_ignored, n_numbers) == (4_255, 1_000, 5_255)


def test_every_shipped_profile_is_one_and_says_where_its_meaning_comes_from() -> None:
    paths = [path for system in ("medpc", "pycontrol") for path in shipped("configs", system).glob("*.toml")]
    assert len(paths) >= 6
    for path in paths:
        assert read_text(path.read_text(), Profile, file=path).source


# -- templates, pyControl ---------------------------------------------------------------------------------------------


def test_a_template_names_every_array_and_is_refused_until_it_is_filled_in() -> None:
    session = session_of({"D": [1.0, 2.0, 0.0, 0.0], "E": [3.0, 1.0], "G": 2})
    text = template(session)
    with pytest.raises(BadFile) as raised:
        read_text(text, Profile, file="template")
    assert "streams.1.encoding: must be one of" in str(raised.value)
    filled = text.replace('encoding = "?"', 'encoding = "times"\nevent = { event = "press", name = "left" }')
    filled = filled.replace('unit = "?"  ', 'unit = "s"  ').replace('# padding = "zeros"', 'padding = "zeros"')
    profile = read_text(filled[: filled.index("# E: 2 numbers")], Profile, file="template")
    assert times_s(decode_session(session, profile, file="f")) == [1.0, 2.0]
    assert "# E: 2 numbers, 3.000, 1.000" in text
    assert "falls somewhere" in text


def test_a_pycontrol_session_by_its_profile() -> None:
    session = pycontrol.FORMAT.example()
    found = decode_rows(session, shipped_profile("example_conflict", "pycontrol")[0], file="f")  # type: ignore[index]
    timeline = timeline_of(items_of(found))
    assert [(one.name, one.time_us / 1e6) for one in timeline.components] == [("unpunished", 480), ("punished", 3120)]
    assert [one.text for one in timeline.notes] == ['variable run_start {"shock_ma": 0.4}', "print task calm"]
    assert len(timeline.shocks) == len(timeline.deliveries) == 1


def test_a_pycontrol_template_lists_its_events_and_states() -> None:
    text = template(pycontrol.FORMAT.example())
    assert '"event left_lever" = { event = "?" }' in text
    assert '"state punished" = { event = "?" }' in text


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("482.500\tevent\tuser", "400.000\tevent\tuser", "time goes back, from 482.5 s to 400 s"),
        ("left_lever", "left_lvr", "code event left_lvr: stands there 2 times"),
        ("subject_id\tR01", "subject_id\t", "its info rows lack subject_id"),
        ("2026-03-02T09:00:00.000", "yesterday", "start_time must be a date and time"),
        ("1.430\tevent\tinput", "1.430\tinput", "is no row of time, type, subtype and content"),
        ("T10:00:00.500", "T10:00:00+02:00", "either its start or its end names a time zone"),
    ],
)
def test_what_is_wrong_in_a_pycontrol_file_is_named(old: str, new: str, sentence: str) -> None:
    text = pycontrol.FORMAT.example().text
    assert old in text
    profile = shipped_profile("example_conflict", "pycontrol")
    assert profile is not None
    with pytest.raises(BadFile, match=sentence):
        decode_rows(pycontrol.parse(text.replace(old, new)), profile[0], file="f")


def test_decoded_events_name_their_array() -> None:
    (one,) = decoded(profile_of(SECONDS), D=[1.0]).events
    assert one == Decoded(1_000_000, profile_of(SECONDS).streams[0].event, "D")  # type: ignore[arg-type]


def test_what_is_reported_just_after_the_session_s_end_stays_after_it() -> None:
    codes = {**CODES, "1": PRESS, "3": {"event": "release", "name": "left"}, "9": {"event": "session end"}}
    profile = validate({"programs": ["P"], "streams": [{"array": "D", **COMPANION}], "codes": codes}, Profile, file="p")
    found = decode_session(session_of({"D": [59_990.0, 60_000.0, 60_014.0], "E": [1, 9, 3]}), profile, file="f")
    timeline = timeline_of(items_of(found))
    assert (timeline.end_us, timeline.completed) == (600_000_000, True)
    assert [(one.at_us, one.until_us) for one in timeline.presses] == [(599_900_000, 600_140_000)]
    with pytest.raises(BadFile, match=r"its last event is at 602 s, and the session ended at 600 s"):
        decode_session(session_of({"D": [60_000.0, 60_200.0], "E": [9, 3]}), profile, file="f")


def test_marks_among_the_times_are_no_events() -> None:
    assert times_s(decoded(profile_of({**SECONDS, "marks": [-10.01]}), D=[1.0, -10.01, 2.0])) == [1.0, 2.0]
    with pytest.raises(BadFile, match="time goes back at index 1"):
        decoded(profile_of(SECONDS), D=[1.0, -10.01, 2.0])


@pytest.mark.parametrize(
    ("array", "sentence"), [("D", "D: '1.#INF' at index 1 is no number"), ("E", "E: '1.#INF' is no code")]
)
def test_what_is_no_number_is_refused_where_it_is_needed(array: str, sentence: str) -> None:
    text = compose("x", [(HEADER, {"D": [1.0, 3.0], "E": [1.0, 2.0], "F": [7.0]})]).text
    text = text.replace("3.000" if array == "D" else "2.000\r\nF", "1.#INF" if array == "D" else "1.#INF\r\nF")
    session = medpc.parse(text.replace("7.000", "1.#IND")).sessions[0]
    with pytest.raises(BadFile, match=re.escape(sentence)):
        decode_session(session, profile_of(COMPANION), file="f")


@pytest.mark.parametrize("number", ["1e40", "1e999999999", "1e-999999999", "-1E+300", "nan", "inf"])
@pytest.mark.parametrize("encoding", [SECONDS, COMPANION, ENCODINGS["ticks x 10000 + code"]], ids=str)
def test_numbers_beyond_all_measure_are_no_numbers(number: str, encoding: dict[str, Any]) -> None:
    text = compose("x", [(HEADER, {"D": [7.25], "E": [1.0]})]).text.replace("7.250", number)
    with pytest.raises(BadFile, match="at index 0 is no number"):
        decode_session(medpc.parse(text).sessions[0], profile_of(encoding), file="f")


def test_a_session_of_years_has_the_wrong_unit() -> None:
    session = session_of({"D": [1.0], "S": 1e8}, **{"End Date": "03/02/29"})
    profile = profile_of(SECONDS, lasts={"variable": "S", "unit": "s"})
    with pytest.raises(BadFile, match="it would have lasted 1157 days; is the unit or the tick of the profile right"):
        decode_session(session, profile, file="f")


def test_an_end_that_an_event_or_a_variable_says_is_held_to_the_header() -> None:
    codes = {**CODES, "9": {"event": "session end"}}
    stream = {"array": "D", **COMPANION, "tick_s": 1}
    profile = validate({"programs": ["P"], "streams": [stream], "codes": codes}, Profile, file="p")
    with pytest.raises(BadFile, match="by the profile it lasts until 60000 s, and the session ended at 3600 s"):
        decode_session(session_of({"D": [60_000.0], "E": [9]}), profile, file="f")
    with pytest.raises(BadFile, match="by the profile it lasts until 216000 s"):
        decoded(profile_of(SECONDS, lasts={"variable": "S", "unit": "min"}), D=[1.0], S=3_600)


def test_a_session_without_an_end_in_its_header_lasts_as_its_profile_says() -> None:
    text = compose("x", [(HEADER, {"D": [1.0], "S": 60.0})]).text.replace("End Time: 10:00:00\r\n", "")
    session = medpc.parse(text).sessions[0]
    lasting = profile_of(SECONDS, lasts={"variable": "S", "unit": "s"})
    assert decode_session(session, lasting, file="f").end_us == 60_000_000
    with pytest.raises(BadFile, match="nothing says how long the session was; add `lasts`"):
        decode_session(session, profile_of(SECONDS), file="f")


@given(
    tick_us=st.sampled_from([1_000, 10_000, 50_000]),
    begin_us=st.integers(0, 5_000_000),
    pauses_us=st.lists(st.integers(0, 60_000), min_size=1, max_size=8),
)
def test_shocks_that_follow_at_once_may_be_rounded_into_each_other(
    tick_us: int, begin_us: int, pauses_us: list[int]
) -> None:
    """Begins are counted in ticks, and what a shock lasts is not: the next may begin a tick before this one's end."""
    stream = {"encoding": "times", "tick_s": tick_us / 1e6, "event": {"event": "shock", "ma": 0.4, "shock_s": 0.2537}}
    begins_us = [begin_us]
    for pause_us in pauses_us:
        begins_us.append(begins_us[-1] + 253_700 + pause_us)
    found = decoded(profile_of(stream), D=[float(round(one / tick_us)) for one in begins_us])
    shocks = timeline_of(items_of(found)).shocks
    assert len(shocks) == len(begins_us)
    for shock, next_us in zip(shocks, [*begins_us[1:], None], strict=True):
        assert 0 <= 253_700 - shock.duration_us <= tick_us
        assert next_us is not None or shock.duration_us == 253_700


def test_a_shock_within_another_by_more_than_is_rounded_is_none() -> None:
    stream = {"encoding": "times", "tick_s": 0.01, "event": {"event": "shock", "ma": 0.4, "shock_s": 0.5}}
    assert len(timeline_of(items_of(decoded(profile_of(stream), D=[100.0, 149.0]))).shocks) == 2
    with pytest.raises(BadFile, match=r"a shock begins while another is on, at 1.48 s"):
        decoded(profile_of(stream), D=[100.0, 148.0])
