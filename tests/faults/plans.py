"""What goes wrong in a session, drawn from a seed: which faults, when, for how long, and when its engine dies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random

from behavior.config import read
from behavior.config.rig import Chamber, Rig
from behavior.config.shipped import shipped
from behavior.model.commands import Shock
from behavior.model.events import Event
from paradigms import short
from paradigms.short import WAYS, Way

S = 1_000_000
WIRE = ("bytes lost", "bytes corrupted", "bytes duplicated", "bytes late", "unplugged")
DEVICE = ("reboot", "clock jump", "clock drift")
GRID = ("grid open", "grid short", "current off", "interlock open")
HOST = ("host held up", "engine killed", "disk full", "power cut", "clock set")
SOUND = ("sound lost", "microphone dead")
KINDS = (*WIRE, *DEVICE, *GRID, "gate sticks", "stuck lever", "feeder jam", *HOST, *SOUND)
OTHERS = ("ttl", "parallel", "line", "gated")
"""Chambers of the third-party rig in which paradigms of levers and tones run now and then."""


way = cache(short.way)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes
    ----------
    kind : one of `KINDS`
    at_us, until_us : when it begins and is over, session time of an undisturbed session; an engine dies at once if they
        are equal, else when it next writes
    device : name of the device that it befalls; empty for host and microphone
    amount : how much of it; what that means is the kind's matter
    """

    kind: str
    at_us: int
    until_us: int
    device: str = ""
    amount: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One session and its faults."""

    seed: int
    name: str
    chamber: str
    faults: tuple[Fault, ...]

    @property
    def way(self) -> Way:
        """What is run."""
        return way(self.name)

    def of_kind(self, *kinds: str) -> list[Fault]:
        """Its faults of these kinds, in order of time."""
        return sorted((one for one in self.faults if one.kind in kinds), key=lambda one: one.at_us)


@cache
def rig(name: str) -> Rig:
    """A shipped rig."""
    return read(shipped("configs", "rigs", f"{name}.toml"), Rig)


@cache
def chamber_of(name: str, chamber: str) -> Chamber:
    """The chamber of a plan."""
    if chamber in OTHERS:
        return rig("simulated-third-party").chamber(chamber)
    lever = way(name).paradigm.name in ("geller_seifter", "conditioned_usv")
    return rig("simulated" if lever else "simulated-shuttle").chamber(chamber)


def usual_chamber(one: Way) -> str:
    """Where a way of a paradigm is run with devices of our own."""
    if one.paradigm.name in ("geller_seifter", "conditioned_usv"):
        return "A"
    names = {"passive_avoidance": str(one.parameters.get("apparatus")), "shock_aggression": "pair"}
    gated = one.parameters.get("gate", "none") != "none" or one.parameters.get("group") == "escapable"
    return names.get(one.paradigm.name, "B" if gated else "A")


@cache
def undisturbed(name: str) -> tuple[int, tuple[tuple[int, int], ...]]:
    """How long a session lasts when nothing goes wrong, and when its shocks begin and end at the latest; µs."""
    items, now_us, shocks = way(name).journal(seed=1), 0, []
    for item in items:
        if isinstance(item, Event):
            now_us = max(now_us, item.at_us)
        elif isinstance(item, Shock):
            shocks.append((now_us, now_us + round(item.duration_s * S)))
    return now_us, tuple(shocks)


def plan_of(seed: int, paradigms: tuple[str, ...] = ()) -> Plan:
    """The plan of a seed.

    Parameters
    ----------
    seed : of everything in it
    paradigms : only of these; none: of all
    """
    draw = Random(f"plan {seed}")
    names = [name for name in WAYS if not paradigms or way(name).paradigm.name in paradigms]
    by_paradigm = sorted({way(name).paradigm.name for name in names})
    paradigm = draw.choice(by_paradigm)
    name = draw.choice([one for one in names if way(one).paradigm.name == paradigm])
    chamber = usual_chamber(way(name))
    if chamber == "A" and paradigm in ("geller_seifter", "conditioned_usv") and draw.random() < 0.25:
        chamber = draw.choice(OTHERS)
        if "right" in str(way(name).parameters) or "cue_light_right" in str(way(name).parameters):
            chamber = "ttl"
    kinds = [draw.choice(kinds_for(name, chamber)) for _ in range(draw.choice((1, 1, 1, 2, 2, 3)))]
    faults = [_drawn(draw, kind, name, chamber) for kind in kinds]
    if "engine killed" in kinds and draw.random() < 0.2:
        faults.append(_drawn(draw, "engine killed", name, chamber))
    return Plan(seed, name, chamber, tuple(faults))


def kinds_for(name: str, chamber: str) -> list[str]:
    """What can go wrong in a chamber."""
    box = chamber_of(name, chamber)
    kinds = {device.kind for device in box.devices}
    grid = GRID if "shock_controller" in kinds else ("grid open", "current off")
    lever = ("stuck lever", "feeder jam") if kinds & {"operant_chamber", "harp_behavior"} else ()
    sound = SOUND if box.microphone is not None and way(name).paradigm.name.endswith("usv") else ()
    gate = ("gate sticks",) if kinds & {"shock_controller", "shuttle_box"} else ()
    return [*WIRE, *DEVICE, *grid, *lever, *gate, *HOST, *SOUND[: len(sound)]]


def _drawn(draw: Random, kind: str, name: str, chamber: str) -> Fault:
    end_us, shocks = undisturbed(name)
    if shocks and draw.random() < 0.5:
        begin_us, over_us = draw.choice(shocks)
        at_us = round(draw.uniform(begin_us - 0.05 * S, over_us + 0.05 * S))
    else:
        at_us = round(draw.uniform(0, end_us))
    at_us = max(1, at_us)
    lasts_us = round(draw.choice((0.02, 0.3, 2.0, 30.0, 1e5)) * draw.uniform(0.5, 2) * S)
    if kind in ("engine killed", "power cut") and draw.random() < 0.4:
        lasts_us = 0
    return Fault(kind, at_us, at_us + lasts_us, _device(draw, kind, name, chamber), _amount(draw, kind))


def _device(draw: Random, kind: str, name: str, chamber: str) -> str:
    ported = [device for device in chamber_of(name, chamber).devices if device.has_port]
    by_kind = {device.kind: device.name for device in ported}
    box = by_kind.get("operant_chamber") or by_kind.get("harp_behavior") or by_kind.get("shuttle_box") or ""
    shocker = by_kind.get("shock_controller") or by_kind.get("harp_behavior") or ""
    if kind in GRID:
        return shocker
    if kind in ("stuck lever", "feeder jam"):
        return box
    if kind == "gate sticks":
        return draw.choice([by_kind[one] for one in ("shock_controller", "shuttle_box") if one in by_kind])
    if kind in DEVICE:
        return draw.choice([device.name for device in ported if device.kind != "line_shocker"])
    return draw.choice(ported).name if kind in WIRE else ""


def _amount(draw: Random, kind: str) -> float:
    match kind:
        case "bytes lost" | "bytes corrupted" | "bytes duplicated":
            return 10 ** draw.uniform(-4, -1)
        case "bytes late":
            return draw.choice((0.005, 0.05, 0.15, 0.5)) * draw.uniform(0.5, 2)
        case "clock jump":
            return draw.choice((-1, 1)) * 10 ** draw.uniform(-2, 3)
        case "clock drift":
            return draw.uniform(-100, 100)
        case "current off":
            return draw.choice((-60, -15, -5, 5, 9, 15, 40)) * 1.0
        case "host held up":
            return 10 ** draw.uniform(-2, 0.7)
        case "engine killed":
            return draw.choice((0.05, 0.9, 5.0, 60.0, 1_000.0)) * draw.uniform(0.5, 1.5)
        case "clock set":
            return draw.choice((-3_600.0, -60.0, 30.0, 3_600.0))
        case "disk full" | "power cut":
            return draw.random()
        case "sound lost":
            return draw.choice((0.01, 0.5, 5.0))
    return 0.0
