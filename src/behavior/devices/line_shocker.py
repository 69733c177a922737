"""The driver of a shocker on a serial line, whatever it speaks: its dialect is a table (`config.dialect`).

One thing is said at a time, and its answer awaited for 0.5 s; what sets something is said once more then, a pulse
never. A shock is: set the current, and its duration where it times itself; see that both are answered and, where the
device reports its current, that it reports this one; then the pulse, its own or that of the device that times it. Until
then nothing is armed, and what goes wrong is a fault and no shock.

===================  ===============================================================================
command              messages
===================  ===============================================================================
``Shock``            `set_current`, `set_duration`; then `pulse`, or a pulse of the timer
``StopShock``        `stop`, or the timer's; what waits is dropped
===================  ===============================================================================

A shocker that ends its own pulse and tells nothing of it: ``ShockStarted`` when it was told to (or has answered),
``ShockEnded`` its duration later with the cause `assumed`, and no current.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from behavior.config.dialect import Command as Line
from behavior.config.dialect import Dialect
from behavior.devices.dialects import Unframing, beyond, framed, matches, values_of
from behavior.devices.driver import LOST_US, NEVER
from behavior.devices.handshake import Identity
from behavior.devices.transport import TransportLost
from behavior.model.commands import Command, Shock, StopShock
from behavior.model.errors import Failure
from behavior.model.events import Event, Faulted, LinkLost, ShockEnded, ShockStarted

if TYPE_CHECKING:
    from collections.abc import Callable

    from behavior.config.rig import Device
    from behavior.devices.ceilings import Ceilings
    from behavior.devices.shockers import Timer
    from behavior.devices.transport import Transport

ANSWER_US = 500_000
REPORT_US = 500_000
RECENT_US = 200_000
"""A report is believed for so long: one that is set already is not waited for."""
NOTHING = {"ma": 0.0, "ma_mid": 0.0, "ua": 0, "steps": 0, "code": "", "ms": 0, "s": 0.0}


@dataclass(slots=True)
class Said:
    """One thing to say, and what is expected."""

    line: Line
    text: str
    reply: str
    again: bool
    sent_us: int | None = None
    n_tries: int = 0


@dataclass(slots=True)
class Given:
    """The shock that is being given."""

    shock: Shock
    set: bool = False
    shown: bool = False
    ask_us: int = NEVER
    started_us: int | None = None


class LineShocker:
    """Drives one line shocker.

    Parameters
    ----------
    device : as the rig describes it
    dialect : what it speaks
    ceilings : what is refused here, whoever asks
    timer : the driver of the device that times its pulses; None for one that does so itself
    now_us : session time
    """

    def __init__(self, device: Device, dialect: Dialect, ceilings: Ceilings, timer: Timer | None, now_us: int) -> None:
        self.name = device.name
        self._device, self._dialect, self._ceilings, self._timer = device, dialect, ceilings, timer
        self._unframing = Unframing(dialect.frame)
        self._report = re.compile(dialect.report.pattern) if dialect.report else None
        self._saying: list[Said] = []
        self._outgoing = bytearray()
        self._events: list[Event] = []
        self._told: set[str] = set()
        self._given: Given | None = None
        self._alive_us = now_us
        self._heard_us = now_us
        self._lost = False
        self._reported_us = -RECENT_US
        self.reported_ma: float | None = None
        """What it last reported to be set to."""

    # ---- what a chamber calls

    def takes(self, command: Command) -> bool:
        """Shocks."""
        return isinstance(command, Shock | StopShock)

    def send(self, command: Command, now_us: int) -> None:
        """Begin to carry out a command."""
        if isinstance(command, StopShock):
            self._stop(now_us)
        elif isinstance(command, Shock):
            self._shock(command, now_us)

    def receive(self, data: bytes, now_us: int) -> list[Event]:
        """What these bytes from the device mean."""
        for body in self._unframing.feed(data):
            self._heard_us = now_us
            self._heard(body, now_us)
        return self.tick(now_us)

    def tick(self, now_us: int) -> list[Event]:
        """What is due: what it must hear now and then, time-outs, the end of a pulse."""
        keep_alive = self._dialect.keep_alive
        if keep_alive and now_us >= self._alive_us:
            self._alive_us = now_us + round(keep_alive.every_s * 1e6)
            self._outgoing += framed(self._dialect.frame, keep_alive.send)
        if self._report is not None and not self._lost and now_us - self._heard_us >= LOST_US:
            self._lost = True
            self._events.append(LinkLost(now_us, self.name))
        self._look_after_answer(now_us)
        self._look_after_shock(now_us)
        events, self._events = self._events, []
        return events

    @property
    def next_us(self) -> int:
        """When `tick` is due."""
        if self._events:
            return 0
        times = [self._alive_us] if self._dialect.keep_alive else []
        times += [self._saying[0].sent_us + ANSWER_US] if self._saying and self._saying[0].sent_us is not None else []
        times += [self._given.ask_us] if self._given else []
        times += [self._heard_us + LOST_US] if self._report is not None and not self._lost else []
        return min(times, default=NEVER)

    def take_outgoing(self) -> bytes:
        """The bytes that are to go to the device now."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def calm(self) -> bytes:
        """What leaves it off."""
        return b"".join(framed(self._dialect.frame, line.send.format_map(NOTHING)) for line in self._dialect.off)

    def retime(self, old: object, new: object) -> None:
        """The driver that times its pulses was lost and found again."""
        if self._timer is not None and self._timer is old:
            self._timer = new  # type: ignore[assignment]

    # ---- commands

    def _shock(self, shock: Shock, now_us: int) -> None:
        if self._given is not None:
            self._fault(f"shock {shock.number} was asked for before shock {self._given.shock.number} was over", now_us)
            return
        why = beyond(self._dialect, self._device, shock.ma, shock.duration_s)
        if why := why or self._ceilings.refusal(shock, now_us):
            self._fault(why, now_us)
            return
        is_set = now_us - self._reported_us < RECENT_US and self._is(shock.ma)
        self._given = Given(shock, shown=is_set or self._report is None or self._dialect.set_current is None)
        setting = [self._dialect.set_current, None if self._timer else self._dialect.set_duration]
        for line in setting:
            if line is not None:
                self._say(line, shock, again=True)
        self._speak(now_us)
        self._set_if_said(now_us)

    def _stop(self, now_us: int) -> None:
        given = self._given
        self._saying.clear()
        if self._timer is not None:
            self._given = None
            self._timer.stop(now_us)
            return
        if self._dialect.stop is not None:
            self._say(self._dialect.stop, None, again=True)
            self._speak(now_us)
        if given is not None and given.started_us is not None:
            self._over(min(now_us, given.ask_us), "stopped" if now_us < given.ask_us else "assumed")
        self._given = None

    def _set_if_said(self, now_us: int) -> None:
        if self._given is not None and not self._saying and self._given.started_us is None:
            self._given.set = True
            self._given.ask_us = now_us + REPORT_US
        self._fire_if_set(now_us)

    def _fire_if_set(self, now_us: int) -> None:
        given = self._given
        if given is None or given.started_us is not None or not (given.set and given.shown):
            return
        if self._timer is not None:
            self._given = None
            self._timer.pulse(given.shock, now_us)
        elif self._dialect.pulse is not None and not self._saying:
            self._say(self._dialect.pulse, given.shock, again=False)
            self._speak(now_us)
            if not self._dialect.pulse.reply:
                self._started(now_us)

    def _started(self, now_us: int) -> None:
        if self._given is not None:
            self._given.started_us = now_us
            self._given.ask_us = now_us + round(self._given.shock.duration_s * 1e6)
            self._events.append(ShockStarted(now_us, self._given.shock.number))

    def _over(self, at_us: int, cause: str) -> None:
        given, self._given = self._given, None
        if given is not None and given.started_us is not None:
            self._events.append(ShockEnded(at_us, given.shock.number, at_us - given.started_us, None, cause))

    def _fault(self, cause: str, at_us: int) -> None:
        if cause not in self._told:
            self._told.add(cause)
            self._events.append(Faulted(at_us, self.name, cause))

    def _give_up(self, cause: str, now_us: int) -> None:
        self._saying.clear()
        self._given = None
        self._fault(cause, now_us)

    # ---- the line

    def _say(self, line: Line, shock: Shock | None, *, again: bool) -> None:
        values = NOTHING if shock is None else values_of(self._dialect, shock.ma, shock.duration_s)
        self._saying.append(Said(line, line.send.format_map(values), line.reply.format_map(values), again))

    def _speak(self, now_us: int) -> None:
        """Say what is next, as far as nothing is waited for."""
        while self._saying and self._saying[0].sent_us is None:
            said = self._saying[0]
            said.n_tries += 1
            self._outgoing += framed(self._dialect.frame, said.text)
            if said.reply:
                said.sent_us = now_us
            else:
                self._saying.pop(0)

    def _heard(self, body: str, now_us: int) -> None:
        if self._saying and self._saying[0].sent_us is not None and matches(self._saying[0].reply, body):
            said = self._saying.pop(0)
            if said.line is self._dialect.pulse:
                self._started(now_us)
            self._speak(now_us)
            self._set_if_said(now_us)
        elif self._report is not None and (found := self._report.fullmatch(body)):
            self._reports(self._ma_of(found), now_us)
        elif any(matches(pattern, body) for pattern in self._dialect.errors):
            self._give_up(f"refused what it was told ({body!r})", now_us)

    def _ma_of(self, found: re.Match[str]) -> float:
        groups, report = found.groupdict(), self._dialect.report
        if "ma" in groups:
            return float(groups["ma"])
        if "ua" in groups:
            return int(groups["ua"]) / 1_000
        active = report.bits_active if report else "1"
        digits = [digit for digit in groups["bits"] if digit in "01"]
        return sum((digit == active) << place for place, digit in enumerate(digits)) * self._dialect.limits.step_ma

    def _is(self, ma: float) -> bool:
        """Whether it has reported to be set to this current."""
        return self.reported_ma is not None and abs(self.reported_ma - ma) < self._dialect.limits.step_ma / 2

    def _reports(self, ma: float, now_us: int) -> None:
        self.reported_ma, self._reported_us = ma, now_us
        given = self._given
        if given is not None and given.set and self._is(given.shock.ma):
            given.shown = True
            self._fire_if_set(now_us)

    # ---- time-outs

    def _look_after_answer(self, now_us: int) -> None:
        said = self._saying[0] if self._saying else None
        if said is None or said.sent_us is None or now_us < said.sent_us + ANSWER_US:
            return
        if said.again and said.n_tries < 2:
            said.sent_us = None
            self._speak(now_us)
        else:
            self._give_up(f"did not answer to {said.text!r}", now_us)

    def _look_after_shock(self, now_us: int) -> None:
        given = self._given
        if given is None or now_us < given.ask_us:
            return
        if given.started_us is not None:
            self._over(given.ask_us, "assumed")
        elif given.set and not given.shown:
            read = "nothing" if self.reported_ma is None else f"{self.reported_ma:g} mA"
            self._give_up(f"was set to {given.shock.ma:g} mA and reports {read}", now_us)
        else:
            given.ask_us = NEVER


