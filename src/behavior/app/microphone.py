"""A chamber's microphone in a live session: its process, the detector's process, and what the session hears of both."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from behavior.audio.capture import Dead, Ended, Lost, Message, Started, Timed, host_us
from behavior.audio.clock import SampleLine, fit_pulses
from behavior.audio.pulses import Clicks, LowestBit, SecondChannel
from behavior.audio.recorder import MicrophoneProcess
from behavior.model.commands import SetCue
from behavior.model.errors import BehaviorError
from behavior.model.events import (
    CallHeard,
    Delivered,
    Event,
    Faulted,
    LeverPressed,
    RecordingEnded,
    RecordingStarted,
    ShockStarted,
    SoundAligned,
    SoundLost,
)
from behavior.session.recording import sound_name
from behavior.usv.listen import Listener

if TYPE_CHECKING:
    from collections.abc import Iterable
    from multiprocessing.connection import Connection
    from types import TracebackType

    from behavior.audio.source import Opener
    from behavior.config.rig import Microphone, Sync
    from behavior.model.calls import Call
    from behavior.session.journal import Item
    from behavior.simulate.acoustics import Artefact, PlannedCall

NAME = "microphone"
AFTER_US = 250_000
"""A file goes on so long after its end: sound is late, and pulses may show later by how much."""
HOST_CLOCK = "the computer's clock"
_BY = {
    "lowest_bit": "a digital line in the lowest bit",
    "channel": "a line on a channel of its own",
    "clicks": "clicks",
}
_FINDERS: dict[str, Any] = {"lowest_bit": LowestBit, "channel": SecondChannel, "clicks": Clicks}
_FOLLOWED: dict[str, type[Item]] = {
    "shock": ShockStarted,
    "lever": LeverPressed,
    "feeder": Delivered,
    "cue": SetCue,
}


class LiveMicrophone:
    """The recorder of a live session.

    Parameters
    ----------
    microphone : as the rig describes it
    start_ns : `time.monotonic_ns()` at which the link's clock is 0
    part : the session's sound goes on with this part
    simulated : seed, start and sounds of a simulated chamber; None: the real device
    """

    def __init__(
        self,
        microphone: Microphone,
        start_ns: int,
        *,
        part: int = 1,
        simulated: tuple[int, int, Connection | None] | None = None,
    ) -> None:
        self._microphone, self._start_us, self._part = microphone, start_ns // 1000, part
        self._seed, _, self._hearing = simulated or (0, 0, None)
        self._process = MicrophoneProcess(_opener(microphone, simulated), _finder(microphone))
        self._listener = Listener(microphone.profile, microphone.sample_rate_hz, microphone.channel)
        self._known_us: list[int] = []
        self._folder, self._zero_us = Path(), self._start_us
        self._file = ""
        self._line = SampleLine(0.0, microphone.sample_rate_hz)
        self._recording = self.busy = False
        self._recorded: list[tuple[str, SampleLine, int]] = []
        self.identity = ""

    def __enter__(self) -> Self:
        self._process.begin()
        if self._hearing is not None:
            self._hearing.close()  # the microphone's process has its own
        self._listener.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.close()
        self._listener.close()

    def wait_ready(self) -> None:
        """Wait until the microphone runs and its clock is known.

        Raises
        ------
        BehaviorError
            It is not there, or cannot deliver what is asked of it.
        """
        self.identity = self._process.wait_ready().name

    def attend(self, folder: Path, zero_us: int) -> None:
        """From now on it serves a session: its folder, and the link's time at which session time is 0."""
        self._folder, self._zero_us = folder, self._start_us + zero_us

    def witness(self, item: Item) -> None:
        """Something stands in the journal that may stand in the sound too."""
        sync = self._microphone.sync
        if sync is None or not self._recording or not isinstance(item, _FOLLOWED[sync.follows]):
            return
        if isinstance(item, SetCue):
            if item.on:  # devices do not report cues: the time is that of the command
                self._known_us.append(host_us() - self._zero_us)
        elif isinstance(item, Event):
            self._known_us.append(item.at_us)

    # -- the session's Recorder -------------------------------------------------------------------------------------

    def start(self, at_us: int) -> None:
        """Begin a file at this session time; the event comes by `heard`."""
        self._file = sound_name(self._part, ".wav")
        self._part += 1
        self._recording, self._known_us = True, []
        self._process.start(self._folder / self._file, at_us + self._zero_us)

    def stop(self, at_us: int) -> None:
        """End it at this session time; the events come by `heard`."""
        if self._recording:
            self.busy = True
            self._process.stop(at_us + self._zero_us + AFTER_US)

    def heard(self) -> list[Event]:
        """What came since, in session time."""
        events = list[Event]()
        try:
            for message in self._process.messages():
                events += self._meaning(message)
        except BehaviorError as error:
            events.append(self._fault(str(error)))
        try:
            for call in self._listener.calls():
                events.append(self._call(call))
        except BehaviorError as error:
            events.append(self._fault(str(error)))
        if self.busy and not self._recording and not self._listener.searching:
            self.busy = False
        return events

    def _meaning(self, message: Message) -> list[Event]:
        match message:
            case Started(file=file, at_us=at_us):
                self._line = SampleLine(at_us, self._microphone.sample_rate_hz)
                self._listener.follow(Path(file))
                rate, channel = self._microphone.sample_rate_hz, self._microphone.channel
                return [RecordingStarted(at_us - self._zero_us, self._file, rate, channel)]
            case Timed(line=line):
                self._line = line
            case Lost(at_us=at_us, n_samples=n_samples, why=why) if self._recording:
                return [SoundLost(at_us - self._zero_us, n_samples, why)]
            case Ended():
                return self._ended(message)
            case Dead(why=why) if self._recording or not self._recorded:
                return [self._fault(why)]
        return []

    def _ended(self, ended: Ended) -> list[Event]:
        self._recording, self._line = False, ended.line
        self._listener.finish(ended.n_samples)
        self._recorded.append((Path(ended.file).name, ended.line, ended.n_samples))
        end_us = round(ended.line.at_us(ended.n_samples)) - self._zero_us
        return [RecordingEnded(end_us, ended.n_samples, ended.n_dropped), self._aligned(ended)]

    def _aligned(self, ended: Ended) -> SoundAligned:
        """By pulses if there are any, or by the computer's clock."""
        line = SampleLine(ended.line.began_us - self._zero_us, ended.line.samples_per_s)
        sync = self._microphone.sync
        fit = fit_pulses(ended.pulses, self._known_us, line) if sync else None
        by, residuals = (HOST_CLOCK, ()) if fit is None or sync is None else (_BY[sync.carried_by], fit.residuals_us)
        line = line if fit is None else fit.line
        name, now_us = Path(ended.file).name, host_us() - self._zero_us
        return SoundAligned(now_us, name, round(line.began_us), line.samples_per_s, by, residuals)

    def _call(self, call: Call) -> CallHeard:
        rate = self._microphone.sample_rate_hz
        at_us = round(self._line.at_us(call.onset_s * rate)) - self._zero_us
        return CallHeard(at_us, round(1e6 * call.duration_s), call.peak_hz, call.call_type)

    def _fault(self, why: str) -> Faulted:
        self._recording = self.busy = False
        return Faulted(host_us() - self._zero_us, NAME, why)

    # -- of simulated chambers --------------------------------------------------------------------------------------

    def write_truth(self, sounds: Iterable[PlannedCall | Artefact]) -> None:
        """Write which calls are truly in what was recorded; `sounds` are all of the session, at session time."""
        from behavior.simulate.microphone import LATE_S
        from behavior.simulate.sound import TRUTH_FILE, live_truth, write_truth

        for file, line, n_samples in self._recorded:
            at = SampleLine(line.began_us - self._zero_us - 1e6 * LATE_S, line.samples_per_s)
            calls = live_truth(sounds, self._seed, at, n_samples, self._microphone.sample_rate_hz)
            write_truth(self._folder / TRUTH_FILE, calls, file)


def _opener(microphone: Microphone, simulated: tuple[int, int, Connection | None] | None) -> Opener:
    if simulated is None:
        from behavior.audio.portaudio import PortAudioOpener

        return PortAudioOpener(microphone.device or "", microphone.sample_rate_hz, microphone.channels)
    from behavior.simulate.microphone import SimulatedOpener

    seed, start_ns, sounds = simulated
    line = {"shock": "shock", "cue": "tone"}.get(microphone.sync.follows) if microphone.sync else None
    return SimulatedOpener(microphone.sample_rate_hz, seed, start_ns, sounds, microphone.channels, line)


def _finder(microphone: Microphone) -> Any:
    sync: Sync | None = microphone.sync
    return None if sync is None else partial(_FINDERS[sync.carried_by], channel=microphone.sync_channel)
