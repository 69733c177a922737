"""From a journal's items to what happened when: responses, windows, shocks and deliveries on the session's clock.

Rules.

1.  **Commands carry no time.** A command's time is the core's, the latest `at_us` of the inputs before it.
2.  **Time stamps decide scoring.** A response belongs to the window `[begin, end)` that its own `at_us` lies in, even
    if it was journalled later; outside every window, or in a gap without control, it belongs to none. The response that
    ended a window, as an escape ends a trial, lies in it, and that which began one, as a time-out, lies before it.
3.  **Order decides control.** A shock or a delivery belongs to the window that was open when it was commanded, because
    it is a consequence: at a window's last instant time alone could put it into the next.
4.  **A shock is delivered, not commanded**: the device measured a current, and within 10 % of the asked. Of a device
    that reports its pulse and cannot measure, the pulse is believed, and every table says so (`shock_verified`); where
    a line says that current flowed, if it flowed for 90 % of the pulse.
5.  **What may be missing is marked, and no more.** While the wire to a device was disturbed, from the last moment at
    which all was well until its inputs were read again, a response may be late or lost: the time is `disturbed`. A
    trial or a cue that it touches is `interrupted`, because one response decides it. A component, whose measures are
    counts and rates, is so if more than a twentieth of it was disturbed. Time and what was seen in it count.
6.  **Time without control does not count.** The time of a window leaves out the gaps that a resumed session reports,
    and the windows within it, whose responses are theirs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from behavior.model import commands as c
from behavior.model import events as e

CURRENT_TOLERANCE = 0.1
"""How far the measured current may be from the asked one, as a fraction of it."""
_CUTS = (e.Stopped, e.LinkLost, e.Faulted)
_FAILED = "paradigm failed"
_STUCK_US = 60_000_000
"""A rat lets go of a lever within seconds; what is down for so long is a switch that is stuck, or somebody's hand."""
MOST_DISTURBED = 0.05
"""A component that is disturbed for a larger part of its time is interrupted."""
_SEEN_AGAIN_US = 400_000
"""After a disturbance a driver asks for all that it watches; by then it has the answers."""


@dataclass(frozen=True, slots=True)
class Window:
    """A component, a trial or a cue: the time `[begin_us, end_us)` on the session's clock.

    Attributes
    ----------
    name : of the component or cue; of a trial its number as text
    number : from 1, among those of the same name
    gap_us : how much of it nobody controlled
    inner_us : how much of it belongs to windows within it
    interrupted : it was cut by the session's end or by a gap, or the wire to a device was disturbed in it (rule 5)
    disturbed_us : for how long of it responses may be late or missing
    after_response, with_response : a response began it at `begin_us` or ended it at `end_us`
    """

    name: str
    number: int
    begin_us: int
    end_us: int
    gap_us: int = 0
    inner_us: int = 0
    interrupted: bool = False
    after_response: bool = False
    with_response: bool = False
    disturbed_us: int = 0

    @property
    def responses_us(self) -> tuple[int, int]:
        """From and until when a response lies in it."""
        return self.begin_us + self.after_response, self.end_us + self.with_response

    @property
    def time_us(self) -> int:
        """Time under control, in no other window."""
        return self.end_us - self.begin_us - self.gap_us - self.inner_us


@dataclass(frozen=True, slots=True)
class Response:
    """Something that the animal did: a press, a crossing, a head entry.

    `where` is the lever or the side; `until_us` None if its end was not seen or it has none.
    """

    kind: str
    where: str
    at_us: int
    until_us: int | None = None


@dataclass(frozen=True, slots=True)
class ShockGiven:
    """A shock that was commanded, and what the device reports of it.

    `component` and `trial` are indices into the timeline's; None: outside of every one.
    """

    number: int
    ma: float
    duration_s: float
    asked_us: int
    component: int | None
    trial: int | None
    started_us: int | None = None
    ended_us: int | None = None
    duration_us: int = 0
    delivered_ma: float | None = None
    cause: str | None = None
    flowed_us: int | None = None

    @property
    def delivered(self) -> bool:
        """Whether the measured current is that asked for; of a device that cannot measure, whether it gave a pulse.

        A line that tells that current flowed, and not how much, has to have told so for nearly all of the pulse.

        Through shorted bars the right current flows, past the animal.
        """
        if self.ended_us is None or self.duration_us <= 0 or self.cause == "grid_short":
            return False
        if self.delivered_ma is None:
            return self.flowed_us is None or self.flowed_us >= (1 - CURRENT_TOLERANCE) * self.duration_us
        return abs(self.delivered_ma - self.ma) <= CURRENT_TOLERANCE * self.ma + 1e-9

    @property
    def verified(self) -> bool:
        """Whether its current is known: it was measured, or there was no pulse to measure."""
        return self.ended_us is None or self.delivered_ma is not None

    @property
    def onset_us(self) -> int:
        """When the gate opened; when it was asked to, if no device told."""
        return self.asked_us if self.started_us is None else self.started_us


