from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from behavior.app.detect import detect, known_events
from behavior.audio.write import RecordingWriter
from behavior.model.calls import CALL_COLUMNS
from behavior.model.errors import BadFile, BadInput
from behavior.simulate.acoustics import Artefact, PlannedCall, Soundscape
from behavior.usv.table import read_calls
from session.recorded import record

RATE = 250_000
APP = typer.Typer()
APP.command()(detect)


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments], catch_exceptions=True)


def recorded(path, calls=(), duration_s=3.0):
    with RecordingWriter(path, RATE) as writer:
        for block in Soundscape(RATE, duration_s, 5, calls).blocks():
            writer.write(block)
    return path


@pytest.fixture(scope="module")
def two_calls(tmp_path_factory):
    return recorded(
        tmp_path_factory.mktemp("sound") / "two.wav", [PlannedCall(0.5, 0.6), PlannedCall(2.0, 0.04, "50-kHz")]
    )


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("sound") / "none.wav")


def test_calls_are_written_with_the_columns_of_a_call_table(two_calls, tmp_path):
    result = run(two_calls, "--out", tmp_path / "calls.csv")
    assert result.exit_code == 0, result.output
    calls = read_calls(tmp_path / "calls.csv")
    assert [call.onset_s for call in calls] == pytest.approx([0.5, 2.0], abs=0.01)
    assert [call.file for call in calls] == ["two.wav"] * 2


def test_no_call_gives_the_header_row_and_success(silent, tmp_path):
    result = run(silent, "--out", tmp_path / "calls.csv")
    assert result.exit_code == 0
    assert (tmp_path / "calls.csv").read_text() == ",".join(CALL_COLUMNS) + "\n"


def test_the_table_goes_to_standard_output_and_the_rest_does_not(two_calls):
    result = run(two_calls)
    assert result.stdout.splitlines()[0] == ",".join(CALL_COLUMNS)
    assert len(result.stdout.splitlines()) == 3
    assert "2 calls" in result.stderr


def test_json_stands_alone_on_standard_output(two_calls, silent):
    found = json.loads(run(two_calls, silent, "--json").stdout)
    assert found["profile"] == "rat"
    assert [recording["n_calls"] for recording in found["recordings"]] == [2, 0]
    assert found["recordings"][1]["latency_first_call_s"] is None


@pytest.mark.parametrize("option", ["--out", "--rejected"])
def test_an_output_that_is_there_is_refused_before_any_work_and_replaced_on_request(silent, tmp_path, option):
    there = tmp_path / "calls.csv"
    there.write_text("precious")
    result = run(silent, option, there)
    assert isinstance(result.exception, BadInput)
    assert "--overwrite" in str(result.exception)
    assert there.read_text() == "precious"
    assert run(silent, option, there, "--overwrite").exit_code == 0
    assert there.read_text() != "precious"


def test_an_input_that_cannot_be_used_is_said_and_the_others_are_searched(two_calls, tmp_path):
    (tmp_path / "text.wav").write_text("no sound at all")
    result = run(tmp_path, tmp_path / "text.wav", two_calls, "--out", tmp_path / "calls.csv")
    assert isinstance(result.exception, BadInput)
    assert "text.wav" in str(result.exception)
    assert "is a folder" in result.stderr
    assert len(read_calls(tmp_path / "calls.csv")) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [(("--profile", "cat"), "shipped: mouse, rat"), (("--events", "nowhere"), "no such folder")],
)
def test_options_that_cannot_be_used_are_refused(silent, options, sentence):
    result = run(silent, *options)
    assert isinstance(result.exception, BadInput)
    assert sentence in str(result.exception)


def test_events_come_from_a_table_of_the_recordings_name(silent, tmp_path):
    result = run(silent, "--events", tmp_path)
    assert "none_events.csv" in str(result.exception)
    (tmp_path / "none_events.csv").write_text("kind,start_s,stop_s\nlever,1,oops\n")
    assert isinstance(run(silent, "--events", tmp_path).exception, BadFile)
    (tmp_path / "none_events.csv").write_text("kind,start_s,stop_s\nlever,1,1.01\n")
    assert run(silent, "--events", tmp_path).exit_code == 0


def test_a_sample_rate_too_low_is_said_with_what_to_do(tmp_path):
    path = tmp_path / "slow.wav"
    with RecordingWriter(path, 22_050) as writer:
        writer.write(np.zeros(50_000, np.int16))
    assert "--sample-rate" in str(run(path).exception)
    assert run(path, "--sample-rate", 250_000).exit_code == 0


def test_events_come_from_a_sessions_journal(silent, tmp_path):
    session = record(tmp_path)
    kinds = {event.kind for event in known_events(session.path, silent)}
    assert {"shock", "lever", "feeder"} >= kinds >= {"lever"}
    assert run(silent, "--events", session.path).exit_code == 0


def test_a_session_is_searched_with_what_its_own_journal_knows(two_calls, tmp_path, monkeypatch):
    session = record(tmp_path)
    assert "there is no sound in this session" in str(run(session.path).exception)
    (session.path / "audio.wav").write_bytes(two_calls.read_bytes())
    asked = []
    monkeypatch.setattr("behavior.app.detect.known_events", lambda *given: asked.append(given) or ())
    found = json.loads(run(session.path, "--json").stdout)
    assert [recording["n_calls"] for recording in found["recordings"]] == [2]
    assert asked == [(session.path, session.path / "audio.wav")]
    run(session.path, "--events", tmp_path)
    assert asked[-1] == (tmp_path, session.path / "audio.wav"), "what is named comes first"


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """A call, and levers that are pressed."""
    path = tmp_path_factory.mktemp("sound") / "noisy.wav"
    levers = [Artefact("lever", 1.5 + 0.3 * k, 0.01) for k in range(5)]
    with RecordingWriter(path, RATE) as writer:
        for block in Soundscape(RATE, 3.5, 5, [PlannedCall(0.5, 0.6)], levers).blocks():
            writer.write(block)
    return path


