"""`behavior dashboard`: the lab's screens, in the browser of this computer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from behavior.model.errors import BadInput

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from behavior.app.dashboard.access import Access
    from behavior.app.dashboard.start import Starter

PORT = 8737


def dashboard(
    data: Annotated[Path, typer.Argument(help="Dataset folder; nothing outside it is shown.")] = Path("data"),
    rig: Annotated[
        str | None, typer.Option(help="Rig file, or name of a shipped one: its chambers can be started here.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port; the next free one if it is in use.")] = PORT,
    lab_network: Annotated[
        bool, typer.Option("--lab-network", help="Let other computers look, with the token that is shown.")
    ] = False,
    controls: Annotated[
        bool | None,
        typer.Option(
            "--controls/--read-only",
            help="Whether sessions can be started, noted on and stopped; by default on this computer alone.",
        ),
    ] = None,
    token: Annotated[
        bool,
        typer.Option(
            "--token/--no-token", help="Whether the address holds a token, which keeps others on this computer out."
        ),
    ] = True,
    simulate: Annotated[bool, typer.Option("--simulate", help="Start sessions on simulated chambers.")] = False,
) -> None:
    """Show the chambers as their sessions run, finished sessions, and the study. Ctrl-C closes the screens only."""
    from behavior.app.dashboard.access import Access
    from behavior.app.dashboard.serve import addresses, listen, serve
    from behavior.app.dashboard.token import token_for

    if not data.is_dir():
        raise BadInput(f"{data}: there is no such folder; name the one that `behavior run` writes to, or make it")
    access = Access(
        controls=not lab_network if controls is None else controls,
        token=token_for(lab_network=lab_network, wanted=token),
        everywhere=lab_network,
    )
    starter = starter_for(rig, data, simulated=simulate)
    with listen(port, everywhere=lab_network) as listening:
        for address in addresses(listening.getsockname()[1], access):
            typer.echo(f"Screens of {data}: {address}")
        if lab_network:
            typer.echo("Whoever has this address on your network can look" + (" and control" * access.controls) + ".")
        typer.echo("Sessions do not notice when this ends; Ctrl-C ends it.")
        serve(screens(data, access, starter), listening)


def starter_for(rig: str | None, data: Path, *, simulated: bool) -> Starter | None:
    """What can be started, with this rig."""
    if rig is None:
        if simulated:
            raise BadInput("--simulate is for starting sessions; name the rig with --rig")
        return None
    from behavior.app.dashboard.start import Starter
    from behavior.config import read
    from behavior.config.rig import Rig
    from behavior.config.shipped import find

    names = tuple(chamber.name for chamber in read(find(rig, "configs", "rigs"), Rig).chambers)
    return Starter(rig, names, data.resolve(), simulated)


def screens(data: Path, access: Access, starter: Starter | None = None) -> ASGIApp:
    """The application: live board, starting, finished sessions, the study."""
    from behavior.app.dashboard import board, finished, review, sound, start, study
    from behavior.app.dashboard.blind import Blindness
    from behavior.app.dashboard.chambers import Chambers
    from behavior.app.dashboard.site import Site, application

    root = data.resolve()
    chambers = Chambers(root, (starter.rig, starter.chambers) if starter else None, shown=Blindness(root).shown)
    live = board.LiveBoard(chambers)
    return application(
        Site(root, access),
        [*start.routes(), *review.routes(), *sound.routes(), *finished.routes(), *study.routes(), *board.routes()],
        background=[live.running],
        board=live,
        starter=starter if access.controls else None,
        starting=set[str](),
        study=study.Study(root),
        opened=review.Opened(),
    )
