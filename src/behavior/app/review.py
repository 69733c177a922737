"""`behavior review`: the calls of a recording, looked through by a person in the browser of this computer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from behavior.model.errors import BadInput

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from behavior.app.dashboard.access import Access

PORT = 8747


def review(
    recording: Annotated[Path, typer.Argument(help="A recording, or a session's folder that has one.")],
    channel: Annotated[
        int | None, typer.Option(min=1, help="Which channel to search, of several; where nobody has searched yet.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port; the next free one if it is in use.")] = PORT,
    lab_network: Annotated[
        bool, typer.Option("--lab-network", help="Let other computers look, with the token that is shown.")
    ] = False,
    controls: Annotated[
        bool | None, typer.Option("--controls/--read-only", help="Whether calls can be edited; by default here alone.")
    ] = None,
    token: Annotated[
        bool,
        typer.Option(
            "--token/--no-token", help="Whether the address holds a token, which keeps others on this computer out."
        ),
    ] = True,
) -> None:
    """Review the calls of a recording: accept, reject, add, move, split, join, retype, listen. Ctrl-C ends it."""
    from behavior.app.dashboard.access import Access
    from behavior.app.dashboard.review import Reviewed
    from behavior.app.dashboard.serve import addresses, listen, serve
    from behavior.app.dashboard.token import token_for

    path = recording_in(recording)
    of = Reviewed.of(path.resolve(), channel)
    typer.echo(f"Looking for the calls of {path} …", err=True)
    of.tables()
    access = Access(
        controls=not lab_network if controls is None else controls,
        token=token_for(lab_network=lab_network, wanted=token),
        everywhere=lab_network,
    )
    root = of.recording.parent
    with listen(port, everywhere=lab_network) as listening:
        for address in addresses(listening.getsockname()[1], access):
            base, _, query = address.partition("?")
            typer.echo(f"Review of {path.name}: {base}review/{quote(path.name)}{'?' + query if query else ''}")
        typer.echo("Every edit is kept at once; Ctrl-C ends it.")
        serve(review_site(root, access), listening)


def recording_in(path: Path) -> Path:
    """The recording that is meant.

    Raises
    ------
    BadInput
        There is none, or several and no telling which.
    """
    from behavior.audio.extensions import EXTENSIONS
    from behavior.session.folder import SessionFolder

    if path.is_dir():
        sounds = SessionFolder(path).sound_paths
        if len(sounds) != 1:
            names = ", ".join(str(one) for one in sounds) or "none"
            raise BadInput(f"{path}: name one recording (it has {names})")
        return sounds[0]
    if not path.exists():
        raise BadInput(f"{path}: there is no such file; check the name, or the folder you are in")
    if path.suffix.lower() not in EXTENSIONS:
        raise BadInput(f"{path}: is no recording ({', '.join(EXTENSIONS[:3])} …); name a sound file or a session")
    return path


def review_site(root: Path, access: Access) -> ASGIApp:
    """The application: review of the recordings in a folder."""
    from behavior.app.dashboard import review as pages
    from behavior.app.dashboard.site import Site, application

    return application(Site(root, access, links=()), pages.routes(), opened=pages.Opened())
