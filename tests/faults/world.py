"""A chamber whose faults are planned, and the engines that drive it one after the other; in virtual time.

The world goes on whatever becomes of an engine: devices, animal and meter live through its death. A device whose link
is lost is looked for as in a live session, by the chamber's own rules, with the looks at virtual times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, NoReturn, Self

from msgspec.structs import replace as with_fields

from behavior.audio.write import RecordingWriter
from behavior.config.limits import ShockLimits
from behavior.devices.chamber import Connected, ConnectedChamber
from behavior.devices.connecting import Making
from behavior.devices.driver import Driver
from behavior.devices.transport import READ_TIMEOUT_S, MemoryTransport, Transport
from behavior.model.commands import Command, SetRecording
from behavior.model.events import (
    Crossed,
    Event,
    Faulted,
    LeverPressed,
    LinkLost,
    MicrophoneLost,
    RecordingEnded,
    RecordingStarted,
    SoundLost,
)
from behavior.session import journal
from behavior.session.core import NEVER
from behavior.session.recording import sound_name
from behavior.session.runner import due_us
from behavior.simulate.animals import animal_for
from behavior.simulate.devices import (
    Faults,
    SimulatedBehaviorBoard,
    SimulatedDevice,
    SimulatedOperantChamber,
    SimulatedShuttleBox,
    Twin,
    in_memory,
)
from behavior.simulate.world import SETTLE_US, Cage
from faults.meter import Meter
from faults.plans import Fault, Plan, chamber_of
from paradigms.short import VEHICLE

S = 1_000_000
AT_ONCE = ("reboot", "clock jump", "clock drift", "clock set", "host held up", "sound lost", "microphone dead")
"""What happens in a moment, or does not pass."""
RATE_HZ = 4_000
"""Of the sound; what is in it is the detectors' matter and not searched here."""


class Killed(BaseException):
    """The engine's process is gone. Nothing of it runs any more, so nothing catches this but the campaign."""