@dataclass(frozen=True, slots=True)
class Delivery:
    """A reinforcer that was commanded, and when the feeder's sensor saw it (None: it did not)."""

    number: int
    asked_us: int
    component: int | None
    trial: int | None
    arrived_us: int | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """The session's sound: when its first sample was taken, and how much of it was lost.

    `samples_per_s` is what truly came in a second of the session, once that is known; seconds of the recording are
    those of `sample_rate_hz`, as its file states.
    """

    file: str
    began_us: int
    sample_rate_hz: int
    n_samples: int | None = None
    n_dropped: int = 0
    samples_per_s: float | None = None
    channel: int = 1

    @property
    def stretch(self) -> float:
        """Seconds of the session in a second of the recording."""
        return self.sample_rate_hz / self.samples_per_s if self.samples_per_s else 1.0

    def session_s(self, recording_s: float) -> float:
        """Session time of a moment of the recording."""
        return self.began_us / 1e6 + recording_s * self.stretch

    def recording_s(self, session_us: float) -> float:
        """Seconds from the first sample to a moment of the session."""
        return (session_us - self.began_us) / 1e6 / self.stretch


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happened in a session. All tuples are in order of time.

    Attributes
    ----------
    end_us : when the session ended, or the last time seen
    ended : the reason, None if nobody closed the session
    gaps : times without control, `(begin_us, end_us)`
    disturbed : times in which the wire to a device was disturbed, and responses may be late or missing
    problems : marks that do not fit together, as in a damaged journal
    """

    end_us: int
    ended: str | None
    responses: tuple[Response, ...] = ()
    components: tuple[Window, ...] = ()
    trials: tuple[Window, ...] = ()
    cues: tuple[Window, ...] = ()
    shocks: tuple[ShockGiven, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    recordings: tuple[Recording, ...] = ()
    notes: tuple[e.Noted, ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()
    disturbed: tuple[tuple[int, int], ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def completed(self) -> bool:
        """Whether the paradigm came to its own end."""
        return self.ended == "completed"

    @property
    def shock_verified(self) -> bool:
        """Whether no shock was given by a device that does not measure its current."""
        return all(shock.verified for shock in self.shocks)

    @property
    def presses(self) -> tuple[Response, ...]:
        """Lever presses."""
        return tuple(response for response in self.responses if response.kind == "press")

    @property
    def crossings(self) -> tuple[Response, ...]:
        """Crossings from one side to the other."""
        return tuple(response for response in self.responses if response.kind == "crossing")

    def in_gap(self, at_us: int) -> bool:
        """Whether nobody was in control then."""
        return any(begin_us <= at_us < end_us for begin_us, end_us in self.gaps)

    def placed(self, windows: Sequence[Window], responses: Sequence[Response]) -> list[int | None]:
        """For each response the index of the window that it lies in, the innermost of several; None if in none."""
        place = locate(windows)
        return [None if self.gaps and self.in_gap(one.at_us) else place(one.at_us) for one in responses]


def locate(windows: Sequence[Window]) -> Callable[[int], int | None]:
    """A function from a time to the index of the window that it lies in, the last begun of several.

    Parameters
    ----------
    windows : in order of their beginning
    """
    begins_us = list(accumulate((window.responses_us[0] for window in windows), max))
    ends_us = [window.responses_us[1] for window in windows]
    last_end_us = list(accumulate(ends_us, max))

    def index(at_us: int) -> int | None:
        i = bisect_right(begins_us, at_us) - 1
        while i >= 0 and last_end_us[i] > at_us:
            if ends_us[i] > at_us:
                return i
            i -= 1
        return None

    return index


def timeline_of(items: Iterable[e.Event | c.Command]) -> Timeline:
    """What a journal's items say.

    Parameters
    ----------
    items : events and commands in journalled order, as far as they could be read
    """
    fold = _Fold()
    for item in items:
        fold.take(item)
    return fold.timeline()


@dataclass(slots=True)
class _Open:
    """A window of which the end is not known yet."""

    name: str
    number: int
    begin_us: int
    end_us: int | None = None
    inner: list[tuple[int, int]] = field(default_factory=list)
    interrupted: bool = False
    after_response: bool = False
    with_response: bool = False


@dataclass(slots=True)
class _Windows:
    """The windows of one kind."""

    what: str
    all: list[_Open] = field(default_factory=list)
    open: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def begin(self, name: str, at_us: int, *, after_response: bool) -> None:
        self.counts[name] = number = self.counts.get(name, 0) + 1
        self.open.append(len(self.all))
        self.all.append(_Open(name, number, at_us, after_response=after_response))

    def end(self, name: str, at_us: int, *, interrupted: bool, with_response: bool) -> bool:
        """Close the last one of this name; False if none is open."""
        for i in reversed(self.open):
            if self.all[i].name == name:
                self.open.remove(i)
                one = self.all[i]
                one.end_us, one.with_response = at_us, with_response
                one.interrupted = one.interrupted or interrupted
                if self.open and self.what != "cue":  # cues are on side by side, not one within another
                    self.all[self.open[-1]].inner.append((one.begin_us, at_us))
                return True
        return False

    @property
    def current(self) -> int | None:
        return self.open[-1] if self.open else None

    def closed(self, end_us: int, cuts: _Cuts) -> tuple[Window, ...]:
        return tuple(self._closed(one, end_us, cuts) for one in self.all)

    def _closed(self, one: _Open, last_us: int, cuts: _Cuts) -> Window:
        end_us, gaps = last_us if one.end_us is None else one.end_us, cuts.gaps
        disturbed_us = _common_us([(one.begin_us, end_us)], cuts.disturbed)
        most_us = MOST_DISTURBED * (end_us - one.begin_us) if self.what == "component" else 0
        gap_us = _common_us([(one.begin_us, end_us)], gaps)
        inner_us = sum(to_us - from_us for from_us, to_us in one.inner) - _common_us(one.inner, gaps)
        return Window(
            one.name,
            one.number,
            one.begin_us,
            end_us,
            gap_us,
            inner_us,
            interrupted=one.interrupted or one.end_us is None or gap_us > 0 or disturbed_us > most_us,
            after_response=one.after_response,
            with_response=one.with_response,
            disturbed_us=disturbed_us,
        )


@dataclass(frozen=True, slots=True)
class _Cuts:
    """What lies across windows: gaps and disturbed times."""

    gaps: Sequence[tuple[int, int]]
    disturbed: Sequence[tuple[int, int]]


def _united(gaps: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Gaps in order of time, of which no two overlap: two devices may be away at once."""
    united: list[tuple[int, int]] = []
    for from_us, to_us in sorted(gaps):
        if united and from_us < united[-1][1]:
            united[-1] = (united[-1][0], max(to_us, united[-1][1]))
        else:
            united.append((from_us, to_us))
    return united


