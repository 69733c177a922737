"""The reference firmware as the devices of a cage: a simulated animal works its terminals and perceives its pins.

What `behavior.simulate` does with its twins is done here with the C firmware, by the words of `hal/box.h`: in this
process in virtual time (`InMemory`), or as programs behind pseudo-terminals in real time (`Behind`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol

from behavior.config.rig import Chamber
from behavior.devices.registers import device_map
from behavior.model.commands import Command, SetCue, SetGate, SetLever
from behavior.model.events import Delivered, Event, ShockEnded, ShockStarted
from behavior.simulate.twin import Happening
from devices.firmware import LibraryBench, Program

LOOK_US = 2_000
OTHER = {"left": "right", "right": "left"}


class Terminals(Protocol):
    """What hands can reach."""

    kind: str

    def hand(self, line: str) -> None: ...
    def pins(self) -> dict[str, int]: ...


class Inhabited(ABC):
    """A device from the animal's side."""

    unplugged = False

    def __init__(self, terminals: Terminals) -> None:
        self.terminals = terminals
        self.map = device_map(terminals.kind)
        self._happenings: list[Happening] = []
        self._pins = terminals.pins()
        self._opened_us = self._n_delivered = 0

    def take_happenings(self) -> list[Happening]:
        happened, self._happenings = self._happenings, []
        return happened

    def look(self, now_us: int) -> None:
        """What the pins do, in the words of a session."""
        before, self._pins = self._pins, self.terminals.pins()
        for what in self._seen(before, self._pins, now_us):
            self._happenings.append((now_us, what))

    def _seen(self, before: dict[str, int], now: dict[str, int], now_us: int) -> list[Event | Command]:
        seen = self._outputs(self._lit(before), self._lit(now)) if "Outputs" in dir(self.map.module) else []
        if now["gate"] > before["gate"]:
            self._opened_us = now_us
            seen.append(ShockStarted(now_us, now["n_pulses"]))
        elif now["gate"] < before["gate"]:
            open_us = now_us - self._opened_us
            seen.append(ShockEnded(now_us, now["n_pulses"], open_us, before["current_ua"] / 1_000, "completed"))
        if now["feeder"] < before["feeder"]:
            self._n_delivered += 1
            seen.append(Delivered(now_us, self._n_delivered))
        return seen

    def _lit(self, pins: dict[str, int]) -> int:
        tone = int(self.map.module.Outputs["TONE"])
        return pins["outputs"] & ~tone | (tone if pins["tone_hz"] else 0)

    def _outputs(self, before: int, now: int) -> list[Event | Command]:
        changed, seen = before ^ now, list[Event | Command]()
        outputs: Any = self.map.module.Outputs
        both = int(outputs.CUE_LIGHT_LEFT | outputs.CUE_LIGHT_RIGHT)
        if self.terminals.kind == "shuttle_box" and changed & both == both and now & both in (0, both):
            seen.append(SetCue("light", on=bool(now & both)))
            changed &= ~both
        for bit in outputs:
            name, on = bit.name.lower(), bool(now & bit)
            if changed & bit and name.startswith("lever_"):
                seen.append(SetLever(name.removeprefix("lever_").removesuffix("_out"), on))
            elif changed & bit and name == "gate_open":
                seen.append(SetGate(open=on))
            elif changed & bit and not name.startswith("shock_"):
                seen.append(SetCue(name, on))
        return seen

    def advance(self, now_us: int) -> None:
        self.look(now_us)

    @property
    @abstractmethod
    def next_us(self) -> int: ...


class Levers(Inhabited):
    """An operant chamber's levers and tray."""

    def press(self, lever: str, now_us: int) -> bool:
        self.advance(now_us)
        out = int(self.map.module.Outputs[f"LEVER_{lever.upper()}_OUT"])
        self.terminals.hand(f"lever {lever} 1")
        return bool(self._pins["outputs"] & out)

    def release(self, lever: str, now_us: int) -> None:
        self.advance(now_us)
        self.terminals.hand(f"lever {lever} 0")

    def enter_head(self, now_us: int) -> None:
        self.advance(now_us)
        self.terminals.hand("head 1")

    def leave_head(self, now_us: int) -> None:
        self.advance(now_us)
        self.terminals.hand("head 0")


