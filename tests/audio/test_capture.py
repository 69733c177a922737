"""Capture with a microphone that the test plays, in a time of the test's own: every sample has a number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.audio.capture import Capture, Dead, Ended, Lost, Ready, Started, Timed
from behavior.audio.pulses import LowestBit
from behavior.model.errors import BadInput, Failure

RATE, BLOCK = 100_000, 1_600
LATE_US = 20_000
ZERO_US = 7_000_000


class Played:
    """A microphone whose sample `n`, taken at `ZERO_US + n / RATE`, has the value n modulo 30011, made even."""

    name, sample_rate_hz, channels = "played", RATE, 1

    def __init__(self) -> None:
        self.now_us, self.n, self.why, self.closed = ZERO_US, 0, "", False

    def open(self, deliver) -> None:
        self.deliver = deliver

    def trouble(self) -> str:
        return self.why

    def close(self) -> None:
        self.closed = True

    def clock_us(self) -> int:
        return self.now_us

    @staticmethod
    def values(first: int, stop: int) -> np.ndarray:
        return (np.arange(first, stop) % 30_011).astype(np.int16)

    def block(self, said: bool = False, n: int = BLOCK) -> None:
        self.now_us = round(ZERO_US + 1e6 * (self.n + n) / RATE + LATE_US)
        self.deliver(self.values(self.n, self.n + n), said)
        self.n += n

    def play(self, capture: Capture, seconds: float) -> list:
        told = []
        for _ in range(round(seconds * RATE / BLOCK)):
            self.block()
            told += capture.pump()
        return told


@pytest.fixture
def microphone() -> Played:
    return Played()


def capturing(microphone: Played, **settings) -> Capture:
    capture = Capture(microphone, clock_us=microphone.clock_us, **settings)
    capture.open()
    return capture


def only(kind, told):
    (found,) = [one for one in told if isinstance(one, kind)]
    return found


def test_a_file_begins_and_ends_with_the_samples_of_the_times_asked_for(microphone, tmp_path) -> None:
    capture = capturing(microphone)
    told = microphone.play(capture, 2.0)
    assert only(Ready, told).name == "played"
    asked_us = microphone.now_us - 300_000  # the question took its time; what it asks for was kept
    capture.start(tmp_path / "a.wav", asked_us)
    told = microphone.play(capture, 1.0)
    capture.stop(asked_us + 2_000_000)
    told += microphone.play(capture, 2.0)
    assert only(Started, told).at_us == pytest.approx(asked_us, abs=10)
    ended = only(Ended, told)
    first = round((asked_us - LATE_US - ZERO_US) * RATE / 1e6)  # the clock cannot know how late sound always is
    samples, rate = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert rate == RATE
    np.testing.assert_array_equal(samples, microphone.values(first, first + 200_000))
    assert (ended.n_samples, ended.n_dropped) == (200_000, 0)
    assert ended.line.at_us(0) == pytest.approx(asked_us, abs=10)


def test_one_file_after_another_and_none_over_one_that_is_there(microphone, tmp_path) -> None:
    capture = capturing(microphone)
    microphone.play(capture, 1.0)
    for name in ("a.wav", "b.wav"):
        capture.start(tmp_path / name, microphone.now_us)
        capture.stop(microphone.now_us + 100_000)
        assert only(Ended, microphone.play(capture, 0.3)).n_samples == pytest.approx(10_000, abs=1)
    with pytest.raises(BadInput, match="never overwritten"):
        capture.start(tmp_path / "a.wav", microphone.now_us)


@given(st.integers(0, 6), st.floats(0.05, 2.0), st.booleans())
@settings(max_examples=25)
def test_what_is_lost_is_silence_of_its_length_and_told(tmp_path_factory, n_before, lost_s, said) -> None:
    microphone, path = Played(), tmp_path_factory.mktemp("lost") / "a.wav"
    capture = capturing(microphone)
    microphone.play(capture, 3.0)
    capture.start(path, microphone.now_us)
    told = microphone.play(capture, 1.0 + n_before * 0.016)
    lost_s = max(lost_s, 0.0 if said else 0.08)
    n_lost = round(lost_s * RATE)
    microphone.n += n_lost
    microphone.block(said)
    told += microphone.play(capture, 5.0)
    capture.stop(microphone.now_us - 100_000)
    told += microphone.play(capture, 0.3)
    lost, ended = only(Lost, told), only(Ended, told)
    assert lost.n_samples == ended.n_dropped == pytest.approx(n_lost, abs=2)
    assert lost.why == ("reported by the sound system" if said else "by the clock")
    samples, _ = soundfile.read(path, dtype="int16")
    first = round((only(Started, told).at_us - LATE_US - ZERO_US) * RATE / 1e6)
    np.testing.assert_array_equal(samples[:90_000], microphone.values(first, first + 90_000))
    last = first + len(samples)  # by the file; what came after the gap stands where its time is
    late = (int(samples[-1]) - int(microphone.values(last - 1, last)[0]) + 15_000) % 30_011 - 15_000
    assert abs(late) <= 2
    np.testing.assert_array_equal(samples[-20_000:], microphone.values(last + late - 20_000, last + late))


def test_a_ring_that_is_full_loses_what_comes_and_says_how_much(microphone, tmp_path) -> None:
    capture = capturing(microphone, ring_s=0.5)
    microphone.play(capture, 1.0)
    capture.start(tmp_path / "a.wav", microphone.now_us)
    for _ in range(50):  # 0.8 s in which nobody takes
        microphone.block()
    told = [*capture.pump(), *microphone.play(capture, 0.5)]
    capture.stop(microphone.now_us)
    told += microphone.play(capture, 0.2)
    n_lost = sum(one.n_samples for one in told if isinstance(one, Lost))
    assert {one.why for one in told if isinstance(one, Lost)} == {"the ring is full"}
    assert n_lost == only(Ended, told).n_dropped == 30_000
    samples, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    n_read = np.count_nonzero(samples[:-1] + 1 == samples[1:])
    assert n_read == len(samples) - 30_000 - 2 - np.count_nonzero(samples[:-1] == 30_010)


def test_an_overflow_that_cost_nothing_is_told_and_changes_nothing(microphone, tmp_path) -> None:
    capture = capturing(microphone)
    microphone.play(capture, 2.0)
    microphone.block(said=True)
    assert capture.pump() == []
    assert only(Lost, microphone.play(capture, 1.2)).n_samples == 0


@pytest.mark.parametrize("how", ["ended", "mute"])
def test_a_source_that_dies_is_told_and_its_file_is_whole(microphone, tmp_path, how) -> None:
    capture = capturing(microphone)
    microphone.play(capture, 1.0)
    capture.start(tmp_path / "a.wav", microphone.now_us)
    microphone.play(capture, 1.0)
    if how == "ended":
        microphone.why = "its stream has ended by itself"
    else:
        microphone.now_us += 2_100_000
    told = capture.pump()
    assert only(Dead, told).why in ("its stream has ended by itself", "nothing has come from it for 2 s")
    assert only(Ended, told).n_samples == soundfile.info(tmp_path / "a.wav").frames > 90_000
    assert capture.pump() == []
    with pytest.raises(Failure, match="has stopped"):
        capture.start(tmp_path / "b.wav", microphone.now_us)


def test_closing_ends_the_file_with_what_has_come(microphone, tmp_path) -> None:
    capture = capturing(microphone)
    microphone.play(capture, 1.0)
    capture.start(tmp_path / "a.wav", microphone.now_us)
    microphone.play(capture, 1.0)
    ended = only(Ended, capture.close())
    assert microphone.closed
    assert ended.n_samples == soundfile.info(tmp_path / "a.wav").frames


def test_a_disk_that_is_full_is_told_and_what_was_written_stays(microphone, tmp_path, monkeypatch) -> None:
    capture = capturing(microphone)
    microphone.play(capture, 1.0)
    capture.start(tmp_path / "a.wav", microphone.now_us)
    microphone.play(capture, 0.5)

    def full(samples) -> None:
        raise Failure("a.wav: cannot be written (No space left on device); free space on the disk")

    monkeypatch.setattr(capture._file.writer, "write", full)
    told = microphone.play(capture, 0.1)
    assert "No space left" in only(Dead, told).why
    assert only(Ended, told).n_samples == soundfile.info(tmp_path / "a.wav").frames


def test_pulses_are_told_by_their_sample_in_the_file(tmp_path) -> None:
    class Lined(Played):
        @staticmethod
        def values(first: int, stop: int) -> np.ndarray:
            at = np.arange(first, stop)
            return ((at % 101) * 2 + (at % 50_000 < 1_000)).astype(np.int16)

    microphone = Lined()
    capture = capturing(microphone, finder=LowestBit(RATE))
    microphone.play(capture, 1.6)
    capture.start(tmp_path / "a.wav", microphone.now_us)
    told = microphone.play(capture, 1.2)
    capture.stop(microphone.now_us)
    told += microphone.play(capture, 0.2)
    samples, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    begins = np.flatnonzero(np.diff(samples & 1) == 1) + 1
    assert only(Ended, told).pulses == tuple(begins.tolist())
    timed = [message.pulses for message in told if isinstance(message, Timed) and message.pulses]
    assert timed[0] == tuple(begins[: len(timed[0])].tolist()), "told soon, as the end is not"
    assert told.index(next(one for one in told if isinstance(one, Timed) and one.pulses)) < told.index(
        only(Ended, told)
    )
    assert len(begins) == 2


def test_a_folder_that_is_not_there_is_a_sentence(microphone, tmp_path) -> None:
    capture = capturing(microphone)
    microphone.play(capture, 1.0)
    with pytest.raises(Failure, match="cannot be made"):
        capture.start(tmp_path / "nowhere" / Path("a.wav"), microphone.now_us)
