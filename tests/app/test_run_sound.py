"""A live session that records, through the whole stack: simulated microphone, capture, detector, journal."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
import soundfile

from app.commands import behavior
from behavior.config.shipped import find
from behavior.model.events import CallHeard, RecordingEnded, RecordingStarted, ShockStarted, SoundAligned, SoundLost
from behavior.session.folder import SessionFolder, find_sessions
from behavior.session.verify import verify
from behavior.simulate.microphone import LATE_S
from behavior.usv.table import read_calls

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith(("linux", "darwin")), reason="needs pseudo-terminals, which Linux and macOS have"
)

QUICK = "habituation_s = 0.3\nn_shocks = 3\ninterval_s = 1.5\nshock_s = 0.2\ndelay_s = 0.5\ntest_s = 8\n"
EAGER = 459
"""With this seed the rat calls 2 s after the last shock."""
WHO = ["--subject", "R1", "--experimenter", "me", "--weight-g", 280, "--dose-mg-kg", 0, "--vehicle", "saline"]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> SessionFolder:
    """A rig whose shocker's gate is wired to the microphone's digital input."""
    place = tmp_path_factory.mktemp("sound")
    rig = find("simulated", "configs", "rigs").read_text()
    line = 'microphone = { sync = { carried_by = "lowest_bit", follows = "shock" }, sample_rate_hz ='
    (place / "rig.toml").write_text(rig.replace("microphone = { sample_rate_hz =", line))
    (place / "quick.toml").write_text(QUICK)
    what = ["--paradigm", "shock_induced_usv", "--parameters", place / "quick.toml", "--seed", EAGER]
    done = behavior("run", place / "rig.toml", "--chamber", "A", *what, *WHO, "--simulate", "--out", place / "data")
    assert done.code == 0, done.err
    return next(iter(find_sessions(place / "data")))


def test_the_sound_is_whole_and_the_journal_knows_its_clock(session: SessionFolder) -> None:
    items = session.read().items
    (started,) = [item for item in items if isinstance(item, RecordingStarted)]
    (ended,) = [item for item in items if isinstance(item, RecordingEnded)]
    (aligned,) = [item for item in items if isinstance(item, SoundAligned)]
    assert not any(isinstance(item, SoundLost) and item.n_samples for item in items)
    assert started.file == aligned.file == "audio.wav"
    assert soundfile.info(session.path / "audio.wav").frames == ended.n_samples
    assert aligned.by == "a digital line in the lowest bit"
    n_shocks = sum(isinstance(item, ShockStarted) for item in items)
    assert len(aligned.residuals_us) == n_shocks == 3
    assert max(map(abs, aligned.residuals_us)) < 1_000
    assert started.at_us - aligned.began_us >= 0.8e6 * LATE_S, "the line sees that sound is late; the clock cannot"
    assert verify(session).remarks == ()


def test_calls_heard_live_are_where_they_truly_were(session: SessionFolder) -> None:
    heard = [item for item in session.read().items if isinstance(item, CallHeard)]
    with (session.path / "truth.csv").open(newline="") as stream:
        truth = [row for row in csv.DictReader(stream) if float(row["offset_s"]) - float(row["onset_s"]) > 0.1]
    assert len(heard) == len(truth) >= 1
    began_s = next(item.at_us for item in session.read().items if isinstance(item, RecordingStarted)) / 1e6
    for call, true in zip(heard, truth, strict=True):
        assert call.at_us / 1e6 == pytest.approx(began_s + float(true["onset_s"]), abs=0.05)
    calls = read_calls(session.path / "calls.csv")
    assert [round(1e6 * call.duration_s) for call in calls] == [call.duration_us for call in heard]


def test_the_score_is_of_these_calls_and_can_be_made_again(session: SessionFolder) -> None:
    score = json.loads((session.path / "score.json").read_text())["session"]
    assert score["calling_time_s"] > 0
    assert score["unheard_s"] == 0
    done = behavior("rescore", session.path, "--json")
    assert json.loads(done.out)[0]["differences"] == []


def test_the_header_names_the_microphone(session: SessionFolder) -> None:
    assert [device.uid for device in session.header.devices if device.kind == "microphone"] == ["simulated microphone"]


@pytest.mark.parametrize(
    ("microphone", "sentence"),
    [
        ('device = "3"', "is a number, which changes with what is plugged in"),
        ("channel = 2", "channel 2 is needed, and 1 are recorded"),
        ('channels = 2, channel = 2, sync = { carried_by = "channel", follows = "cue" }', "both sound and a line"),
        ('sync = { carried_by = "smoke", follows = "shock" }', "microphone.sync.carried_by"),
    ],
    ids=["index", "channel", "sound and line", "carrier"],
)
def test_a_rig_file_says_what_is_wrong_with_its_microphone(tmp_path: Path, microphone: str, sentence: str) -> None:
    rig = find("simulated", "configs", "rigs").read_text()
    (tmp_path / "rig.toml").write_text(rig.replace("sample_rate_hz = 250_000", microphone))
    done = behavior("run", tmp_path / "rig.toml", "--chamber", "A", "--paradigm", "conditioned_usv", *WHO, "--simulate")
    assert done.code == 2
    assert sentence in done.err


def test_a_real_microphone_that_is_not_there_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    rig = find("simulated", "configs", "rigs").read_text()
    named = rig.replace("sample_rate_hz = 250_000", 'device = "a microphone of nobody"')
    (tmp_path / "rig.toml").write_text(named)
    place = ["--chamber", "A", "--paradigm", "conditioned_usv", "--out", tmp_path / "data"]
    done = behavior("run", tmp_path / "rig.toml", *place, *WHO)
    assert done.code in (1, 2)
    assert "is not there" in done.err or "needs PortAudio" in done.err
    assert not (tmp_path / "data").exists()
