"""What is asked at every start, and what is typed while a session runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.app.asking import (
    ask,
    injection_time,
    remark_on_pretreatment,
    remark_on_weight,
    weight,
)
from behavior.app.keyboard import Keys
from behavior.app.prepare import treatment_of
from behavior.model.errors import BadInput

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def test_everything_that_is_missing_is_named_at_once_when_nobody_can_be_asked() -> None:
    with pytest.raises(BadInput, match=r"^say --subject, --weight-g; nobody is at a terminal"):
        ask({"subject": None, "experimenter": "me", "weight-g": None})
    assert ask({"subject": "R1", "weight-g": 280.0}) == {"subject": "R1", "weight-g": "280.0"}


WEIGHTS = [
    ("heavy", "a number of grams"), ("0", "more than 0"), ("nan", "more than 0"), ("-3", "more than 0"),
    ("0.28", "0.28 g is no weight of a rat or mouse; give it in grams"), ("280000", "no weight of a rat or mouse"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), WEIGHTS)
def test_a_weight_is_a_number_of_grams(text: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        weight("weight-g", text)
    assert weight("weight-g", "281.5") == 281.5


def test_a_subject_below_80_percent_runs_only_when_somebody_puts_their_name_to_it() -> None:
    assert remark_on_weight(240, 300, None) == ()
    assert remark_on_weight(100, None, None) == ()
    with pytest.raises(BadInput, match="weighs 77% of its free-feeding weight; 80% is the least"):
        remark_on_weight(231, 300, None)
    assert remark_on_weight(231, 300, "Dr Gray") == ("at 77.0% of its free-feeding weight; allowed by Dr Gray",)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("09:00", NOW - timedelta(minutes=30)),
        ("09:30", NOW),
        ("23:30", NOW - timedelta(hours=10)),
        ("2026-03-02T08:45", NOW - timedelta(minutes=45)),
        ("2026-03-02T10:00+02:00", NOW - timedelta(minutes=90)),
    ],
)
def test_the_time_of_an_injection(text: str, at: datetime) -> None:
    assert injection_time(text, NOW) == at


NO_TIMES = [("noon", "must be a time"), ("2026-03-02T11:00", "lies in the future"), ("25:00", "must be a time")]


@pytest.mark.parametrize(("text", "sentence"), NO_TIMES)
def test_what_is_no_time_of_an_injection(text: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        injection_time(text, NOW)
    assert injection_time(None, NOW) is None


def test_a_start_too_early_or_too_late_is_remarked_on() -> None:
    injected = NOW - timedelta(minutes=30)
    assert remark_on_pretreatment(30, injected, NOW) == ()
    assert remark_on_pretreatment(None, injected, NOW) == ()
    assert remark_on_pretreatment(60, injected, NOW) == ("started 30 min after treatment, where 60 min were planned",)


def typed(text: str, raters: tuple[str, ...] = ()) -> list[str]:
    notes: list[str] = []
    keys = Keys(notes.append, raters)
    for character in text:
        keys.typed(character)
    return notes


def test_a_line_is_a_note_and_can_be_mended_before_enter() -> None:
    assert typed("wet bedx\x7fding\n\n  \nlever sticks\r") == ["wet bedding", "lever sticks"]


def test_a_raters_key_marks_begin_and_end_at_once() -> None:
    assert typed("aba", ("Anna", "Ben")) == ["Anna: fight begins", "Ben: fight begins", "Anna: fight ends"]
    assert typed("both ran\n", ("Anna",)) == ["both ran"]


def test_the_character_of_ctrl_c_stops() -> None:
    stopped: list[str] = []
    Keys(lambda text: None, (), stopped.append).typed("\x03")
    assert stopped == ["the experimenter (keyboard)"]


@pytest.mark.parametrize("raters", [("Anna", "Alex"), ("",)])
def test_raters_must_have_keys_of_their_own(raters: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match="a letter of its own"):
        Keys(lambda text: None, raters)


@given(st.text(alphabet=st.characters(exclude_characters="\r\n\b\x7f\x03"), min_size=1))
def test_any_line_comes_through_as_it_was_typed(line: str) -> None:
    assert typed(line + "\n") == ([line.strip()] if line.strip() else [])


def test_what_no_file_can_hold_is_refused_before_a_folder_is_made() -> None:
    """A terminal in Latin-1 gives bytes that Python passes on as lone surrogates."""
    latin = "M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller".encode("latin-1").decode("utf-8", "surrogateescape")
    with pytest.raises(BadInput, match=r"--experimenter: is not UTF-8 \(is 'M.udcfcller'\); set the terminal to UTF-8"):
        ask({"subject": "R1", "experimenter": latin})
    for option in ("blind_code", "compound", "vehicle", "route", "precedes"):
        what = {"blind_code": None, "compound": None, "dose_mg_kg": 0.0, "vehicle": "saline", "route": None}
        with pytest.raises(BadInput, match=f"--{option.replace('_', '-')}: is not UTF-8"):
            treatment_of(**what | {"pretreatment_min": None, "precedes": None} | {option: latin})
    assert ask({"subject": "R\N{GREEK SMALL LETTER MU}1"}) == {"subject": "R\N{GREEK SMALL LETTER MU}1"}
