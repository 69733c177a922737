"""Who may ask the screens for anything. Pure ASGI, before every route.

1.  **Host** must be this computer: a loopback name, or on the lab network an address or its own name. A page elsewhere
    that had its name point here (DNS rebinding) carries its own name and is refused.
2.  **Origin**, where a browser sends one, must be this site; a request that changes something must have one. Requests
    that a browser marks as made by another site are refused, but for following a link to a page.
3.  **Token**: every request carries it, as a cookie that the first visit with `?token=` sets; on the lab network
    always, on this computer unless left out, because a port of loopback is open to everybody who is logged in here.
4.  **Read-only**: nothing but GET and HEAD, unless the site was started with controls.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "behavior_token"
"""And the port: cookies of one host are shared by all its ports, and screens on another have a token of their own."""
LONGEST_ADDRESS = 2_000
"""Of a path or a query, in characters."""
MAX_BODY_BYTES = 64 * 1024
"""Of a request; whoever sends more is hung up on."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
        b"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
"""Of every answer; a route may set its own instead."""


@dataclass(frozen=True, slots=True)
class Access:
    """What is allowed, to whom.

    Parameters
    ----------
    controls : whether requests may change anything (start, note, stop, edit)
    token : that every request must carry; None: none is needed
    everywhere : whether other computers may ask
    """

    controls: bool = True
    token: str | None = None
    everywhere: bool = False

    def __post_init__(self) -> None:
        if self.everywhere and not self.token:
            raise ValueError("other computers may not ask without a token")

    def host_is_ours(self, host: str) -> bool:
        """Whether a Host header names this computer."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
        if name.lower() in LOOPBACK:
            return True
        if not self.everywhere:
            return False
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            own = socket.gethostname().lower()
            return name.lower() in (own, f"{own}.local", socket.getfqdn().lower())
        return True

    def refusal(self, method: str, headers: dict[str, str]) -> str | None:
        """Why a request is refused, its token aside; None if it is not."""
        host, origin = headers.get("host", ""), headers.get("origin")
        reads = method in ("GET", "HEAD")
        if not self.host_is_ours(host):
            return "this address is not one of this computer's; use the one that the terminal shows"
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            return "another site asked for this; only pages of this one may"
        from_elsewhere = headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
        if from_elsewhere and not (reads and headers.get("sec-fetch-mode") == "navigate"):
            return "another site asked for this; only pages of this one may"
        if not reads and not self.controls:
            return "these screens are read-only; start them with --controls on the computer that runs the sessions"
        if not reads and origin is None:
            return "a change needs the Origin of this site; use its pages"
        return None

    def knows(self, given: str | None) -> bool:
        """Whether this is the token, or none is needed."""
        return self.token is None or (given is not None and hmac.compare_digest(given.encode(), self.token.encode()))


class Guarded:
    """An ASGI application behind the rules of this module."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with headers that hold for every answer."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no page of ours opens a WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return
        from starlette.responses import PlainTextResponse, RedirectResponse, Response

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        answer: Response | None = None
        asked: bytes = scope["query_string"]
        cookie = cookie_of(headers.get("host", ""))
        if why := self._access.refusal(scope["method"], headers):
            answer = PlainTextResponse(f"Refused: {why}.\n", 403)
        elif not self._access.knows(_cookie(headers.get("cookie", ""), cookie)):
            query = dict(parse_qsl(asked.decode("latin-1")))
            given = query.pop("token", None)
            if not self._access.knows(given) or given is None:
                answer = PlainTextResponse("Refused: open the address that the terminal shows, token included.\n", 403)
            else:
                path = "/" + quote(scope["path"].lstrip("/\\")) + (f"?{urlencode(query)}" if query else "")
                answer = RedirectResponse(path, 303)
                answer.set_cookie(cookie, given, httponly=True, samesite="strict", max_age=30 * 86400)
        elif len(scope["path"]) > LONGEST_ADDRESS or len(asked) > LONGEST_ADDRESS or not asked.isascii():
            answer = PlainTextResponse("Refused: no page of this site has such an address.\n", 400)
        elif _stated_bytes(headers) > MAX_BODY_BYTES:
            answer = PlainTextResponse("Refused: this is more than any page of this site sends.\n", 413)

        n_bytes = 0

        async def bounded() -> Message:
            nonlocal n_bytes
            message = await receive()
            n_bytes += len(message.get("body", b""))
            return message if n_bytes <= MAX_BODY_BYTES else {"type": "http.disconnect"}

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                names = {name for name, _ in given}
                message["headers"] = [*given, *(one for one in HEADERS if one[0] not in names)]
            await send(message)

        await (answer or self._app)(scope, bounded, guarded)


def cookie_of(host: str) -> str:
    """The name of the cookie that holds the token, by the Host header of the request."""
    port = host.rpartition(":")[2]
    return f"{COOKIE}_{port}" if port.isdecimal() and port.isascii() else COOKIE


def _cookie(header: str, wanted: str) -> str | None:
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == wanted:
            return value
    return None


def _stated_bytes(headers: dict[str, str]) -> int:
    text = headers.get("content-length", "0")
    return int(text) if text.isdecimal() and len(text) < 20 else MAX_BODY_BYTES + 1