class TwoSides(Inhabited):
    """A shuttle box's beams, and the body that breaks them."""

    def __init__(self, terminals: Terminals) -> None:
        super().__init__(terminals)
        self.has_gate, self._side, self.across = True, "", False

    def put(self, side: str, now_us: int) -> None:
        self._stand(side, across=False)

    def set_off(self, now_us: int) -> bool:
        self.advance(now_us)
        if not self._side or not self._way_open:
            return False
        self._stand(self._side, across=True)
        return True

    def turn_back(self, now_us: int) -> None:
        self.advance(now_us)
        self._stand(self._side, across=False)

    def arrive(self, side: str, now_us: int) -> bool:
        self.advance(now_us)
        if side == self._side or self.across or self._way_open:
            self._stand(side, across=False)
        return self._side == side

    @property
    def _way_open(self) -> bool:
        return not self.has_gate or bool(self._pins["outputs"] & int(self.map.module.Outputs["GATE_OPEN"]))

    def _stand(self, side: str, *, across: bool) -> None:
        self._side, self.across = side, across
        for one in OTHER:
            self.terminals.hand(f"beam side_{one} {across or one == side:d}")
        self.terminals.hand(f"beam doorway {across:d}")


class InMemory(Inhabited):
    """The firmware in this process: bytes and time are given to it."""

    terminals: LibraryBench
    _outgoing = b""

    def receive(self, data: bytes, now_us: int) -> None:
        self.advance(now_us)
        self.terminals.say(data)
        self.look(now_us)

    def take_outgoing(self) -> bytes:
        data, self._outgoing = self._outgoing, b""
        return data

    def look(self, now_us: int) -> None:
        super().look(now_us)
        self._outgoing += self.terminals.hear()

    def advance(self, now_us: int) -> None:
        library = self.terminals.library
        while (at_us := min(now_us, library.native_next_us())) > library.native_now_us():
            library.native_run_until(at_us)
            self.look(at_us)

    @property
    def next_us(self) -> int:
        library = self.terminals.library
        return int(library.native_now_us() if self._outgoing else library.native_next_us())


class Behind(Inhabited):
    """The firmware in a program of its own, whose port a host has: only its pins are looked at, in real time."""

    _now_us = 0

    def advance(self, now_us: int) -> None:
        self._now_us = now_us
        self.look(now_us)

    @property
    def next_us(self) -> int:
        return self._now_us + LOOK_US

    def receive(self, data: bytes, now_us: int) -> None:
        raise AssertionError("its port is the host's")

    take_outgoing = receive  # type: ignore[assignment]


def in_memory_devices(chamber: Chamber) -> dict[str, Any]:
    """The firmware of all devices of a chamber, in this process. There is one of each kind."""
    sides = {"operant_chamber": Levers, "shuttle_box": TwoSides}
    made: dict[str, Any] = {}
    for device in chamber.devices:
        way = sides.get(device.kind, Inhabited)
        made[device.name] = type(f"{way.__name__}InMemory", (InMemory, way), {})(
            LibraryBench(device.kind, uid=device.uid)
        )
    return made


def programs(chamber: Chamber) -> dict[str, Program]:
    """The firmware of all devices of a chamber, each in a program of its own with the identity that the rig wants."""
    return {device.name: Program(device.kind, uid=device.uid) for device in chamber.devices}


def behind(running: Mapping[str, Program]) -> dict[str, Any]:
    """Those programs, from the animal's side."""
    sides = {"operant_chamber": Levers, "shuttle_box": TwoSides}
    made: dict[str, Any] = {}
    for name, program in running.items():
        way = sides.get(program.kind, Inhabited)
        made[name] = type(f"{way.__name__}Behind", (Behind, way), {})(program)
    return made
