"""A session's microphone with processes that the test plays: what it makes of what they tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from behavior.app.microphone import AFTER_US, HOST_CLOCK, LiveMicrophone
from behavior.audio.capture import Dead, Ended, Lost, Started, Timed
from behavior.audio.clock import SampleLine
from behavior.config.rig import Microphone
from behavior.model.calls import Call
from behavior.model.commands import SetCue
from behavior.model.errors import Failure
from behavior.model.events import (
    CallHeard,
    Faulted,
    LeverPressed,
    RecordingEnded,
    RecordingStarted,
    ShockStarted,
    SoundAligned,
    SoundLost,
)

RATE = 250_000
HOST_US = 50_000_000_000
"""The computer's clock at session time 0."""
LSB = {"carried_by": "lowest_bit", "follows": "shock"}


class PlayedProcess:
    def __init__(self) -> None:
        self.asked: list[tuple] = []
        self.told: list = []

    def start(self, path: Path, at_us: int) -> None:
        self.asked.append(("start", path.name, at_us))

    def stop(self, at_us: int) -> None:
        self.asked.append(("stop", at_us))

    def messages(self) -> list:
        told, self.told = self.told, []
        for one in told:
            if isinstance(one, Failure):
                raise one
        return told


class PlayedListener:
    def __init__(self) -> None:
        self.asked: list = []
        self.found: list = []
        self.searching = False

    def follow(self, path: Path) -> None:
        self.asked.append(path.name)
        self.searching = True

    def finish(self, n_samples: int) -> None:
        self.asked.append(n_samples)

    def calls(self) -> list:
        found, self.found = self.found, []
        return found


@pytest.fixture
def live(tmp_path: Path):
    def make(part: int = 1, **more):
        microphone = LiveMicrophone(Microphone(**more), start_ns=(HOST_US - 3_000_000) * 1000, part=part)
        microphone._process, microphone._listener = PlayedProcess(), PlayedListener()
        microphone.attend(tmp_path, 3_000_000)
        return microphone

    return make


def ended(
    began_us: float, n: int = 10 * RATE, dropped: int = 0, pulses=(), rate: float = RATE, file="audio.wav"
) -> Ended:
    return Ended(file, n, dropped, SampleLine(HOST_US + began_us, rate), 80.0, tuple(pulses))


def test_times_go_to_the_microphone_and_back_by_the_sessions_clock(live) -> None:
    microphone = live()
    assert microphone.start(1_000_000) is None
    microphone._process.told = [Started("/x/audio.wav", HOST_US + 1_000_003)]
    assert microphone.heard() == [RecordingStarted(1_000_003, "audio.wav", RATE)]
    microphone._process.told = [Lost(HOST_US + 2_000_000, 4_096, "the ring is full")]
    assert microphone.heard() == [SoundLost(2_000_000, 4_096, "the ring is full")]
    microphone.stop(11_000_000)
    assert microphone.busy
    assert microphone._process.asked == [
        ("start", "audio.wav", HOST_US + 1_000_000),
        ("stop", HOST_US + 11_000_000 + AFTER_US),
    ]
    microphone._process.told = [ended(1_000_003, dropped=4_096)]
    end, aligned = microphone.heard()
    assert end == RecordingEnded(11_000_003, 10 * RATE, 4_096)
    assert (aligned.began_us, aligned.samples_per_s, aligned.by, aligned.residuals_us) == (
        1_000_003,
        RATE,
        HOST_CLOCK,
        (),
    )
    assert microphone.busy, "its calls are still being searched for"
    microphone._listener.searching = False
    assert microphone.heard() == []
    assert not microphone.busy
    assert microphone._listener.asked == ["audio.wav", 10 * RATE]


def test_it_starts_again_with_the_next_part(live) -> None:
    microphone = live(part=2)
    microphone.start(0)
    microphone._process.told = [Started("audio_part-02.wav", HOST_US), ended(0, file="audio_part-02.wav")]
    assert [one.file for one in microphone.heard() if hasattr(one, "file")] == ["audio_part-02.wav"] * 2
    microphone.start(20_000_000)
    assert microphone._process.asked[-1][1] == "audio_part-03.wav"