def _common_us(spans: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> int:
    return sum(max(0, min(to_us, b_us) - max(from_us, a_us)) for from_us, to_us in spans for a_us, b_us in others)


class _Fold:
    """The state of reading a journal."""

    def __init__(self) -> None:
        self.now_us, self.end_us = 0, 0
        self.ended: str | None = None
        self.cutting = False  # the input that is being handled, or a refusal, ends the session
        self.responding = False  # the input that is being handled is a response, at the core's time
        self.components, self.trials, self.cues = _Windows("component"), _Windows("trial"), _Windows("cue")
        self.responses: list[tuple[int, int, dict[str, Any]]] = []
        self.held: dict[tuple[str, str], dict[str, Any]] = {}
        self.shocks: dict[int, dict[str, Any]] = {}
        self.deliveries: dict[int, dict[str, Any]] = {}
        self.recordings: list[dict[str, Any]] = []
        self.unheard: list[list[Any]] = []
        self.notes: list[e.Noted] = []
        self.gaps: list[tuple[int, int]] = []
        self.lost_us: dict[str, int] = {}
        self.disturbed: list[tuple[int, int]] = []
        self.problems: list[str] = []
        self._takers: dict[type, Callable[[Any], None]] = {
            e.LeverPressed: lambda x: self.responds("press", x.lever, x.at_us),
            e.LeverReleased: lambda x: self.lets_go("press", x.lever, x.at_us),
            e.HeadEntered: lambda x: self.responds("head entry", "tray", x.at_us),
            e.HeadLeft: lambda x: self.lets_go("head entry", "tray", x.at_us),
            e.Crossed: lambda x: self.responds("crossing", x.side, x.at_us),
            e.ShockStarted: self.shock_started,
            e.ShockEnded: self.shock_ended,
            e.Delivered: self.delivered,
            e.RecordingStarted: self.recording_started,
            e.RecordingEnded: self.recording_ended,
            e.SoundAligned: self.sound_aligned,
            e.MicrophoneLost: self.microphone_lost,
            e.MicrophoneRestored: self.microphone_restored,
            e.Noted: self.notes.append,
            e.LinkLost: self.link_lost,
            e.LinkRestored: self.link_restored,
            e.Disturbed: self.was_disturbed,
            e.Resumed: self.resumed,
            c.BeginComponent: lambda x: self.begin(self.components, x.name),
            c.EndComponent: lambda x: self.end_mark(self.components, x.name),
            c.BeginTrial: lambda x: self.begin(self.trials, str(x.trial)),
            c.EndTrial: lambda x: self.end_mark(self.trials, str(x.trial)),
            c.SetCue: self.set_cue,
            c.Shock: self.shock,
            c.Deliver: self.deliver,
            c.Refuse: lambda x: setattr(self, "cutting", True),
            c.EndSession: self.end_session,
        }

    def take(self, item: e.Event | c.Command) -> None:
        """One item of the journal."""
        if isinstance(item, e.Event):
            if item.at_us > self.now_us:
                self.now_us = item.at_us
            self.cutting, self.responding = isinstance(item, _CUTS), False
        taker = self._takers.get(type(item))
        if taker is not None:
            taker(item)

    # -- what the animal does ---------------------------------------------------------------------------------------

    def responds(self, kind: str, where: str, at_us: int) -> None:
        values = {"kind": kind, "where": where, "at_us": at_us}
        self.responding = at_us == self.now_us
        self.responses.append((at_us, len(self.responses), values))
        self.held[kind, where] = values

    def lets_go(self, kind: str, where: str, at_us: int) -> None:
        if values := self.held.pop((kind, where), None):
            values["until_us"] = at_us

    # -- shocks and deliveries --------------------------------------------------------------------------------------

    def shock(self, command: c.Shock) -> None:
        self.shocks[command.number] = {
            "number": command.number,
            "ma": command.ma,
            "duration_s": command.duration_s,
            **self.here(),
        }

    def shock_started(self, event: e.ShockStarted) -> None:
        if event.number in self.shocks:
            self.shocks[event.number]["started_us"] = event.at_us

    def shock_ended(self, event: e.ShockEnded) -> None:
        if event.number not in self.shocks:
            self.problems.append(f"shock {event.number} ended at {event.at_us / 1e6:g} s and was never commanded")
            return
        self.shocks[event.number].update(
            ended_us=event.at_us,
            duration_us=event.duration_us,
            delivered_ma=event.delivered_ma,
            cause=event.cause,
            flowed_us=event.flowed_us,
        )

    def deliver(self, command: c.Deliver) -> None:
        self.deliveries[command.number] = {"number": command.number, **self.here()}

    def delivered(self, event: e.Delivered) -> None:
        if event.number in self.deliveries:
            self.deliveries[event.number]["arrived_us"] = event.at_us

    def here(self) -> dict[str, Any]:
        return {"asked_us": self.now_us, "component": self.components.current, "trial": self.trials.current}

    def link_lost(self, event: e.LinkLost) -> None:
        self.lost_us.setdefault(event.device, event.at_us)

    def link_restored(self, event: e.LinkRestored) -> None:
        """What happened while a device was away nobody saw: its time is a gap, and what it lies in is interrupted."""
        if (lost_us := self.lost_us.pop(event.device, None)) is not None:
            self.gaps.append((lost_us, event.at_us))

    def resumed(self, event: e.Resumed) -> None:
        """Nobody was in control, nor before it of a device that was away then: it is found again with all others."""
        self.gaps += [(lost_us, event.at_us) for lost_us in self.lost_us.values()]
        self.lost_us.clear()
        self.gaps.append((event.at_us - event.gap_us, event.at_us))
        for windows in (self.components, self.trials, self.cues):
            for i in windows.open:  # also where the gap is of no length, as the time of day was set back in between
                windows.all[i].interrupted = True

    def was_disturbed(self, event: e.Disturbed) -> None:
        since_us = event.at_us - event.lasted_us
        self.disturbed.append((since_us, event.at_us + _SEEN_AGAIN_US))
        self.problems.append(
            f"the wire to {event.device} was disturbed from {since_us / 1e6:g} to {event.at_us / 1e6:g} s: "
            f"{event.n_bytes} bytes made no sense, {event.n_requests} requests had no answer in time"
        )

    # -- marks, cues, sound -----------------------------------------------------------------------------------------

    def begin(self, windows: _Windows, name: str) -> None:
        windows.begin(name, self.now_us, after_response=self.responding)

    def end(self, windows: _Windows, name: str) -> bool:
        return windows.end(name, self.now_us, interrupted=self.cutting, with_response=self.responding)

    def end_mark(self, windows: _Windows, name: str) -> None:
        if not self.end(windows, name):
            self.problems.append(f"{windows.what} {name} ends at {self.now_us / 1e6:g} s and never began")

    def set_cue(self, command: c.SetCue) -> None:
        if not command.on:
            self.end(self.cues, command.cue)  # off when off already says nothing
        elif all(self.cues.all[i].name != command.cue for i in self.cues.open):  # a resumed session sets it again
            self.begin(self.cues, command.cue)

    def recording_started(self, event: e.RecordingStarted) -> None:
        self.recordings.append(
            {
                "file": event.file,
                "began_us": event.at_us,
                "sample_rate_hz": event.sample_rate_hz,
                "channel": event.channel,
            }
        )

    def recording_ended(self, event: e.RecordingEnded) -> None:
        if self.recordings:
            self.recordings[-1].update(n_samples=event.n_samples, n_dropped=event.n_dropped)

    def sound_aligned(self, event: e.SoundAligned) -> None:
        for recording in self.recordings:
            if recording["file"] == event.file:
                recording.update(began_us=event.began_us, samples_per_s=event.samples_per_s)

    def microphone_lost(self, event: e.MicrophoneLost) -> None:
        self.unheard.append([event.at_us, None, event.cause])

    def microphone_restored(self, event: e.MicrophoneRestored) -> None:
        if self.unheard:
            self.unheard[-1][1] = event.at_us

    def unheard_problems(self) -> list[str]:
        """What there is no sound of, because the microphone was lost."""
        return [
            f"no sound from {from_us / 1e6:.1f} s {'on' if to_us is None else f'to {to_us / 1e6:.1f} s'}: "
            f"the microphone was lost ({cause})"
            for from_us, to_us, cause in self.unheard
        ]

    def stuck_levers(self, end_us: int) -> Iterator[str]:
        """Levers that were down for very long; nothing where no ends of responses are recorded, as in most imports."""
        if any("until_us" in held for _, _, held in self.responses):
            for _, _, held in sorted(self.responses, key=lambda x: x[:2]):
                down_us = held.get("until_us", end_us) - held["at_us"]
                if held["kind"] == "press" and down_us >= _STUCK_US:
                    yield (
                        f"the lever {held['where']} was down for {down_us / 1e6:.0f} s from {held['at_us'] / 1e6:g} s: "
                        "its switch may be stuck, and presses of that time are missing"
                    )

    def end_session(self, command: c.EndSession) -> None:
        self.ended, self.end_us = command.reason, self.now_us

    def timeline(self) -> Timeline:
        """All of it."""
        end_us = self.now_us if self.ended is None else self.end_us
        if self.ended is not None and self.ended.startswith(_FAILED):
            for windows in (self.components, self.trials, self.cues):
                for one in windows.all:
                    one.interrupted = one.interrupted or one.end_us == self.end_us
        gaps = _united([*self.gaps, *((lost_us, end_us) for lost_us in self.lost_us.values() if lost_us < end_us)])
        self.problems += self.stuck_levers(end_us)
        disturbed = _united([(from_us, min(to_us, end_us)) for from_us, to_us in self.disturbed if from_us < end_us])
        cuts = _Cuts(gaps, disturbed)
        return Timeline(
            end_us=end_us,
            ended=self.ended,
            responses=tuple(Response(**values) for _, _, values in sorted(self.responses, key=lambda x: x[:2])),
            components=self.components.closed(end_us, cuts),
            trials=self.trials.closed(end_us, cuts),
            cues=self.cues.closed(end_us, cuts),
            shocks=tuple(ShockGiven(**values) for values in self.shocks.values()),
            deliveries=tuple(Delivery(**values) for values in self.deliveries.values()),
            recordings=tuple(Recording(**values) for values in self.recordings),
            notes=tuple(self.notes),
            gaps=tuple(gaps),
            disturbed=tuple(disturbed),
            problems=(*self.problems, *self.unheard_problems()),
        )


def seconds(us: int | None) -> float | None:
    """Microseconds as seconds; None stays None."""
    return None if us is None else us / 1e6


def rate_per_min(n: int, time_us: int) -> float | None:
    """Count per minute; None if no time passed."""
    return n * 60e6 / time_us if time_us > 0 else None


def ratio(part: float | None, whole: float | None) -> float | None:
    """Quotient; None where it is not defined."""
    return None if part is None or not whole else part / whole
