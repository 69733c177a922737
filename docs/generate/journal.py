"""The lines of a journal, its header and its footer, from their structs."""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any, Union, get_args, get_origin

from generate.text import MADE, spoken, table


def journal_page() -> str:
    """The lines of a journal, its header and its footer."""
    from behavior.model import commands, events, session

    parts = [
        f"# Journal, header and footer\n\n{MADE}\n\n`journal.jsonl` is JSON, a line each. Every line has `kind` "
        "(below), `host_us` (when the host wrote it), `seq`\n(its number from 0), `after` (the checksum of the line "
        "before; the first has that of `header.json`) and, last, `crc`\n(CRC-32 of all before it). An event is "
        "written before the core sees it, a command before it is sent. Times are\nmicroseconds of session time; which "
        "clock that is, [clocks and timing](../explanations/clocks-and-timing.md) says.\n",
        "## Events: what happened\n",
        *(_struct(one) for one in _structs(events, events.Event)),
        "## Commands: what was to be done\n\nA command carries no time: it was given at the latest input before it.\n",
        *(_struct(one) for one in _structs(commands, commands.Command)),
        "## header.json\n\nWritten once, before the first line, and never changed.\n",
        *(_struct(one) for one in (session.SessionHeader, session.DeviceIdentity, session.Imported)),
        "## footer.json\n\nWritten when the session has ended.\n",
        *(_struct(one) for one in (session.SessionFooter, session.ClockRecord)),
    ]
    return "\n".join(parts)


def _structs(module: Any, base: type) -> list[type]:
    found = [
        one for one in vars(module).values() if isinstance(one, type) and issubclass(one, base) and one is not base
    ]
    return [one for one in found if one.__module__ == module.__name__]


def _struct(one: Any) -> str:
    import msgspec

    said = spoken(one)
    fields = msgspec.structs.fields(one)
    kinds = typing.get_type_hints(one)
    rows = [
        (
            f"`{field.name}`",
            _json_kind(kinds[field.name]),
            "" if field.required else "optional",
            said.get(field.name, ""),
        )
        for field in fields
    ]
    doc = inspect.cleandoc(one.__doc__ or "")
    text = " ".join(doc.split())
    return f"### {one.__name__}\n\n{text}\n\n" + (table(("field", "", "", ""), rows) if rows else "")


def _json_kind(annotation: Any) -> str:
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(filter(None, (_json_kind(one) for one in inside)))
    if origin in (tuple, list):
        return f"list of {_json_kind(inside[0])}"
    if origin is dict:
        return f"object of {_json_kind(inside[1])}"
    plain = {str: "text", int: "integer", float: "number", bool: "true or false", type(None): "null", Any: "anything"}
    return plain.get(annotation, "" if "Unset" in str(annotation) else getattr(annotation, "__name__", str(annotation)))
