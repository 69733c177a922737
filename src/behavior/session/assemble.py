"""From a paradigm's name and parameters, or from a session's header, to a core. The same for live, dry and replayed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from behavior.config.limits import CEILINGS, ShockLimits
from behavior.config.read import read, validate
from behavior.model.errors import BadInput
from behavior.model.session import SessionHeader
from behavior.paradigms.catalogue import Paradigm, find_paradigm
from behavior.paradigms.parameters import Parameters
from behavior.session.boxes import BOXES
from behavior.session.core import SessionCore
from behavior.session.guard import Guard
from behavior.session.journal import Record
from behavior.session.runner import Apparatus, run


def resolve(paradigm: Paradigm, given: dict[str, Any], *, file: object) -> Parameters:
    """All parameters of a paradigm: those given, and the usual values for the rest.

    Raises
    ------
    BadFile
        Some cannot be used; all at once, `file` names where they stand.
    """
    return validate(given, paradigm.parameters, file=file)


def read_parameters(paradigm: Paradigm, file: Path | None) -> Parameters:
    """All parameters of a paradigm: those in a TOML file, if there is one, and the usual values for the rest."""
    return resolve(paradigm, {}, file=paradigm.name) if file is None else read(file, paradigm.parameters)


def assemble(paradigm: Paradigm, parameters: Parameters, *, seed: int, limits: ShockLimits = CEILINGS) -> SessionCore:
    """A fresh core.

    Parameters
    ----------
    paradigm, parameters : what to run
    seed : of all that is drawn
    limits : of the chamber; the paradigm's own are applied beside them
    """
    guard = Guard(limits.lowered_to(parameters.limits))
    return SessionCore(lambda box: paradigm.run(box, parameters), box_of(paradigm), seed=seed, guard=guard)


def core_of(header: SessionHeader, *, own_code: bool = False) -> SessionCore:
    """A fresh core of the session that a header describes.

    Parameters
    ----------
    own_code : whether a lab's own paradigm, a Python file that the header names, may be run

    Raises
    ------
    BadInput
        There is no such paradigm, it may not be run, or the parameters are not its own.
    """
    paradigm = find_paradigm(header.paradigm_file or header.paradigm, own_code=own_code)
    parameters = resolve(paradigm, header.parameters, file="header.json")
    limits = validate(dict(header.limits), ShockLimits, file="header.json")
    return assemble(paradigm, parameters, seed=header.seed, limits=limits)


def box_of(paradigm: Paradigm) -> Any:
    """The box that stands behind the protocol a paradigm asks for.

    Raises
    ------
    BadInput
        It asks for none that there is.
    """
    try:
        return BOXES[paradigm.box]
    except KeyError:
        known = ", ".join(box.__name__ for box in BOXES)
        raise BadInput(
            f"{paradigm.name}: asks for a {paradigm.box.__name__}; annotate its box as one of {known}"
        ) from None


def dry_run(core: SessionCore, apparatus: Apparatus, *, what: str, record: Record = lambda item, host_us: None) -> None:
    """Run a session where nothing can be hurt, and refuse it if its guard would.

    Parameters
    ----------
    core : a fresh core, used up by this
    apparatus : a box without devices, with a subject in it
    what : names the session in errors
    record : sees what would stand in the journal

    Raises
    ------
    BadInput
        The guard refuses a command, or the paradigm fails.
    """
    run(core, apparatus, record)
    ended, minutes = str(core.ended), core.now_us / 60e6
    if core.error is not None:
        raise BadInput(f"{what}: the paradigm fails after {minutes:.1f} min ({core.error!r}); mend it") from core.error
    if ended.startswith("refused"):
        raise BadInput(
            f"{what}: {ended}, {minutes:.1f} min into the dry run; nothing was started. "
            "Lower the shock in the parameters, or raise the limit if the protocol allows it"
        )
