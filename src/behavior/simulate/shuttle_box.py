"""The simulated twin of our shuttle box: two sides, a way between them that may have a gate, lights and a tone.

The animal has a body: `set_off` puts its front through the doorway, so that it is on both sides at once; `arrive`
brings the rest over, `turn_back` takes the front back. `cross` does the first two by itself. A closed gate lets nobody
set off. `touch` breaks a beam or lowers a floor besides: a tail, a hand, a contact that bounces. What the device
reports of all that is debounced and bears the time from which it stood.
"""

from __future__ import annotations

from typing import Any

from behavior.devices.registers import Register
from behavior.model.commands import SetCue, SetGate
from behavior.simulate.twin import Faults, SimulatedDevice

BODY_US = 300_000
"""From the nose in the doorway to the tail out of it."""
GATE_US = 100_000
CLEAR_US = 200_000
STUCK_US = 1_000_000
OTHER = {"left": "right", "right": "left"}


class SimulatedShuttleBox(SimulatedDevice):
    """A shuttle box for one animal; nobody is in it until somebody is `put` there.

    Attributes
    ----------
    has_gate : whether one is fitted; without it the way is always open
    """

    kind = "shuttle_box"

    def __init__(self, uid: str = "", *, faults: Faults | None = None, seed: int = 0) -> None:
        self.has_gate = True
        self._side, self._across = "", False
        self._touched: set[str] = set()
        self._gate = "closed"
        super().__init__(uid, faults=faults, seed=seed)

    def _restarted(self) -> None:
        """The animal stays where it is; a gate that is not closed closes."""
        self._stood_since: dict[int, int] = {}
        self._stable = self._lines()
        if self._gate != "closed":
            self._move_gate()

    def _value(self, name: str) -> int:
        match name:
            case "Inputs":
                return self._stable
            case "OutputSet" | "OutputClear":
                return self._values["OutputState"]
        return self._values[name]

    # ---- requests

    def _written(self, register: Register, value: int) -> None:
        state = self._values["OutputState"]
        match register.name:
            case "OutputSet" | "OutputClear" | "OutputState" if not self.watched:
                pass  # what is in force answers
            case "OutputSet":
                self._output(state | value)
            case "OutputClear":
                self._output(state & ~value)
            case "OutputState":
                self._output(value)
            case "Fault":
                self._values["Fault"] &= ~value
            case name:
                self._values[name] = value

    def _output(self, state: int) -> None:
        changed, self._values["OutputState"] = self._values["OutputState"] ^ state, state
        outputs: Any = self.map.module.Outputs
        both = int(outputs.CUE_LIGHT_LEFT | outputs.CUE_LIGHT_RIGHT)
        if changed & both == both and state & both in (0, both):
            self._shine("light", bool(state & both))
            changed &= ~both
        for bit in outputs:
            name = (bit.name or "").lower()
            if changed & bit and not name.startswith(("gate_", "shock_")):
                self._shine(name, bool(state & bit))
        if changed & outputs.GATE_OPEN:
            self._happens(lambda _: SetGate(open=self._gate_wanted))
            self._move_gate()

    def _shine(self, cue: str, on: bool) -> None:
        self._happens(lambda _: SetCue(cue, on))

    def _off(self, why: str) -> None:
        self._output(0)

    # ---- the gate

    @property
    def way_open(self) -> bool:
        """Whether the animal can go to the other side."""
        return not self.has_gate or self._gate in ("opening", "open")

    @property
    def _gate_wanted(self) -> bool:
        return bool(self._values["OutputState"] & int(self.map.module.Outputs["GATE_OPEN"]))

    def _move_gate(self) -> None:
        """Open, or close as soon as nobody is in the doorway; say so if it does not come to its end."""
        self._never("gate")
        wanted = "open" if self._gate_wanted else "closed"
        if self.faults.gate_sticks or not self.has_gate:
            if self._gate != wanted:
                self._at("gate", self._now_us + STUCK_US, lambda: self._set_fault("GATE_STUCK"))
        elif wanted == "open" and self._gate != "open":
            self._begin_to_move("opening", "open")
        elif wanted == "closed" and not self._in_doorway and self._gate != "closed":
            self._begin_to_move("closing", "closed")

    def _begin_to_move(self, moving: str, end: str) -> None:
        self._gate = moving
        self._at("gate", self._now_us + GATE_US, lambda: self._gate_at(end))
        self._look()

    def _gate_at(self, end: str) -> None:
        self._gate = end
        self._look()

    @property
    def _in_doorway(self) -> bool:
        return self._across or "doorway" in self._touched

    def _doorway_changed(self) -> None:
        """A gate that waits minds who is below it; one that is falling goes up again."""
        if not self.has_gate or self._gate_wanted or self._gate == "closed" or self.faults.gate_sticks:
            return
        if self._in_doorway:
            self._never("gate")
            if self._gate == "closing":
                self._begin_to_move("opening", "open")
        else:
            self._at("gate", self._now_us + CLEAR_US, self._move_gate)

    # ---- the inputs

    def _lines(self) -> int:
        on = set(self._touched)
        if self._side:
            on |= {f"side_{self._side}"}
        if self._across:
            on |= {"side_left", "side_right", "doorway"}
        if self.has_gate and self._gate in ("open", "closed"):
            on |= {"gate_opened" if self._gate == "open" else "gate_closed"}
        bits = self.map.module.InputLines
        return sum(int(bits[name.upper()]) for name in on)

    def _look(self) -> None:
        """Note from when each line stands otherwise than was told, and tell it when it has stood long enough."""
        differs = self._lines() ^ self._stable
        for bit in (int(line) for line in self.map.module.InputLines):
            if differs & bit:
                self._stood_since.setdefault(bit, self._now_us)
            else:
                self._stood_since.pop(bit, None)
        if self._stood_since:
            self._at("debounce", min(self._stood_since.values()) + self._debounce_us, self._stood)
        else:
            self._never("debounce")

    @property
    def _debounce_us(self) -> int:
        return self._values["Debounce"] * 1_000

    def _stood(self) -> None:
        since_us = min(self._stood_since.values())
        for bit in [bit for bit, from_us in self._stood_since.items() if from_us == since_us]:
            self._stable ^= bit
            del self._stood_since[bit]
        now_us, self._now_us = self._now_us, since_us  # the event bears the time of the edge
        self._event("Inputs")
        self._now_us = now_us
        self._look()

    # ---- the world

    def put(self, side: str, now_us: int) -> None:
        """Put an animal onto a side, or with "" take it out."""
        self._changes(now_us, side, across=False)

    def set_off(self, now_us: int) -> bool:
        """Go halfway to the other side; whether the way was open."""
        self.advance(now_us)
        if not self._side or not self.way_open:
            return False
        self._changes(now_us, self._side, across=True)
        return True

    def turn_back(self, now_us: int) -> None:
        """Go back from halfway."""
        self._changes(now_us, self._side, across=False)

    def arrive(self, side: str, now_us: int) -> bool:
        """Be wholly on a side; whether it could get there."""
        self.advance(now_us)
        if side == self._side or self._across or self.way_open:
            self._changes(now_us, side, across=False)
        return self._side == side

    def cross(self, side: str, now_us: int, body_us: int = BODY_US) -> bool:
        """Go to a side, which takes the time of a body; whether the way was open."""
        self.advance(now_us)
        if side == self._side or not self.set_off(now_us):
            return False
        self._at("arrival", self._now_us + body_us, lambda: self._stands(side, across=False))
        return True

    def touch(self, line: str, now_us: int, *, on: bool) -> None:
        """Break a beam or lower a floor besides what the animal's body does: "side_left", "side_right", "doorway"."""
        self.advance(now_us)
        (self._touched.add if on else self._touched.discard)(line)
        self._look()
        self._doorway_changed()

    @property
    def across(self) -> bool:
        """Whether the animal is halfway."""
        return self._across

    def _changes(self, now_us: int, side: str, *, across: bool) -> None:
        self.advance(now_us)
        self._never("arrival")
        self._stands(side, across=across)

    def _stands(self, side: str, *, across: bool) -> None:
        was_in_doorway = self._in_doorway
        self._side, self._across = side, across
        self._look()
        if self._in_doorway != was_in_doorway:
            self._doorway_changed()

    def _suffered(self, before: Faults) -> None:
        if self.faults.gate_sticks != before.gate_sticks:
            self._move_gate()
