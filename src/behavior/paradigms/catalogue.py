"""Where a paradigm is found by its name: among ours, among those that other packages offer, or in a lab's own file.

A paradigm is an `async` function of a box and its parameters, in a file of its own:

    async def geller_seifter(box: Chamber, p: GellerSeifterParameters) -> None: ...

The annotations say which box it needs and which parameters its TOML file may hold; nothing else is declared.

A lab's own file runs here when it is looked for. So it is run only for whoever named it or the study that names it
(`own_code`), never because a session, a profile or a page has its name.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import behavior.paradigms
from behavior.model.errors import BadInput
from behavior.paradigms.parameters import Parameters

GROUP = "behavior.paradigms"


@dataclass(frozen=True, slots=True)
class Paradigm:
    """A paradigm that was found.

    Attributes
    ----------
    name : of the function
    run : the function
    box : the protocol that it asks for, such as `Chamber`
    parameters : the record of its parameters
    sha256 : digest of its source file
    """

    name: str
    run: Callable[[Any, Any], Coroutine[object, Any, None]]
    box: type
    parameters: type[Parameters]
    sha256: str


def find_paradigm(name: str, *, own_code: bool = False) -> Paradigm:
    """The paradigm of this name.

    Parameters
    ----------
    name : of one of ours, of an entry point `behavior.paradigms`, or path of a Python file whose one paradigm is meant
    own_code : whether such a file may be run

    Raises
    ------
    BadInput
        There is none, the file does not hold one, or may not be run.
    """
    if name.endswith(".py"):
        if not own_code:
            raise BadInput(f"{name}: is a Python file, and what only reads runs no code; name a paradigm, not its file")
        return _in_module(_own_module(Path(name)), Path(name).stem, name)
    if name in our_paradigms():
        return _in_module(importlib.import_module(f"behavior.paradigms.{name}"), name, name)
    offered = {point.name: point for point in entry_points(group=GROUP)}
    if name in offered:
        return _in_module(importlib.import_module(offered[name].module), name, name)
    known = ", ".join(sorted({*our_paradigms(), *offered}))
    raise BadInput(f"{name}: there is no paradigm of this name; choose one of {known}, or name a Python file of yours")


def our_paradigms() -> tuple[str, ...]:
    """Names of the paradigms that come with the package."""
    modules = (info.name for info in pkgutil.iter_modules(behavior.paradigms.__path__))
    return tuple(name for name in modules if name not in {"box", "catalogue", "parameters", "schedules"})


def _own_module(path: Path) -> ModuleType:
    name = f"_paradigm_of_a_lab_{path.stem}"  # a name of its own: nobody's `random.py` stands in for Python's
    spec = importlib.util.spec_from_file_location(name, path) if path.is_file() else None
    if spec is None or spec.loader is None:
        raise BadInput(f"{path}: there is no such Python file; check the path of the paradigm")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # where annotations that are text are looked up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise BadInput(f"{path}: Python cannot load this paradigm ({type(error).__name__}: {error})") from error
    return module


def _in_module(module: ModuleType, name: str, place: str) -> Paradigm:
    function = getattr(module, name, None)
    if not inspect.iscoroutinefunction(function):
        raise BadInput(f"{place}: a paradigm is an `async def {name}(box, p)` in its file, and here is none; add it")
    hints = [hint for key, hint in get_type_hints(function).items() if key != "return"]
    if len(hints) != 2 or not (isinstance(hints[1], type) and issubclass(hints[1], Parameters)):
        raise BadInput(f"{place}: annotate `{name}(box: Chamber, p: …)`, with parameters derived from `Parameters`")
    source = Path(str(inspect.getsourcefile(function)))
    return Paradigm(name, function, hints[0], hints[1], hashlib.sha256(source.read_bytes()).hexdigest())
