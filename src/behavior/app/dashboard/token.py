"""The token that opens the screens: one for each person on this computer, the same at each start.

It lies in the person's own state folder, for nobody else to read, and never in a data folder, which may be shared or
published. So a page that is open goes on after the screens were started anew, and other people of this computer have
no way in. Where it cannot be kept, each start has a token of its own.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from behavior.model.errors import BadInput

FILE = "screens-token"
_TOKEN = re.compile(r"[\w-]{43}")


def new_token() -> str:
    """A token of 256 bits that nobody has."""
    return secrets.token_urlsafe(32)


def token_for(*, lab_network: bool, wanted: bool) -> str | None:
    """The token of screens that are started now: a new one for other computers, one's own for this; None without one.

    Raises
    ------
    BadInput
        Other computers are to look, without one.
    """
    if lab_network and not wanted:
        raise BadInput("--no-token: other computers look with a token only; leave out --no-token or --lab-network")
    if not wanted:
        return None
    return new_token() if lab_network else own_token()


def state_folder() -> Path:
    """Where programs keep what is a person's own on this computer."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "behavior"
    given = os.environ.get("XDG_STATE_HOME", "")
    return (Path(given) if given.startswith("/") else Path.home() / ".local" / "state") / "behavior"


def own_token(folder: Path | None = None) -> str:
    """The token of whoever runs this, made where there is none that is safe.

    Parameters
    ----------
    folder : where it is kept; the state folder by default
    """
    try:
        folder = folder or state_folder()
        return _kept(folder / FILE) or _made(folder / FILE)
    except (OSError, RuntimeError):  # RuntimeError: nobody's home
        return new_token()


def _kept(path: Path) -> str | None:
    """The token in a file that is ours and nobody else's to read; None: there is none."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    with os.fdopen(handle, encoding="ascii", errors="replace") as file:
        about = os.fstat(handle)
        private = os.name == "nt" or (about.st_uid == os.getuid() and not about.st_mode & 0o077)
        if not (stat.S_ISREG(about.st_mode) and private):
            return None
        text = file.read(100).strip()
    return text if _TOKEN.fullmatch(text) else None


def _made(path: Path) -> str:
    """A new token, in a new file that takes the old one's place."""
    token, partial = new_token(), path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(token + "\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return token
