"""Which formats there are, found by walking the modules of this folder, and which one a file is."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import behavior.formats
from behavior.formats.format import HEAD, AnyFormat, Format, Holds
from behavior.model.errors import BadInput


@cache
def all_formats() -> tuple[AnyFormat, ...]:
    """Every format, in order of its name."""
    modules = (importlib.import_module(f"{behavior.formats.__name__}.{name}") for name in _module_names())
    found = (getattr(module, "FORMAT", None) for module in modules)
    return tuple(sorted((one for one in found if isinstance(one, Format)), key=lambda one: one.name))


def _module_names() -> Sequence[str]:
    return [info.name for info in pkgutil.iter_modules(behavior.formats.__path__)]


def find_format(name: str) -> AnyFormat:
    """The format of this name.

    Raises
    ------
    BadInput
        There is none; the sentence lists those there are.
    """
    for one in all_formats():
        if one.name == name:
            return one
    raise BadInput(f"{name}: there is no format of this name; choose one of {_names(all_formats())}")


def sniff(path: Path, *, holds: Holds | None = None) -> AnyFormat:
    """Which format a file or folder is, by what is in it.

    Parameters
    ----------
    path : of the file or folder
    holds : consider only formats that hold this

    Raises
    ------
    BadInput
        There is no such file, or it is none of the formats, or cannot be told from another.
    """
    head = first_bytes(path)
    considered = [one for one in all_formats() if holds is None or one.holds == holds]
    found = [one for one in considered if one.sniff(path, head)]
    if len(found) == 1:
        return found[0]
    if found:
        raise BadInput(f"{path}: could be {_names(found)}; say which with --from")
    what = "folder" if path.is_dir() else "file"
    raise BadInput(f"{path}: this {what} is none of {_names(considered)}; if it is one all the same, say --from")


def first_bytes(path: Path) -> bytes:
    """The beginning of a file; nothing of a folder.

    Raises
    ------
    BadInput
        There is no such file, or it cannot be read.
    """
    if path.is_dir():
        return b""
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file; check the name, or the folder you are in") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); check its permissions") from None


def format_to_write(path: Path, holds: Holds) -> AnyFormat:
    """Which format a new file's name asks for.

    Raises
    ------
    BadInput
        None, or several, that hold this have such an extension.
    """
    able = [one for one in all_formats() if one.holds == holds]
    matches = [
        (len(suffix), suffix == one.extensions[0], one)
        for one in able
        for suffix in one.extensions
        if (path.name.lower().endswith(suffix) if suffix != "/" else not path.suffix)
    ]
    if matches:  # the longest says most, and what is usual for a format counts before what it may also have
        best = max(match[:2] for match in matches)
        asked = [one for *rank, one in matches if tuple(rank) == best]
        if len(asked) == 1:
            return asked[0]
        raise BadInput(f"{path}: could be {_names(asked)}; say which with --to")
    raise BadInput(f"{path}: the name does not tell the format; say --to with one of {_names(able)}")


def _names(formats: Sequence[AnyFormat]) -> str:
    return ", ".join(one.name for one in formats)