class World:
    """Twins, animal, meter, and what befalls them.

    Attributes
    ----------
    now_us : the world's time
    done : the faults that came about, and when
    did : what the animal did and a switch or beam felt, as `(world µs, event)`
    set_faults : what devices themselves found wrong, as `(world µs, device, name)`
    """

    def __init__(self, plan: Plan) -> None:
        self.plan, self.now_us = plan, 0
        self.chamber = chamber_of(plan.name, plan.chamber)
        way = plan.way
        self.limits = self.chamber.limits.lowered_to(way.p.limits)
        animal = animal_for(way.paradigm.name, way.parameters, plan.seed, VEHICLE)
        self.meter = Meter(animal)
        self.cage = Cage(self.chamber, self.meter)
        self.meter.wire(self.cage.twins)
        self.did: list[tuple[int, Event]] = []
        self.done: list[tuple[int, Fault]] = []
        self.spoiled: dict[str, list[int]] = {name: [] for name in self.cage.twins}
        self._from_host = False
        self.set_faults: list[tuple[int, str, str]] = []
        self.stalled_us = 0
        self.transports: dict[str, MemoryTransport] = {}
        self.disk: Disk | None = None
        self.engine: Engine | None = None
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        for name, twin in self.cage.twins.items():
            self._listen(name, twin)
        for number, fault in enumerate(plan.faults):
            self._plan(number, fault)
        self._agenda.sort(key=lambda one: one[:2])

    # -- time -------------------------------------------------------------------------------------------------------

    @property
    def next_us(self) -> int:
        """When something happens by itself."""
        return min(self.cage.next_us, self._agenda[0][0] if self._agenda else NEVER)

    def advance(self, until_us: int) -> None:
        """Let everything happen until then, faults among it."""
        while self._agenda and self._agenda[0][0] <= until_us:
            at_us, _, befall = self._agenda.pop(0)
            self.now_us = max(self.now_us, at_us)
            self.cage.advance(self.now_us)
            self.meter.read(self.now_us)
            befall()
            self.cage.advance(self.now_us)
        self.now_us = max(self.now_us, until_us)
        self.cage.advance(self.now_us)
        for name, transport in self.transports.items():
            if not transport._is_open:
                self.cage.twins[name].take_outgoing()  # said to nobody

    # -- what goes wrong --------------------------------------------------------------------------------------------

    def _plan(self, number: int, fault: Fault) -> None:
        if fault.kind in ("engine killed", "disk full", "power cut"):
            return  # of the engine and its files, see `engines` and `Disk`
        at_us = 0 if fault.kind == "clock drift" else fault.at_us
        self._agenda.append((at_us, number, lambda: self._befall(fault)))
        if fault.kind not in AT_ONCE:
            self._agenda.append((fault.until_us, number, lambda: self._pass(fault)))

    def _befall(self, fault: Fault) -> None:
        self.done.append((self.now_us, fault))
        twin = self.cage.twins.get(fault.device)
        match fault.kind:
            case "host held up":
                self.stalled_us += round(fault.amount * S)
            case "sound lost" | "microphone dead":
                if self.engine is not None and self.engine.microphone is not None:
                    self.engine.microphone.befall(fault, self.now_us)
            case "reboot":
                twin.restart(self.now_us)  # type: ignore[union-attr]
            case "clock jump":
                twin._shows_us += round(fault.amount * S)  # type: ignore[union-attr]
            case _ if twin is not None:
                self._suffers(twin, _with(twin.faults, fault))
                if fault.kind == "unplugged":
                    self.transports[fault.device].close()  # a port that is gone stays gone until it is opened anew

    def _pass(self, fault: Fault) -> None:
        twin = self.cage.twins.get(fault.device)
        if twin is not None:
            self._suffers(twin, _without(twin.faults, fault))

    def _suffers(self, twin: Twin, faults: Faults) -> None:
        twin.suffer(faults, self.now_us)

    # -- what is true -----------------------------------------------------------------------------------------------

    def _listen(self, name: str, twin: Twin) -> None:
        """Note what switches and beams feel, and when what a device says is spoiled on the way.

        A request that is spoiled has an effect only if it is not answered, which its driver sees.
        """
        line = twin._line
        spoil = line.spoiled

        def spoiled(data: bytes, faults: Faults) -> bytes:
            arrived = spoil(data, faults)
            self.spoiled[name] += [self.now_us] if arrived != data and not self._from_host else []
            return arrived

        line.spoiled = spoiled  # type: ignore[method-assign]
        receive = twin.receive

        def received(data: bytes, now_us: int) -> None:
            self._from_host = True
            receive(data, now_us)
            self._from_host = False

        twin.receive = received  # type: ignore[method-assign]
        if isinstance(twin, SimulatedDevice):
            set_fault = twin._set_fault

            def finds(fault: str) -> None:
                self.set_faults.append((twin._session_us(twin._now_us), name, fault))
                set_fault(fault)

            twin._set_fault = finds  # type: ignore[method-assign]
        if isinstance(twin, SimulatedOperantChamber | SimulatedBehaviorBoard | SimulatedShuttleBox):
            tell, feel = twin._event, Feeling(self, name, twin)

            def event(register: str) -> None:
                feel.look(register)
                tell(register)

            twin._event = event  # type: ignore[method-assign]


class Feeling:
    """What the switches or beams of one box say: its responses, whoever hears of them."""

    def __init__(self, world: World, name: str, twin: Twin) -> None:
        self._world, self._twin, self._down = world, twin, set[str]()
        device = next(device for device in world.chamber.devices if device.name == name)
        self._side, self._names = "left", device.sides.names

    def look(self, register: str) -> None:
        """An input changed."""
        if register not in ("Inputs", "DigitalInputState"):
            return
        twin = self._twin
        at_us = twin._session_us(twin._now_us)  # type: ignore[union-attr]
        if isinstance(twin, SimulatedShuttleBox):
            bits = twin.map.module.InputLines
            on = [side for side in ("left", "right") if twin._stable & int(bits[f"SIDE_{side.upper()}"])]
            if len(on) == 1 and on[0] != self._side:
                (self._side,) = on
                self._world.did.append((at_us, Crossed(at_us, self._names[self._side])))
            return
        down = _levers_down(twin)
        self._world.did += [(at_us, LeverPressed(at_us, lever)) for lever in sorted(down - self._down)]
        self._down = down


def _levers_down(twin: Twin) -> set[str]:
    if isinstance(twin, SimulatedBehaviorBoard):
        inputs = twin._inputs()
        return {
            str(side)
            for side, lever in twin.board.levers.items()
            if bool(inputs & twin._bit("DigitalInputs", lever.input)) is (lever.active == "high")
        }
    assert isinstance(twin, SimulatedOperantChamber)
    bits = twin.map.module.InputLines
    return {side for side in ("left", "right") if twin._inputs() & int(bits[f"LEVER_{side.upper()}"])}


