"""Replay: the inputs of a journal through a fresh core. The basis of verify, resume and rescore."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from behavior.model.commands import Command
from behavior.model.errors import Failure
from behavior.model.events import Event
from behavior.session.core import SessionCore
from behavior.session.journal import Item


class Differs(Failure):
    """The core does not command what the journal says that it did."""


def replay(core: SessionCore, items: Iterable[tuple[int, Item]]) -> list[Command]:
    """Bring a fresh core to the state at the end of a journal, checking every command on the way.

    Parameters
    ----------
    core : of the same paradigm, parameters, seed and limits, and new
    items : line number and item, in order

    Returns
    -------
    list of Command
        Those that are owed: of the last input before the journal was cut. They must be journalled and issued before
        the next input is taken.

    Raises
    ------
    Differs
        At the first command that is not what this core commands; names the line.
    """
    owed: deque[Command] = deque()
    for number, item in items:
        if isinstance(item, Event):
            if owed:
                raise Differs(f"line {number}: before it the replay commands {_text(owed[0])}, which the journal lacks")
            owed.extend(core.handle(item))
        elif not owed:
            raise Differs(f"line {number}: the journal has {_text(item)}, which the replay does not command")
        elif (command := owed.popleft()) != item:
            raise Differs(f"line {number}: the journal has {_text(item)}, the replay commands {_text(command)}")
    return list(owed)


def _text(command: Command) -> str:
    values = ", ".join(f"{name}={getattr(command, name)!r}" for name in command.__struct_fields__)
    return f"{type(command).__name__}({values})"
