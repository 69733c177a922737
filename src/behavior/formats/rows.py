"""A journal as rows of a table: one column for each thing that events and commands say, and back without loss.

`onset` is when it happened, in s with all six decimals; a command's is the core's time, the latest before it. What a
kind of event does not have is an empty cell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, get_args

import msgspec

from behavior.formats.record import SessionRecord
from behavior.model.commands import AnyCommand
from behavior.model.decode import convert, tree
from behavior.model.errors import BadFile, Problem
from behavior.model.events import AnyEvent, Event
from behavior.session.journal import Item

KINDS: dict[str, type[Item]] = {kind.__name__: kind for kind in (*get_args(AnyEvent), *get_args(AnyCommand))}
"""Every kind of event and command, by name."""
FIELDS = tuple(dict.fromkeys(name for kind in KINDS.values() for name in kind.__struct_fields__ if name != "at_us"))
"""Everything that they say, in order."""
COLUMNS = ("onset", "kind", *FIELDS, "host_us")


def rows_of_record(record: SessionRecord) -> list[dict[str, str]]:
    """The items of a session as rows, cells as text."""
    rows: list[dict[str, str]] = []
    now_us = 0
    hosts: Iterable[int | None] = record.host_us or [None] * len(record.items)
    for item, host_us in zip(record.items, hosts, strict=True):
        at_us = getattr(item, "at_us", now_us)
        now_us = max(now_us, at_us)
        row = {"onset": seconds_text(at_us), "kind": type(item).__name__}
        row |= {name: _cell(getattr(item, name)) for name in item.__struct_fields__ if name != "at_us"}
        rows.append(row | {"host_us": "" if host_us is None else str(host_us)})
    return rows


def seconds_text(us: int) -> str:
    """Microseconds as seconds, exact: 4711 is 0.004711."""
    return f"{Decimal(us).scaleb(-6):.6f}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def items_of_rows(
    path: Path, rows: Sequence[tuple[int, Mapping[str, str]]]
) -> tuple[tuple[Item, ...], tuple[int, ...]]:
    """Rows as items, and when the host wrote them.

    Parameters
    ----------
    path : names the file in errors
    rows : number of the line, and cells by column

    Raises
    ------
    BadFile
        Rows are none of a journal; all at once, each with its line.
    """
    items: list[Item] = []
    hosts: list[int] = []
    problems: list[Problem] = []
    for line, row in rows:
        try:
            items.append(item_of(row["kind"], row, row.get("onset", "")))
            if host := row.get("host_us", ""):
                hosts.append(int(host))
        except (KeyError, ValueError, InvalidOperation, OverflowError) as error:
            what = str(error)[:80] or type(error).__name__
            problems.append(Problem(f"line {line}", f"is no event or command of a session ({what}); restore the file"))
            if len(problems) == 20:
                break
    if problems:
        raise BadFile(path, problems)
    return tuple(items), tuple(hosts) if len(hosts) == len(items) else ()


def item_of(kind: str, cells: Mapping[str, str], onset: str) -> Item:
    """One item from the cells of its row.

    Raises
    ------
    KeyError, ValueError, ArithmeticError
        It is none.
    """
    type_ = KINDS[kind]
    values: dict[str, Any] = {}
    for one in msgspec.structs.fields(type_):
        if one.name == "at_us":
            values["at_us"] = int((Decimal(onset) * 1_000_000).to_integral_exact())
        elif one.type is str:
            values[one.name] = cells.get(one.name, "")
        else:
            text = cells.get(one.name, "")
            values[one.name] = tree(text) if text else None
    return convert(values, type_)


def kinds_lost(before: SessionRecord, after: SessionRecord) -> tuple[str, ...]:
    """What of a session did not come back from a file: kinds of events and commands, exact times, calls."""
    had, has = (Counter(type(item).__name__ for item in record.items) for record in (before, after))
    lost = [f"{n} {kind}" for kind, n in sorted((had - has).items())]
    if not lost and before.items != after.items:
        lost.append("exact times")
    if before.host_us and not after.host_us:
        lost.append("host times")
    if before.calls and before.calls != after.calls:
        lost.append("calls")
    if before.header != after.header:
        lost.append("parts of the header")
    return tuple(lost)


# -- what stands beside the rows --------------------------------------------------------------------------------------


def about(record: SessionRecord) -> dict[str, Any]:
    """What a record says beside its items, as plain values for JSON; of a blinded session the code and no dose."""
    return {
        "header": msgspec.to_builtins(record.header),
        "ended_at": record.ended_at,
        "calls": None if record.calls is None else [msgspec.to_builtins(call) for call in record.calls],
    }


def record_of_about(path: Path, text: str, items: tuple[Item, ...], hosts: tuple[int, ...]) -> SessionRecord:
    """A record from its items and what stands beside them.

    Raises
    ------
    BadFile
        What stands there is none of ours.
    """
    from behavior.model.calls import Call
    from behavior.model.session import SessionHeader

    try:
        plain = tree(text)
        header = convert(plain["header"], SessionHeader)
        calls = None if plain["calls"] is None else tuple(convert(one, Call) for one in plain["calls"])
        ended_at = convert(plain["ended_at"], str)
    except (ValueError, TypeError, KeyError) as error:
        what = str(error)[:80] or type(error).__name__
        raise BadFile(path, [Problem("", f"holds no session's header ({what}); restore the file")]) from None
    return SessionRecord(header, items, hosts, ended_at, calls)


def is_event(kind: str) -> bool:
    """Whether a kind is something that happened, not something commanded."""
    return kind in KINDS and issubclass(KINDS[kind], Event)
