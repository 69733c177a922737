"""Events and commands: all of them known to the journal, none lost on the way through it, and each with its undoing."""

from __future__ import annotations

import inspect
from dataclasses import FrozenInstanceError
from typing import Any, get_args, get_type_hints
from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.model import commands, events
from behavior.model.commands import AnyCommand, Command, Deliver, Shock, StopShock
from behavior.model.events import AnyEvent, Event
from behavior.session.core import NEVER
from behavior.session.journal import line_of, read_lines

KINDS = {
    kind
    for module, base in ((events, Event), (commands, Command))
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, base) and kind is not base
}
BY_NAME = sorted(KINDS, key=lambda kind: kind.__name__)
HEADER = b"{}"

VALUES = {
    int: st.integers(-(2**62), NEVER),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    str: st.text(),
    int | None: st.none() | st.integers(-(2**62), 2**62),
    float | None: st.none() | st.floats(allow_nan=False, allow_infinity=False),
    tuple[int, ...]: st.lists(st.integers(-(2**62), 2**62), max_size=4).map(tuple),
    tuple[float, ...]: st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=4).map(tuple),
}


def any_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{name: VALUES[hints[name]] for name in kind.__struct_fields__})


ITEMS = st.sampled_from(BY_NAME).flatmap(any_of)


def test_the_unions_hold_every_kind_and_nothing_else() -> None:
    assert {*get_args(AnyEvent), *get_args(AnyCommand)} == KINDS
    assert len(get_args(AnyEvent)) + len(get_args(AnyCommand)) == len(KINDS) == 40


def test_a_name_in_a_journal_means_one_kind() -> None:
    tags = [kind.__struct_config__.tag for kind in BY_NAME]
    assert tags == [kind.__name__ for kind in BY_NAME]
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize("kind", BY_NAME, ids=lambda kind: kind.__name__)
def test_no_field_is_called_as_what_the_journal_adds_to_a_line(kind: type[Any]) -> None:
    assert not {"kind", "host_us", "seq", "after", "crc"} & set(kind.__struct_fields__)
    assert kind.__struct_config__.frozen and kind.__struct_config__.gc is False


@given(st.lists(st.tuples(ITEMS, st.integers(0, 2**53)), max_size=8))
def test_whatever_happens_is_read_from_a_journal_as_it_was_written(items: list[tuple[Any, int]]) -> None:
    lines, after = [], crc32(HEADER)
    for seq, (item, host_us) in enumerate(items):
        line, after = line_of(item, seq, after, host_us)
        assert line.count(b"\n") == 1, "a note with a line end is still one line"
        lines.append(line)
    reading = read_lines(b"".join(lines), HEADER)
    assert list(reading.items) == [item for item, _ in items]
    assert not reading.problems


@given(ITEMS)
def test_frozen_data_equals_its_copy_and_cannot_be_changed(item: Any) -> None:
    copy = msgspec.json.decode(msgspec.json.encode(item), type=AnyEvent | AnyCommand)
    assert (copy, hash(copy), type(copy)) == (item, hash(item), type(item))
    for name in item.__struct_fields__:
        with pytest.raises((AttributeError, FrozenInstanceError)):
            setattr(item, name, None)


# -- undoing ----------------------------------------------------------------------------------------------------------

COMMANDS = sorted(get_args(AnyCommand), key=lambda kind: kind.__name__)
STATES = {"SetCue": "on", "SetLever": "out", "SetGate": "open", "SetRecording": "on"}


@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_what_undoes_a_command_calms_and_needs_no_undoing(kind: type[Command], data: st.DataObject) -> None:
    command = data.draw(any_of(kind))
    undone = command.off()
    assert command.calms == (undone is None and not isinstance(command, Deliver))
    if undone is not None:
        assert undone.off() is None
        assert undone.calms


@pytest.mark.parametrize("name", STATES)
@given(data=st.data())
def test_a_state_is_undone_at_the_same_place(name: str, data: st.DataObject) -> None:
    command, state = data.draw(any_of(getattr(commands, name))), STATES[name]
    undone = command.off()
    assert (undone is None) == (getattr(command, state) is False)
    if undone is not None:
        assert undone == msgspec.structs.replace(command, **{state: False})


def test_only_states_and_shocks_outlive_what_asked_for_them() -> None:
    """A new command that turns something on must say what turns it off, or the core would leave it on."""
    undoable = {kind.__name__ for kind in COMMANDS if kind.off is not Command.off}
    assert undoable == {*STATES, "Shock"}
    assert Shock(1, 0.5, 1.0).off() == StopShock()
    states = {kind.__name__ for kind in COMMANDS if bool in get_type_hints(kind).values()}
    assert states == set(STATES), "a command with a state has an off()"


@pytest.mark.parametrize("kind", BY_NAME, ids=lambda kind: kind.__name__)
def test_durations_and_currents_carry_their_unit(kind: type[Any]) -> None:
    for name, hint in get_type_hints(kind).items():
        if name in kind.__struct_fields__ and hint in (float, float | None):
            assert f"_{name}".endswith(("_s", "_ma", "_hz")), f"{kind.__name__}.{name}"
        if name.endswith("_us"):
            assert hint in (int, int | None, tuple[int, ...]), "microseconds are whole"
