"""Where the files that come with the package are: in the wheel, or in the checkout it was installed from."""

from __future__ import annotations

from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from behavior.model.errors import BadInput


def shipped(*parts: str) -> Path:
    """The path of a shipped file or folder, as in ``shipped("hardware", "shock_controller", "device.yml")``."""
    root = Path(str(files("behavior"))) / "_data"
    if not root.is_dir():
        root = Path(__file__).resolve().parents[3]
    return root.joinpath(*parts)


def find(name: str, *folder: str) -> Path:
    """A file that a person names: a path of theirs, or the name of a shipped one.

    Parameters
    ----------
    name : a path, or the stem of a shipped TOML file
    folder : where the shipped ones are, as in ``find("conflict", "configs", "studies")``

    Raises
    ------
    BadInput
        There is neither; the sentence lists the shipped ones.
    """
    candidate = shipped(*folder) / f"{name}.toml"
    with suppress(OSError, ValueError):  # it is too long for a file's name, or none
        if Path(name).exists() and not (Path(name).is_dir() and candidate.is_file()):
            return Path(name)
        if candidate.is_file():
            return candidate
    known = ", ".join(sorted(path.stem for path in shipped(*folder).glob("*.toml"))) or "none"
    raise BadInput(f"{name[:200]}: there is no such file, and no shipped one of this name (shipped: {known})")
