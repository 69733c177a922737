"""What a screen knows of one session: a fold over its journal's items, as they come.

Rates, outcomes and counts are those of `scoring`, taken while the session runs: a trial's outcome is what the
paradigm's own scorer says of the lines from that trial's begin on; a component's rate is the responses that were
journalled in it over its time. A test holds both equal to the score of the finished session.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from behavior.model import commands as c
from behavior.model import events as e
from behavior.model.errors import BehaviorError
from behavior.model.session import SessionHeader
from behavior.session.journal import Item

POINT, BEGIN, END = 2, 1, 0
"""What an event on the raster is: a moment, or the begin or the end of something that lasts."""
MOST_EVENTS = 120_000
"""On the raster of a session that runs."""
RATE_WINDOW_S = 60
_TRIALS = ("n_trials", "n_shocks", "n_pairings")


class Part(msgspec.Struct):
    """A component of a multiple schedule, all its presentations together."""

    name: str
    n_responses: int = 0
    time_us: int = 0
    since_us: int | None = None

    def rate_per_min(self, now_us: int) -> float | None:
        """Responses a minute so far."""
        time_us = self.time_us + (0 if self.since_us is None else max(0, now_us - self.since_us))
        return self.n_responses * 60e6 / time_us if time_us > 0 else None


class Trial(msgspec.Struct, frozen=True):
    """A trial that is over, as the paradigm's scorer judges it."""

    number: int
    outcome: str
    latency_s: float | None
    at_s: float


