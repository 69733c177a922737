from __future__ import annotations

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from behavior.app.detect import detect, known_events
from behavior.audio.write import RecordingWriter
from behavior.model.calls import CALL_COLUMNS
from behavior.model.errors import BadFile, BadInput
from behavior.simulate.acoustics import PlannedCall, Soundscape
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
