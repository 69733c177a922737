"""Real Chromium, through playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for the tests of a module; its event loop must not outlive it, others have loops of their own."""
    if not Path(CHROMIUM).exists() or shutil.which("chromium") is None:
        pytest.skip("needs Chromium, to look at pages as people do: apt-get install chromium fonts-dejavu-core")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[test]'")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of 1366 x 768 that must say nothing to its console and ask nobody but this computer."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    context.set_default_timeout(90_000)  # a machine may be busy: nothing here is about how long it takes
    page = context.new_page()
    page.said = []
    page.asked = []
    page.on("console", lambda message: page.said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: page.said.append(f"error: {error}"))
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    ours = ("net::ERR", "willReadFrequently")  # what a board that was killed leaves, and a test that reads a canvas
    said = [line for line in page.said if not any(part in line for part in ours)]
    elsewhere = [
        url for url in page.asked if not url.startswith(("http://127.0.0.1:", "http://localhost:", "blob:", "data:"))
    ]
    context.close()
    assert said == []
    assert elsewhere == []
