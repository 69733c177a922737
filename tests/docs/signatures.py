"""The options of each command, by their names on the command line, from the functions behind them."""

from __future__ import annotations

import inspect
from typing import Any, get_args

import typer
from typer.models import OptionInfo


def options_of(app: typer.Typer) -> dict[str, dict[str, Any]]:
    """By command, each option's name and what it holds."""
    found: dict[str, dict[str, Any]] = {}
    for info in app.registered_commands:
        assert info.callback is not None
        name = info.name or info.callback.__name__.replace("_", "-")
        options = found.setdefault(name, {})
        for parameter, hint in inspect.get_annotations(info.callback, eval_str=True).items():
            holds, *more = get_args(hint) or (hint,)
            for one in more:
                if isinstance(one, OptionInfo):
                    dashed = parameter.replace("_", "-")
                    usual = (f"--{dashed}", f"--no-{dashed}") if holds is bool else (f"--{dashed}",)
                    declared = [part for decl in one.param_decls or usual for part in decl.split("/")]
                    options |= dict.fromkeys(declared, holds)
    return found


def takes_value(holds: Any) -> bool:
    return holds is not bool
