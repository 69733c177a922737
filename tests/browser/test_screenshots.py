"""The pictures of the manual are made here, from pages that run.

    SCREENSHOTS=docs/images pytest tests/browser/test_screenshots.py

makes those of `docs/how-to/watch-chambers.md` anew; without, they go to a folder of the test's.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from browser.lab import recording, screens, squad, weeks
from conftest import ROOT

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith(("linux", "darwin")), reason="needs pseudo-terminals, which Linux and macOS have"
)
MANUAL = ROOT / "docs" / "how-to" / "watch-chambers.md"
LEAST_BYTES = 15_000


def test_the_manuals_pictures_are_of_pages_that_run(page: Any, tmp_path: Path) -> None:
    out = Path(os.environ.get("SCREENSHOTS", tmp_path / "images"))
    out.mkdir(parents=True, exist_ok=True)

    def shoot(name: str, width: int = 1366, height: int = 768, scheme: str = "light") -> None:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(600)
        page.screenshot(path=out / name)

    with squad(tmp_path / "data") as playing, screens(tmp_path / "data") as one:
        page.goto(one.address)
        page.wait_for_selector(".card[data-key='lab/H'][data-state=running]")
        shoot("board.png")
        shoot("board-phone.png", 390, 844, "dark")
        for chamber, name in (("A", "live-conflict.png"), ("D", "live-shuttle.png")):
            path = playing[chamber].folder.path
            page.goto(f"{one.address}/live/{path.parent.name}/{path.name}")
            page.wait_for_function("() => document.getElementById('state').textContent === 'running'")
            shoot(name, 1366, 860, "light" if chamber == "A" else "dark")
    with recording(tmp_path / "sound") as one_playing, screens(tmp_path / "sound") as one:
        path = one_playing.folder.path
        page.goto(f"{one.address}/live/{path.parent.name}/{path.name}")
        page.wait_for_selector("#sound[data-calls]")
        shoot("live-sound.png", 1366, 760)
    shutil.copytree(ROOT / "sample_data" / "study", tmp_path / "study")
    with screens(tmp_path / "study", "--rig", "simulated", "--simulate") as one:
        page.goto(f"{one.address}/start/A")
        shoot("start.png")
        page.goto(f"{one.address}/study")
        page.locator(".cell a", has_text="R10").click()
        page.wait_for_selector("#verified.good")
        page.wait_for_selector("#sound[data-columns]")
        shoot("session.png", 1366, 900)
    (tmp_path / "weeks").mkdir()
    weeks(tmp_path / "weeks")
    with screens(tmp_path / "weeks") as one:
        page.goto(f"{one.address}/study")
        page.wait_for_selector("#grid figure")
        page.select_option("#measure", "unpunished_rate_per_min")
        shoot("study.png", 1366, 940)
    made = {path.name for path in out.glob("*.png") if path.stat().st_size > LEAST_BYTES}
    named = set(re.findall(r"\.\./images/([\w-]+\.png)", MANUAL.read_text(encoding="utf-8")))
    assert named <= made
    assert named <= {path.name for path in (ROOT / "docs" / "images").iterdir()}