def _with(faults: Faults, fault: Fault) -> Faults:
    return replace(faults, **_fields(fault))


def _without(faults: Faults, fault: Fault) -> Faults:
    sound = Faults()
    return replace(faults, **{name: getattr(sound, name) for name in _fields(fault)})


def _fields(fault: Fault) -> dict[str, Any]:
    match fault.kind:
        case "bytes lost":
            return {"lost": fault.amount}
        case "bytes corrupted":
            return {"corrupted": fault.amount}
        case "bytes duplicated":
            return {"duplicated": fault.amount}
        case "bytes late":
            return {"late_us": round(fault.amount * S)}
        case "unplugged":
            return {"unplugged": True}
        case "clock drift":
            return {"clock_drift_ppm": fault.amount}
        case "grid open" | "grid short":
            return {"grid": fault.kind.removeprefix("grid ")}
        case "current off":
            return {"delivered_percent": fault.amount}
        case "interlock open":
            return {"interlock_open": True}
        case "gate sticks":
            return {"gate_sticks": True}
        case "stuck lever":
            return {"stuck_lever": "left"}
        case "feeder jam":
            return {"feeder_jam": True}
    raise LookupError(fault.kind)


# -- an engine --------------------------------------------------------------------------------------------------------


class FollowedChamber(ConnectedChamber):
    """A chamber that looks for a lost device at virtual times, where a live one has a thread that waits."""

    def __init__(self, world: World, making: Making, devices: list[tuple[Driver, Transport]]) -> None:
        super().__init__(devices, partial(_found, world, making))
        self._queue = _Nobody()
        self._clock_us = lambda: world.now_us
        self._looking: dict[str, tuple[int, Iterator[float]]] = {}

    def _start_thread(self, name: str, target: Callable[..., None], *args: object) -> None:
        (device, _queue) = args
        assert isinstance(device, Connected)
        self._wait(device.driver.name, self._looks(device), self._clock_us())

    def _wait(self, name: str, looks: Iterator[float], now_us: int) -> bool:
        wait_s = next(looks, None)
        if wait_s is not None:
            self._looking[name] = (now_us + round(wait_s * S), looks)
        return wait_s is not None

    @property
    def look_us(self) -> int:
        """When the next look is due."""
        return min((at_us for at_us, _ in self._looking.values()), default=NEVER)

    def look(self, now_us: int) -> list[Event]:
        """Look for those whose time has come."""
        events: list[Event] = []
        for name, (at_us, looks) in list(self._looking.items()):
            if at_us <= now_us:
                del self._looking[name]
                if not self._wait(name, looks, now_us):
                    self._devices[name].given_up = self._devices[name].back is None
                    events += self.receive(name, b"", now_us)
        return events


class _Nobody:
    def put(self, item: object) -> None:
        """To nobody."""


def _found(world: World, making: Making, name: str, before: Driver) -> tuple[Driver, Transport]:
    (device,) = (one for one in world.chamber.devices if one.name == name)
    transport = _opened(world, name)
    try:
        return making.again(device, transport, before)
    except BaseException:
        transport.close()
        raise


