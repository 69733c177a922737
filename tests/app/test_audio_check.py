from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from app.commands import behavior
from audio.soundserver import MISSING, NAME, SoundServer, is_installed
from behavior.audio.write import RecordingWriter
from behavior.simulate.acoustics import Soundscape

RIG = """
name = "ours"
[[chambers]]
name = "A"
devices = [{ name = "shocker", kind = "shock_controller", uid = "00000000000000000000000000000001" }]
microphone = { device = "usv250" }
[[chambers]]
name = "B"
devices = [{ name = "other", kind = "shock_controller", uid = "00000000000000000000000000000002" }]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
    if not is_installed():
        pytest.skip(MISSING)
    home = tmp_path_factory.mktemp("sound")
    with RecordingWriter(home / "room.wav", 250_000) as writer:
        for block in Soundscape(250_000, 12.0, 1).blocks():
            writer.write(block)
    with SoundServer(home) as running:
        yield running


def checked(server: SoundServer, *arguments: object):
    return behavior("audio-check", *arguments, **server.environment)


def test_microphones_are_listed_by_name_with_what_their_system_does(server: SoundServer) -> None:
    done = checked(server)
    assert done.code == 0
    assert f"{NAME}, ALSA" in done.out
    assert "behind a sound server" in done.out
    assert "shared WASAPI resample everything" in done.out


def test_a_microphone_of_a_rig_is_listened_to_and_kept(server: SoundServer, tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_text(RIG)
    server.play(server.home / "room.wav")
    asked = ["--rig", tmp_path / "rig.toml", "--chamber", "A", "--seconds", 2, "--keep", tmp_path / "a.wav", "--json"]
    check = json.loads(checked(server, *asked).out)["check"]
    assert check["stated_hz"] == 250_000
    assert check["n_samples"] == soundfile.info(tmp_path / "a.wav").frames > 500_000
    assert check["highest_hz"] == 125_000
    assert check["n_overflows"] == 0


def test_a_silent_microphone_is_a_failure_with_a_sentence(tmp_path: Path) -> None:
    if not is_installed():
        pytest.skip(MISSING)
    with SoundServer(tmp_path) as quiet:
        done = checked(quiet, NAME, "--seconds", 2)
    assert done.code == 1
    assert "silent: its samples do not differ" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["a microphone of nobody"], 1, "is not there; plug it in"),
        ([NAME, "--sample-rate", 192_000], 2, "would resample them to 192000 in silence"),
        (["--rig", "rig.toml"], 2, "say which --chamber"),
        (["--rig", "rig.toml", "--chamber", "B"], 2, "chamber B names no microphone"),
    ],
    ids=["not there", "resampled", "no chamber", "no microphone"],
)
def test_what_cannot_be_checked_is_one_sentence(
    server: SoundServer, tmp_path: Path, arguments: list, code: int, sentence: str
) -> None:
    (tmp_path / "rig.toml").write_text(RIG)
    done = behavior("audio-check", *arguments, cwd=tmp_path, **server.environment)
    assert done.code == code
    assert sentence in done.err


def test_without_a_microphone_the_list_is_empty_and_says_so(tmp_path: Path) -> None:
    if not is_installed():
        pytest.skip(MISSING)
    done = behavior("audio-check", HOME=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path))
    assert done.code == 0
    assert "No microphone is here" in done.out or "channels" in done.out