# ---- getting to know it


def identify_line(dialect: Dialect, transport: Transport, clock_us: Callable[[], int]) -> bool:
    """Whether what is at the other end answers as one that speaks this; for dialects that can be asked."""
    if dialect.identify is None:
        return False
    unframing = Unframing(dialect.frame)
    _listen(unframing, transport, clock_us, round(dialect.start_s * 1e6))
    for _ in range(3):
        transport.write(framed(dialect.frame, dialect.identify.send))
        heard = _listen(unframing, transport, clock_us, ANSWER_US, until=dialect.identify.reply)
        if any(matches(dialect.identify.reply, body) for body in heard):
            return True
    return False


def connect_line(
    device: Device,
    dialect: Dialect,
    transport: Transport,
    clock_us: Callable[[], int],
    *,
    ceilings: Ceilings,
    timer: Timer | None,
) -> tuple[LineShocker, Identity]:
    """Make a line shocker ready over an open transport.

    Raises
    ------
    Failure
        It does not answer.
    """
    try:
        if dialect.identify is not None and not identify_line(dialect, transport, clock_us):
            raise Failure(
                f"{device.name}: nothing at {transport.name} answers as a {dialect.name} at {dialect.baud} baud; check "
                "the cable, the power, and that this is its port"
            )
        unframing = Unframing(dialect.frame)
        for line in (*dialect.off, *dialect.setup):
            transport.write(framed(dialect.frame, line.send.format_map(NOTHING)))
            _listen(unframing, transport, clock_us, round(line.wait_s * 1e6))
        _listen(unframing, transport, clock_us, 100_000)
    except TransportLost as lost:
        raise Failure(f"{lost}; check its cable and power") from None
    driver = LineShocker(device, dialect, ceilings, timer, clock_us())
    return driver, Identity("line_shocker", dialect.name, 0, "", "", "", "")


def _listen(
    unframing: Unframing, transport: Transport, clock_us: Callable[[], int], for_us: int, until: str = ""
) -> list[str]:
    heard: list[str] = []
    began_us = clock_us()
    while True:
        heard += unframing.feed(transport.read())
        if until and any(matches(until, body) for body in heard):
            return heard
        if transport.instant or clock_us() - began_us >= for_us:
            return heard