class PatientTransport(MemoryTransport):
    """One that waits a moment for bytes, as a port does, while nobody else is driven: in handshakes at the start."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world.cage.twins[name], lambda: world.now_us, name=f"simulated {world.cage.twins[name].kind}")
        self._world, self.instant = world, False

    def read(self) -> bytes:
        """What is there, or comes within 20 ms."""
        data = super().read()
        if not data and not self.instant:
            self._world.advance(self._world.now_us + round(READ_TIMEOUT_S * S))
            data = super().read()
        return data


def _opened(world: World, name: str, *, patient: bool = False) -> MemoryTransport:
    transport = PatientTransport(world, name) if patient else in_memory(world.cage.twins[name], lambda: world.now_us)
    transport.open()
    world.transports[name] = transport
    return transport


class Engine:
    """The apparatus of one engine's life.

    Parameters
    ----------
    world : which it drives
    limits : of the session
    folder : for the sound; None: nothing is recorded
    start_us : tells session time when all devices are ready
    n_shocks, n_deliveries, part : as of a session that is gone on with
    """

    def __init__(
        self,
        world: World,
        limits: ShockLimits,
        folder: Path | None = None,
        *,
        start_us: Callable[[], int] = lambda: 0,
        resumed: bool = False,
        n_shocks: int = 0,
        n_deliveries: int = 0,
        part: int = 1,
    ) -> None:
        self.world = world
        self.alive = True
        records = folder is not None and world.chamber.microphone is not None
        self._recorded: list[Event] = []
        self._making = Making(
            world.chamber, lambda: world.now_us, limits=limits, n_shocks=n_shocks, n_deliveries=n_deliveries,
            resumed=resumed,
        )  # fmt: skip
        transports = {name: _opened(world, name, patient=resumed) for name in world.cage.twins}
        ready = self._making.all(transports)
        for transport in transports.values():
            transport.instant = True
        self._start_us = start_us()
        self.zero_us = world.now_us - self._start_us
        self.microphone = FaultyMicrophone(folder, part, self.zero_us) if records and folder is not None else None
        self.chamber = FollowedChamber(world, self._making, ready)
        self.identities = self._making.identities
        world.engine = self

    def now_us(self) -> int:
        """Session time."""
        return self.world.now_us - self.zero_us

    def send(self, command: Command) -> None:
        """Carry out a command, unless nobody is left to."""
        if not self.alive:
            return
        if isinstance(command, SetRecording) and self.microphone is not None:
            event = self.microphone.start(self.now_us()) if command.on else self.microphone.stop(self.now_us())
            self._recorded += [] if event is None else [event]
        else:
            self.chamber.send(command, self.world.now_us)

    def wait(self, until_us: int) -> list[Event]:
        """Let time pass until something is reported; a host that is held up looks up later."""
        world, chamber = self.world, self.chamber
        events, self._recorded = self._recorded, []
        until_us = min(NEVER, until_us + self.zero_us)
        while True:
            dies_us = NEVER if world.disk is None else world.disk.dies_us
            soonest_us = due_us(until_us, chamber.next_us, chamber.look_us, world.next_us)
            world.advance(max(world.now_us, min(soonest_us, dies_us if dies_us > world.now_us else NEVER)))
            if world.disk is not None:
                world.disk.look()
            if world.stalled_us:
                stalled_us, world.stalled_us = world.stalled_us, 0
                world.advance(world.now_us + stalled_us)
            heard = [*chamber.look(world.now_us), *chamber.poll(world.now_us)]
            events += [with_fields(note, at_us=note.at_us - self.zero_us) for note in world.cage.notes]
            world.cage.notes.clear()
            events += self._in_session(heard) + ([] if self.microphone is None else self.microphone.heard())
            if events or world.now_us >= until_us:
                return events

    def settle(self) -> list[Event]:
        """What is still reported within 0.3 s."""
        events, until_us = [], self.now_us() + SETTLE_US
        self.chamber.look_around(self.world.now_us)
        while self.now_us() < until_us:
            events += self.wait(until_us)
        events += self.wait(self.now_us())
        return events + self._in_session(self.chamber.last_words(self.world.now_us))

    def die(self) -> None:
        """As of `kill -9`: nothing more is said, ports are let go of, files stay as they are."""
        self.alive = False
        for transport in self.world.transports.values():
            transport.close()
        if self.microphone is not None:
            self.microphone.cut(self.now_us())

    def let_go(self) -> None:
        """As at the end of a session."""
        self.chamber.close()
        if self.microphone is not None:
            self.microphone.cut(self.now_us())

    def _in_session(self, events: list[Event]) -> list[Event]:
        placed = [with_fields(event, at_us=event.at_us - self.zero_us) for event in events]
        return [
            event if event.at_us >= self._start_us else with_fields(event, at_us=self._start_us)
            for event in placed
            if event.at_us >= self._start_us or isinstance(event, Faulted | LinkLost)
        ]


class FaultyMicrophone:
    """A recorder whose sound is silence, and gets lost as planned."""

    busy = False

    def __init__(self, folder: Path, part: int, zero_us: int) -> None:
        self._folder, self._part, self._zero_us = folder, part, zero_us
        self._began_us: int | None = None
        self._file = ""
        self._n_dropped = 0
        self._told: list[Event] = []
        self._dead = False

    def start(self, at_us: int) -> RecordingStarted | None:
        """Begin a file."""
        assert self._began_us is None, "a microphone that records fails when it is told to record"
        if self._dead:
            return None
        self._file, self._began_us, self._n_dropped = sound_name(self._part), at_us, 0
        self._part += 1
        return RecordingStarted(at_us, self._file, RATE_HZ)

    def stop(self, at_us: int) -> RecordingEnded | None:
        """End it."""
        if self._began_us is None:
            return None
        n_samples = self.cut(at_us)
        return RecordingEnded(at_us, n_samples, min(n_samples, self._n_dropped))

    def heard(self) -> list[Event]:
        """What came since."""
        told, self._told = self._told, []
        return told

    def befall(self, fault: Fault, world_us: int) -> None:
        """Samples are lost, or the process is gone; nobody minds while nothing is recorded."""
        if fault.kind == "microphone dead":
            self._dead = True
        if self._began_us is None:
            return
        now_us = world_us - self._zero_us
        if self._dead:
            n_samples = self.cut(now_us)
            self._told.append(MicrophoneLost(now_us, "its process has ended"))
            self._told.append(RecordingEnded(now_us, n_samples, min(n_samples, self._n_dropped)))
        else:
            n_samples = round(fault.amount * RATE_HZ)
            self._n_dropped += n_samples
            self._told.append(SoundLost(now_us, n_samples, "the computer was held up"))

    def cut(self, at_us: int) -> int:
        """The file holds what came until now; how many samples."""
        if self._began_us is None:
            return 0
        n_samples = max(0, round((at_us - self._began_us) * RATE_HZ / 1e6))
        self._began_us = None
        with RecordingWriter(self._folder / self._file, RATE_HZ) as file:
            file.write(_silence(n_samples))
        return n_samples


def _silence(n_samples: int) -> Any:
    import numpy as np

    return np.zeros((n_samples, 1), dtype=np.int16)


# -- the disk ---------------------------------------------------------------------------------------------------------


class Disk:
    """What becomes of the journal's bytes, and when the engine dies.

    Parameters
    ----------
    world : tells the time
    dies_us : the engine dies at this time of the world; `NEVER`: does not
    full : the disk is full from its time on, but for some bytes; None: never
    random : of the byte at which
    amid_writing : it dies when it next writes, and so before, in or after that line
    """

    def __init__(
        self, world: World, dies_us: int, full: Fault | None, random: Random, *, amid_writing: bool = False
    ) -> None:
        self._world, self.dies_us, self._full, self._random = world, dies_us, full, random
        self._room: int | None = None
        self._told_full = False
        self._amid_writing = amid_writing

    def look(self) -> None:
        """Die now, if it is time and no line is to be cut."""
        if not self._amid_writing and self._world.now_us >= self.dies_us:
            self._kill()

    def writes(self, file: Any, data: bytes) -> int:
        """Write as far as that goes. A death cuts a line, or comes between it and its effect, or after both."""
        if self._world.now_us >= self.dies_us:
            file.write(data[: self._random.choice((0, self._random.randrange(len(data)), len(data)))])
            self._kill()
        if self._full is not None and self._world.now_us >= self._full.at_us:
            self._room = self._random.randrange(400) if self._room is None else self._room
            if self._room < len(data):
                file.write(data[: self._room])
                self._room = 0
                self._world.done += [] if self._told_full else [(self._world.now_us, self._full)]
                self._told_full = True
                raise OSError(28, "No space left on device")
            self._room -= len(data)
        return int(file.write(data))

    def _kill(self) -> NoReturn:
        if self._world.engine is not None:
            self._world.engine.alive = False  # nothing that cleans up on the way out reaches a device
        raise Killed


class OnDisk:
    """While the block lasts, journals are written to the world's disk; the writer is the real one."""

    def __init__(self, world: World) -> None:
        self._world, self._init = world, journal.JournalWriter.__init__

    def __enter__(self) -> Self:
        world, begin = self._world, self._init

        def init(self: journal.JournalWriter, *given: Any, **named: Any) -> None:
            begin(self, *given, **named)
            if world.disk is not None:
                self._file = _File(self._file, world.disk)  # type: ignore[assignment]

        journal.JournalWriter.__init__ = init  # type: ignore[method-assign]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        journal.JournalWriter.__init__ = self._init  # type: ignore[method-assign]


class _File:
    def __init__(self, file: Any, disk: Disk) -> None:
        self._file, self._disk = file, disk

    def write(self, data: bytes) -> int:
        return self._disk.writes(self._file, data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
