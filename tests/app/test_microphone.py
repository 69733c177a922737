"""A session's microphone with processes that the test plays: what it makes of what they tell."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from behavior.app.microphone import AFTER_US, HOST_CLOCK, LATEST_S, LiveMicrophone
from behavior.audio.capture import Dead, Ended, Lost, Ready, Started, Timed
from behavior.audio.clock import SampleLine
from behavior.audio.write import RecordingWriter
from behavior.config.rig import Microphone
from behavior.model.calls import Call
from behavior.model.commands import Deliver, SetCue, Shock
from behavior.model.errors import Failure
from behavior.model.events import (
    CallHeard,
    LeverPressed,
    MicrophoneLost,
    MicrophoneRestored,
    Noted,
    OnsetHeard,
    OnsetWithdrawn,
    RecordingEnded,
    RecordingStarted,
    ShockEnded,
    ShockStarted,
    SoundAligned,
    SoundLost,
)
from behavior.simulate.microphone import Misdeeds, SimulatedOpener
from behavior.usv.gate import KnownEvent
from behavior.usv.onset import Onset, Withdrawn

RATE = 250_000
HOST_US = 50_000_000_000
"""The computer's clock at session time 0."""
LSB = {"carried_by": "lowest_bit", "follows": "shock"}


class PlayedProcess:
    def __init__(self) -> None:
        self.asked: list[tuple] = []
        self.told: list = []
        self.gone = False

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

    def begin(self) -> None:
        self.asked.append(("begin",))

    def close(self) -> list:
        self.asked.append(("close",))
        return []


class PlayedListener:
    def __init__(self) -> None:
        self.warm: list = []
        self.asked: list = []
        self.found: list = []
        self.begun: list = []
        self.known: list = []
        self.searching = False

    def wait_warm(self, most_s: float) -> bool:
        self.asked.append(most_s)
        return self.warm.pop(0)

    def follow(self, path: Path) -> None:
        self.asked.append(path.name)
        self.searching = True

    def finish(self, n_samples: int) -> None:
        self.asked.append(n_samples)

    def calls(self) -> list:
        found, self.found = self.found, []
        for one in found:
            if isinstance(one, Failure):
                raise one
        return found

    def onsets(self) -> list:
        begun, self.begun = self.begun, []
        return begun

    def know(self, event: KnownEvent) -> None:
        self.known.append(event)


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


@pytest.fixture
def reopened(monkeypatch: pytest.MonkeyPatch) -> list[PlayedProcess]:
    """Microphones that are opened later, in their order; looked for at once."""
    processes: list[PlayedProcess] = []

    def made(microphone: LiveMicrophone) -> PlayedProcess:
        processes.append(PlayedProcess())
        return processes[-1]

    monkeypatch.setattr(LiveMicrophone, "_made", made)
    monkeypatch.setattr("behavior.app.microphone.RETRY_S", 0.0)
    return processes


def looked_for(microphone: LiveMicrophone) -> None:
    """A process is made, and has begun."""
    microphone.heard()
    assert microphone._opening is not None
    microphone._opening.join()


def test_a_microphone_that_dies_ends_its_file_and_not_the_session(live, reopened) -> None:
    microphone = live()
    microphone.start(0)
    microphone._process.told = [Started("audio.wav", HOST_US)]
    microphone.heard()
    microphone._process.told = [Dead("its stream has ended by itself"), ended(0)]
    lost, end, aligned = microphone.heard()
    assert isinstance(lost, MicrophoneLost)
    assert lost.cause == "its stream has ended by itself"
    assert end == RecordingEnded(10_000_000, 10 * RATE, 0)
    assert aligned.file == "audio.wav"
    assert microphone.heard() == [], "that is said once"


def test_it_is_looked_for_and_the_recording_goes_on_with_the_next_file(live, reopened) -> None:
    microphone = live()
    old = microphone._process
    microphone.start(0)
    old.told = [Started("audio.wav", HOST_US), Dead("unplugged"), ended(0)]
    assert [type(one) for one in microphone.heard()][1] is MicrophoneLost
    looked_for(microphone)
    assert old.asked[-1] == ("close",), "who holds the device lets go of it first"
    first = reopened[-1]
    assert first.asked == [("begin",)]
    assert microphone.heard() == [], "it is not known yet"
    first.told = [Failure("no such device")]
    assert microphone.heard() == []
    looked_for(microphone)
    second = reopened[-1]
    assert first.asked[-1] == ("close",)
    second.told = [Ready("mic", RATE)]
    (back,) = microphone.heard()
    assert isinstance(back, MicrophoneRestored)
    assert [one[:2] for one in second.asked] == [("begin",), ("start", "audio_part-02.wav")]
    second.told = [Started("audio_part-02.wav", HOST_US + 60_000_000)]
    assert microphone.heard() == [RecordingStarted(60_000_000, "audio_part-02.wav", RATE)]
    microphone.stop(70_000_000)
    assert second.asked[-1] == ("stop", HOST_US + 70_000_000 + AFTER_US)
    assert microphone._listener.asked == ["audio.wav", 10 * RATE, "audio_part-02.wav"]


