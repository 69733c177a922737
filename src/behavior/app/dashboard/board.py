"""The live board: a card for each chamber, and for each session a page of its own with its records.

GET  /                      the board
GET  /board/events          server-sent: {"cards": [...], "order": [...]}; all cards first, then those that changed
GET  /live/SESSION          cumulative record, raster of events, sound
GET  /live/SESSION/events   server-sent: the session's events, all at first, then those that are new
POST /live/SESSION/stop     {}                     -> the request for its end is before the engine
POST /live/SESSION/note     {"text": ...}
POST /stop                  {}                     -> all sessions that run
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from behavior.app.dashboard import stream
from behavior.app.dashboard.chambers import BUSY, Chambers, Followed
from behavior.app.dashboard.site import NotHere, page, site_of
from behavior.app.dashboard.watch import Watch
from behavior.model.decode import Undecodable, decode
from behavior.model.errors import BadInput, BehaviorError
from behavior.session.requests import NoteRequest, StopRequest, ask

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

LOOKS_EVERY_S, LOOKS_UNWATCHED_EVERY_S = 0.03, 1.0
BY = "the experimenter (board)"
RASTER_S = 600
MOST_POINTS = 4000
"""Of a cumulative record that is sent at once."""
MOST_BANDS = 400


class LiveBoard:
    """The chambers, looked at on a thread of their own for as long as the application runs."""

    def __init__(self, chambers: Chambers) -> None:
        self.chambers = chambers
        self._changed = asyncio.Condition()
        self._watchers = 0
        self._called = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look in the block; the first look is over when it begins, so that no page comes before it."""
        await asyncio.to_thread(self.chambers.look)
        task = asyncio.create_task(self._look())
        try:
            yield
        finally:
            task.cancel()

    async def _look(self) -> None:
        while True:
            await asyncio.to_thread(self.chambers.look)
            async with self._changed:
                self._changed.notify_all()
            if self._watchers:
                await asyncio.sleep(LOOKS_EVERY_S)
            else:
                self._called.clear()
                try:
                    await asyncio.wait_for(self._called.wait(), LOOKS_UNWATCHED_EVERY_S)
                except TimeoutError:
                    continue

    async def looks(self) -> AsyncIterator[None]:
        """Comes round after each look, for as long as somebody asks."""
        self._watchers += 1
        self._called.set()
        try:
            while True:
                async with self._changed:
                    await self._changed.wait()
                yield
        finally:
            self._watchers -= 1


def board_of(request: Request) -> LiveBoard:
    """The board of the application that a request was made to."""
    board: LiveBoard = request.app.state.board
    return board


def session_of(request: Request) -> Followed:
    """The session on the board that an address names."""
    path = site_of(request).inside(request.path_params["session"])
    return board_of(request).chambers.followed(path)


async def board_page(request: Request) -> Response:
    """The board."""
    return page(request, "board.html", can_start=request.app.state.starter is not None)


async def board_events(request: Request) -> Response:
    """Cards as they change."""
    board = board_of(request)

    async def messages() -> AsyncIterator[bytes]:
        sent: dict[str, bytes] = {}
        order: list[str] = []
        async for _ in board.looks():
            cards = board.chambers.cards
            changed = [card for key, card in cards.items() if sent.get(key) != card]
            if changed or order != list(cards):
                sent, order = dict(cards), list(cards)
                yield b'{"order":%b,"cards":[%b]}' % (msgspec.json.encode(order), b",".join(changed))

    return stream.events(request, messages())


async def session_page(request: Request) -> Response:
    """One session that runs, or has just run; one that is on the board no more has a page of its own."""
    from starlette.responses import RedirectResponse

    address = request.path_params["session"]
    try:
        one = session_of(request)
    except NotHere:
        raise
    except BadInput:
        return RedirectResponse(f"/session/{quote(address)}", 303)
    return page(request, "live.html", header=one.folder.header, session=address, key=_key(one))


def _key(one: Followed) -> str:
    return f"{one.folder.header.rig}/{one.folder.header.chamber}"


async def session_events(request: Request) -> Response:
    """A session's card and events: first all that matter, then what is new. One stream a page: browsers have few."""
    board, one = board_of(request), session_of(request)
    address = one.folder.path.relative_to(board.chambers.data).as_posix()

    async def messages() -> AsyncIterator[bytes]:
        seen: Seen | None = None
        shown = b"null"
        async for _ in board.looks():
            with board.chambers.lock:
                now = Seen.of(one.watch)
                told = None if now == seen else _whole(one.watch) if seen is None else _since(one.watch, seen)
            card = board.chambers.of_sessions.get(address, shown)
            if told is not None or card != shown:
                yield b'{"card":%b,"told":%b}' % (card if card != shown else b"null", msgspec.json.encode(told))
            seen, shown = now, card

    return stream.events(request, messages())


