"""Is a fault in the session's record? One small rule for each kind: why it cannot be told from the record, or None.

A rule asks only what the record says. What a fault did to shocks, responses, trials and currents, and what devices find
wrong by themselves (grid, interlock, gate, feeder), `invariants` holds against the world's truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from behavior.devices.driver import KEEP_ALIVE_US
from behavior.model.commands import EndSession, SetLever
from behavior.model.events import (
    Disturbed,
    Event,
    Faulted,
    LeverPressed,
    LeverReleased,
    LinkLost,
    LinkRestored,
    MicrophoneLost,
    RecordingEnded,
    RecordingStarted,
    Resumed,
    SoundLost,
)
from behavior.scoring.timeline import timeline_of
from behavior.session.folder import SessionFolder
from behavior.session.journal import Item
from faults.engines import Life, Ran
from faults.plans import Fault

S = 1_000_000
LOOKED_US = 2_000_000
"""Within this time a driver has read every register that it watches."""
EXACT_US = 3_000
SMALL_JUMP_S = 0.12
"""A clock that is off by less is put right without a word, at the next answer."""


@dataclass(frozen=True)
class Case:
    """A fault that came about while an engine lived, and the record. Times without `world` are the session's."""

    ran: Ran
    items: list[Item]
    life: Life
    fault: Fault
    world_us: int

    @property
    def at_us(self) -> int:
        """When it came about."""
        return self.world_us - self.life.zero_us

    @property
    def ended_us(self) -> int:
        """When that engine's life was over."""
        return self.life.end_us - self.life.zero_us

    @cached_property
    def marks(self) -> list[Item]:
        """What the record says of this device from then on."""
        since_us = self.at_us - EXACT_US
        said = [item for item in self.items if isinstance(item, Faulted | LinkLost | Disturbed)]
        return [item for item in said if item.device == self.fault.device and item.at_us >= since_us]

    @cached_property
    def was_away(self) -> bool:
        """Whether a device was away by the record, so that it could not say anything."""
        links = [item for item in self.items if isinstance(item, LinkLost | LinkRestored)]
        return within(self.at_us, list(dark_times(links, self.ended_us)))

    def near_the_end(self, of_settling_us: int) -> bool:
        """Whether nobody could look any more: an engine that ends its session asks once more, any other does not."""
        return self.at_us > self.ended_us - (of_settling_us if self.life.how == "ended" else LOOKED_US)

    @property
    def as_it_died(self) -> bool:
        """Whether an engine was killed in the moment in which it heard of it: the gap tells."""
        return self.life.how == "killed" and self.at_us >= self.ended_us - EXACT_US

    @property
    def records(self) -> bool:
        """Whether the session's sound was recorded then."""
        began = [item.at_us for item in self.items if isinstance(item, RecordingStarted)]
        ended = [item.at_us for item in self.items if isinstance(item, RecordingEnded)]
        return bool(began) and min(began) < self.at_us < max(ended, default=self.at_us + 1)


def unnoticed(ran: Ran, items: list[Item], world_us: int, fault: Fault) -> str | None:
    """Why a fault that came about cannot be told from the record; None if it can, or if it had no effect."""
    life = life_at(ran, world_us)
    return None if life is None else NOTICED[fault.kind](Case(ran, items, life, fault, world_us))


# -- the rules --------------------------------------------------------------------------------------------------------


