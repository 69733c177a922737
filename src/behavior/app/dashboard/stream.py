"""Server-sent events: what a page is told as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

BREATH_S = 1.0
"""After so much silence a comment is sent, so that a page knows that the server lives."""


def events(request: Request, messages: AsyncIterator[bytes]) -> Response:
    """An event stream.

    Parameters
    ----------
    request : that asked for it
    messages : JSON documents, each without line breaks; ends when the iterator does, or when nobody listens any more
    """
    from starlette.responses import StreamingResponse

    async def lines() -> AsyncIterator[bytes]:
        yield b"retry: 500\n\n"
        coming: asyncio.Future[bytes] | None = None
        try:
            while True:
                coming = coming or asyncio.ensure_future(anext(messages))
                done, _ = await asyncio.wait((coming,), timeout=BREATH_S)
                if not done:
                    yield b"event: breath\ndata: 0\n\n"
                    continue
                message, coming = coming.result(), None
                yield b"data: %b\n\n" % message
        except StopAsyncIteration:
            return
        finally:
            if coming is not None:
                coming.cancel()

    return StreamingResponse(
        lines(), media_type="text/event-stream", headers={"cache-control": "no-store", "x-accel-buffering": "no"}
    )