def test_without_a_microphone_nobody_waits_for_a_recording(live, reopened) -> None:
    microphone = live()
    microphone._process.told = [Dead("unplugged")]
    assert [type(one) for one in microphone.heard()] == [MicrophoneLost]
    assert microphone.start(1_000_000) is None
    microphone.stop(2_000_000)
    assert not microphone.busy
    looked_for(microphone)
    assert microphone._process.asked == [("close",)]
    reopened[-1].told = [Ready("mic", RATE)]
    assert [type(one) for one in microphone.heard()] == [MicrophoneRestored]
    assert reopened[-1].asked == [("begin",)], "nothing is to be recorded any more"


def test_a_process_that_is_gone_leaves_what_its_file_holds(live, reopened, tmp_path) -> None:
    with RecordingWriter(tmp_path / "audio.wav", RATE) as writer:
        writer.write(np.zeros(3 * RATE, np.int16))
    microphone = live()
    microphone.start(0)
    microphone._process.told = [Started(str(tmp_path / "audio.wav"), HOST_US + 500), Dead("its process has ended")]
    microphone._process.gone = True
    _, lost, end, aligned = microphone.heard()
    assert isinstance(lost, MicrophoneLost)
    assert end == RecordingEnded(3_000_500, 3 * RATE, 0)
    assert (aligned.began_us, aligned.by) == (500, HOST_CLOCK)


def test_a_file_that_cannot_be_made_is_a_lost_microphone_too_and_no_recording_ends(live, reopened) -> None:
    microphone = live()
    microphone.start(0)
    microphone._process.told = [Failure("audio.wav: cannot be made")]
    (lost,) = microphone.heard()
    assert (type(lost), lost.cause) == (MicrophoneLost, "audio.wav: cannot be made")
    microphone.stop(1)
    assert not microphone.busy


def test_a_microphone_that_dies_after_all_was_recorded_is_no_loss(live) -> None:
    microphone = live()
    microphone.start(0)
    microphone._process.told = [Started("audio.wav", HOST_US)]
    microphone.heard()
    microphone.stop(10_000_000)
    microphone._process.told = [ended(0), Dead("unplugged")]
    assert not any(isinstance(one, MicrophoneLost) for one in microphone.heard())


def test_a_detector_that_fails_leaves_the_sound_and_is_told_in_a_note(live) -> None:
    microphone = live()
    microphone.start(0)
    microphone._process.told = [Started("audio.wav", HOST_US)]
    microphone.heard()
    microphone._listener.found = [Failure("bat: there is no such profile")]
    (note,) = microphone.heard()
    assert isinstance(note, Noted)
    assert "sound is recorded: bat" in note.text


def test_onsets_are_heard_at_their_session_time_and_withdrawn_by_number(live) -> None:
    microphone = live(onsets=True)
    microphone.start(0)
    microphone._process.told = [Started("audio.wav", HOST_US + 250)]
    microphone.heard()
    microphone._listener.begun = [Onset(1, 2.0, 48e3, 2.02), Withdrawn(1, 2.0)]
    assert microphone.heard() == [OnsetHeard(2_000_250, 1, 48e3), OnsetWithdrawn(2_000_250, 1)]


def test_what_the_journal_knows_to_sound_is_told_to_the_detector_at_its_place(live, monkeypatch) -> None:
    monkeypatch.setattr("behavior.app.microphone.host_us", lambda: HOST_US + 7_000_000)
    microphone = live()
    microphone.witness(LeverPressed(500_000, "left"))
    microphone.start(1_000_000)
    microphone._process.told = [Started("audio.wav", HOST_US + 1_000_000)]
    microphone.heard()
    for item in (
        LeverPressed(2_000_000, "left"),
        Shock(1, 0.5, 10.0),
        ShockStarted(4_000_000, 1),
        ShockEnded(4_700_300, 1, 700_300, 0.5, "crossing"),
        Deliver(1),
    ):
        microphone.witness(item)
    known = [(one.kind, one.start_s, one.stop_s) for one in microphone._listener.known]
    assert known == [
        ("lever", 1.0, pytest.approx(1.05 + LATEST_S)),
        ("shock", 3.0, pytest.approx(13.0 + LATEST_S)),
        ("shock", 3.0, pytest.approx(3.7003 + LATEST_S)),
        ("feeder", 6.0, pytest.approx(6.6 + LATEST_S)),
    ]


