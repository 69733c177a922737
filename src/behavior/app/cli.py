"""`behavior`: the commands, each in the module of its name, and what becomes of an error."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

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

app = typer.Typer(
    name="behavior",
    help="Behavioral pharmacology from the grid floor to the dose-response curve.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    demo, run, resume, simulate, verify, detect, rescore, propose, summarize, assay, convert, agreement, dashboard,
    review, design, power, dosing, record, exclude, unblind, audio_check, selftest,
):  # fmt: skip
    app.command()(command)
app.command()(devices)
app.command()(bench)


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
