"""A chamber's microphone in a live session: its process, the detector's process, and what the session hears of both.

Rules.

1.  A microphone that dies does not end the session: what it recorded is ended and kept, the journal says from when on
    nothing is heard (`MicrophoneLost`), and it is looked for every `RETRY_S`. When it is back the recording goes on
    with the next file. Opening takes its time, and does so beside the session's thread.
2.  What the journal knows to sound is told to the live detector as it happens, at its place in the recording: by the
    pulses that the sound carries, or by the computer's clock, which cannot know by how much sound is late; then what is
    told lasts longer by `LATEST_S`.
"""

from __future__ import annotations

import contextlib
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import typer

from behavior.audio.capture import Dead, Ended, Lost, Message, Ready, Started, Timed, host_us
from behavior.audio.clock import PulseFit, SampleLine, fit_pulses
from behavior.audio.pulses import Clicks, LowestBit, SecondChannel
from behavior.audio.recorder import MicrophoneProcess
from behavior.model.commands import Deliver, SetCue, Shock
from behavior.model.errors import BehaviorError
from behavior.model.events import (
    CallHeard,
    Delivered,
    Event,
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
from behavior.scoring.artefacts import FEEDER_US, LEVER_US
from behavior.session.recording import n_samples_in, sound_name
from behavior.usv.gate import KnownEvent
from behavior.usv.listen import Listener
from behavior.usv.onset import Onset, Withdrawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from multiprocessing.connection import Connection
    from types import TracebackType

    from behavior.audio.source import Opener
    from behavior.config.rig import Microphone, Sync
    from behavior.model.calls import Call
    from behavior.session.journal import Item
    from behavior.simulate.acoustics import Artefact, PlannedCall

RETRY_S, PATIENCE_S, ENDING_S = 2.0, 20.0, 1.0
"""How often a lost microphone is looked for, how long it may take to open, and how long a lost one to end its file."""
SOON_S, COMPILED_S = 4.0, 120.0
"""After how long a detector that is not ready is told of, and how much longer it is waited for."""
LATEST_S, RECENT_US = 0.08, 40_000_000
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
        self._seed, self._start_ns, self._hearing = simulated or (0, start_ns, None)
        self._simulated = simulated is not None
        self._process = self._made()
        self._listener = Listener(
            microphone.profile, microphone.sample_rate_hz, microphone.channel, provisional=microphone.onsets
        )
        self._known_us: list[int] = []
        self._shock_s: dict[int, float] = {}
        self._shock_at_us: int | None = None
        self._sounded: dict[tuple[str, int], tuple[int, float]] = {}  # how long it lasts, and where it was told to be
        self._folder, self._zero_us = Path(), self._start_us
        self._file = ""
        self._line = SampleLine(0.0, microphone.sample_rate_hz)
        self._place: SampleLine | None = None  # of the samples on the session's clock, once pulses tell
        self._recording = self._begun = self._wanted = self.busy = False
        self._lost_us: int | None = None
        self._retry_us = 0
        self._opening: _Opening | None = None
        self._recorded: list[tuple[str, SampleLine, int]] = []
        self.identity = ""

    def _made(self) -> MicrophoneProcess:
        simulated = (self._seed, self._start_ns, self._hearing) if self._simulated else None
        return MicrophoneProcess(_opener(self._microphone, simulated), _finder(self._microphone))

    def __enter__(self) -> Self:
        self._process.begin()
        self._listener.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._opening is not None:
            self._opening.join().close()
        self._process.close()
        self._listener.close()
        if self._hearing is not None:
            self._hearing.close()

    def wait_ready(self) -> None:
        """Wait until the microphone runs and its clock is known, and the detector is warm.

        Without the detector the session begins nevertheless: the sound is searched when it is over.

        Raises
        ------
        BehaviorError
            The microphone is not there, or cannot deliver what is asked of it.
        """
        self.identity = self._process.wait_ready().name
        if not self._listener.wait_warm(SOON_S):
            typer.echo("The detector is being compiled, once on this computer; the session begins when it is ready …")
            self._listener.wait_warm(COMPILED_S)

    def attend(self, folder: Path, zero_us: int) -> None:
        """From now on it serves a session: its folder, and the link's time at which session time is 0."""
        self._folder, self._zero_us = folder, self._start_us + zero_us

    def witness(self, item: Item) -> None:
        """Something stands in the journal that may stand in the sound too."""
        if not self._recording:
            return
        self._tell_of(item)
        sync = self._microphone.sync
        if sync is None or not isinstance(item, _FOLLOWED[sync.follows]):
            return
        if isinstance(item, SetCue):
            if item.on:  # devices do not report cues: the time is that of the command
                self._known_us.append(self._now_us())
        elif isinstance(item, Event):
            self._known_us.append(item.at_us)

    def _put_at(self, place: SampleLine) -> None:
        """The sound's place on the session's clock is known, or better known: so is that of what sounded just now."""
        self._place = place
        for (kind, at_us), (lasts_us, _) in tuple(self._sounded.items()):
            self._tell(kind, at_us, lasts_us)

    def _tell_of(self, item: Item) -> None:
        """Tell the detector what an item of the journal says to be sounding now."""
        match item:
            case Shock():
                self._shock_s[item.number] = item.duration_s
            case ShockStarted():
                self._shock_at_us = item.at_us
                self._tell("shock", item.at_us, round(1e6 * self._shock_s.pop(item.number, 0.0)))
            case ShockEnded() if item.duration_us and self._shock_at_us is not None:
                self._tell("shock", self._shock_at_us, item.at_us - self._shock_at_us)
            case LeverPressed():
                self._tell("lever", item.at_us, LEVER_US)
            case Deliver():  # its sensor would tell when all has sounded
                self._tell("feeder", self._now_us(), FEEDER_US)

    def _tell(self, kind: str, at_us: int, lasts_us: int) -> None:
        """Tell the detector of a sound at its place in the recording; said again, it is corrected."""
        place = self._place or SampleLine(self._line.began_us - self._zero_us, self._line.samples_per_s)
        start_s = place.sample(at_us) / self._microphone.sample_rate_hz
        before = self._sounded.get((kind, at_us))
        if before is not None and before[1] != start_s:
            self._listener.know(KnownEvent(kind, before[1], before[1]))  # it was not there
        late_s = 0.0 if self._place else LATEST_S
        self._listener.know(KnownEvent(kind, start_s, start_s + lasts_us / 1e6 + late_s))
        recent = {key: value for key, value in self._sounded.items() if key[1] > at_us - RECENT_US}
        self._sounded = recent | {(kind, at_us): (lasts_us, start_s)}

    # -- the session's Recorder -------------------------------------------------------------------------------------

    def start(self, at_us: int) -> None:
        """Begin a file at this session time; the event comes by `heard`. A lost microphone begins when it is back."""
        self._wanted = True
        if self._lost_us is None:
            self._begin(at_us)

    def stop(self, at_us: int) -> None:
        """End it at this session time; the events come by `heard`."""
        self._wanted = False
        if self._recording:
            self.busy = True
            self._process.stop(at_us + self._zero_us + AFTER_US)

    def heard(self) -> list[Event]:
        """What came since, in session time."""
        events = list[Event]()
        try:
            for message in self._process.messages() if self._opening is None else ():
                events += self._meaning(message)
        except BehaviorError as error:
            self._recording = False  # a file that could not be begun
            events += self._lose(str(error))
        try:
            events += [self._call(call) for call in self._listener.calls()]
            events += [self._onset(one) for one in self._listener.onsets()]
        except BehaviorError as error:
            events.append(Noted(self._now_us(), f"live detection has ended, sound is recorded: {error}"))
        if self._lost_us is not None:
            events += self._without()
        if self.busy and not self._recording and not self._listener.searching:
            self.busy = False
        return events

    def _begin(self, at_us: int) -> None:
        self._file = sound_name(self._part, ".wav")
        self._part += 1
        self._recording, self._begun = True, False
        self._known_us, self._place = [], None
        self._shock_at_us, self._sounded = None, {}
        self._process.start(self._folder / self._file, at_us + self._zero_us)

    def _meaning(self, message: Message) -> list[Event]:
        match message:
            case Started(file=file, at_us=at_us):
                self._line, self._begun = SampleLine(at_us, self._microphone.sample_rate_hz), True
                self._listener.follow(Path(file))
                rate, channel = self._microphone.sample_rate_hz, self._microphone.channel
                return [RecordingStarted(at_us - self._zero_us, self._file, rate, channel)]
            case Timed(line=line, pulses=pulses):
                self._line = line
                if fit := self._fit(line, pulses):
                    self._put_at(fit.line)
            case Lost(at_us=at_us, n_samples=n_samples, why=why) if self._recording:
                return [SoundLost(at_us - self._zero_us, n_samples, why)]
            case Ended():
                return self._ended(message)
            case Dead(why=why) if self._recording or self._wanted or not self._recorded:
                return self._lose(why)
        return []

    def _ended(self, ended: Ended) -> list[Event]:
        self._recording, self._line = False, ended.line
        self._listener.finish(ended.n_samples)
        self._recorded.append((Path(ended.file).name, ended.line, ended.n_samples))
        end_us = round(ended.line.at_us(ended.n_samples)) - self._zero_us
        return [RecordingEnded(end_us, ended.n_samples, ended.n_dropped), self._aligned(ended)]

    def _fit(self, line: SampleLine, pulses: tuple[int, ...]) -> PulseFit | None:
        """The sound on the session's clock, if it carries pulses that the journal knows."""
        on_session = SampleLine(line.began_us - self._zero_us, line.samples_per_s)
        return fit_pulses(pulses, self._known_us, on_session) if self._microphone.sync else None

    def _aligned(self, ended: Ended) -> SoundAligned:
        """By pulses if there are any, or by the computer's clock."""
        line = SampleLine(ended.line.began_us - self._zero_us, ended.line.samples_per_s)
        sync, fit = self._microphone.sync, self._fit(ended.line, ended.pulses)
        by, residuals = (HOST_CLOCK, ()) if fit is None or sync is None else (_BY[sync.carried_by], fit.residuals_us)
        line = line if fit is None else fit.line
        name = Path(ended.file).name
        return SoundAligned(self._now_us(), name, round(line.began_us), line.samples_per_s, by, residuals)

    def _call(self, call: Call) -> CallHeard:
        return CallHeard(self._at_us(call.onset_s), round(1e6 * call.duration_s), call.peak_hz, call.call_type)

    def _onset(self, one: Onset | Withdrawn) -> OnsetHeard | OnsetWithdrawn:
        if isinstance(one, Onset):
            return OnsetHeard(self._at_us(one.onset_s), one.number, one.hz)
        return OnsetWithdrawn(self._at_us(one.onset_s), one.number)

    def _at_us(self, recording_s: float) -> int:
        return round(self._line.at_us(recording_s * self._microphone.sample_rate_hz)) - self._zero_us

    def _now_us(self) -> int:
        return host_us() - self._zero_us

    # -- without a microphone ---------------------------------------------------------------------------------------

    def _lose(self, why: str) -> list[Event]:
        """From now on nothing is heard."""
        if self._lost_us is not None:
            return []
        self._lost_us = host_us()
        self._retry_us = self._lost_us + round(1e6 * RETRY_S)
        return [MicrophoneLost(self._lost_us - self._zero_us, why)]

    def _without(self) -> list[Event]:
        """What there is to do while it is lost: end its file, look for it, go on once it is back."""
        with contextlib.suppress(EOFError, OSError):
            while self._hearing is not None and self._hearing.poll():
                self._hearing.recv()  # nobody hears it
        assert self._lost_us is not None
        now_us = host_us()
        if self._recording:
            return self._cut() if self._process.gone or now_us > self._lost_us + 1e6 * ENDING_S else []
        if self._opening is None:
            if now_us >= self._retry_us:
                self._opening = _Opening(self._process, self._made)
            return []
        ready = self._opening.is_ready()
        if ready is None:
            return []
        self._process, self._opening = self._opening.join(), None
        self._retry_us = now_us + round(1e6 * RETRY_S)
        if not ready:
            return []
        self._lost_us = None
        if self._wanted:
            self._begin(self._now_us())
        return [MicrophoneRestored(self._now_us())]

    def _cut(self) -> list[Event]:
        """The end of a file whose process is gone, by what the file holds."""
        if not self._begun:
            self._recording = False
            return []
        path = self._folder / self._file
        n = n_samples_in(path)
        return self._ended(Ended(str(path), n, 0, self._line, 0.0, ()))

    # -- of simulated chambers --------------------------------------------------------------------------------------

    def write_truth(self, sounds: Iterable[PlannedCall | Artefact]) -> None:
        """Write which calls are truly in what was recorded; `sounds` are all of the session, at session time."""
        from behavior.simulate.microphone import LATE_S
        from behavior.simulate.sound import TRUTH_FILE, live_truth, write_truth

        for file, line, n_samples in self._recorded:
            at = SampleLine(line.began_us - self._zero_us - 1e6 * LATE_S, line.samples_per_s)
            calls = live_truth(sounds, self._seed, at, n_samples, self._microphone.sample_rate_hz)
            write_truth(self._folder / TRUTH_FILE, calls, file)


class _Opening:
    """A lost microphone's process is closed and another one begun, in a thread: the session cannot wait for that."""

    def __init__(self, old: MicrophoneProcess, make: Callable[[], MicrophoneProcess]) -> None:
        self._old, self._made = old, make()
        self._until_us = host_us() + round(1e6 * PATIENCE_S)
        self._thread = threading.Thread(target=self._run, name="opening the microphone", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._old.close()
        self._made.begin()

    def is_ready(self) -> bool | None:
        """Whether it delivers; None while that is not known."""
        if self._thread.is_alive():
            return None
        try:
            told = self._made.messages()
        except BehaviorError:
            return False
        if any(isinstance(message, Dead) for message in told) or host_us() > self._until_us:
            return False
        return True if any(isinstance(message, Ready) for message in told) else None

    def join(self) -> MicrophoneProcess:
        """The other process, once it has begun."""
        self._thread.join()
        return self._made


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