class Watch:
    """One session, as far as its journal has been read.

    Parameters
    ----------
    header : of the session
    most_events : on the raster; beyond, the oldest go

    Attributes
    ----------
    now_us : the latest time seen
    lanes : names of what stands on the raster, in order of appearance
    events : three numbers each, flat: µs, lane, and `POINT`, `BEGIN` or `END`
    n_events : how many there ever were; the oldest are let go
    responses_us : of every press and crossing
    marks : every reinforcer (False) and shock (True), µs, for the cumulative record
    calls : begin and duration in µs, peak in Hz, type, as the engine hears them
    trials, tally : those that are over, and how many had each outcome
    """

    def __init__(self, header: SessionHeader, most_events: int = MOST_EVENTS) -> None:
        self.header, self._most_events = header, most_events
        self.now_us = self.host_us = 0
        self.n_items = self.n_responses = self.n_head_entries = 0
        self.lanes: dict[str, int] = {}
        self.events = array("q")
        self.n_events = 0
        self.responses_us = array("q")
        self.marks: list[tuple[int, bool]] = []
        self.parts: dict[str, Part] = {}
        self.open_parts: list[str] = []
        self.part_bands: list[tuple[str, int, int | None]] = []
        self.trial: int | None = None
        self.trial_since_us: int | None = None
        self.trials: list[Trial] = []
        self.tally: Counter[str] = Counter()
        self.last = ""
        self.n_shocks = self.n_shocks_ended = self.n_deliveries = self.n_arrived = 0
        self.shock_on_ma: float | None = None
        self.cues: set[str] = set()
        self.alerts: list[str] = []
        self.lost: set[str] = set()
        self._disturbed: dict[str, tuple[int, str]] = {}
        self.notes: list[tuple[float, str]] = []
        self.ended: str | None = None
        self.stopping = False
        self.sound: list[e.RecordingStarted] = []
        self.recording = False
        self.n_dropped = self._n_dropped_before = 0
        self.calls: list[tuple[int, int, float, str]] = []
        self._slice: list[Item] = []
        self._slice_us = 0
        self._before: Item | None = None
        self._takers: dict[type, Callable[[Any], None]] = {
            e.LeverPressed: lambda x: self._responds(x.at_us, f"{x.lever} lever"),
            e.LeverReleased: lambda x: self._event(x.at_us, f"{x.lever} lever", END),
            e.Crossed: lambda x: self._responds(x.at_us, f"to {x.side}", POINT),
            e.HeadEntered: self._head,
            e.HeadLeft: lambda x: self._event(x.at_us, "head entry", END),
            e.ShockStarted: self._shock_started,
            e.ShockEnded: self._shock_ended,
            e.Delivered: self._arrived,
            e.Noted: self._noted,
            e.Stopped: self._stopped,
            e.LinkLost: self._link_lost,
            e.LinkRestored: self._link_restored,
            e.Disturbed: self._was_disturbed,
            e.Faulted: lambda x: self.alerts.append(f"fault of {x.device}: {x.cause}"),
            e.Resumed: lambda x: self.alerts.append(f"resumed after {x.gap_us / 1e6:.0f} s without control"),
            e.CallHeard: self._call,
            e.SoundLost: self._sound_lost,
            e.MicrophoneLost: self._microphone_lost,
            e.MicrophoneRestored: lambda x: self.alerts.append(f"the microphone is back at {x.at_us / 1e6:.0f} s"),
            e.OnsetHeard: lambda x: self._event(x.at_us, "call seems to begin", POINT),
            e.RecordingStarted: self._recording,
            e.RecordingEnded: self._recorded,
            c.BeginComponent: self._begin_part,
            c.EndComponent: self._end_part,
            c.BeginTrial: self._begin_trial,
            c.EndTrial: self._end_trial,
            c.SetCue: self._cue,
            c.Shock: self._shock,
            c.Deliver: self._deliver,
            c.Refuse: lambda x: self.alerts.append(f"the guard refused: {x.why}"),
            c.EndSession: self._end,
        }

    @property
    def n_trials(self) -> int | None:
        """How many trials are planned, if the paradigm's parameters tell."""
        return next((n for key in _TRIALS if isinstance(n := self.header.parameters.get(key), int)), None)

    @property
    def allowed(self) -> int:
        """How many shocks the guard lets pass."""
        return int(self.header.limits.get("max_count", 0))

    def take(self, item: Item, host_us: int) -> None:
        """One item of the journal."""
        self.n_items, self.host_us = self.n_items + 1, host_us
        if isinstance(item, e.Event) and item.at_us > self.now_us:
            self.now_us = item.at_us
        if self._slice:
            self._slice.append(item)
        taker = self._takers.get(type(item))
        if taker is not None:
            taker(item)
        if isinstance(item, e.Event):
            self._before = item

    def fraction_escapes(self) -> float | None:
        """Escapes among escapes and failures; None before the first of either."""
        n = self.tally["escape"] + self.tally["failure"]
        return self.tally["escape"] / n if n else None

    def recent_per_min(self, now_us: int) -> float | None:
        """Responses in the last minute."""
        if now_us <= 0:
            return None
        n = len(self.responses_us) - bisect_right(self.responses_us, now_us - RATE_WINDOW_S * 1_000_000)
        return n * 60e6 / min(now_us, RATE_WINDOW_S * 1_000_000)

    # -- what the animal does ---------------------------------------------------------------------------------------

    def _responds(self, at_us: int, lane: str, phase: int = BEGIN) -> None:
        self.n_responses += 1
        self.responses_us.append(at_us)
        self._event(at_us, lane, phase)
        if self.open_parts:
            self.parts[self.open_parts[-1]].n_responses += 1

    def _head(self, event: e.HeadEntered) -> None:
        self.n_head_entries += 1
        self._event(event.at_us, "head entry", BEGIN)

    # -- shocks and deliveries --------------------------------------------------------------------------------------

    def _shock(self, command: c.Shock) -> None:
        self.n_shocks += 1
        self.shock_on_ma = command.ma

    def _shock_started(self, event: e.ShockStarted) -> None:
        self.marks.append((event.at_us, True))
        self._event(event.at_us, "shock", BEGIN)

    def _shock_ended(self, event: e.ShockEnded) -> None:
        self.n_shocks_ended += 1
        self._event(event.at_us, "shock", END)
        asked, self.shock_on_ma = self.shock_on_ma, None
        measured = "not measured" if event.delivered_ma is None else f"{event.delivered_ma:.2f} mA"
        self.last = f"shock {event.number}: {measured}, {event.duration_us / 1e6:.2f} s"
        if event.flowed_us is not None and event.flowed_us < 0.9 * event.duration_us:
            flowed, lasted = f"{event.flowed_us / 1e6:.2f} s", f"{event.duration_us / 1e6:.2f} s"
            self.alerts.append(f"shock {event.number}: current flowed for {flowed} of {lasted}")
        if asked is not None and event.delivered_ma is not None and abs(event.delivered_ma - asked) > 0.1 * asked:
            self.alerts.append(f"shock {event.number}: {event.delivered_ma:.2f} mA measured of {asked:.2f} mA asked")
        self._judge()

    def _deliver(self, command: c.Deliver) -> None:
        self.n_deliveries += 1

    def _arrived(self, event: e.Delivered) -> None:
        self.n_arrived += 1
        self.last = f"reinforcer {event.number}"
        self.marks.append((event.at_us, False))
        self._event(event.at_us, "reinforcer", POINT)

    # -- components and trials --------------------------------------------------------------------------------------

    def _begin_part(self, command: c.BeginComponent) -> None:
        if self.open_parts:
            self._pause(self.parts[self.open_parts[-1]])
        part = self.parts.setdefault(command.name, Part(command.name))
        part.since_us = self.now_us
        self.open_parts.append(command.name)
        self.part_bands.append((command.name, self.now_us, None))

    def _end_part(self, command: c.EndComponent) -> None:
        if command.name not in self.open_parts:
            return
        while self.open_parts:
            name = self.open_parts.pop()
            self._pause(self.parts[name])
            if name == command.name:
                break
        for place in range(len(self.part_bands) - 1, -1, -1):
            name, since_us, until_us = self.part_bands[place]
            if name == command.name and until_us is None:
                self.part_bands[place] = (name, since_us, self.now_us)
                break
        if self.open_parts:
            self.parts[self.open_parts[-1]].since_us = self.now_us

    def _pause(self, part: Part) -> None:
        if part.since_us is not None:
            part.time_us += self.now_us - part.since_us
            part.since_us = None

    def _begin_trial(self, command: c.BeginTrial) -> None:
        self._judge(last=True)
        self.trial, self.trial_since_us, self._slice_us = command.trial, self.now_us, self.now_us
        self._slice = [*([self._before] if self._before is not None else []), command]
        self._event(self.now_us, "trial", BEGIN)

    def _end_trial(self, command: c.EndTrial) -> None:
        self._event(self.now_us, "trial", END)
        self._judge()

    def _judge(self, *, last: bool = False) -> None:
        """What the scorer says of the trial whose lines are at hand, once it is over and its shocks are reported."""
        over = last or any(isinstance(item, c.EndTrial) for item in self._slice)
        shocks = sum(isinstance(item, c.Shock) for item in self._slice)
        if not self._slice or not over or (not last and shocks > sum(isinstance(x, e.ShockEnded) for x in self._slice)):
            return
        lines, self._slice = self._slice, []
        judged = _judged(self.header, lines)
        if judged is not None and self.trial is not None:
            outcome, latency_s = judged
            self.trials.append(Trial(self.trial, outcome, latency_s, self._slice_us / 1e6))
            self.tally[outcome] += 1
            after = "" if latency_s is None else f" after {latency_s:.2f} s"
            self.last = f"trial {self.trial}: {outcome}{after}"

    # -- cues, notes, sound, the end --------------------------------------------------------------------------------

    def _cue(self, command: c.SetCue) -> None:
        if command.on:
            self.cues.add(command.cue)
        else:
            self.cues.discard(command.cue)
        self._event(self.now_us, command.cue, BEGIN if command.on else END)

    def _noted(self, event: e.Noted) -> None:
        self.notes.append((event.at_us / 1e6, event.text))
        self._event(event.at_us, "note", POINT)

    def _link_lost(self, event: e.LinkLost) -> None:
        self.lost.add(event.device)
        self.alerts.append(f"link to {event.device} lost")

    def _link_restored(self, event: e.LinkRestored) -> None:
        self.lost.discard(event.device)
        self.alerts.append(f"link to {event.device} is back; its trial counts as interrupted")

    def _was_disturbed(self, event: e.Disturbed) -> None:
        """One notice a device, counted on and last again: a bad wire is told of each second."""
        n, before = self._disturbed.get(event.device, (0, ""))
        if before in self.alerts:
            self.alerts.remove(before)
        times = "" if n == 0 else f", {n + 1} times"
        told = (
            f"the wire to {event.device} was disturbed at {event.at_us / 1e6:.0f} s{times}: responses of that time may "
            "be missing; look at its plug and cable"
        )
        self._disturbed[event.device] = (n + 1, told)
        self.alerts.append(told)

    def _stopped(self, event: e.Stopped) -> None:
        self.stopping = True

    def _recording(self, event: e.RecordingStarted) -> None:
        self.sound.append(event)
        self.recording, self._n_dropped_before = True, self.n_dropped

    def _recorded(self, event: e.RecordingEnded) -> None:
        self.recording, self.n_dropped = False, self._n_dropped_before + event.n_dropped

    def _sound_lost(self, event: e.SoundLost) -> None:
        self.n_dropped += event.n_samples
        self._event(event.at_us, "sound lost", POINT)

    def _microphone_lost(self, event: e.MicrophoneLost) -> None:
        self.alerts.append(f"the microphone is lost since {event.at_us / 1e6:.0f} s, nothing is heard: {event.cause}")
        self._event(event.at_us, "sound lost", POINT)

    def _call(self, event: e.CallHeard) -> None:
        self.calls.append((event.at_us, event.duration_us, event.peak_hz, event.call_type))
        self._event(event.at_us, "call", BEGIN)
        self._event(event.at_us + event.duration_us, "call", END)

    def _end(self, command: c.EndSession) -> None:
        self._judge()  # its last shock may be reported after the end
        self.ended, self.shock_on_ma = command.reason, None

    def _event(self, at_us: int, lane: str, phase: int) -> None:
        self.events.extend((at_us, self.lanes.setdefault(lane, len(self.lanes)), phase))
        self.n_events += 1
        if len(self.events) > 3 * self._most_events:
            del self.events[: 3 * (self._most_events // 4)]


def _judged(header: SessionHeader, lines: list[Item]) -> tuple[str, float | None] | None:
    """Outcome and latency of a trial by the paradigm's scorer; None where it has no outcome."""
    from behavior.scoring.score import score_items

    try:
        rows = score_items(header.paradigm, lines, header.parameters).rows
    except (BehaviorError, ValueError, KeyError, TypeError, IndexError):
        return None  # the session's own scoring will say what is wrong
    row = rows[0] if rows else {}
    latencies = (row.get(key) for key in ("latency_us_s", "latency_cs_s", "latency_s"))
    latency_s = next((value for value in latencies if value is not None), None)
    outcome = row.get("outcome")
    if outcome is None and row.get("escaped") is not None:
        outcome = "escape" if row["escaped"] else "failure"
    if outcome is None and "latency_capped_s" in row:
        outcome, latency_s = ("did not enter" if row["censored"] else "entered"), row["latency_capped_s"]
    if outcome is None:
        return None
    return str(outcome), float(latency_s) if isinstance(latency_s, int | float) else None
