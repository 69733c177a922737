"""What the yoked subject of a triad gets: all parameters of its master's session, and the shocks that the master had.

They are copied into the yoked session's own header, so that it replays and verifies wherever the master's folder is.
"""

from __future__ import annotations

from typing import Any

from behavior.model.errors import BadInput
from behavior.scoring.helplessness_induction import master_shocks
from behavior.session.folder import SessionFolder

PARADIGM = "helplessness_induction"


def yoked_parameters(master: SessionFolder) -> dict[str, Any]:
    """Parameters of `helplessness_induction` for the yoked partner of a master.

    Parameters
    ----------
    master : the session of an escapable subject, finished

    Raises
    ------
    BadInput
        It is none, is not finished, or cannot be read whole; half of its shocks would be another treatment.
    """
    header, footer, reading = master.header, master.footer, master.read()
    group = header.parameters.get("group")
    if header.paradigm != PARADIGM or group != "escapable":
        what = f"{header.paradigm}, group {group!r}" if group else header.paradigm
        raise BadInput(f"{master.path}: is no master's session ({what}); name one of {PARADIGM}, group 'escapable'")
    if footer is None:
        raise BadInput(f"{master.path}: the master's session is not finished; end it first, or resume it")
    if problems := reading.problems:
        raise BadInput(f"{master.path}: shocks may be missing from the master's journal ({problems[0]}); take another")
    shocks = [shock.model_dump() for shock in master_shocks(reading.items)]
    return {**header.parameters, "group": "yoked", "master_shocks": shocks}


def yoke_remark(master: SessionFolder) -> str:
    """What the yoked session's header says of its master."""
    footer = master.footer
    reason = "" if footer is None or footer.reason == "completed" else f", which ended early ({footer.reason})"
    return f"yoked to {master.header.subject}, session {master.name}{reason}"
