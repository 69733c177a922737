"""`behavior`: the commands, each in the module of its name, and what becomes of an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from behavior import __version__
from behavior.app.agreement import agreement
from behavior.app.assay import assay
from behavior.app.audio_check import audio_check
from behavior.app.bench import bench
from behavior.app.convert import convert
from behavior.app.dashboard.command import dashboard
from behavior.app.demo import demo
from behavior.app.design import design
from behavior.app.detect import detect
from behavior.app.devices import devices
from behavior.app.power import power
from behavior.app.propose import propose
from behavior.app.records import dosing, exclude, record
from behavior.app.rescore import rescore
from behavior.app.resume import resume
from behavior.app.review import review
from behavior.app.run import run
from behavior.app.selftest.command import selftest
from behavior.app.simulate import simulate
from behavior.app.summarize import summarize
from behavior.app.system import legible
from behavior.app.unblind import unblind
from behavior.app.verify import verify
from behavior.model.errors import BehaviorError

WORK: dict[str, tuple[Callable[..., None], ...]] = {
    "Try without animals": (demo, simulate),
    "Plan": (design, power, dosing),
    "Run": (run, resume, propose),
    "Look": (dashboard, review),
    "Score": (detect, rescore, agreement, verify),
    "Analyse": (record, exclude, unblind, summarize, assay),
    "Set up": (selftest, devices, bench, audio_check, convert),
}
"""Every command, in the order of the work."""

LEAST_SAID = 20
"""Letters of a clause that says what a command does."""


class InOrder(TyperGroup):
    """Lists the commands by what they are for."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each part of the work."""
        names, widest = iter(self.list_commands(ctx)), max(map(len, self.commands))
        room = formatter.width - widest - 6
        for part, commands in WORK.items():
            here = [next(names) for _ in commands]
            with formatter.section(part):
                formatter.write_dl([(f"{name:{widest}}", in_short(self.commands[name], room)) for name in here])


def in_short(command: Any, room: int) -> str:
    """What a command does, on a line: to the first colon, or comma where that says enough."""
    whole = " ".join((command.help or "").partition("\n\n")[0].split()).partition(". ")[0].rstrip(".")
    short = whole.partition(": ")[0]
    if len(short) > room and len(clause := short.partition(", ")[0]) > LEAST_SAID:
        short = clause
    return f"{short}." if len(short) < room else str(command.get_short_help_str(limit=room))


app = typer.Typer(
    name="behavior",
    cls=InOrder,
    help="Behavioral pharmacology from the grid floor to the dose-response curve.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for commands in WORK.values():
    for command in commands:
        app.command()(command)


def say_version(asked: bool) -> None:
    """Print the version and end."""
    if asked:
        typer.echo(f"behavior {__version__}")
        raise typer.Exit


@app.callback()
def behavior(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=say_version, is_eager=True)
    ] = False,
) -> None:
    """Behavioral pharmacology from the grid floor to the dose-response curve."""


def main() -> None:
    """Run a command. Errors that a person can do something about are one sentence; exit code 2 or 1."""
    legible(sys.stdout)
    legible(sys.stderr)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # our matrices are small: threads only get into each other's way
    try:
        app()
    except BehaviorError as error:
        typer.echo(f"behavior: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("behavior: stopped; what was written stays", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
