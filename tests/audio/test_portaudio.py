"""PortAudio without a sound card: rules that need none, and a sound server at 250 kHz with its traps."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio.soundserver import MISSING, NAME, SoundServer, is_installed
from behavior.audio.capture import Dead, Ended, host_us
from behavior.audio.portaudio import (
    NOT_INSTALLED,
    PortAudioOpener,
    SoundDevice,
    _rate_of,
    find_device,
    resampled_from,
    sound_devices,
)
from behavior.audio.recorder import MicrophoneProcess
from behavior.audio.write import RecordingWriter
from behavior.model.errors import BadInput, Failure

RATE = 250_000
GATE = "Microphone (UltraSoundGate 116Hb)"
DEVICES = [
    SoundDevice(GATE, "MME", 2, 44_100),
    SoundDevice(GATE, "Windows DirectSound", 2, 44_100),
    SoundDevice(GATE, "Windows WASAPI", 2, 48_000),
    SoundDevice("Realtek Audio", "MME", 2, 44_100),
    SoundDevice("Pettersson M500-384kHz: USB Audio (hw:1,0)", "ALSA", 1, 384_000),
    SoundDevice("UltraMic 250K #1: USB Audio (hw:2,0)", "ALSA", 1, 250_000),
    SoundDevice("UltraMic 250K #2: USB Audio (hw:3,0)", "ALSA", 1, 250_000),
]


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("UltraSoundGate", f"{GATE}, Windows WASAPI"),
        (f"{GATE}, Windows WASAPI", f"{GATE}, Windows WASAPI"),
        ("pettersson m500", "Pettersson M500-384kHz: USB Audio (hw:1,0), ALSA"),
        ("ultramic 250k #2", "UltraMic 250K #2: USB Audio (hw:3,0), ALSA"),
    ],
    ids=["best system of several", "whole identity", "any case", "part of a name"],
)
def test_a_microphone_is_found_by_name_under_the_system_that_does_not_resample(name: str, identity: str) -> None:
    assert find_device(name, DEVICES).identity == identity


def test_a_microphone_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(Failure, match=r"microphone 'Batlogger' is not there; .*Realtek Audio, MME"):
        find_device("Batlogger", DEVICES)
    with pytest.raises(Failure, match="name one of these: none"):
        find_device("Batlogger", [])


def test_two_of_a_name_are_not_guessed_between() -> None:
    with pytest.raises(Failure, match=r"several are there, say which: UltraMic 250K #1.*; UltraMic 250K #2"):
        find_device("UltraMic", DEVICES)


def test_a_system_that_resamples_everything_is_refused() -> None:
    with pytest.raises(BadInput, match="Realtek Audio, MME: resamples in silence, usually to 48 kHz"):
        find_device("Realtek", DEVICES)


def test_what_systems_do_to_ultrasound_is_remarked() -> None:
    remarks = {device.host_api: device.remark for device in DEVICES}
    assert "exclusive mode" in remarks["Windows WASAPI"]
    assert "48 kHz" in remarks["MME"] and "48 kHz" in remarks["Windows DirectSound"]
    assert remarks["ALSA"] == ""
    assert "sound server" in SoundDevice("default", "ALSA", 32, 44_100).remark


def test_without_portaudio_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(BadInput) as error:
        sound_devices()
    assert str(error.value) == NOT_INSTALLED
    assert "pip install 'behavior[audio]'" in NOT_INSTALLED and "libportaudio2" in NOT_INSTALLED


def test_a_servers_rate_is_read_from_its_answer() -> None:
    assert [_rate_of(text) for text in ("s16le 1ch 192000Hz", "", "odd")] == [192_000, 0, 0]


# -- a sound server ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
    if not is_installed():
        pytest.skip(MISSING)
    with SoundServer(tmp_path_factory.mktemp("sound")) as running:
        before = dict(os.environ)
        os.environ.update(running.environment)
        yield running
        os.environ.clear()
        os.environ.update(before)


def wait_for(microphone: MicrophoneProcess, kind: type) -> list:
    told = []
    while not any(isinstance(one, kind) for one in told):
        told += microphone.messages()
        time.sleep(0.01)
    return told


def test_every_sample_comes_in_order_at_250_khz(server: SoundServer, tmp_path: Path) -> None:
    played = np.random.default_rng(1).integers(1, 30_000, 3 * RATE).astype(np.int16)
    with RecordingWriter(tmp_path / "played.wav", RATE) as writer:
        writer.write(played)
    with MicrophoneProcess(PortAudioOpener(NAME, RATE)) as microphone:
        assert microphone.wait_ready().name == f"{NAME}, ALSA"
        microphone.start(tmp_path / "a.wav", host_us())
        server.play(tmp_path / "played.wav")
        microphone.stop(host_us() + 2_500_000)
        (ended,) = [one for one in wait_for(microphone, Ended) if isinstance(one, Ended)]
    heard, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert len(heard) == pytest.approx(625_000, abs=10_000)  # the clock is learned meanwhile
    assert ended.n_dropped == 0
    first = int(np.flatnonzero(heard)[0])
    (at,) = [k for k in np.flatnonzero(played == heard[first]) if np.array_equal(played[k : k + 8], heard[first:][:8])]
    n = min(len(heard) - first, len(played) - at)
    assert n > 100_000
    np.testing.assert_array_equal(heard[first : first + n], played[at : at + n])


def test_a_rate_that_the_server_would_resample_to_is_refused(server: SoundServer) -> None:
    with MicrophoneProcess(PortAudioOpener(NAME, 192_000)) as microphone, pytest.raises(BadInput) as error:
        microphone.wait_ready()
    assert "would resample them to 192000 in silence" in str(error.value)


def test_a_process_that_listens_to_nothing_is_not_resampled(server: SoundServer) -> None:
    assert resampled_from(RATE, process_id=1) == 0


def test_a_server_that_dies_without_a_word_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not is_installed():
        pytest.skip(MISSING)
    with SoundServer(tmp_path / "home") as mortal:
        for name, value in mortal.environment.items():
            monkeypatch.setenv(name, value)
        with MicrophoneProcess(PortAudioOpener(NAME, RATE)) as microphone:
            microphone.wait_ready()
            microphone.start(tmp_path / "a.wav", host_us())
            while not (tmp_path / "a.wav").exists() or (tmp_path / "a.wav").stat().st_size < RATE:
                microphone.messages()
                time.sleep(0.01)
            mortal.die()
            told = wait_for(microphone, Dead)
    assert next(one.why for one in told if isinstance(one, Dead)).startswith(
        ("its stream has ended", "nothing has come")
    )
    assert soundfile.info(tmp_path / "a.wav").frames > RATE // 4
