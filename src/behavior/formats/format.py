"""What a format is: a name, what it holds, how a file of it is told from others, how it is read and written.

Rules. A format is one module with a `FORMAT`. `sniff` looks at the first bytes only and never raises. `read` gives a
whole value or raises `BadInput` with one sentence; bytes of any kind give one of the two. `write` makes a new file or
folder and replaces nothing. What a format can hold comes back as it was: `read(write(value)) == value` of its example.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")
Holds = Literal["calls", "session", "control file"]
"""`calls`: a `CallTable`. `session`: a `SessionRecord`. `control file`: what a control system wrote, undecoded."""
HEAD = 8192
"""So many bytes of a file are looked at to tell what it is."""


@dataclass(frozen=True, slots=True)
class Format(Generic[T]):
    """A format.

    Attributes
    ----------
    name : as on the command line
    label : what it is, in a few words
    holds : what is read from it and written to it
    extensions : of its files, the usual one first; "/" for a folder
    sniff : whether a path, with the first bytes of its file, is of this format; of a folder the bytes are empty
    read, write : a file or folder to a value and back
    example : a value that uses all that the format can hold
    """

    name: str
    label: str
    holds: Holds
    extensions: tuple[str, ...]
    sniff: Callable[[Path, bytes], bool]
    read: Callable[[Path], T]
    write: Callable[[Path, T], None]
    example: Callable[[], T]

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder and not one file."""
        return self.extensions[0] == "/"


AnyFormat = Format[Any]
