"""The screens attacked: every address, by everybody who may not; and names that are markup."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Scope

from app.dashboard.visitor import HERE, Visitor
from behavior.app.dashboard import access as rules
from behavior.app.dashboard import board, finished, review, sound, start, study
from behavior.app.dashboard.access import COOKIE, Access
from behavior.app.dashboard.command import screens
from browser.lab import screens as served
from fuzz.of_screens import SECRET, folder

TOKEN = "Tok3n" * 8 + "abc"
KEY = {"cookie": f"{COOKIE}_8737={TOKEN}"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND")
EVERY_ROUTE: list[BaseRoute] = [
    *start.routes(), *review.routes(), *sound.routes(), *finished.routes(), *study.routes(), *board.routes(),
]  # fmt: skip
SESSION = "sub-R1/ses-20260302T090000_task-geller-seifter"
FILLS = {"session": SESSION, "file": "audio.wav", "path": "report.html", "chamber": "A", "level": "0", "index": "0"}


def address_of(route: BaseRoute) -> str:
    assert isinstance(route, Route | Mount)
    found = route.path
    for name, value in FILLS.items():
        for kind in ("", ":path", ":int"):
            found = found.replace(f"{{{name}{kind}}}", value)
    assert "{" not in found, "a new parameter of a path: say here what stands for it"
    return found


ADDRESSES = sorted({address_of(route) for route in EVERY_ROUTE} | {"/static/page.js", "/favicon.ico"})
CHANGES = sorted(
    address_of(route) for route in EVERY_ROUTE if isinstance(route, Route) and "POST" in (route.methods or ())
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("attacked"))


def visitor(data: Path, access: Access | None = None) -> Visitor:
    return Visitor(screens(data, access or Access(token=TOKEN)))


# -- token ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_answers_without_the_token(data: Path, address: str) -> None:
    one = visitor(data)
    for method in METHODS:
        answer = one.request(method, address, headers={"origin": HERE})
        assert answer.status_code == 403, (method, address)
        assert "set-cookie" not in answer.headers


WRONG = [
    TOKEN.lower(),
    TOKEN.upper(),
    TOKEN[:-1],
    TOKEN + "x",
    TOKEN[:20],
    "",
    "null",
    f" {TOKEN[1:]}",
    "é",
    "\x00",
    "%00",
]


@pytest.mark.parametrize("wrong", WRONG, ids=ascii)
def test_no_other_token_is_the_token(data: Path, wrong: str) -> None:
    one = visitor(data)
    assert one.get("/", params={"token": wrong}).status_code == 403
    assert one.get("/", headers={"cookie": f"{COOKIE}_8737={wrong}".encode()}).status_code == 403
    assert one.get("/", headers={"authorization": f"Bearer {wrong}".encode()}).status_code == 403


@pytest.mark.parametrize(
    "cookie", [f"{COOKIE}={TOKEN}", f"{COOKIE}_8738={TOKEN}", f"x{COOKIE}_8737={TOKEN}", f"{COOKIE}_8737{TOKEN}"]
)
def test_a_cookie_of_another_name_or_port_opens_nothing(data: Path, cookie: str) -> None:
    assert visitor(data).get("/", headers={"cookie": cookie}).status_code == 403


def test_the_token_opens_and_is_in_no_page_nor_address(data: Path) -> None:
    one = visitor(data)
    for address in ("/", "/study", f"/session/{SESSION}", "/review/audio.wav", "/nowhere"):
        answer = one.get(address, headers=KEY | {"accept": "text/html"})
        assert answer.status_code in (200, 404)
        assert TOKEN not in answer.text and TOKEN not in str(answer.headers)


def test_tokens_are_compared_in_a_time_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(rules.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or False)
    assert not Access(token=TOKEN).knows("x")
    assert compared == [(b"x", TOKEN.encode())]


@pytest.mark.parametrize(
    "path",
    ["//evil.example/", "/\\evil.example/", "/%5Cevil.example", "///evil.example", "/%2F%2Fevil.example", "/@evil"],
)
def test_no_first_visit_leads_to_another_site(data: Path, path: str) -> None:
    answer = visitor(data).get(f"{HERE}{path}?token={TOKEN}&next=http://evil.example")
    place = answer.headers["location"]
    assert answer.status_code == 303
    assert place.startswith("/") and not place.startswith(("//", "/\\")), place


# -- other sites ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", CHANGES)
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"])
def test_a_form_of_another_site_changes_nothing(data: Path, address: str, kind: str) -> None:
    before = sorted(path.name for path in data.rglob("*"))
    one = visitor(data)
    for origin in ({"origin": "http://evil.example"}, {"origin": "null"}, {}):
        headers = KEY | {"content-type": kind} | origin
        assert one.request("POST", address, headers=headers, content=b'{"text":"x"}').status_code == 403
    assert sorted(path.name for path in data.rglob("*")) == before


@pytest.mark.parametrize("header", ["x-http-method-override", "x-http-method", "x-method-override"])
def test_no_header_makes_a_change_of_a_look(data: Path, header: str) -> None:
    answer = visitor(data, Access(token=TOKEN, controls=False)).get("/stop", headers=KEY | {header: "POST"})
    assert answer.status_code == 405


@pytest.mark.parametrize(
    "forged",
    [
        {"x-forwarded-host": "127.0.0.1:8737", "host": "evil.example"},
        {"forwarded": "host=127.0.0.1", "host": "evil.example:8737"},
        {"host": "127.0.0.1:8737@evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "evil.example#127.0.0.1"},
        {"host": "0.0.0.0:8737"},
        {"host": "2130706433:8737"},
        {"host": "localhost.:8737"},
        {"host": "127.0.0.1:8737, evil.example"},
    ],
    ids=lambda forged: forged["host"],
)
def test_a_name_that_was_made_to_point_here_is_refused(data: Path, forged: dict[str, str]) -> None:
    assert visitor(data).get("/", headers=KEY | forged).status_code == 403


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40))
@example("http://127.0.0.1:8737.evil.example")
@example("http://127.0.0.1")
@example("HTTP://127.0.0.1:8737")
def test_no_other_origin_is_ours(origin: str) -> None:
    ours = origin in (HERE, HERE.replace("http:", "https:"))
    assert (Access().refusal("POST", {"host": "127.0.0.1:8737", "origin": origin}) is None) == ours


@pytest.mark.parametrize("path", ["/", "/board/events", f"/live/{SESSION}/events"])
def test_no_socket_is_opened_for_another_site_nor_for_ours(data: Path, path: str) -> None:
    import asyncio

    app: ASGIApp = screens(data, Access())
    said: list[Message] = []

    async def ask() -> None:
        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            said.append(message)

        scope: Scope = {"type": "websocket", "path": path, "headers": [(b"origin", b"http://evil.example")]}
        await app(scope, receive, send)

    asyncio.run(ask())
    assert [one["type"] for one in said] == ["websocket.close"]


@pytest.mark.parametrize("address", [one for one in ADDRESSES if not one.endswith("/events")])
def test_every_answer_says_that_it_may_load_and_be_framed_by_nothing_else(data: Path, address: str) -> None:
    answer = visitor(data).get(address, headers=KEY)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "frame-ancestors 'none'" in policy
    assert "script-src 'self'" in policy or "script-src" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


# -- paths ------------------------------------------------------------------------------------------------------------

WAYS_OUT = (
    "../secret.txt", "%2e%2e/secret.txt", "%2e%2e%2fsecret.txt", "..%5csecret.txt", "%252e%252e/secret.txt",
    "out/secret.txt", "/etc/passwd", "%2fetc%2fpasswd", "....//secret.txt", ".%00./secret.txt",
    "sub-R1/../../secret.txt", "out/report.html", "%c0%ae%c0%ae/secret.txt", "CON", "NUL.wav",
    "audio.wav/../../secret.txt", "audio.wav%00.txt", "C:%5Csecret.txt",
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS_OUT)
@pytest.mark.parametrize("base", ["/session/", "/live/", "/report/", "/review/", "/sound/", "/calls/", "/static/"])
def test_no_way_leads_out_of_the_data_folder(data: Path, base: str, way: str) -> None:
    one = visitor(data)
    for address in (f"{base}{way}", f"{base}{way}/timeline", f"{base}{SESSION}/{way}"):
        answer = one.get(f"{address}?file=../secret.txt&first=0&n=1&column_us=500", headers=KEY)
        assert answer.status_code in (400, 404), address
        assert SECRET not in answer.text and "root:" not in answer.text


# -- a server with everything around it -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("served")) as one:
        yield one.address


def raw(server: str, request: bytes) -> bytes:
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as one:
        one.sendall(request)
        return one.recv(65_536)


def test_a_request_that_is_too_large_or_none_is_refused_and_the_next_is_answered(server: str) -> None:
    host = server.removeprefix("http://").encode()
    assert b" 400 " in raw(server, b"GET / HTTP/1.1\r\nhost: %b\r\nx: %b\r\n\r\n" % (host, b"a" * 200_000))[:20]
    assert b" 400 " in raw(server, b"\x16\x03\x01\x02\x00\x01\r\n\r\n")[:20]
    assert b" 400 " in raw(server, b"GET / HTTP/1.1\r\nhost: %b\r\nhost: evil.example\r\n\r\n" % host)[:20]
    big = b"POST /stop HTTP/1.1\r\nhost: %b\r\norigin: http://%b\r\ncontent-length: 99999999\r\n\r\n" % (host, host)
    assert b" 413 " in raw(server, big)[:20]
    assert httpx.get(server).status_code == 200


def test_whoever_sends_nothing_keeps_nobody_waiting(server: str) -> None:
    host, port = server.removeprefix("http://").split(":")
    idle = [socket.create_connection((host, int(port))) for _ in range(100)]
    try:
        for one in idle:
            one.sendall(b"GET / HTTP/1.1\r\nhost: ")
        assert httpx.get(server, timeout=60).status_code == 200
    finally:
        for one in idle:
            one.close()