@pytest.mark.parametrize(
    ("follows", "items"),
    [
        ("shock", [ShockStarted(at_us, n) for n, at_us in enumerate((2_000_000, 5_000_000, 9_500_000, 14_000_000), 1)]),
        ("lever", [LeverPressed(at_us, "left") for at_us in (2_000_000, 5_000_000, 9_500_000, 14_000_000)]),
    ],
)
def test_pulses_that_both_have_tell_how_late_the_sound_is_and_how_fast(live, follows, items) -> None:
    microphone = live(sync={"carried_by": "lowest_bit", "follows": follows})
    microphone.start(1_000_000)
    microphone.witness(SetCue("tone", on=True))
    for item in items:
        microphone.witness(item)
    true = SampleLine(1_000_000 - 43_000, RATE * 1.0001)  # 43 ms later than the computer's clock has it
    pulses = [round(true.sample(item.at_us)) for item in items]
    microphone._process.told = [Started("audio.wav", HOST_US + 1_000_000), ended(1_000_000, pulses=pulses)]
    aligned = next(one for one in microphone.heard() if isinstance(one, SoundAligned))
    assert aligned.by == "a digital line in the lowest bit"
    assert aligned.began_us == pytest.approx(957_000, abs=5)
    assert aligned.samples_per_s == pytest.approx(RATE * 1.0001, rel=1e-6)
    assert len(aligned.residuals_us) == 4 and max(map(abs, aligned.residuals_us)) <= 4


def test_a_line_without_a_pulse_leaves_the_computers_clock(live) -> None:
    microphone = live(sync=LSB)
    microphone.start(0)
    microphone._process.told = [Started("audio.wav", HOST_US), ended(0, pulses=[100])]
    assert microphone.heard()[-1].by == HOST_CLOCK


def test_a_call_is_heard_at_its_session_time(live) -> None:
    microphone = live()
    microphone.start(0)
    microphone._process.told = [Started("audio.wav", HOST_US), Timed(SampleLine(HOST_US + 40, RATE * 1.001))]
    assert [type(one) for one in microphone.heard()] == [RecordingStarted]
    call = Call(
        "audio.wav",
        100.0,
        101.0,
        1.0,
        22e3,
        21e3,
        24e3,
        22e3,
        24e3,
        21e3,
        3e3,
        -3e3,
        1.1,
        0.9,
        -40,
        30,
        "22-kHz long",
        9,
    )
    microphone._listener.found = [call]
    assert microphone.heard() == [CallHeard(round(40 + 100e6 / 1.001), 1_000_000, 22e3, "22-kHz long")]


@pytest.mark.parametrize("trouble", [Dead("its stream has ended by itself"), Failure("audio.wav: cannot be made")])
def test_what_fails_is_a_fault_of_the_microphone_and_nobody_waits_for_it(live, trouble) -> None:
    microphone = live()
    microphone.start(0)
    microphone._process.told = [trouble]
    (fault,) = microphone.heard()
    assert isinstance(fault, Faulted)
    assert (fault.device, fault.cause) == ("microphone", getattr(trouble, "why", str(trouble)))
    microphone.stop(1)
    assert not microphone.busy


def test_a_microphone_that_dies_after_all_was_recorded_faults_nothing(live) -> None:
    microphone = live()
    microphone.start(0)
    microphone._process.told = [Started("audio.wav", HOST_US), ended(0), Dead("unplugged")]
    assert not any(isinstance(one, Faulted) for one in microphone.heard())


def test_of_several_channels_the_journal_names_the_one_with_the_sound(live) -> None:
    line = {"carried_by": "channel", "follows": "shock", "channel": 1}
    microphone = live(channels=2, channel=2, sync=line)
    microphone.start(0)
    microphone._process.told = [Started("audio.wav", HOST_US)]
    assert microphone.heard() == [RecordingStarted(0, "audio.wav", RATE, 2)]
