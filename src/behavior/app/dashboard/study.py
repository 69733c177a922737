"""The study: what was planned and how far it is, each subject's course over the weeks, what was left out and why.

    GET /study                the page
    GET /study/courses        {"measures": […], "subjects": {…}}: measures of each subject's sessions, by day
    GET /report/PATH          a report of the study, `report.html` or `quality.html`

While the study is blind no dose, compound or arm is on the page, warnings that speak of one are withheld, and sessions
under a code are left out of the courses: who knows the results of codes can tell them apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behavior.app.dashboard.blind import Blindness
from behavior.app.dashboard.site import NotHere, Site, page, site_of
from behavior.model.decode import tree
from behavior.model.errors import BadInput, BehaviorError
from behavior.model.measures import MEASURES
from behavior.session.folder import SessionFolder

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from behavior.study.dataset import Dataset
    from behavior.study.plan import PlanRow

REPORTS = ("report.html", "quality.html")
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
"""A report holds its own styles and figures; scripts it has none, and could run none."""
DONE, EARLY, RUNS, LEFT_OUT, PLANNED, MISSED = "done", "ended early", "runs", "left out", "planned", "not run"


@dataclass(frozen=True, slots=True)
class Cell:
    """One planned or unplanned session in the table of days and chambers."""

    subject: str
    treatment: str
    state: str
    at: str
    session: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the study: what is in each chamber, in order of time."""

    date: str
    by_chamber: dict[str, list[Cell]]


