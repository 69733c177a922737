"""What is fuzzed: something that reads, valid examples of what it reads, and what must hold whatever it is given.

A reader gives a value or raises one of our errors, whose sentences can be shown on a terminal as they are. Anything
else that comes out of it is a defect.
"""

from __future__ import annotations

import cProfile
import shutil
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from behavior.model.errors import BehaviorError

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SENTENCE = 250_000
"""Of an error, in characters: what is wrong can be quoted, not repeated at length."""


@dataclass(frozen=True)
class Target:
    """One thing that reads.

    Parameters
    ----------
    name : as the campaign prints it
    seeds : valid examples, (which file, its bytes)
    run : given which file has which bytes instead; returns, or raises what is ours to raise
    cost : milliseconds of one execution, about; costly targets get fewer
    """

    name: str
    seeds: tuple[tuple[str, bytes], ...]
    run: Callable[[str, bytes], object]
    cost: float = 1.0
    close: Callable[[], object] = lambda: None
    """To be called when it is not used any more."""


@dataclass(frozen=True)
class Finding:
    """An input that gave neither a value nor one of our errors."""

    target: str
    part: str
    data: bytes
    what: str
    where: str
    trace: str = ""

    @property
    def kind(self) -> tuple[str, str, str]:
        """Findings of one kind have one cause, most likely."""
        return self.target, self.what.partition(":")[0], self.where


def tried(target: Target, part: str, data: bytes) -> Finding | None:
    """Execute a target once."""
    try:
        target.run(part, data)
    except BehaviorError as error:
        if why := unreadable(error):
            return Finding(target.name, part, data, f"{type(error).__name__}: {why}", _place(error), str(error)[:500])
    except MemoryError as error:
        return Finding(target.name, part, data, "MemoryError: more than there is", _place(error))
    except Exception as error:
        trace = "".join(traceback.format_exception(error)[-6:])
        return Finding(target.name, part, data, f"{type(error).__name__}: {error}"[:300], _place(error), trace)
    return None


def effort(execute: Callable[[], object]) -> int:
    """How many functions an execution calls: what it costs, the same on each machine."""
    profile = cProfile.Profile()
    profile.enable()
    try:
        execute()
    finally:
        profile.disable()
    return sum(one.callcount for one in profile.getstats())


@contextmanager
def memory_held_to(n_bytes: int) -> Iterator[None]:
    """In the block more than so much on top of what there is gives a `MemoryError`, where the system can."""
    try:
        import resource

        held, most = resource.getrlimit(resource.RLIMIT_AS)
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        yield
        return
    resource.setrlimit(resource.RLIMIT_AS, (now + n_bytes, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (held, most))


def unreadable(error: BehaviorError) -> str:
    """Why a sentence cannot be shown to a person; empty if it can."""
    try:
        text = str(error)
        text.encode()
    except Exception as why:
        return f"its text cannot be made ({why})"
    if not text.strip():
        return "says nothing"
    return f"says {len(text)} characters" if len(text) > LONGEST_SENTENCE else ""


def _place(error: BaseException) -> str:
    """The deepest line of ours that the error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/behavior/" in frame.filename.replace("\\", "/")]
    at = (ours or frames)[-1]
    return f"{Path(at.filename).name}:{at.lineno}"


# -- files ------------------------------------------------------------------------------------------------------------


def of_bytes(name: str, seeds: Sequence[bytes], read: Callable[[bytes], object], cost: float = 0.2) -> Target:
    """A target that needs no file."""
    return Target(name, tuple(("", seed) for seed in seeds), lambda _, data: read(data), cost)


def of_file(
    name: str, seeds: Sequence[bytes], read: Callable[[Path], object], place: Path, file: str, cost: float = 0.5
) -> Target:
    """A target that reads one file."""
    place.mkdir(parents=True, exist_ok=True)

    def run(_: str, data: bytes) -> object:
        (place / file).write_bytes(data)
        return read(place / file)

    return Target(name, tuple((file, seed) for seed in seeds), run, cost)


def of_folder(
    name: str,
    made: Path,
    read: Callable[[Path], object],
    place: Path,
    files: Sequence[str] = ("**/*",),
    *,
    cost: float = 5.0,
    keeps: bool = True,
) -> Target:
    """A target that reads a folder, of which one file at a time is another.

    Parameters
    ----------
    made : the valid folder
    place : where the copy lies that is read; it is made
    files : patterns of those that are changed
    keeps : whether reading leaves the folder as it was; else it is copied anew for each execution
    """
    parts = sorted({one for pattern in files for one in made.glob(pattern) if one.is_file()})
    seeds = tuple((one.relative_to(made).as_posix(), one.read_bytes()) for one in parts)
    whole = dict(seeds)

    def run(part: str, data: bytes) -> object:
        if not keeps or not place.exists():
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(made, place)
        with exchanged(place / part, data, whole[part]):
            return read(place)

    return Target(name, seeds, run, cost)


@contextmanager
def exchanged(path: Path, data: bytes, whole: bytes) -> Iterator[None]:
    """In the block the file holds other bytes."""
    path.write_bytes(data)
    try:
        yield
    finally:
        path.write_bytes(whole)
