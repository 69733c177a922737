"""Every command with its arguments and options, as the command line itself has them."""

from __future__ import annotations

import inspect
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from generate.text import MADE, first_paragraph, table


def commands_page() -> str:
    """Every command, in the order of `behavior --help`."""
    from typer.main import get_command

    from behavior.app import cli

    parts = [
        f"# Commands\n\n{MADE}\n\n`behavior COMMAND --help` says the same. Exit code 0: done; 1: something failed or "
        "does not hold; 2: what was\ngiven cannot be used. Errors are one sentence: what, where, what to do next. No "
        "command writes over anything without being\ntold to.\n"
    ]
    group: Any = get_command(cli.app)
    behind = {
        info.name or info.callback.__name__.replace("_", "-"): annotations(info.callback)
        for info in cli.app.registered_commands
        if info.callback
    }
    for name, command in group.commands.items():
        rows = [row for one in command.params if (row := told(one, behind[name].get(one.name, str)))]
        words = [what for what, _, _ in rows if not what.startswith("`-")]
        usage = " ".join(["behavior", name, "[OPTIONS]", *words])
        parts.append(f"## behavior {name}\n\n{first_paragraph(command.help or '')}\n\n```\n{usage}\n```\n")
        parts.append(table(("", "", "default"), (as_code(row) for row in rows)) if rows else "")
    return "\n".join(part for part in parts if part)


def annotations(command: Any) -> dict[str, Any]:
    """What each argument and option of a command is declared to hold."""
    return inspect.get_annotations(command, eval_str=True)


def as_code(row: tuple[str, str, str]) -> tuple[str, str, str]:
    """An argument's word as code; an option's is it already."""
    return (row[0] if row[0].startswith("`") else f"`{row[0]}`", *row[1:])


def told(one: Any, holds: Any) -> tuple[str, str, str] | None:
    """An argument or option: how it is written, its help, its default; None for `--help`."""
    if one.name == "help" and "--help" in getattr(one, "opts", ()):
        return None
    shown = default_of(one)
    if one.param_type_name == "argument":
        word = one.metavar or one.name.upper()
        word = word if word.endswith("...") or one.nargs == 1 else f"{word}..."
        return (word if one.required else f"[{word.strip('[]')}]", one.help or "", shown)
    said = (one.help or "") + (" **Needed.**" if one.required else "")
    names = "/".join(["/".join(one.opts), *one.secondary_opts])
    kind = "" if one.is_flag else one.metavar or kind_of(holds)
    return (f"`{names}`{f' {kind}' if kind else ''}", said, shown)


def default_of(one: Any) -> str:
    """What holds where nothing is said; empty where that is nothing."""
    given = one.default() if callable(one.default) else one.default
    if one.required or one.show_default is False or given in (None, False, "", [], ()) or isinstance(given, bool):
        return ""
    return f"`{given.as_posix() if isinstance(given, Path) else given}`"


def kind_of(holds: Any) -> str:
    """What an option holds, from its annotation."""
    if get_origin(holds) is Literal:
        return " or ".join(f"`{one}`" for one in get_args(holds))
    if get_origin(holds) in (Union, types.UnionType, list, Annotated):
        return next(kind_of(one) for one in get_args(holds) if one is not type(None))
    return {Path: "PATH", str: "TEXT", int: "INTEGER", float: "NUMBER"}.get(holds, "TEXT")
