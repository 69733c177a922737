"""The simulated world of a chamber: its twins, the animal in it, and what sounds. Bytes go in and out; time is given.

`Cage` is the world alone, to be driven in virtual time here or in real time behind pseudo-terminals. `VirtualApparatus`
joins it to the drivers that also serve real boxes: a session in virtual time sends every byte that a live one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from behavior.config.limits import ShockLimits
from behavior.config.rig import Chamber
from behavior.devices.chamber import ConnectedChamber
from behavior.devices.connecting import Making
from behavior.model.commands import Command, SetCue, SetRecording
from behavior.model.events import (
    Delivered,
    Event,
    HeadEntered,
    HeadLeft,
    LeverPressed,
    LeverReleased,
    Noted,
    ShockEnded,
    ShockStarted,
)
from behavior.session.core import NEVER
from behavior.session.recording import Recorder
from behavior.session.runner import due_us
from behavior.simulate.acoustics import Artefact, PlannedCall
from behavior.simulate.body import Body, Way
from behavior.simulate.devices import Happening, Twin, in_memory, twins_of
from behavior.simulate.microphone import ENDLESS_S, Ceased, Sounding
from behavior.simulate.subject import Subject, Vocalized

SETTLE_US = 300_000
LEVER_CLICK_S, FEEDER_S = 0.015, 0.25


@runtime_checkable
class Workable(Protocol):
    """A device with levers and a food tray, from the animal's side."""

    def press(self, lever: str, now_us: int) -> bool: ...  # noqa: D102 (as of the twins)
    def release(self, lever: str, now_us: int) -> None: ...  # noqa: D102
    def enter_head(self, now_us: int) -> None: ...  # noqa: D102
    def leave_head(self, now_us: int) -> None: ...  # noqa: D102


class Cage:
    """Twins of a chamber's devices, and an animal that works them and perceives what they do.

    Parameters
    ----------
    chamber : as the rig describes it
    subject : the animal
    devices : what the animal is in, by the devices' names in the rig; twins of all that have a port by default

    Attributes
    ----------
    twins : by the device's name in the rig
    sounds : what could be heard, in order of onset
    notes : what people who watch have keyed, in order, to be taken away
    begun : what began and ended to sound since this was last emptied, for whoever listens as it happens
    """

    def __init__(self, chamber: Chamber, subject: Subject, devices: Mapping[str, Twin] | None = None) -> None:
        self.twins = twins_of(chamber) if devices is None else dict(devices)
        self.sounds: list[PlannedCall | Artefact] = []
        self.notes: list[Event] = []
        self.begun: list[Sounding | Ceased] = []
        self._n_calls = self._n_artefacts = 0
        self._subject = subject
        self._bodies: list[Body] = []
        for device in chamber.devices:
            twin: object = self.twins.get(device.name)
            if isinstance(twin, Way):
                self._bodies.append(Body(twin, device.sides, subject))
        self._tones: dict[str, int] = {}

    @property
    def next_us(self) -> int:
        """When something happens here by itself."""
        twins = [twin.next_us for twin in self.twins.values()]
        return min(self._subject.next_us, *twins, *(body.next_us for body in self._bodies))

    def advance(self, now_us: int) -> None:
        """Let everything happen that is due, each at its own time."""
        self._perceive()
        while (at_us := min(self._subject.next_us, *(body.next_us for body in self._bodies), NEVER)) <= now_us:
            self._run(at_us)
            if self._subject.next_us == at_us:
                self._do(self._subject.act())
        self._run(now_us)

    def _run(self, now_us: int) -> None:
        for twin in self.twins.values():
            twin.advance(now_us)
        self._perceive()
        for body in self._bodies:
            body.follow(now_us)

    def _perceive(self) -> None:
        happened = [one for twin in self.twins.values() for one in twin.take_happenings()]
        for at_us, happening in sorted(happened, key=in_order):
            self._subject.perceive(happening, at_us)
            self._hear(happening, at_us)

    def _do(self, deed: Event) -> None:
        if isinstance(deed, Vocalized):
            self._sounds(PlannedCall(deed.at_us / 1e6, deed.duration_s))
            return
        if isinstance(deed, Noted):
            self.notes.append(deed)
        for body in self._bodies:
            body.arrive(deed)
        for twin in self.twins.values():
            if isinstance(twin, Workable):
                _work(twin, deed)
        if isinstance(deed, LeverPressed):
            self._sounds(Artefact("lever", deed.at_us / 1e6, LEVER_CLICK_S))

    def _hear(self, happening: Event | Command, at_us: int) -> None:
        match happening:
            case SetCue(cue="tone", on=True):
                self._tones["tone"] = at_us
                self._begins(Artefact("tone", at_us / 1e6, ENDLESS_S))
            case SetCue(cue="tone", on=False) if "tone" in self._tones:
                began_us = self._tones.pop("tone")
                self.sounds.append(Artefact("tone", began_us / 1e6, (at_us - began_us) / 1e6))
                self.begun.append(Ceased("tone", at_us / 1e6))
            case ShockStarted():
                self._begins(Artefact("shock", at_us / 1e6, ENDLESS_S))
            case ShockEnded(duration_us=duration_us):
                self.sounds.append(Artefact("shock", (at_us - duration_us) / 1e6, duration_us / 1e6))
                self.begun.append(Ceased("shock", at_us / 1e6))
            case Delivered():
                self._sounds(Artefact("feeder", at_us / 1e6 - FEEDER_S, FEEDER_S))

    def _sounds(self, sound: PlannedCall | Artefact) -> None:
        self.sounds.append(sound)
        self._begins(sound)

    def _begins(self, sound: PlannedCall | Artefact) -> None:
        if isinstance(sound, PlannedCall):
            number, self._n_calls = self._n_calls, self._n_calls + 1
        else:
            number, self._n_artefacts = self._n_artefacts, self._n_artefacts + 1
        self.begun.append(Sounding(sound, number))


