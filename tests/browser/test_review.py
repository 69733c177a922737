"""Call review in real Chromium: by mouse and by keys, kept at once, undone, reloaded, side by side."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from app.commands import started
from behavior.usv.gate import Rejected
from behavior.usv.table import REJECTED_COLUMNS, TableWriter, write_calls
from scoring.sessions import call

RATE = 250_000
TONES = ((0.5, 0.4, 23e3), (1.5, 0.05, 55e3), (2.0, 0.6, 25e3), (3.2, 0.3, 24e3))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four tones in noise, three of them found, one rejected."""
    random = np.random.default_rng(3)
    sound = random.normal(0, 25, 4 * RATE)
    for at_s, lasts_s, hz in TONES:
        t = np.arange(round(lasts_s * RATE)) / RATE
        first = round(at_s * RATE)
        sound[first : first + len(t)] += 2000 * np.hanning(len(t)) * np.sin(2 * np.pi * hz * t)
    soundfile.write(tmp_path / "box.wav", sound.astype(np.int16), RATE, subtype="PCM_16")
    place = tmp_path / "box.wav.review"
    place.mkdir()
    found = [
        replace(call(at_s, lasts_s, hz, "box.wav"), low_hz=hz - 500, high_hz=hz + 500, call_type="22-kHz long")
        for at_s, lasts_s, hz in (TONES[0], TONES[2], TONES[3])
    ]
    write_calls(place / "calls.csv", found)
    with (place / "rejected.csv").open("w", newline="") as stream:
        TableWriter(stream, REJECTED_COLUMNS).write([Rejected("box.wav", 1.5, 1.55, 54e3, 56e3, 12.0, "a lever")])
    return tmp_path


@contextmanager
def served(what: Path) -> Iterator[str]:
    """Where a recording's review is found, while the command serves it."""
    process = started(["review", what, "--port", "0", "--no-token"])
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, line
    try:
        yield found[0]
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def address(data: Path) -> Iterator[str]:
    with served(data / "box.wav") as address:
        yield address


def ready(page: Any, address: str, rater: str = "MK") -> None:
    page.goto(f"{address}?rater={rater}")
    page.wait_for_selector("body[data-ready]")


def journal(data: Path, rater: str = "MK") -> list[dict[str, Any]]:
    path = data / "box.wav.review" / f"box.wav.{rater}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()[1:]] if path.exists() else []


def kept(page: Any, data: Path, n: int) -> list[dict[str, Any]]:
    """The journal, once so many edits are in it and the page has heard so."""
    for _ in range(600):
        if len(journal(data)) >= n:
            break
        page.wait_for_timeout(50)
    page.wait_for_function("() => !document.getElementById('said').className.includes('error')")
    return journal(data)


def at(page: Any, seconds: float, hz: float) -> tuple[float, float]:
    """Where a time and a frequency lie on the screen, when the whole recording is in view from its begin."""
    view = page.locator("#view").bounding_box()
    each = page.evaluate("async () => (await (await fetch(location.pathname + '/about')).json()).column_s")
    return view["x"] + seconds / (each * 2**LEVEL), view["y"] + view["height"] * (1 - hz / 125e3)


LEVEL = 3


def near(page: Any) -> None:
    """From the beginning, at level 3: 4 ms to the pixel."""
    page.keyboard.press("Home")
    for _ in range(20):
        page.keyboard.press("+")
    for _ in range(LEVEL):
        page.keyboard.press("-")
    page.keyboard.press("Home")


def test_keys_decide_and_the_journal_has_it_before_the_page_says_so(page: Any, address: str, data: Path) -> None:
    ready(page, address)
    assert "3 calls, 1 rejected, 0 looked at" in page.inner_text("#place")
    page.keyboard.press("k")
    assert "22-kHz" in page.inner_text("#chosen")
    page.keyboard.press("r")
    assert [edit["action"] for edit in kept(page, data, 1)] == ["reject"]
    page.wait_for_function(
        "() => document.getElementById('place').textContent.includes('2 calls, 2 rejected, 1 looked')"
    )
    page.keyboard.press("k")
    page.keyboard.press("a")
    edits = kept(page, data, 2)
    assert (edits[1]["action"], edits[1]["new"][0]["onset_s"], edits[1]["who"]) == ("accept", 1.5, "MK")
    page.keyboard.press("u")
    kept(page, data, 3)
    page.wait_for_function("() => document.getElementById('place').textContent.includes('2 calls, 2 rejected')")


def test_the_next_uncertain_is_one_that_nobody_looked_at(page: Any, address: str, data: Path) -> None:
    ready(page, address)
    page.keyboard.press("n")
    first = page.inner_text("#chosen")
    assert "score" in first
    page.keyboard.press("a")
    kept(page, data, 1)
    page.keyboard.press("n")
    assert page.inner_text("#chosen") != first
    assert "score" in page.inner_text("#chosen")


def test_a_call_is_drawn_its_edge_dragged_and_it_is_split_by_mouse(page: Any, address: str, data: Path) -> None:
    ready(page, address)
    near(page)
    page.keyboard.press("d")
    (x, y), (x2, y2) = at(page, 1.45, 60e3), at(page, 1.6, 50e3)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x2, y2, steps=4)
    page.mouse.up()
    (added,) = kept(page, data, 1)
    new = added["new"][0]
    assert (added["action"], new["onset_s"], new["offset_s"]) == (
        "add",
        pytest.approx(1.45, abs=0.01),
        pytest.approx(1.6, abs=0.01),
    )
    assert new["call"]["peak_hz"] == pytest.approx(55e3, abs=1000)
    page.wait_for_function("() => document.getElementById('chosen').textContent.includes('decided by MK')")
    x, y = at(page, new["offset_s"], 55e3)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(at(page, 1.7, 55e3)[0], y, steps=4)
    page.mouse.up()
    moved = kept(page, data, 2)[1]
    assert (moved["action"], moved["new"][0]["offset_s"]) == ("move", pytest.approx(1.7, abs=0.01))
    page.wait_for_timeout(50)
    page.mouse.move(*at(page, 1.55, 55e3))
    page.keyboard.press("s")
    split = kept(page, data, 3)[2]
    assert [one["onset_s"] for one in split["new"]] == [pytest.approx(1.45, abs=0.01), pytest.approx(1.55, abs=0.01)]


