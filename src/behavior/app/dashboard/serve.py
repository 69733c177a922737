"""Serving: a port that is free, an address that is said, an end that does not wait for open pages."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from behavior.app.dashboard.access import Access

TRIES = 20


def listen(port: int, *, everywhere: bool = False) -> socket.socket:
    """A listening socket on this port, or on the next one that is free.

    Parameters
    ----------
    port : to try first; 0 takes any that is free
    everywhere : listen on all of this computer's addresses, and not on loopback alone

    Raises
    ------
    BadInput
        The port is none, or may not be used.
    Failure
        None of the next ports is free.
    """
    if not 0 <= port <= 65535:
        raise BadInput(f"--port: must be from 0 to 65535 (is {port})")
    for candidate in range(port, min(port + TRIES, 65536)):
        one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if os.name == "posix":  # a port that was just let go is free; elsewhere this would share one in use
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("0.0.0.0" if everywhere else "127.0.0.1", candidate))
            one.listen(128)
        except OSError as error:
            one.close()
            if error.errno == errno.EADDRINUSE:
                continue
            raise BadInput(f"--port: {candidate} cannot be used ({error.strerror}); choose one above 1024") from None
        if candidate != port:
            in_use = f"Port {port} is" if candidate == port + 1 else f"Ports {port} to {candidate - 1} are"
            typer.echo(f"{in_use} in use; this is on port {candidate}.", err=True)
        return one
    raise Failure(f"--port: {port} and the {TRIES - 1} ports after it are in use; name a free one")


def addresses(port: int, access: Access) -> list[str]:
    """Where the site is found, by this computer and, where they may ask, by others."""
    hosts = ["127.0.0.1", socket.gethostname()] if access.everywhere else ["127.0.0.1"]
    return [f"http://{host}:{port}/" + (f"?token={access.token}" if access.token else "") for host in hosts]


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Serve until Ctrl-C."""
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        date_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=30,
        limit_concurrency=200,
        ws="none",
        lifespan="on",
    )
    with suppress(KeyboardInterrupt):  # Ctrl-C is how one ends it
        uvicorn.Server(config).run(sockets=[listening])