def _gone(case: Case) -> str | None:
    known = bool(case.marks) or case.was_away
    return None if known or case.near_the_end(S // 3) else "no mark of its device"


def _engine_gone(case: Case) -> str | None:
    told = any(isinstance(item, Resumed) for item in case.items) or len(case.ran.said) > 0
    return None if told else "neither resumed nor closed"


def _disk_full(case: Case) -> str | None:
    if case.life.how == "killed":
        return None
    footer = SessionFolder(case.ran.folder).footer
    told = footer is not None and footer.reason.startswith("failure of the host")
    return None if told else "the footer does not say that the host failed"


def _late(case: Case) -> str | None:
    if case.fault.device in _on_lines(case.ran):
        return None  # it reports unasked: nothing is late that nobody waits for, and its shocks are held to the truth
    long = case.fault.amount > 0.45 and case.fault.until_us - case.world_us > 3 * S
    told = bool(case.marks) or case.was_away
    return None if told or not long or case.at_us > case.ended_us - 3 * S else "its answers were late"


def _spoiled(case: Case) -> str | None:
    fault, life = case.fault, case.life
    spoiled_us = [one for one in case.ran.world.spoiled[fault.device] if case.world_us <= one <= fault.until_us]
    if not spoiled_us or life_at(case.ran, spoiled_us[0]) is not life:
        return None
    if fault.device in _on_lines(case.ran):
        return None  # a line tells no responses; what it is told is answered as it should be, or a fault
    if life.how != "ended" and spoiled_us[0] > life.end_us - LOOKED_US:
        return None  # the engine was gone before it could say so
    return None if case.marks or case.was_away else f"{len(spoiled_us)} messages were spoiled"


def _clock_jumped(case: Case) -> str | None:
    small = abs(case.fault.amount) < SMALL_JUMP_S
    told = bool(case.marks) or case.was_away
    late = case.at_us > case.ended_us - LOOKED_US
    return None if told or small or late else f"its clock jumped by {case.fault.amount:+.3f} s"


def _lever_stuck(case: Case) -> str | None:
    down_us = min(case.fault.until_us - case.life.zero_us, case.ended_us) - case.at_us
    told = any("may be stuck" in one for one in timeline_of(case.items).problems)
    out_of_play = bool(case.marks) or _held(case.items, case.at_us)
    return None if told or out_of_play or down_us < 61 * S else "nothing says that it was down"


def _sound_lost(case: Case) -> str | None:
    ended = [item for item in case.items if isinstance(item, RecordingEnded)]
    counted = any(item.n_dropped for item in ended)
    failed = case.life.how == "failed" and (not ended or any(isinstance(item, SoundLost) for item in case.items))
    done = any(isinstance(item, EndSession) for item in case.life.acknowledged)
    return (
        None if counted or failed or done or case.as_it_died or not case.records else "the recording is told as whole"
    )


def _microphone_dead(case: Case) -> str | None:
    told = any(isinstance(item, MicrophoneLost) for item in case.items) or case.life.how == "failed"
    return None if told or case.as_it_died or not case.records else "the session went on unheard"


def _elsewhere(case: Case) -> str | None:
    """What it does is held against the world's truth."""
    return None


NOTICED: dict[str, Callable[[Case], str | None]] = {
    "bytes lost": _spoiled,
    "bytes corrupted": _spoiled,
    "bytes duplicated": _spoiled,
    "bytes late": _late,
    "unplugged": _gone,
    "reboot": _gone,
    "clock jump": _clock_jumped,
    "clock drift": _elsewhere,
    "grid open": _elsewhere,
    "grid short": _elsewhere,
    "current off": _elsewhere,
    "interlock open": _elsewhere,
    "gate sticks": _elsewhere,
    "stuck lever": _lever_stuck,
    "feeder jam": _elsewhere,
    "host held up": _elsewhere,
    "engine killed": _engine_gone,
    "disk full": _disk_full,
    "power cut": _engine_gone,
    "clock set": _elsewhere,
    "sound lost": _sound_lost,
    "microphone dead": _microphone_dead,
}
"""Why a fault of each kind cannot be told from the record; None: it can, it did nothing, or nobody could have told."""


# -- what they ask ----------------------------------------------------------------------------------------------------


def dark_times(items: list[Item], end_us: int | None = None) -> Iterator[tuple[int, int]]:
    """When, by the record, something may be missing from it, until its last event or `end_us`: session time."""
    lost: dict[str, int] = {}
    if end_us is None:
        end_us = max((item.at_us for item in items if isinstance(item, Event)), default=0)
    for item in items:
        match item:
            case LinkLost(device=device):
                lost.setdefault(device, item.at_us)
            case LinkRestored(device=device):
                yield lost.pop(device, item.at_us) - LOOKED_US, item.at_us
            case Resumed(gap_us=gap_us):
                yield from ((lost_us - LOOKED_US, item.at_us) for lost_us in lost.values())
                lost.clear()
                yield item.at_us - gap_us - LOOKED_US, item.at_us
            case Faulted():
                yield item.at_us - LOOKED_US, end_us + LOOKED_US
            case Disturbed(lasted_us=lasted_us):
                yield item.at_us - lasted_us, item.at_us + KEEP_ALIVE_US
    for at_us in lost.values():
        yield at_us - LOOKED_US, end_us + LOOKED_US


def within(at_us: int, dark: list[tuple[int, int]]) -> bool:
    """Whether a time lies in one of these."""
    return any(from_us <= at_us <= to_us for from_us, to_us in dark)


def life_at(ran: Ran, world_us: int) -> Life | None:
    """The engine that drove then."""
    return next((life for life in ran.lives if life.begin_us <= world_us <= life.end_us), None)


def _on_lines(ran: Ran) -> set[str]:
    return {device.name for device in ran.world.chamber.devices if device.kind == "line_shocker"}


def _held(items: list[Item], at_us: int) -> bool:
    """Whether the lever was in, or down already, when it stuck."""
    out = down = False
    for item in items:
        if isinstance(item, Event) and item.at_us > at_us:
            break
        match item:
            case SetLever(lever="left"):
                out = item.out
            case LeverPressed(lever="left"):
                down = True
            case LeverReleased(lever="left"):
                down = False
    return down or not out
