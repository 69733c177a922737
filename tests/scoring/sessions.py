"""Sessions that the tests of scoring share: journals written by hand, and short simulated ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from behavior.config.limits import CEILINGS, ShockLimits
from behavior.model.calls import CALL_COLUMNS, Call
from behavior.model.commands import Command
from behavior.model.doses import Treatment
from behavior.model.events import Event, SessionStarted
from behavior.session.boxes import SessionChamber
from behavior.session.core import SessionCore
from behavior.session.guard import Guard
from behavior.session.journal import Item
from behavior.session.runner import run
from behavior.simulate.ideal import IdealBox
from behavior.simulate.rat import Rat
from behavior.simulate.subject import Subject

S = 1_000_000
VEHICLE = Treatment(dose_mg_kg=0.0, vehicle="saline")


def journal(*items: Event | Command) -> list[Event | Command]:
    """A journal with its first line."""
    return [SessionStarted(0), *items]


def simulated(
    paradigm: Any,
    p: Any,
    *,
    seed: int = 1,
    subject: Subject | None = None,
    box: type = SessionChamber,
    limits: ShockLimits = CEILINGS,
) -> list[Item]:
    """The journal of a session at core depth."""
    items: list[Item] = []
    core = SessionCore(lambda box: paradigm(box, p), box, seed=seed, guard=Guard(limits))
    run(core, IdealBox(subject or Rat(seed, VEHICLE)), lambda item, host_us: items.append(item))
    return items


def call(onset_s: float, duration_s: float = 1.0, peak_hz: float = 23_000.0, file: str = "audio.flac") -> Call:
    """A call of which scoring needs no more than this."""
    values: dict[str, Any] = dict.fromkeys(CALL_COLUMNS, 0.0)
    values |= {"file": file, "call_type": "", "onset_s": onset_s, "offset_s": onset_s + duration_s}
    return Call(**values | {"duration_s": duration_s, "peak_hz": peak_hz})


def seconds(values: Iterable[float]) -> list[int]:
    """As microseconds."""
    return [round(value * S) for value in values]