class Study:
    """A data folder's study, read anew when sessions have come or ended."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._mark: object = None
        self._dataset: Dataset | BehaviorError | None = None

    def dataset(self) -> Dataset:
        """Its tables.

        Raises
        ------
        BehaviorError
            There is no session, or something of it cannot be used.
        """
        from behavior.study.dataset import read_dataset

        mark = _mark_of(self._data)
        if mark != self._mark:
            try:
                self._dataset = read_dataset(self._data)
            except BehaviorError as error:
                self._dataset = error
            self._mark = mark
        if isinstance(self._dataset, BehaviorError):
            raise self._dataset
        assert self._dataset is not None
        return self._dataset

    def plan(self) -> tuple[PlanRow, ...]:
        """What was planned, also before the first session; none without a plan.

        Raises
        ------
        BehaviorError
            The plan cannot be used.
        """
        from behavior.study.plan import PLAN_FILE, read_plan

        return read_plan(self._data / PLAN_FILE) if (self._data / PLAN_FILE).exists() else ()


def _mark_of(data: Path) -> object:
    """What changes when the dataset does."""
    files = (path for name in ("header.json", "footer.json", "score.json") for path in data.rglob(name))
    seen = [(path, path.stat().st_mtime_ns) for path in files]
    beside = [(path, path.stat().st_mtime_ns) for name in ("*.toml", "*.csv", "key.*") for path in data.glob(name)]
    return tuple(sorted([*seen, *beside]))


# -- the page ---------------------------------------------------------------------------------------------------------


async def study_page(request: Request) -> Response:
    """The page."""
    site = site_of(request)
    values = await asyncio.to_thread(contents, request.app.state.study, site, running_in(request))
    return page(request, "study.html", **values)


def running_in(request: Request) -> set[str]:
    """The sessions that run now, as the board knows."""
    live = request.app.state.board.chambers.live()
    data = site_of(request).data.resolve()
    return {one.folder.path.resolve().relative_to(data).as_posix() for one in live}


def contents(study: Study, site: Site, running: set[str]) -> dict[str, Any]:
    """What the page shows."""
    blind = Blindness(site.data).holds(site.data)
    problem, title, n_withheld = "", site.data.name, 0
    rows: tuple[PlanRow, ...] = ()
    warnings: tuple[str, ...] = ()
    sessions: list[dict[str, Any]] = []
    try:
        rows = study.plan()
        dataset = study.dataset()
        title = dataset.study.title if dataset.study and not blind else title
        sessions = _records(dataset)
        warnings, n_withheld = _warnings(dataset, blind=blind)
    except BehaviorError as error:
        problem = str(error)
    days = days_of(rows, sessions, running, blind=blind, now=datetime.now().astimezone())
    excluded = [
        {**one, "why": _telling(one["left_out"], blind=blind)}
        for one in sessions
        if one["left_out"] and one["session"] not in running and not is_preparation(one["left_out"])
    ]
    n_done = sum(cell.state == DONE for day in days for cells in day.by_chamber.values() for cell in cells)
    return {
        "title": title,
        "problem": problem,
        "days": days,
        "chambers": sorted({chamber for day in days for chamber in day.by_chamber}),
        "n_planned": len(rows),
        "n_done": n_done,
        "n_sessions": len(sessions),
        "excluded": excluded,
        "warnings": warnings,
        "n_withheld": n_withheld,
        "reports": [path.relative_to(site.data).as_posix() for path in reports_in(site.data)],
        "is_blind": blind,
    }


def _records(dataset: Dataset) -> list[dict[str, Any]]:
    names = ("session", "subject", "paradigm", "dose_mg_kg", "compound", "vehicle", "blind_code", "chamber",
             "started_at", "day", "left_out", "end_reason")  # fmt: skip
    frame = dataset.sessions[[name for name in names if name in dataset.sessions]].astype(object)
    records: list[dict[str, Any]] = frame.where(frame.notna(), None).to_dict("records")
    return records


def _warnings(dataset: Dataset, *, blind: bool) -> tuple[tuple[str, ...], int]:
    if not blind:
        return dataset.warnings, 0
    from behavior.summary.quality_control import quality_control

    found = quality_control(dataset)
    return found.warnings, found.n_withheld


def _telling(why: str, *, blind: bool) -> str:
    """The reason of an exclusion, if it tells nothing of a treatment."""
    words = ("dose", "mg/kg", "compound", "vehicle", "arm", "group")
    return "its records do not fit the study" if blind and any(word in why.lower() for word in words) else why


def days_of(
    rows: Iterable[PlanRow],
    sessions: Sequence[dict[str, Any]],
    running: set[str],
    *,
    blind: bool,
    now: datetime,
) -> list[Day]:
    """Plan and progress by day and chamber.

    A planned session is the one of its subject, and of its code or dose, that began nearest to the planned time and
    stands for no other. Sessions that nobody planned are there too.
    """
    free = {one["session"]: one for one in sessions}
    days: dict[str, dict[str, list[Cell]]] = {}

    def put(when: str, chamber: str, cell: Cell) -> None:
        days.setdefault(when[:10], {}).setdefault(chamber, []).append(cell)

    for row in sorted(rows, key=lambda row: row.starts_at):
        one = _nearest(row, free.values())
        treatment = _treatment(row.blind_code, row.dose_mg_kg, blind=blind)
        if one is None:
            late = (_moment(row.starts_at) or now.timestamp()) < now.timestamp() - 86_400
            cell = Cell(row.subject, treatment, MISSED if late else PLANNED, row.starts_at[11:16])
            put(row.starts_at, row.chamber, cell)
        else:
            del free[one["session"]]
            treatment = _treatment(row.blind_code, one["dose_mg_kg"], blind=blind)
            put(row.starts_at, row.chamber, _cell(one, treatment, running, blind=blind))
    for one in free.values():
        treatment = _treatment(one["blind_code"], one["dose_mg_kg"], blind=blind)
        put(one["started_at"], one["chamber"], _cell(one, treatment, running, blind=blind))
    return [
        Day(date, {name: sorted(cells, key=lambda cell: cell.at) for name, cells in sorted(here.items())})
        for date, here in sorted(days.items())
    ]


def _nearest(row: PlanRow, sessions: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    planned_s = _moment(row.starts_at)
    fits = [
        one
        for one in sessions
        if one["subject"] == row.subject
        and (one["blind_code"] == row.blind_code if row.blind_code else one["dose_mg_kg"] == row.dose_mg_kg)
    ]
    return min(fits, key=lambda one: abs((_moment(one["started_at"]) or 0) - (planned_s or 0)), default=None)


def _moment(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _ordinal(text: str) -> int:
    """The day, counted from long ago; 0: it is no date."""
    try:
        return datetime.fromisoformat(text).toordinal()
    except ValueError:
        return 0


def _treatment(code: str | None, dose_mg_kg: float | None, *, blind: bool) -> str:
    dose = "" if blind or dose_mg_kg is None else "vehicle" if dose_mg_kg == 0 else f"{dose_mg_kg:g} mg/kg"
    return f"{code} {dose}".strip() if code else dose


def is_preparation(why: str) -> bool:
    """Whether a session is left out of the comparison of doses because it was never meant for it, such as training."""
    from behavior.study.dataset import PREPARATION

    return any(why.startswith(f"it is a {stage} session") for stage in PREPARATION)


def _cell(one: dict[str, Any], treatment: str, running: set[str], *, blind: bool) -> Cell:
    state, why = DONE, ""
    if one["session"] in running:
        state = RUNS
    elif one["left_out"] and not is_preparation(one["left_out"]):
        state = EARLY if one["end_reason"] not in (None, "completed") else LEFT_OUT
        why = _telling(one["left_out"], blind=blind)
    return Cell(one["subject"], treatment, state, one["started_at"][11:16], one["session"], why)


# -- courses ----------------------------------------------------------------------------------------------------------


async def courses_of_subjects(request: Request) -> Response:
    """Measures by subject and day."""
    from starlette.responses import JSONResponse

    return JSONResponse(await asyncio.to_thread(courses, site_of(request)))


def courses(site: Site) -> dict[str, Any]:
    """Every measure of every subject's completed sessions, training included, by the day of the study, from 1."""
    blind = Blindness(site.data).holds(site.data)
    visits = [one for folder in _folders(site.data) if (one := visit(folder)) is not None]
    told = [one for one in visits if not (blind and one["coded"])]
    first = min((one["day"] for one in told if one["day"]), default=0)
    names = [name for name in MEASURES if any(name in one["values"] for one in told)]
    subjects: dict[str, list[dict[str, Any]]] = {}
    for one in told:
        subjects.setdefault(one["subject"], []).append({**one, "day": max(1, one["day"] - first + 1)})
    return {
        "measures": [{"name": name, "label": MEASURES[name].label} for name in names],
        "subjects": {name: sorted(subjects[name], key=_in_time) for name in sorted(subjects, key=natural_order)},
        "n_coded": len(visits) - len(told),
    }


