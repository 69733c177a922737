"""`behavior resume`: go on with a session that was cut, or close it."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from behavior.model.errors import BadInput

if TYPE_CHECKING:
    from behavior.model.session import SessionFooter
    from behavior.session.resume import Interrupted

MAX_GAP_S = 600.0


def resume(
    folder: Annotated[Path, typer.Argument(help="The session's folder.")],
    confirm: Annotated[
        str, typer.Option(help="The subject's ID, typed again: whoever arms the shocker looks first.", prompt="Subject")
    ],
    max_gap_s: Annotated[float, typer.Option(help="After a longer gap the session is closed instead, s.")] = MAX_GAP_S,
    close: Annotated[bool, typer.Option("--close", help="Close it without going on; needs no devices.")] = False,
    simulate: Annotated[bool, typer.Option("--simulate", help="On a simulated chamber with a rat in it.")] = False,
) -> None:
    """Go on with a session that a crash or a power cut interrupted, from where it was."""
    from behavior.app.run import conclude
    from behavior.session.folder import SessionFolder
    from behavior.session.resume import interrupted

    session = interrupted(SessionFolder(folder))
    if confirm != session.folder.header.subject:
        raise BadInput(f"{folder}: {confirm!r} is not the subject of this session; look into the box and type its ID")
    gap_s = session.gap_us(datetime.now().astimezone()) / 1e6
    typer.echo(f"Interrupted {gap_s:.0f} s ago, {session.core.now_us / 60e6:.1f} min into the session")
    for remark in session.remarks:
        typer.echo(f"warning: {remark}", err=True)
    if why := why_not(session, gap_s, max_gap_s):
        typer.echo(f"It is closed and not gone on with: {why}")
    footer = closed(session, why or "closed by hand") if close or why else gone_on_with(session, simulated=simulate)
    conclude(session.folder, footer)


def why_not(session: Interrupted, gap_s: float, max_gap_s: float) -> str:
    """Why a session cannot be gone on with; empty if it can."""
    if session.core.ended is not None:
        return f"it had ended already ({session.core.ended})"
    if gap_s > max_gap_s:
        return f"the gap is longer than {max_gap_s:g} s"
    return ""


def closed(session: Interrupted, why: str) -> SessionFooter:
    """Give a session its end and its footer, without its devices."""
    from behavior.model.events import Stopped
    from behavior.session.record import record_session
    from behavior.session.resume import Nobody

    return record_session(
        session.folder,
        session.core,
        Nobody(session.core.now_us),
        time_of_day=lambda: datetime.now().astimezone().isoformat(),
        interrupted=session,
        first=lambda now_us: Stopped(now_us, f"resume: {why}"),
    )


def gone_on_with(session: Interrupted, *, simulated: bool) -> SessionFooter:
    """Find the devices again, keep their counts, and drive the core on."""
    from behavior.app.connect import connected
    from behavior.app.prepare import Protocol, calibrated, rehearsed
    from behavior.app.run import live
    from behavior.config import read
    from behavior.config.limits import ShockLimits
    from behavior.config.rig import Rig
    from behavior.config.shipped import find
    from behavior.paradigms.catalogue import find_paradigm
    from behavior.session.assemble import resolve

    header = session.folder.header
    name = header.paradigm_file or header.paradigm
    paradigm = find_paradigm(name, own_code=True)
    parameters = resolve(paradigm, header.parameters, file="header.json")
    rig = find(header.rig, "configs", "rigs")
    box = read(rig, Rig).chamber(header.chamber)
    records, _ = rehearsed(paradigm, parameters, box, header.seed, what=name)
    limits, simulated = ShockLimits(**header.limits), simulated or header.simulated
    asked_ma = frozenset({0.0} if limits.max_count else set())  # nobody knows: a record must hold, at whatever current
    protocol = Protocol(name, paradigm, parameters, limits, records=records, currents_ma=asked_ma)
    calibrate = partial(calibrated, box=box, rig=rig, simulated=simulated)
    with connected(
        box, protocol, header.treatment, header.seed, simulated=simulated, interrupted=session, calibrate=calibrate
    ) as link:
        return live(session.folder, link, interrupted=session)