def test_pulses_put_what_is_known_at_its_true_place_as_soon_as_they_are_told(live) -> None:
    microphone = live(sync=LSB)
    microphone.start(0)
    microphone._process.told = [Started("audio.wav", HOST_US)]
    microphone.heard()
    for item in (Shock(1, 0.5, 10.0), ShockStarted(2_000_000, 1)):
        microphone.witness(item)
    microphone._process.told = [Timed(SampleLine(HOST_US, RATE), (round(2.043 * RATE),))]  # sound is 43 ms late
    microphone.heard()
    microphone.witness(ShockEnded(2_600_000, 1, 600_000, 0.5, "crossing"))
    microphone.witness(LeverPressed(5_000_000, "left"))
    known = [(one.kind, round(one.start_s, 4), round(one.stop_s, 4)) for one in microphone._listener.known]
    assert known == [
        ("shock", 2.0, 12.0 + LATEST_S),
        ("shock", 2.0, 2.0),
        ("shock", 2.043, 12.043),
        ("shock", 2.043, 2.643),
        ("lever", 5.043, 5.093),
    ]


def test_of_several_channels_the_journal_names_the_one_with_the_sound(live) -> None:
    line = {"carried_by": "channel", "follows": "shock", "channel": 1}
    microphone = live(channels=2, channel=2, sync=line)
    microphone.start(0)
    microphone._process.told = [Started("audio.wav", HOST_US)]
    assert microphone.heard() == [RecordingStarted(0, "audio.wav", RATE, 2)]


def test_a_real_process_whose_stream_ends_is_replaced_and_both_files_are_whole(tmp_path, monkeypatch) -> None:
    """The simulated microphone ends by itself after 2 s, and is there again when it is looked for."""
    misdeeds = iter([Misdeeds(dies_at_s=2.0), Misdeeds()])

    def opener(microphone: Microphone, simulated: object) -> SimulatedOpener:
        return SimulatedOpener(RATE, 1, time.monotonic_ns(), misdeeds=next(misdeeds))

    monkeypatch.setattr("behavior.app.microphone._opener", opener)
    monkeypatch.setattr("behavior.app.microphone.RETRY_S", 0.1)
    monkeypatch.setattr("behavior.app.microphone.Listener.wait_warm", lambda *_: True)  # it dies 2 s after it opened
    events = []

    def hear_until(kind: type, n: int = 1) -> None:
        while sum(isinstance(one, kind) for one in events) < n:
            events.extend(live.heard())
            time.sleep(0.01)

    with LiveMicrophone(Microphone(), time.monotonic_ns()) as live:
        live.wait_ready()
        live.attend(tmp_path, 0)
        live.start(live._now_us())
        hear_until(RecordingStarted, 2)
        assert [type(one) for one in events if not isinstance(one, CallHeard)] == [
            RecordingStarted, MicrophoneLost, RecordingEnded, SoundAligned, MicrophoneRestored, RecordingStarted,
        ]  # fmt: skip
        live.stop(live._now_us())
        hear_until(RecordingEnded, 2)
    for name, end in zip(
        ("audio.wav", "audio_part-02.wav"), [e for e in events if isinstance(e, RecordingEnded)], strict=True
    ):
        assert soundfile.info(tmp_path / name).frames == end.n_samples > 0


def test_a_session_waits_for_a_detector_that_is_being_compiled_and_begins_without_one_that_never_is(
    live, monkeypatch, capsys
) -> None:
    for answers, said in (([True], False), ([False, True], True), ([False, False], True)):
        microphone = live()
        ready = Ready("a microphone", RATE)
        monkeypatch.setattr(PlayedProcess, "wait_ready", lambda _, ready=ready: ready, raising=False)
        microphone._listener.warm = answers
        microphone.wait_ready()
        assert microphone.identity == "a microphone"
        assert microphone._listener.warm == []
        assert ("being compiled, once on this computer" in capsys.readouterr().out) is said
