"""Asking the screens without a browser and without a port."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from starlette.types import ASGIApp

HERE = "http://127.0.0.1:8737"


class Visitor:
    """Sends single requests to an application; keeps cookies, follows nothing."""

    def __init__(self, app: ASGIApp, base: str = HERE) -> None:
        self._app, self._base, self.cookies = app, base, httpx.Cookies()

    def request(self, method: str, address: str, **what: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=self._base, cookies=self.cookies) as client:
                answer = await client.request(method, address, **what)
                self.cookies.update(client.cookies)
                return answer

        return asyncio.run(ask())

    def get(self, address: str, **what: Any) -> httpx.Response:
        return self.request("GET", address, **what)

    def post(self, address: str, json: object = None, **what: Any) -> httpx.Response:
        """As one of the site's own pages does."""
        return self.request("POST", address, **{"headers": {"origin": self._base}, "json": json, **what})