def in_order(happening: Happening) -> tuple[int, bool]:
    """By time; at one time what the box does comes before what follows from it, whichever device does it."""
    at_us, what = happening
    return at_us, isinstance(what, Event)


def _work(twin: Workable, deed: Event) -> None:
    match deed:
        case LeverPressed(lever=lever):
            twin.press(lever, deed.at_us)
        case LeverReleased(lever=lever):
            twin.release(lever, deed.at_us)
        case HeadEntered():
            twin.enter_head(deed.at_us)
        case HeadLeft():
            twin.leave_head(deed.at_us)


class VirtualApparatus:
    """A chamber in virtual time: drivers, official codec and twins in one process, and no waiting.

    Parameters
    ----------
    chamber : as the rig describes it
    limits : on shock in this session; the drivers lower the devices' own to them
    subject : the animal
    recorder : for paradigms that record
    devices : as of `Cage`
    """

    def __init__(
        self,
        chamber: Chamber,
        limits: ShockLimits,
        subject: Subject,
        recorder: Recorder | None = None,
        *,
        devices: Mapping[str, Twin] | None = None,
    ) -> None:
        self._now_us, self._recorder = 0, recorder
        self._recorded: list[Event] = []
        self.cage = Cage(chamber, subject, devices)
        making = Making(chamber, self.now_us, limits=limits)
        transports = {name: in_memory(twin, self.now_us) for name, twin in self.cage.twins.items()}
        for transport in transports.values():
            transport.open()
        self.chamber = ConnectedChamber(making.all(transports))
        self.identities = making.identities

    def now_us(self) -> int:
        """Virtual time."""
        return self._now_us

    def send(self, command: Command) -> None:
        """Carry out a command; its bytes arrive at once."""
        if isinstance(command, SetRecording) and self._recorder is not None:
            event = self._recorder.start(self._now_us) if command.on else self._recorder.stop(self._now_us)
            self._recorded += [] if event is None else [event]
        else:
            self.chamber.send(command, self._now_us)

    def wait(self, until_us: int) -> list[Event]:
        """Let time pass until a device reports something."""
        events, self._recorded = self._recorded, []
        while True:
            at_us = due_us(until_us, self.chamber.next_us, self.cage.next_us)
            self._now_us = max(self._now_us, at_us)
            self.cage.advance(self._now_us)
            events += [*self.cage.notes, *self.chamber.poll(self._now_us)]
            self.cage.notes.clear()
            self.cage.begun.clear()  # nobody listens as it happens
            if events or self._now_us >= until_us:
                return events

    def settle(self) -> list[Event]:
        """What the devices still report within 0.3 s."""
        events: list[Event] = []
        until_us = self._now_us + SETTLE_US
        self.chamber.look_around(self._now_us)
        while self._now_us < until_us:
            events += self.wait(until_us)
        return events + self.chamber.last_words(self._now_us)
