"""The detector's process beside a recording that grows: it finds what a search of the finished file finds."""

from __future__ import annotations

import time
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest

from behavior.audio.write import RecordingWriter
from behavior.model.errors import BehaviorError, Failure
from behavior.simulate.acoustics import Artefact, PlannedCall, Soundscape
from behavior.usv.detect import Detector, detect_file
from behavior.usv.gate import KnownEvent
from behavior.usv.listen import Listener, Warm, _search
from behavior.usv.onset import Onset
from behavior.usv.profile import load_profile

RATE = 250_000
CALLS = [PlannedCall(1.2, 0.5), PlannedCall(2.2, 0.04, "50-kHz"), PlannedCall(3.3, 0.6)]


def calls_until_searched(listener: Listener) -> list:
    found = []
    while listener.searching:
        found += listener.calls()
        time.sleep(0.01)
    return found


def test_calls_heard_live_are_those_of_the_finished_file_part_after_part(tmp_path: Path) -> None:
    """With onsets asked for, and an event told that is far from any call: neither changes what is found."""
    listener = Listener("rat", RATE, provisional=True)
    listener.open()
    try:
        for name, duration_s in (("audio.wav", 4.0), ("audio_part-02.wav", 2.0)):
            heard = []
            with RecordingWriter(tmp_path / name, RATE) as writer:
                listener.follow(tmp_path / name)
                listener.know(KnownEvent("lever", 0.2, 0.25))
                for block in Soundscape(RATE, duration_s, 1, CALLS).blocks(50_003):
                    writer.write(block)
                    heard += listener.calls()
                listener.finish(writer.n_samples)
                heard += calls_until_searched(listener)
            assert heard == detect_file(tmp_path / name, load_profile("rat")).calls
            assert len(heard) == (3 if duration_s == 4 else 1)
            onsets = [one for one in listener.onsets() if isinstance(one, Onset)]
            assert [onset.onset_s for onset in onsets] == pytest.approx([call.onset_s for call in heard], abs=0.01)
    finally:
        listener.close()
    listener.close()


def test_it_tells_that_it_is_warm_before_anything_else_and_that_is_no_call() -> None:
    listener = Listener("rat", RATE)
    assert not listener.wait_warm(0), "nobody has told anything"
    listener._there.send(Warm())
    listener._there.send("a call")
    assert listener.wait_warm(60)
    assert listener.calls() == ["a call"]
    listener.close()
    served = Listener("rat", RATE)
    served.open()
    try:
        assert served.wait_warm(120)
        assert served._here.recv() == Warm()
    finally:
        served.close()


def test_what_is_rejected_is_not_kept_while_a_session_lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Detector] = []

    class Kept(Detector):
        def __init__(self, *given: object, **named: object) -> None:
            super().__init__(*given, **named)  # type: ignore[arg-type]
            self.n_rejected = 0
            made.append(self)

        def _reject(self, *given: object) -> None:
            super()._reject(*given)  # type: ignore[arg-type]
            self.n_rejected += 1

    monkeypatch.setattr("behavior.usv.detect.Detector", Kept)
    clicks = [Artefact("lever", 0.3 + 0.4 * k, 0.015) for k in range(8)]
    with RecordingWriter(tmp_path / "a.wav", RATE) as writer:
        for block in Soundscape(RATE, 4.0, 1, CALLS, clicks).blocks():
            writer.write(block)
    here, there = Pipe()
    here.send(("finish", writer.n_samples))
    _search(there, tmp_path / "a.wav", "rat", 1, provisional=False)
    (detector,) = made
    assert len(detector.rejected) <= 1, "what the end of the file settles"
    assert detector.n_rejected > 1


def test_a_file_that_was_cut_does_not_hold_it_up_and_a_wrong_profile_is_a_sentence(tmp_path: Path) -> None:
    listener = Listener("rat", RATE)
    listener.open()
    try:
        with RecordingWriter(tmp_path / "a.wav", RATE) as writer:
            writer.write(np.zeros(1_000, np.int16))
        listener.follow(tmp_path / "a.wav")
        listener.finish(10_000_000)
        assert calls_until_searched(listener) == []
    finally:
        listener.close()
    wrong = Listener("bat", RATE)
    wrong.open()
    try:
        wrong.searching = True
        with pytest.raises(BehaviorError, match="bat: there is no such file"):
            calls_until_searched(wrong)
        assert not wrong.searching
    finally:
        wrong.close()


def test_a_detector_that_dies_is_said_once_and_what_it_found_before_is_kept() -> None:
    listener = Listener("rat", 250_000)
    listener.searching = True
    listener._there.send("a call")
    listener._there.close()
    assert listener.calls() == ["a call"]
    with pytest.raises(Failure, match="its process has ended by itself; calls are searched when the session is over"):
        listener.calls()
    assert listener.calls() == []
    assert not listener.searching, "nobody waits for it"
    listener.close()