def visit(folder: SessionFolder) -> dict[str, Any] | None:
    """The measures of a session that was completed and scored; None for any other."""
    from behavior.scoring.score import SCORE_FILE

    try:
        footer = folder.footer
        row = tree((folder.path / SCORE_FILE).read_bytes())["session"]
        values = {name: float(row[name]) for name in MEASURES if isinstance(row.get(name), int | float)}
    except (BehaviorError, OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
    if footer is None or footer.reason != "completed":
        return None
    header = folder.header
    return {
        "subject": header.subject,
        "session": folder.name,
        "paradigm": header.paradigm,
        "started_at": header.started_at,
        "day": _ordinal(header.started_at),
        "coded": header.treatment.blind_code is not None,
        "values": values,
    }


def _in_time(one: dict[str, Any]) -> tuple[int, str]:
    return one["day"], one["started_at"]


def _folders(data: Path) -> Iterator[SessionFolder]:
    for header in sorted(data.rglob("header.json")):
        with suppress(BehaviorError):  # the tables say what is wrong with it
            yield SessionFolder(header.parent)


def natural_order(name: str) -> tuple[tuple[bool, int, str], ...]:
    """As people count: R9 before R10."""
    from behavior.study import dataset

    return dataset.natural_order(name)


# -- reports ----------------------------------------------------------------------------------------------------------


def reports_in(data: Path) -> list[Path]:
    """Reports in the data folder, the latest first."""
    found = [path for name in REPORTS for path in (*data.glob(name), *data.glob(f"*/{name}")) if path.is_file()]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


async def report(request: Request) -> Response:
    """A report as it was written."""
    from starlette.responses import FileResponse

    path = site_of(request).inside(request.path_params["path"])
    if path.name not in REPORTS or not path.is_file():
        raise NotHere("there is no such report; go back to the study")
    if path.name == "report.html" and Blindness(site_of(request).data).holds(path.parent):
        raise BadInput("this study is blind; its report waits for `behavior unblind`")
    headers = {"content-security-policy": REPORT_POLICY, "cache-control": "no-store"}
    return FileResponse(path, media_type="text/html", headers=headers)


def routes() -> list[BaseRoute]:
    """The addresses of the study."""
    from starlette.routing import Route

    return [
        Route("/study", study_page),
        Route("/study/courses", courses_of_subjects),
        Route("/report/{path:path}", report),
    ]
