"""The options of each command, by their names on the command line, as the command line itself has them."""

from __future__ import annotations

from typing import Any

import typer


def options_of(app: typer.Typer) -> dict[str, dict[str, Any]]:
    """By command, each option's name and the parameter behind it."""
    commands: Any = typer.main.get_command(app)
    return {
        name: {
            word: one
            for one in command.params
            if one.param_type_name == "option"
            for word in (*one.opts, *one.secondary_opts)
        }
        for name, command in commands.commands.items()
    }


def takes_value(parameter: Any) -> bool:
    return not parameter.is_flag
