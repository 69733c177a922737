"""A session that is over, or was never closed: its header, timeline, trials, score, sound, and whether it holds.

GET /session/SESSION              the page
GET /session/SESSION/timeline     its events, as the live page has them
GET /session/SESSION/verified     {"holds": …, "said": …}; made when asked for, it replays the whole session
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from behavior.app.dashboard.blind import HIDDEN_COLUMNS, Blindness
from behavior.app.dashboard.site import NotHere, page, shown, site_of, words
from behavior.app.dashboard.sound import sounds_in
from behavior.app.dashboard.watch import Watch
from behavior.model.errors import BehaviorError
from behavior.model.measures import MEASURES
from behavior.session.folder import SessionFolder

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from behavior.scoring.score import Row, Score

MOST_EVENTS, MOST_POINTS, MOST_ROWS = 60_000, 4000, 1000
FEW = 2000


def session_of(request: Request) -> SessionFolder:
    """The session that an address names."""
    path = site_of(request).inside(request.path_params["session"])
    if not (path / "header.json").is_file():
        raise NotHere("there is no session here; look for it on the study page")
    return SessionFolder(path)


async def session_page(request: Request) -> Response:
    """The page."""
    session = session_of(request)
    blindness = Blindness(site_of(request).data)
    values = await asyncio.to_thread(contents, session, blindness)
    return page(request, "session.html", address=request.path_params["session"], **values)


def contents(session: SessionFolder, blindness: Blindness) -> dict[str, Any]:
    """What the page shows."""
    score, problem = _score(session)
    try:
        footer, footer_problem = session.footer, ""
    except BehaviorError as error:
        footer, footer_problem = None, str(error)
    blind = blindness.holds(session.path)
    rows = [_open_columns(row, blind=blind) for row in (score.rows if score else ())]
    return {
        "header": session.header,
        "facts": list(facts(session, blindness)),
        "parameters": {
            name: value for name, value in session.header.parameters.items() if not (blind and name in HIDDEN_COLUMNS)
        },
        "footer": footer,
        "footer_problem": footer_problem,
        "measures": list(measures(score, blind=blind)) if score else [],
        "rows": rows[:MOST_ROWS],
        "n_rows": len(rows),
        "rows_name": score.rows_name if score else "",
        "columns": list(rows[0]) if rows else [],
        "problem": problem,
        "problems": score.problems if score else (),
        "sounds": sounds_in(session),
    }


def facts(session: SessionFolder, blindness: Blindness) -> Iterator[tuple[str, str]]:
    """The header in words."""
    header = session.header
    yield "Treatment", blindness.shown(session)
    if header.treatment.route or header.treatment.pretreatment_min is not None:
        minutes = header.treatment.pretreatment_min
        yield (
            "Given",
            ", ".join(
                part
                for part in (header.treatment.route, None if minutes is None else f"{minutes:g} min before")
                if part
            ),
        )
    yield "Started", header.started_at
    yield "Experimenter", header.experimenter
    if header.weight_g is not None:
        yield "Weight", f"{header.weight_g:g} g"
    if header.day is not None:
        yield "Day of the study", str(header.day)
    yield "Chamber", f"{header.chamber} of {header.rig}" + (", simulated" if header.simulated else "")
    for device in header.devices:
        clock = "" if device.clock_uncertainty_us is None else f", clock known to {device.clock_uncertainty_us} µs"
        yield f"Device {device.name}", f"{device.kind}, firmware {device.firmware}, UID {device.uid}{clock}"
    yield "Seed", str(header.seed)
    yield "Software", header.software
    for remark in header.remarks:
        yield "Remark", remark


def _score(session: SessionFolder) -> tuple[Score | None, str]:
    from behavior.scoring.score import read_score

    try:
        return read_score(session.path), ""
    except BehaviorError as error:
        return None, str(error)


def measures(score: Score, *, blind: bool) -> Iterator[tuple[str, str]]:
    """The session's measures with their labels; what is no measure keeps its column's name."""
    for name, value in _open_columns(score.session, blind=blind).items():
        label = MEASURES[name].label if name in MEASURES else words(name)
        yield label, shown(value)


def _open_columns(row: Row, *, blind: bool) -> Row:
    return {name: value for name, value in row.items() if not (blind and name in HIDDEN_COLUMNS)}


async def timeline(request: Request) -> Response:
    """The session's events."""
    from starlette.responses import JSONResponse

    return JSONResponse(await asyncio.to_thread(events, session_of(request)))


def events(session: SessionFolder) -> dict[str, Any]:
    """Events of a whole session; of a long one every k-th of each kind, and that is said."""
    reading = session.read()
    watch = Watch(session.header, most_events=max(1, len(reading.items)))
    for item, host_us in zip(reading.items, reading.host_us, strict=True):
        watch.take(item, host_us)
    n, every = len(watch.responses_us), max(1, -(-len(watch.events) // 3 // MOST_EVENTS))
    kept = watch.events.tolist() if every == 1 else _thinned(watch.events.tolist(), every)
    return {
        "lanes": list(watch.lanes),
        "events": kept,
        "every": every,
        "record": [[i + 1, watch.responses_us[i]] for i in range(0, n, max(1, n // MOST_POINTS))],
        "bands": watch.part_bands,
        "marks": watch.marks,
        "trials": [[trial.number, trial.outcome, trial.latency_s] for trial in watch.trials],
        "notes": watch.notes,
        "end_us": watch.now_us,
        "sound": [[one.file, one.at_us] for one in watch.sound],
        "problems": reading.problems,
    }


def _thinned(flat: list[int], every: int) -> list[int]:
    """Every k-th of what there is much of, begin and end together; what is rare stays whole, because it matters."""
    many = {lane for lane, n in Counter(flat[1::3]).items() if n > FEW}
    counts: Counter[int] = Counter()
    kept: list[int] = []
    for i in range(0, len(flat), 3):
        lane = flat[i + 1]
        counts[lane] += 1
        if lane not in many or (counts[lane] - 1) // 2 % every == 0:
            kept += flat[i : i + 3]
    return kept


async def verified(request: Request) -> Response:
    """Whether the session holds."""
    from starlette.responses import JSONResponse

    return JSONResponse(await asyncio.to_thread(verification, session_of(request)))


def verification(session: SessionFolder) -> dict[str, Any]:
    """What `behavior verify` says of it."""
    from behavior.formats.imported import decoded_again
    from behavior.session.verify import verify

    if session.header.paradigm_file is not None:  # a look at a page runs no code that lies in a folder
        return {
            "holds": None,
            "said": f"a lab's own paradigm is replayed at the terminal: behavior verify {session.path}",
        }
    try:
        found = verify(session, decoded_again)
    except BehaviorError as error:
        return {"holds": False, "said": str(error)}
    said = f"{found.n_lines} lines unchanged, {found.n_commands} commands reproduced"
    return {"holds": True, "said": "; ".join((said, *found.remarks))}


def routes() -> list[BaseRoute]:
    """The addresses of finished sessions."""
    from starlette.routing import Route

    return [
        Route("/session/{session:path}/timeline", timeline),
        Route("/session/{session:path}/verified", verified),
        Route("/session/{session:path}", session_page),
    ]