def test_what_was_rejected_is_written_with_its_reason(noisy, tmp_path):
    table = tmp_path / "rejected.csv"
    assert run(noisy, "--out", tmp_path / "calls.csv", "--rejected", table).exit_code == 0
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["file", "onset_s", "offset_s", "low_hz", "high_hz", "score", "reason"]
    assert {row["file"] for row in rows} == {"noisy.wav"}
    assert {row["reason"] for row in rows} >= {"ringing after a click"}
    assert all(float(row["onset_s"]) < float(row["offset_s"]) for row in rows)
    assert all(float(row["low_hz"]) <= float(row["high_hz"]) for row in rows)


def test_known_events_give_their_own_reason(noisy, tmp_path):
    table, rows = tmp_path / "rejected.csv", "".join(f"lever,{1.5 + 0.3 * k},{1.51 + 0.3 * k}\n" for k in range(5))
    (tmp_path / "noisy_events.csv").write_text("kind,start_s,stop_s\n" + rows)
    assert run(noisy, "--events", tmp_path, "--rejected", table).exit_code == 0
    assert "during lever" in table.read_text()


def test_nothing_rejected_gives_the_header_row(silent, tmp_path):
    table = tmp_path / "rejected.csv"
    assert run(silent, "--rejected", table).exit_code == 0
    assert table.read_text() == "file,onset_s,offset_s,low_hz,high_hz,score,reason\n"


def test_the_same_input_gives_the_same_bytes(noisy, tmp_path):
    for name in "ab":
        run(noisy, "--out", tmp_path / f"{name}.csv", "--rejected", tmp_path / f"{name}_rejected.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "a_rejected.csv").read_bytes() == (tmp_path / "b_rejected.csv").read_bytes()


@pytest.mark.parametrize(
    ("samples", "word"),
    [
        (np.zeros(RATE, np.int16), "silent"),
        (np.tile(np.array([32767] * 9 + [-32768] * 9, np.int16), 20_000), "clipped"),
        (np.random.default_rng(1).normal(5_000, 50, RATE).astype(np.int16), "off zero"),
    ],
)
def test_faults_of_the_sound_are_said_beside_the_result(tmp_path, samples, word):
    path = tmp_path / "odd.wav"
    with RecordingWriter(path, RATE) as writer:
        writer.write(samples)
    result = run(path, "--json")
    assert result.exit_code == 0
    assert word in result.stderr
    (recording,) = json.loads(result.stdout)["recordings"]
    assert any(word in warning for warning in recording["warnings"])


def test_one_of_several_channels_is_searched(two_calls, silent, tmp_path):
    left, right = (soundfile.read(path, dtype="int16")[0] for path in (two_calls, silent))
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack((left, right), axis=1), RATE)
    assert "--channel 1 to 2" in str(run(path).exception)
    found = [json.loads(run(path, "--channel", n, "--json").stdout)["recordings"][0]["n_calls"] for n in (1, 2)]
    assert found == [2, 0]


@pytest.mark.parametrize("rate", [8, 900, 20_000_000])
def test_a_rate_that_cannot_be_true_is_refused_and_can_be_overridden(two_calls, tmp_path, rate):
    path = tmp_path / "odd.wav"
    soundfile.write(path, soundfile.read(two_calls, dtype="int16")[0], rate)
    assert "cannot be true" in str(run(path).exception)
    assert len(run(path, "--sample-rate", RATE).stdout.splitlines()) == 3


@pytest.mark.parametrize("rate", [0, -5])
def test_a_true_rate_that_is_none_is_refused(two_calls, rate):
    result = run(two_calls, "--sample-rate", rate)
    assert isinstance(result.exception, BadInput)
    assert "--sample-rate" in str(result.exception)


@pytest.mark.parametrize(
    ("out", "sentence"), [("none/calls.csv", "there is no folder"), (".", "is a folder")], ids=["absent", "a folder"]
)
def test_an_output_that_cannot_be_made_is_refused(silent, tmp_path, out, sentence):
    assert sentence in str(run(silent, "--out", tmp_path / out).exception)


def test_a_profile_of_ones_own_is_a_file(two_calls, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('name = "mine"\nlow_hz = 40_000\nhigh_hz = 90_000\n')
    found = json.loads(run(two_calls, "--profile", own, "--json").stdout)
    assert found["profile"] == "mine"
    types = {call["call_type"][:6] for call in found["recordings"][0]["calls"]}
    assert "50-kHz" in types
    assert "22-kHz" not in types
    own.write_text('name = "mine"\nlow_hz = 90_000\nhigh_hz = 40_000\n')
    assert "high_hz" in str(run(two_calls, "--profile", own).exception)


def test_the_summary_adds_up(two_calls):
    (recording,) = json.loads(run(two_calls, "--json").stdout)["recordings"]
    calls = recording["calls"]
    assert recording["calling_time_s"] == pytest.approx(sum(call["offset_s"] - call["onset_s"] for call in calls))
    assert recording["latency_first_call_s"] == min(call["onset_s"] for call in calls)
    assert recording["duration_s"] == 3.0
    assert recording["n_rejected"] >= 0
