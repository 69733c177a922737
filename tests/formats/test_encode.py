"""Sessions of ours as MED-PC files: the way back, for labs that go on with scripts for such files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behavior.formats.decode import decode_session, items_of, tally
from behavior.formats.encode import encode_session, happenings
from behavior.formats.own import example_session
from behavior.formats.profile import read_profile
from behavior.formats.template import template
from behavior.model import commands as c
from behavior.model import events as e
from behavior.model.errors import BadInput
from behavior.scoring.geller_seifter import score
from behavior.scoring.timeline import timeline_of

PROFILE, _ = read_profile("example-conflict", "medpc")
S = 1_000_000
ITEMS = (
    e.SessionStarted(0), c.BeginComponent("unpunished"), e.LeverPressed(2 * S, "left"), c.Deliver(1),
    e.LeverReleased(2 * S + 80_000, "left"), e.Delivered(3 * S, 1), e.TimerFired(480 * S), c.EndComponent("unpunished"),
    c.BeginComponent("punished"), e.LeverPressed(500 * S, "left"), c.Shock(1, 0.4, 0.25), e.ShockStarted(500 * S, 1),
    e.ShockEnded(500 * S + 250_000, 1, 250_000, 0.4, "completed"), e.Noted(501 * S, "calm"),
    e.TimerFired(600 * S), c.EndComponent("punished"), c.EndSession("completed"),
)  # fmt: skip
RECORD = replace(example_session(), items=ITEMS, host_us=(), calls=None)


def test_a_session_written_and_decoded_is_scored_the_same() -> None:
    file, left_out = encode_session(RECORD, PROFILE)
    found = decode_session(file.sessions[0], PROFILE, file="x")
    parameters = RECORD.header.parameters
    ours, theirs = (score(timeline, parameters).session for timeline in (RECORD.timeline, timeline_of(items_of(found))))
    assert theirs == ours
    assert left_out == {"note calm": 1}


def test_the_header_of_the_file_says_who_and_when_and_the_dose() -> None:
    (session,) = encode_session(RECORD, PROFILE)[0].sessions
    assert session.problems == ()
    assert (session.program, session.header["Subject"], session.header["Group"]) == (
        "EXAMPLE_CONFLICT",
        "R01",
        "ipsapirone 5",
    )
    assert (session.header["Start Time"], session.header["End Time"]) == ("09:00:00", "09:10:00")


def test_what_has_no_code_is_counted_by_kind() -> None:
    record = replace(RECORD, items=(*ITEMS[:-1], e.Crossed(600 * S, "left"), e.Crossed(600 * S, "left"), ITEMS[-1]))
    assert encode_session(record, PROFILE)[1] == {"note calm": 1, "crossing left": 2}


def test_commands_stand_at_the_time_of_the_report_before_them() -> None:
    found = happenings((e.SessionStarted(0), e.LeverPressed(5, "left"), c.SetCue("tone", on=True), c.BeginTrial(1)))
    assert found == [(5, "press", "left"), (5, "cue on", "tone"), (5, "trial begin", "")]


@pytest.mark.parametrize(
    ("name", "paradigm", "sentence"),
    [
        ("crf-nosepoke", "geller_seifter", "has several arrays or no codes"),
        ("example-conflict", "shuttle_escape", "is of shuttle_escape, and the profile is for geller_seifter"),
    ],
)
def test_a_profile_that_cannot_write_a_session_is_refused(name: str, paradigm: str, sentence: str) -> None:
    import msgspec

    header = msgspec.structs.replace(RECORD.header, paradigm=paradigm)
    with pytest.raises(BadInput, match=sentence):
        encode_session(replace(RECORD, header=header), read_profile(name, "medpc")[0])


def test_a_written_file_has_a_template_and_a_tally() -> None:
    (session,) = encode_session(RECORD, PROFILE)[0].sessions
    assert "# D: 10 numbers, 0.000, 200.000, 208.000, 300.000, 48000.000 …" in template(session)
    counted = tally(decode_session(session, PROFILE, file="x"))
    assert counted == {
        "press left": 2, "release left": 1, "delivery": 1, "shock": 1, "component begin unpunished": 1,
        "component end unpunished": 1, "component begin punished": 1, "component end punished": 1, "session end": 1,
    }  # fmt: skip
