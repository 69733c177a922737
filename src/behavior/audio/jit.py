"""Compiled kernels: the one place that sets numba up.

numba keeps what it compiled beside the source, or in the user's cache when that cannot be written; where neither can
be written, as in a read-only container without a home, it refuses to import. A folder of this user among the temporary
ones is used then, and where that is somebody else's or open to others, one of this process, compiled anew at each
start: what is kept is code, and code is taken from nobody. `NUMBA_CACHE_DIR` has to be in place before numba is
imported, hence every kernel of ours comes through here.

All kernels share their flags. `nogil`: several files or microphones run in threads. `fastmath` without `nnan` and
`ninf` lets loops use the vector unit, and leaves tests for NaN true.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

_PROCESS_FOLDER = "behavior-numba-"
F = TypeVar("F", bound=Callable[..., Any])


def _writable(folder: Path) -> bool:
    """Whether files can be made in a folder, which is made when it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _ensure_cache(places: tuple[Path, ...]) -> None:
    if "NUMBA_CACHE_DIR" in os.environ or any(_writable(place) for place in places):
        return
    folder = _of_this_user(Path(tempfile.gettempdir()))
    if folder is None:
        folder = tempfile.mkdtemp(prefix=_PROCESS_FOLDER)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = folder


def _of_this_user(temporary: Path) -> str | None:
    """A folder that only this user can enter; None where there can be none, or somebody else made it first."""
    if not hasattr(os, "getuid"):
        return None
    folder = temporary / f"behavior-compiled-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return str(folder) if ours and _writable(folder) else None


def _usual() -> tuple[Path, ...]:
    """Where numba keeps what it compiles by itself, if it can."""
    beside = Path(__file__).parent / "__pycache__"
    try:
        return beside, Path("~/.cache").expanduser()
    except RuntimeError:  # a user whom the system does not know, and no HOME
        return (beside,)


_ensure_cache(_usual())

import numba  # noqa: E402

_PACKAGE, _IMPORTED = Path(__file__).parents[1], re.compile(r"^from behavior\.([a-z_.]+) import", re.MULTILINE)
_FLAGS = {"nsz", "arcp", "contract", "afn", "reassoc"}


_kernels: list[Any] = []


def kernel(function: F) -> F:
    """Compile on first use, keep the result, release the interpreter's lock while running."""
    made = numba.njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")(function)
    _heed_all_sources(made, Path(function.__code__.co_filename))
    _kernels.append(made)
    return cast("F", made)


def _heed_all_sources(made: Any, file: Path) -> None:
    """Let what was kept be valid only for these sources of a kernel, its parts and their constants.

    numba looks at the time and size of the kernel's own file alone: parts of other files, and wheels whose files all
    have the same time, would leave an older release's code in use.
    """
    index: Any = getattr(getattr(made, "_cache", None), "_cache_file", None)
    if index is not None and hasattr(index, "_source_stamp"):
        digest = hashlib.sha256()
        for source in sorted(_sources_of(file)):
            digest.update(source.read_bytes())
        index._source_stamp = digest.hexdigest()


@lru_cache
def _sources_of(file: Path) -> frozenset[Path]:
    """A module's file, and those of this package's modules that it imports, and they do."""
    found, ahead = set[Path](), [file]
    while ahead:
        one = ahead.pop()
        if one in found or not one.is_file():
            continue
        found.add(one)
        imported = _IMPORTED.findall(one.read_text(encoding="utf-8"))
        ahead += [_PACKAGE.joinpath(*name.split(".")).with_suffix(".py") for name in imported]
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the kernels of this process.

    Attributes
    ----------
    folder : where they are kept; None if none was made
    lasts : whether that is there when this process has ended
    n_loaded, n_compiled : how many had been kept before, and how many were compiled here
    """

    folder: Path | None
    lasts: bool
    n_loaded: int
    n_compiled: int


def kept() -> Kept:
    """Where the kernels that were made so far are kept, and whether that helps."""
    stats = [one.stats for one in _kernels]
    folder = Path(stats[0].cache_path) if stats else None
    lasts = folder is not None and _PROCESS_FOLDER not in str(folder)
    return Kept(folder, lasts, *(sum(sum(s.values()) for s in one) for one in (
        [s.cache_hits for s in stats], [s.cache_misses for s in stats]
    )))  # fmt: skip


def part(function: F) -> F:
    """As `kernel`, for functions that only kernels call: what is kept of a kernel has its parts in it."""
    return cast("F", numba.njit(nogil=True, fastmath=_FLAGS, error_model="numpy")(function))