def test_joining_and_retyping(page: Any, address: str, data: Path) -> None:
    ready(page, address)
    page.select_option("#shown", "calls")
    page.keyboard.press("Escape")
    page.locator("#view").focus()
    page.keyboard.press("k")
    page.keyboard.press("j")
    joined = kept(page, data, 1)[0]
    assert (joined["new"][0]["onset_s"], joined["new"][0]["offset_s"]) == (0.5, pytest.approx(2.6))
    page.wait_for_function("() => document.getElementById('place').textContent.includes('2 calls')")
    page.select_option("#type", "22-kHz short")
    retyped = kept(page, data, 2)[1]
    assert retyped["new"][0]["call_type"] == "22-kHz short"


def test_reloading_amid_the_work_and_going_back_lose_nothing(page: Any, address: str, data: Path) -> None:
    ready(page, address)
    page.keyboard.press("k")
    page.keyboard.press("r")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    kept(page, data, 1)
    page.reload()
    page.wait_for_function(
        "() => document.getElementById('place')?.textContent.includes('2 calls, 2 rejected, 1 looked')"
    )
    page.goto(address)
    page.go_back()
    page.wait_for_function(
        "() => document.getElementById('place')?.textContent.includes('2 calls, 2 rejected, 1 looked')"
    )


def test_two_windows_of_one_rater_do_not_write_over_each_other(page: Any, address: str, data: Path) -> None:
    ready(page, address)
    other = page.context.new_page()
    ready(other, address)
    page.keyboard.press("k")
    page.keyboard.press("r")
    kept(page, data, 1)
    other.keyboard.press("k")
    other.keyboard.press("a")
    other.wait_for_function(
        "() => document.getElementById('said').textContent.includes('reload the page, nothing is lost')"
    )
    assert len(journal(data)) == 1
    page.said.clear()  # the browser tells its console of the refusal
    other.close()


def test_listening_and_scoring_with_the_calls(page: Any, address: str, data: Path) -> None:
    ready(page, address)
    page.keyboard.press("k")
    with page.expect_response(lambda answer: "sound.wav" in answer.url) as heard:
        page.keyboard.press(" ")
    assert heard.value.ok
    page.click("[data-does=use]")
    page.wait_for_function("() => document.getElementById('said').textContent.includes('3 calls of MK')")
    assert (data / "box.wav.review" / "reviewed.csv").exists()


def test_raters_side_by_side(page: Any, address: str, data: Path) -> None:
    for rater, key in (("A", "r"), ("B", "a")):
        ready(page, address, rater)
        page.keyboard.press("k")
        page.keyboard.press(key)
        for _ in range(200):
            if journal(data, rater):
                break
            page.wait_for_timeout(50)
    page.goto(address)
    page.click("text=A and B")
    assert page.locator("tr.apart").count() == 1
    assert "2 calls of A, 3 of B" in page.inner_text("main")
    page.click("text=Score with B's calls")
    page.wait_for_function("() => document.getElementById('said').textContent.includes('3 calls of B')")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_is_in_view_on_a_small_laptop(page: Any, address: str, theme: str) -> None:
    page.emulate_media(color_scheme=theme)
    ready(page, address)
    for what in ("#overview", "#view", "[data-does=accept]", "[data-does=use]", "#chosen"):
        box = page.locator(what).bounding_box()
        assert box["y"] + box["height"] <= 768, what
        assert box["x"] + box["width"] <= 1366, what
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.wait_for_function(PAINTED)


PAINTED = """() => {
  const canvas = document.getElementById("view");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let n = 0;
  for (let i = 0; i < data.length; i += 400) n += data[i] > 15;
  return n > 500;
}"""


def test_what_is_not_a_number_of_hours_is_said_in_the_page(page: Any, address: str, data: Path) -> None:
    ready(page, address)
    (data / "box.wav").rename(data / "gone.wav")
    page.keyboard.press("k")
    page.keyboard.press("s")
    page.wait_for_function("() => document.getElementById('said').className === 'error'")
    assert journal(data) == []
    page.said.clear()


def test_the_picture_of_the_manual(page: Any, tmp_path: Path) -> None:
    """Remade with SCREENSHOTS=docs/images; otherwise it only has to be possible."""
    study = Path(__file__).parents[2] / "sample_data" / "study"
    folder = next(path for path in sorted(study.rglob("calls.csv"))).parent
    session = shutil.copytree(folder, tmp_path / "session")
    with served(session) as address:
        ready(page, address)
        page.keyboard.press("Home")
        page.keyboard.press("-")
        for key in ("k", "a", "k", "k", "r", "k"):
            page.keyboard.press(key)
            page.wait_for_timeout(200)
        page.wait_for_function(PAINTED)
        page.wait_for_timeout(500)
        picture = page.screenshot()
    assert len(picture) > 20_000
    if out := os.environ.get("SCREENSHOTS"):
        image = Image.open(io.BytesIO(picture)).convert("RGB").quantize(48, dither=Image.Dither.NONE)
        image.save(Path(out) / "review.png", optimize=True)