@dataclass(frozen=True, slots=True)
class Seen:
    """How much of a session a page knows."""

    n_events: int
    n_responses: int
    n_marks: int
    n_trials: int
    n_notes: int
    n_calls: int
    n_bands: int

    @classmethod
    def of(cls, watch: Watch) -> Seen:
        """All there is."""
        bands = len(watch.part_bands) + sum(until is not None for _, _, until in watch.part_bands[-2:])
        return cls(
            n_events=watch.n_events,
            n_responses=len(watch.responses_us),
            n_marks=len(watch.marks),
            n_trials=len(watch.trials),
            n_notes=len(watch.notes),
            n_calls=len(watch.calls),
            n_bands=bands,
        )


def _whole(watch: Watch) -> dict[str, Any]:
    """Everything that a page needs at first; a long cumulative record in steps of several responses."""
    n = len(watch.responses_us)
    step = max(1, n // MOST_POINTS)
    since_us = watch.now_us - RASTER_S * 1_000_000
    first = bisect_left(range(0, len(watch.events), 3), since_us, key=watch.events.__getitem__)
    return {
        "whole": True,
        "lanes": list(watch.lanes),
        "events": watch.events[3 * first :].tolist(),
        "record": [[i + 1, watch.responses_us[i]] for i in range(0, n, step)],
        "bands": watch.part_bands[-MOST_BANDS:],
        "marks": watch.marks,
        "trials": watch.trials,
        "notes": watch.notes,
        "calls": watch.calls,
    }


def _since(watch: Watch, seen: Seen) -> dict[str, Any]:
    new = min(watch.n_events - seen.n_events, len(watch.events) // 3)
    return {
        "lanes": list(watch.lanes),
        "events": watch.events[len(watch.events) - 3 * new :].tolist() if new else [],
        "responses": watch.responses_us[seen.n_responses :].tolist(),
        "bands": watch.part_bands[-MOST_BANDS:],
        "marks": watch.marks[seen.n_marks :],
        "trials": watch.trials[seen.n_trials :],
        "notes": watch.notes[seen.n_notes :],
        "calls": watch.calls[seen.n_calls :],
    }


# -- what is asked of sessions ----------------------------------------------------------------------------------------


async def json_of(request: Request) -> dict[str, Any]:
    """The request's JSON object.

    Raises
    ------
    BadInput
        It is none.
    """
    try:
        given = decode(await request.body() or b"{}", dict[str, Any])
    except Undecodable:
        raise BadInput("the request is no JSON object; use the pages of this site") from None
    return given


async def stop_one(request: Request) -> Response:
    """Ask for the end of one session."""
    from starlette.responses import JSONResponse

    one = session_of(request)
    board_of(request).chambers.check_listens(one)
    await asyncio.to_thread(ask, one.folder, StopRequest(BY))
    return JSONResponse({"said": f"chamber {one.folder.header.chamber}: asked to stop"})


async def stop_all(request: Request) -> Response:
    """Ask for the end of all sessions that run; one that cannot be asked does not keep the others."""
    from starlette.responses import JSONResponse

    asked, problems = [], []
    for one in board_of(request).chambers.live(states=BUSY):
        try:
            await asyncio.to_thread(ask, one.folder, StopRequest(BY))
            asked.append(one.folder.header.chamber)
        except BehaviorError as error:
            problems.append(str(error))
    if problems:
        return JSONResponse({"error": "; ".join(problems), "asked": asked}, 500)
    return JSONResponse({"said": f"asked to stop: {', '.join(asked) or 'no session runs'}", "asked": asked})


async def note(request: Request) -> Response:
    """Write something into a session's journal."""
    from starlette.responses import JSONResponse

    one, text = session_of(request), str((await json_of(request)).get("text", "")).strip()
    if not text:
        raise BadInput("the note is empty; write something, or cancel")
    board_of(request).chambers.check_listens(one)
    await asyncio.to_thread(ask, one.folder, NoteRequest(text))
    return JSONResponse({"said": f"chamber {one.folder.header.chamber}: noted"})


def routes() -> list[BaseRoute]:
    """The board's addresses."""
    from starlette.routing import Route

    return [
        Route("/", board_page),
        Route("/board/events", board_events),
        Route("/stop", stop_all, methods=["POST"]),
        Route("/live/{session:path}/events", session_events),
        Route("/live/{session:path}/stop", stop_one, methods=["POST"]),
        Route("/live/{session:path}/note", note, methods=["POST"]),
        Route("/live/{session:path}", session_page),
    ]
