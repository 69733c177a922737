"""The microphone's process, with the simulated microphone in it; a real clock runs, and nothing is asserted of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from behavior.audio.capture import Dead, Ended, Lost, Started, Timed, host_us
from behavior.audio.portaudio import PortAudioOpener
from behavior.audio.pulses import LowestBit
from behavior.audio.recorder import MicrophoneProcess
from behavior.model.errors import BehaviorError
from behavior.simulate.microphone import Gap, Misdeeds, SimulatedOpener

RATE = 96_000


def until(microphone: MicrophoneProcess, kind: type) -> list:
    """What it tells, up to the first of a kind; waits for it, not for a time."""
    told = []
    for _ in range(6_000):
        told += microphone.messages()
        if any(isinstance(one, kind) for one in told):
            return told
        time.sleep(0.005)
    raise AssertionError(f"no {kind.__name__} in {told}")


def opener(**misdeeds) -> SimulatedOpener:
    return SimulatedOpener(RATE, seed=1, start_ns=0, misdeeds=Misdeeds(**misdeeds))


def test_a_recording_from_another_process(tmp_path) -> None:
    with MicrophoneProcess(opener(), partial(LowestBit, channel=1)) as microphone:
        assert microphone.wait_ready().sample_rate_hz == RATE
        at_us = host_us()
        microphone.start(tmp_path / "a.wav", at_us)
        microphone.stop(at_us + 500_000)
        told = until(microphone, Ended)
    assert [type(one) for one in told if not isinstance(one, Timed)] == [Started, Ended]
    assert told[-1].n_samples == soundfile.info(tmp_path / "a.wav").frames == 48_000
    assert soundfile.read(tmp_path / "a.wav")[0].std() > 0


def test_what_the_simulated_microphone_loses_is_silence_of_its_length(tmp_path) -> None:
    with MicrophoneProcess(opener(gaps=(Gap(1.0, 0.25),))) as microphone:
        microphone.wait_ready()
        microphone.start(tmp_path / "a.wav", host_us())
        told = until(microphone, Lost)
        microphone.stop(host_us() + 100_000)
        told += until(microphone, Ended)
    (lost,) = [one for one in told if isinstance(one, Lost)]
    (ended,) = [one for one in told if isinstance(one, Ended)]
    samples, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert lost.n_samples == ended.n_dropped
    silent = samples == 0
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate(([0], silent.view(np.int8), [0])))))[::2]
    assert runs.max() == pytest.approx(lost.n_samples, abs=3)


@pytest.mark.parametrize("misdeed", ["dies_at_s", "mute_at_s"])
def test_its_death_is_told(tmp_path, misdeed) -> None:
    """Long enough after it was opened for a busy computer to have begun the file."""
    with MicrophoneProcess(opener(**{misdeed: 2.5})) as microphone:
        microphone.wait_ready()
        microphone.start(tmp_path / "a.wav", host_us())
        told = until(microphone, Dead)
    assert any(isinstance(one, Ended) for one in told)
    assert soundfile.info(tmp_path / "a.wav").frames > 0


def test_a_microphone_that_is_not_there_is_a_sentence() -> None:
    with (
        MicrophoneProcess(PortAudioOpener("a microphone that nobody has", 250_000)) as microphone,
        pytest.raises(BehaviorError, match=r"is not there|needs PortAudio"),
    ):
        microphone.wait_ready()


RECORD = """
import sys, time
from pathlib import Path
from audio.test_recorder import opener
from behavior.audio.capture import host_us
from behavior.audio.recorder import MicrophoneProcess

if __name__ == "__main__":
    microphone = MicrophoneProcess(opener())
    microphone.begin()
    microphone.wait_ready()
    microphone.start(Path(sys.argv[1]), host_us())
    print(microphone._process.pid, flush=True)
    while True:
        time.sleep(1)
"""


@pytest.mark.parametrize("killed", ["the session", "both"])
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="kills a process group, which Windows does not have")
def test_a_file_is_readable_whatever_is_killed_and_when(tmp_path, killed) -> None:
    script, path = tmp_path / "record.py", tmp_path / "a.wav"
    script.write_text(RECORD)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    session = subprocess.Popen(
        [sys.executable, script, path], stdout=subprocess.PIPE, text=True, start_new_session=True, env=environment
    )
    try:
        assert session.stdout is not None
        child = int(session.stdout.readline())
        while not path.exists() or path.stat().st_size < 4 * RATE:  # two seconds
            time.sleep(0.01)
        if killed == "both":
            os.killpg(session.pid, signal.SIGKILL)
        else:
            os.kill(session.pid, signal.SIGKILL)
        while is_alive(child):
            time.sleep(0.01)
    finally:
        os.killpg(session.pid, signal.SIGKILL)
        session.communicate()
    n_there = (path.stat().st_size - 80) // 2
    n_stated = soundfile.info(path).frames
    samples, _ = soundfile.read(path, dtype="int16")
    assert len(samples) == n_stated
    if killed == "the session":
        assert n_stated == n_there, "the microphone's process saw that nobody is left, and closed its file"
    assert n_there - n_stated <= 0.1 * RATE, "a block that was being written"


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with Path(f"/proc/{pid}/stat").open() as status:
        return status.read().rpartition(")")[2].split()[0] != "Z"
