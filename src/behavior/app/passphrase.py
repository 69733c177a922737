"""The passphrase of a sealed key: from a file or the environment for scripts, otherwise asked, and never an option."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from behavior.model.errors import BadInput

VARIABLE = "BEHAVIOR_PASSPHRASE"


def passphrase(file: Path | None, *, new: bool = False) -> str:
    """The passphrase.

    Parameters
    ----------
    file : holds it in its first line; None: the environment variable, and then the person at the terminal
    new : it is chosen now, so that a person types it twice

    Raises
    ------
    BadInput
        It is empty, or nobody is there to be asked.
    """
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{file}: the passphrase cannot be read ({error}); check the file") from None
    elif VARIABLE in os.environ:
        text = os.environ[VARIABLE]
    elif sys.stdin.isatty():
        text = str(typer.prompt("Passphrase of the sealed key", hide_input=True, confirmation_prompt=new))
    else:
        raise BadInput(f"the key needs its passphrase; set {VARIABLE}, or say --passphrase-file, or use a terminal")
    if not text:
        raise BadInput("the passphrase is empty; give the one of the sealed key")
    return text


def who_is_it(by: str | None) -> str:
    """Who does this, for the audit log: as said, or as this machine knows them."""
    import getpass

    if by and by.strip():
        return by.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise BadInput("--by: say who you are, for the audit log") from None
