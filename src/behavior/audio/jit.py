"""Compiled kernels: the one place that sets numba up.

numba keeps what it compiled beside the source, or in the user's cache when that cannot be written; where neither can
be written, as in a read-only container without a home, it refuses to import. A folder of this process is used then:
everything works, and is compiled anew at each start. `NUMBA_CACHE_DIR` has to be in place before numba is imported,
hence every kernel of ours comes through here.

All kernels share their flags. `nogil`: several files or microphones run in threads. `fastmath` without `nnan` and
`ninf` lets loops use the vector unit, and leaves tests for NaN true.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

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
    folder = tempfile.mkdtemp(prefix="behavior-numba-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = folder


_ensure_cache((Path(__file__).parent / "__pycache__", Path("~/.cache").expanduser()))

import numba  # noqa: E402

_FLAGS = {"nsz", "arcp", "contract", "afn", "reassoc"}


def kernel(function: F) -> F:
    """Compile on first use, keep the result, release the interpreter's lock while running."""
    return cast("F", numba.njit(cache=True, nogil=True, fastmath=_FLAGS, error_model="numpy")(function))


def part(function: F) -> F:
    """As `kernel`, for functions that only kernels call: what is kept of a kernel has its parts in it."""
    return cast("F", numba.njit(nogil=True, fastmath=_FLAGS, error_model="numpy")(function))
