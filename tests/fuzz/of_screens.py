"""Requests to the screens: any method, address, query, headers and body, on a data folder that has a bit of everything.

A request is a line `METHOD /address?query`, lines of headers, an empty line, and a body. What must hold of any answer:
it has a status that the screens give, it is no error of the server, it tells nothing that lies outside the data folder,
and what was asked stands in no page as it was sent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp

from behavior.app.dashboard import start
from behavior.app.dashboard.access import Access
from behavior.app.dashboard.command import screens
from behavior.app.dashboard.start import Starter
from behavior.audio.write import RecordingWriter
from behavior.scoring.finish import finish_session
from behavior.session.folder import SessionFolder
from fuzz.mutate import MARK
from fuzz.of_sessions import CALLS, REJECTED
from fuzz.target import Target, of_bytes
from session.recorded import record

HOST = "127.0.0.1:8737"
SECRET = "what-lies-outside-4711"
ALLOWED = {200, 303, 304, 307, 400, 403, 404, 405, 413, 500}
EDITS: tuple[dict[str, Any], ...] = (
    {"action": "accept", "id": "r1"}, {"action": "reject", "id": "c1"}, {"action": "undo"},
    {"action": "add", "onset_s": 0.001, "offset_s": 0.004, "low_hz": 20_000, "high_hz": 30_000},
    {"action": "move", "id": "c1", "onset_s": 0.001, "offset_s": 0.004}, {"action": "join", "ids": ["c1", "c2"]},
    {"action": "split", "id": "c1", "at_s": 0.002}, {"action": "retype", "id": "c1", "call_type": "50-kHz flat"},
)  # fmt: skip


def targets(place: Path) -> Iterator[Target]:
    data = folder(place)
    session = next(data.glob("sub-*/ses-*"))
    app = screens(data, Access(), Starter("simulated", ("A", "B"), data, simulated=True))
    asking = Asking(app)
    yield replace(of_bytes("screens/request", list(examples(data, session)), asking, cost=1.6), close=asking.close)


def folder(place: Path) -> Path:
    """A data folder with a session, its sound, calls, reports, a plan; and something outside of it."""
    data = place / "data"
    data.mkdir(parents=True)
    (place / "secret.txt").write_text(SECRET)
    (place / "report.html").write_text(SECRET)
    (data / "out").symlink_to(place)
    session = record(data).path
    finish_session(SessionFolder(session))
    (data / "report.html").write_text("<p>a report</p>")
    for where in (session, data):
        with RecordingWriter(where / "audio.wav", 250_000) as sound:
            import numpy as np

            sound.write((np.arange(5_000) % 300).astype(np.int16)[:, None])
    (session / "calls.csv").write_bytes(CALLS)
    for name, content in (("calls.csv", CALLS), ("rejected.csv", REJECTED)):
        (data / "audio.wav.review").mkdir(exist_ok=True)
        (data / "audio.wav.review" / name).write_bytes(content.replace(b"audio.flac", b"audio.wav"))
    return data


def examples(data: Path, session: Path) -> Iterator[bytes]:
    """A request to each address that there is."""
    name = session.relative_to(data).as_posix()
    pages = (
        "/", "/study", "/study/courses", "/board/events", f"/live/{name}", f"/live/{name}/events", f"/session/{name}",
        f"/session/{name}/timeline", f"/session/{name}/verified", "/report/report.html", "/static/page.js", "/start/A",
        f"/sound/{name}?file=audio.wav&first=0&n=10&column_us=500", f"/calls/{name}?file=audio.wav", "/favicon.ico",
        "/review/audio.wav", "/review/audio.wav?rater=MK", "/review/audio.wav/about", "/review/audio.wav/tile/0/0.png",
        "/review/audio.wav/entries?rater=MK", "/review/audio.wav/sound.wav?begin=0&end=0.01&factor=10",
        "/review/audio.wav/sound.wav?begin=0&end=0.01&tuned=22000", "/review/audio.wav/compare?a=MK&b=JL",
        "/review/../secret.txt", "/session/out", "/report/out/report.html", "/static/%2e%2e/site.py",
    )  # fmt: skip
    for page in pages:
        yield f"GET {page}\naccept: text/html\n\n".encode()
    answers = {
        "chamber": "A", "subject": "R01", "experimenter": "MK", "weight-g": "250", "paradigm": "geller_seifter",
        "parameters": "usual", "dose-mg-kg": "0", "vehicle": "saline",
    }  # fmt: skip
    posts: list[tuple[str, object]] = [
        ("/stop", {}), (f"/live/{name}/stop", {}), (f"/live/{name}/note", {"text": "restless"}), ("/start", answers),
        ("/review/audio.wav/use", {"rater": "MK"}),
        *[("/review/audio.wav/edit", {"rater": "MK", "seq": 0, **edit}) for edit in EDITS],
    ]  # fmt: skip
    for page, body in posts:
        yield f"POST {page}\norigin: http://{HOST}\n\n{json.dumps(body)}".encode()


class Asking:
    """Makes a request of bytes, and looks at what is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._loop = app, asyncio.new_event_loop()
        self._alive: Any = None
        self._over = asyncio.Event()

    def __call__(self, data: bytes) -> None:
        head, _, body = data.partition(b"\n\n")
        first, *lines = head.split(b"\n")
        method, _, address = first.partition(b" ")
        path, _, query = address.partition(b"?")
        headers = [(b"host", HOST.encode())]
        for line in lines:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"host":
                headers = []
            headers.append((name.strip().lower(), value.strip()))
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
            "method": method.decode("latin-1").upper(), "scheme": "http", "root_path": "", "raw_path": path,
            "path": unquote_to_bytes(path).decode("utf-8", "replace"), "query_string": query, "headers": headers,
            "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 8737),
        }  # fmt: skip
        with patch.object(start, "begun", begun):
            status, answered, told = self._loop.run_until_complete(self._answer(scope, body))
        assert status in ALLOWED, f"status {status}"
        assert SECRET.encode() not in told, "told what lies outside the data folder"
        if answered.get(b"content-type", b"").startswith(b"text/html"):
            assert MARK.encode() not in told, "what was asked stands in the page as it was sent"
        if place := answered.get(b"location", b"").decode("latin-1"):
            assert place.startswith((f"http://{HOST}/", "/")) and not place.startswith(("//", "/\\")), place
        if status == 500:
            assert b'"error"' in told or b"<html" in told, "an error without a sentence"
        if status != 403:
            assert b"content-security-policy" in answered

    async def _answer(self, scope: dict[str, Any], body: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
        if self._alive is None:
            self._alive = await self._begin()
        sent: list[Any] = []
        coming = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            if coming:
                return coming.pop()
            await asyncio.sleep(0.02)  # a stream is hung up on after its first words
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        status = next((one["status"] for one in sent if one["type"] == "http.response.start"), 0)
        headers = next((dict(one["headers"]) for one in sent if one["type"] == "http.response.start"), {})
        return status, headers, b"".join(one.get("body", b"") for one in sent)

    async def _begin(self) -> object:
        """Begin the application's life; it ends with the loop."""
        begun = asyncio.Event()

        async def receive() -> Any:
            if begun.is_set():
                await self._over.wait()
            return {"type": "lifespan.shutdown" if begun.is_set() else "lifespan.startup"}

        async def send(message: Any) -> None:
            assert message["type"].endswith(".complete"), message
            begun.set()

        task = asyncio.ensure_future(self._app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send))
        await begun.wait()
        return task

    def close(self) -> None:
        """End the application's life."""
        if self._alive is not None:
            self._over.set()
            self._loop.run_until_complete(self._alive)
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


async def begun(command: list[str], out: Path, chamber: str) -> Path:
    """Instead of a process: what the command names must be one of the rig's chambers and of our paradigms."""
    assert command[4:6] == ["run", "simulated"] and f"--out={out}" in command
    assert all(one.startswith("--") for one in command[6:]), command
    return out / "sub-R01" / "ses"
