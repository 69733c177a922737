"""What a session needs of its chamber, found in a dry run before anything moves: a command that nothing takes, and an
event that nothing reports, would otherwise be met with silence while an animal is in the box.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

from behavior.config.rig import Chamber
from behavior.devices.abilities import Report, reports, takes
from behavior.devices.dialects import cannot_give, check_shockers
from behavior.model.commands import Command, Deliver, SetCue, SetGate, SetLever, SetRecording, Shock
from behavior.model.errors import BadInput
from behavior.model.events import Crossed, Event, HeadEntered, HeadLeft, LeverPressed, LeverReleased
from behavior.paradigms.catalogue import Paradigm
from behavior.paradigms.parameters import Parameters
from behavior.session.assemble import assemble, dry_run
from behavior.session.core import SessionCore
from behavior.session.journal import Item
from behavior.session.runner import Apparatus

MOVING = (SetCue, SetLever, SetGate, SetRecording, Shock, Deliver)
DEEDS = (LeverPressed, LeverReleased, HeadEntered, HeadLeft, Crossed)


def rehearse(
    paradigm: Paradigm,
    parameters: Parameters,
    chamber: Chamber,
    apparatus: Apparatus,
    *,
    seed: int,
    what: str,
    watch: Callable[[Item], object] = lambda item: None,
) -> SessionCore:
    """Dry-run a session, and see that its chamber has all that it needs.

    Parameters
    ----------
    paradigm, parameters : what to run
    chamber : as the rig describes it; its limits are applied
    apparatus : a box without devices, with a subject in it
    seed : of all that is drawn
    what : names the session in errors
    watch : sees each event and command

    Returns
    -------
    SessionCore
        At its end.

    Raises
    ------
    BadInput
        The guard refuses a command, the paradigm fails, or the chamber lacks something.
    """
    check_shockers(chamber)
    awaited: set[Report] = set()
    items: list[Item] = []

    def record(item: Item, host_us: int) -> None:
        items.append(item)
        watch(item)

    noticed = replace(paradigm, run=lambda box, p: paradigm.run(Noticing(box, awaited), p))
    core = assemble(noticed, parameters, seed=seed, limits=chamber.limits)
    dry_run(core, apparatus, what=what, record=record)
    commands: set[Command] = {item for item in items if isinstance(item, MOVING)}
    if lacks := missing(chamber, commands, awaited):
        raise BadInput(f"{what}: chamber {chamber.name} has nothing that {lacks}; use another chamber or rig")
    if why := never_given(chamber, commands):
        raise BadInput(f"{what}: {why}; change the parameter, or use another chamber or rig")
    if never_opened(chamber, commands, awaited):
        raise BadInput(
            f"{what}: the gate of chamber {chamber.name} is closed, and nothing opens it for the crossings that are "
            "waited for; let the paradigm open it, or use a chamber without a gate"
        )
    return core


def missing(chamber: Chamber, commands: set[Command], awaited: set[Report]) -> str:
    """What a chamber lacks, in words: "takes SetGate, or reports Crossed 'dark'"; empty if nothing."""
    untaken = sorted({named(command) for command in commands if not takes(chamber, command)})
    unreported = sorted({worded(*report) for report in awaited if not reports(chamber, report)})
    parts = [f"{verb} {' or '.join(what)}" for verb, what in (("takes", untaken), ("reports", unreported)) if what]
    return ", or ".join(parts)


def never_given(chamber: Chamber, commands: set[Command]) -> str:
    """Why the chamber's shocker cannot give one of the shocks; empty if it can give them all."""
    shocks = sorted({(one.ma, one.duration_s) for one in commands if isinstance(one, Shock)})
    for device in chamber.devices:
        for ma, duration_s in shocks:
            if why := cannot_give(device, ma, duration_s):
                return f"{device.name} {why}"
    return ""


def never_opened(chamber: Chamber, commands: set[Command], awaited: set[Report]) -> bool:
    """Whether crossings are waited for behind a gate that stays closed."""
    crossings = any(kind is Crossed for kind, _ in awaited)
    return crossings and any(device.sides.gate for device in chamber.devices) and SetGate(open=True) not in commands


def named(command: Command) -> str:
    """A command without what is done.

    >>> named(SetCue("light", on=True))
    "SetCue 'light'"
    """
    which = getattr(command, "cue", None) or getattr(command, "lever", None)
    return worded(type(command), which)


def worded(kind: type[Command | Event], which: str | None) -> str:
    """The name of a command or event, and of what."""
    return kind.__name__ if which is None else f"{kind.__name__} {which!r}"


class Noticing:
    """A box that notices which of an animal's deeds are waited for, and else is the box that stands behind it."""

    def __init__(self, box: Any, awaited: set[Report]) -> None:
        self._box, self._awaited = box, awaited

    def __getattr__(self, word: str) -> Any:
        return getattr(self._box, word)

    def next(self, *kinds: type[Event], **given: Any) -> Awaitable[Any]:
        """As of the box."""
        self._notice(kinds, given)
        found: Awaitable[Any] = self._box.next(*kinds, **given)
        return found

    def every(self, *kinds: type[Event], **given: Any) -> AsyncIterator[Any]:
        """As of the box."""
        self._notice(kinds, given)
        found: AsyncIterator[Any] = self._box.every(*kinds, **given)
        return found

    def presses(self, lever: str, **given: Any) -> AsyncIterator[Any]:
        """As of the box."""
        self._notice((LeverPressed,), {"lever": lever})
        found: AsyncIterator[Any] = self._box.presses(lever, **given)
        return found

    def crossing(self, **given: Any) -> Awaitable[Any]:
        """As of the box."""
        self._notice((Crossed,), given)
        found: Awaitable[Any] = self._box.crossing(**given)
        return found

    def _notice(self, kinds: tuple[type[Event], ...], where: dict[str, Any]) -> None:
        which = where.get("lever") or where.get("side")
        self._awaited |= {(kind, which) for kind in kinds if kind in DEEDS}
