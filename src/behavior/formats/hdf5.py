"""Texts and columns of an HDF5 file from elsewhere.

Rules. Nothing outside of the file is looked at: links to other files, virtual data sets and data kept in other files
are refused. A data set says how large it is before it is read: a few bytes can say that they are 10^12 numbers. The
library reads in a process of its own, for damaged files can lead it into loops without end, where no Ctrl-C reaches it,
or crash it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from behavior.formats.extras import needed

MOST_CELLS = 20_000_000
"""Of a file: a million events of twenty columns."""
MOST_CHARACTERS = 1 << 28
MOST_MEMBERS = 1_000
_READ_AT_ONCE = 1 << 28
MOST_MEMORY = 1 << 32
"""Of the process that reads, in bytes, where the system can hold it to that."""


class Contents(msgspec.Struct, frozen=True):
    """What was read: a text, and columns by table and name."""

    text: str
    tables: dict[str, dict[str, list[Any]]]


def read_apart(path: Path, text: str, tables: str) -> Contents:
    """A text and all tables of a group, read by another process.

    Parameters
    ----------
    path : the file
    text, tables : where the text and the group of tables stand in it

    Raises
    ------
    BadInput
        The extra is not installed.
    ValueError
        It is no such file, asks for more than the bounds, or the library did not come to an end, in a few words.
    """
    needed("h5py", "nwb", "NWB")
    command = [sys.executable, "-P", "-m", "behavior.formats.hdf5", str(path.resolve()), text, tables]
    code, said = _asked(command, 60 + path.stat().st_size / 1e6)
    if code not in (0, 1):
        raise ValueError("the HDF5 library did not come to an end" if code is None else "the HDF5 library crashed")
    if code == 1:
        raise ValueError(said.decode("utf-8", "replace"))
    return msgspec.msgpack.decode(said, type=Contents)


def _asked(command: list[str], within_s: float) -> tuple[int | None, bytes]:
    """Exit code, nothing if it did not end in time, and what was said."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=within_s, check=False,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None, b""
    return done.returncode, done.stdout


def answer(path: Path, text: str, tables: str) -> tuple[int, bytes]:
    """In that process: exit code, and contents or what is wrong."""
    try:
        with Hdf5(path) as file:
            found = {name: _columns(file, f"{tables}/{name}") for name in file.names(tables)}
            return 0, msgspec.msgpack.encode(Contents(file.text(text), found))
    except Exception as error:  # noqa: BLE001 — whatever a broken file leads the library into
        return 1, (str(error).split("\n")[0][:100] or type(error).__name__).encode("utf-8", "replace")


def _columns(file: Hdf5, table: str) -> dict[str, list[Any]]:
    return {name: file.column(f"{table}/{name}") for name in file.names(table) if name != "id"}


class Hdf5:
    """A file that is open for reading, within its bounds. What it does not like is a `ValueError` with a few words."""

    def __init__(self, path: Path) -> None:
        self._h5py = needed("h5py", "nwb", "NWB")
        self._file = self._h5py.File(path, "r")
        self._n_bytes = path.stat().st_size
        self._n_cells = self._n_characters = 0

    def __enter__(self) -> Hdf5:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def names(self, path: str) -> list[str]:
        """The members of a group; none if it is not there."""
        group = self._at(path)
        if group is None:
            return []
        if not isinstance(group, self._h5py.Group):
            raise ValueError(f"{path} is no group")  # noqa: TRY004
        if len(group) > MOST_MEMBERS:
            raise ValueError(f"{path} has {len(group)} members")
        return list(group)

    def text(self, path: str) -> str:
        """A single text; empty if it is not there."""
        dataset = self._at(path)
        if dataset is None:
            return ""
        self._check(dataset, path, n_dimensions=0)
        if self._h5py.check_string_dtype(dataset.dtype) is None:
            raise ValueError(f"{path} is no text")
        return str(dataset.asstr()[()])

    def column(self, path: str) -> list[Any]:
        """Numbers, truths or texts, in order."""
        dataset = self._at(path)
        self._check(dataset, path, n_dimensions=1)
        if self._h5py.check_string_dtype(dataset.dtype) is None:
            if dataset.dtype.kind not in "biuf":
                raise ValueError(f"{path} holds neither numbers nor texts")
            values: list[Any] = dataset[:].tolist()
            return values
        return list(self._texts(dataset))

    def _texts(self, dataset: Any) -> Iterator[str]:
        """In parts: any number of cells can be one text of the file, of which each is a copy."""
        n = max(16, _READ_AT_ONCE // max(1, self._n_bytes))
        for begin in range(0, len(dataset), n):
            part = dataset.asstr()[begin : begin + n]
            self._n_characters += sum(map(len, part))
            if self._n_characters > MOST_CHARACTERS:
                raise ValueError(f"its texts have more than {MOST_CHARACTERS} characters")
            yield from map(str, part)

    def _check(self, dataset: Any, path: str, n_dimensions: int) -> None:
        if not isinstance(dataset, self._h5py.Dataset) or dataset.ndim != n_dimensions or dataset.shape is None:
            raise ValueError(f"{path} is no {'column' if n_dimensions else 'single value'}")
        if dataset.is_virtual or dataset.external:
            raise ValueError(f"{path} lies in another file")
        self._n_cells += dataset.size
        self._n_characters += 0 if dataset.dtype.kind == "O" else dataset.size * max(0, dataset.dtype.itemsize - 16)
        if self._n_cells > MOST_CELLS or self._n_characters > MOST_CHARACTERS:
            raise ValueError(f"it says that it has {dataset.size} cells in {path}")

    def _at(self, path: str) -> Any:
        """What stands at a path, or nothing; the way there must be within this file."""
        node: Any = self._file
        for name in path.strip("/").split("/"):
            link = node.get(name, getlink=True) if isinstance(node, self._h5py.Group) else None
            if link is None:
                return None
            if not isinstance(link, self._h5py.HardLink):
                raise ValueError(f"{path} is a link to somewhere else")  # noqa: TRY004
            node = node[name]
        return node


def main() -> int:
    """Read the file that is named."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    code, said = answer(Path(sys.argv[1]), *sys.argv[2:4])
    sys.stdout.buffer.write(said)
    return code


if __name__ == "__main__":
    sys.exit(main())
