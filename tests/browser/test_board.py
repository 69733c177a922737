"""The live board as people see and use it: in Chromium, with sessions that run."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from behavior.model.events import Noted, Stopped
from behavior.session.engine import read_status
from behavior.session.folder import SessionFolder, find_sessions
from behavior.session.verify import verify
from browser.lab import Playing, Screens, screens, squad

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith(("linux", "darwin")), reason="needs pseudo-terminals, which Linux and macOS have"
)


class Lab:
    def __init__(self, playing: dict[str, Playing], one: Screens) -> None:
        self.playing, self.screens, self.address = playing, one, one.address


@pytest.fixture(scope="module")
def lab(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Eight chambers and their board."""
    data = tmp_path_factory.mktemp("lab")
    with squad(data) as playing, screens(data) as one:
        yield Lab(playing, one)


def card(page: Any, chamber: str) -> Any:
    return page.locator(f".card[data-key='lab/{chamber}']")


def wait_for_state(one: Any, state: str) -> None:
    one.page.wait_for_function("([card, state]) => card.dataset.state === state", arg=[one.element_handle(), state])


def test_every_chamber_has_a_card_that_says_how_it_stands(page: Any, lab: Lab) -> None:
    page.goto(lab.address)
    page.wait_for_selector(".card[data-key='lab/H']")
    assert page.locator(".card").count() == 8
    for chamber, playing in lab.playing.items():
        text = card(page, chamber).inner_text()
        header = playing.folder.header
        assert header.subject in text and f"code {header.treatment.blind_code}" in text and "running" in text
        assert header.paradigm.replace("_", " ") in text
        assert f"shocker-{chamber} 0." in text and "GB free" in text
    assert "trial" in card(page, "C").inner_text() and "escapes" in card(page, "C").inner_text()
    assert "of 500" in card(page, "A").inner_text() and "/min" in card(page, "A").inner_text()


def test_no_page_tells_a_dose(page: Any, lab: Lab) -> None:
    folder = lab.playing["A"].folder
    session = f"{folder.path.parent.name}/{folder.path.name}"
    for address in ("/", f"/live/{session}", f"/session/{session}", "/study"):
        page.goto(lab.address + address)
        page.wait_for_timeout(300)
        text = page.content()
        assert "mg/kg" not in text and "ipsapirone" not in text, address


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (390, 844), (820, 1180)], ids=["desk", "phone", "tablet"])
def test_nothing_is_cut_off_at_any_size(page: Any, lab: Lab, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(lab.address)
    page.wait_for_selector(".card[data-key='lab/H']")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    cut = page.evaluate(
        "[...document.querySelectorAll('.card *')].filter(e => e.scrollWidth > e.clientWidth + 1 && "
        "getComputedStyle(e).display !== 'inline').map(e => e.className)"
    )
    assert cut == []
    small = page.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => e.childElementCount === 0 && e.textContent.trim() && "
        "e.offsetParent && parseFloat(getComputedStyle(e).fontSize) < 13).length"
    )
    assert small == 0
    if width == 1366:
        bottom = page.evaluate(
            "Math.max(...[...document.querySelectorAll('.card')].map(e => e.getBoundingClientRect().bottom))"
        )
        assert bottom <= height, "eight chambers are seen at once"


CONTRAST = """() => {
  const linear = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = (rgb) => {
    const [r, g, b] = rgb.match(/[\\d.]+/g).map(Number).map(linear);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!colour.endsWith(', 0)') && colour !== 'transparent') return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = [...document.querySelectorAll('body *')].filter((e) =>
    e.offsetParent && !e.disabled && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()));
  return texts.map((e) => {
    const a = luminance(getComputedStyle(e).color), b = luminance(behind(e));
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.className + ' ' + e.textContent.slice(0, 30)];
  }).filter(([ratio]) => ratio < 4.5);
}"""
"""WCAG 2.2, 1.4.3: text stands out by 4.5 to 1."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ["/", "/study", "/live/{A}", "/session/{A}"])
def test_text_stands_out_in_light_and_in_dark(page: Any, lab: Lab, scheme: str, address: str) -> None:
    page.emulate_media(color_scheme=scheme)
    path = lab.playing["A"].folder.path
    page.goto(lab.address + address.format(A=f"{path.parent.name}/{path.name}"))
    page.wait_for_timeout(300)
    assert page.evaluate(CONTRAST) == []


def test_the_colours_can_be_chosen_and_stay(page: Any, lab: Lab) -> None:
    page.goto(lab.address)
    page.click("#theme")
    page.click("#theme")
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)"
    page.click("#theme")


def test_by_keys_alone_one_moves_opens_and_goes_back(page: Any, lab: Lab) -> None:
    page.goto(lab.address)
    page.wait_for_selector(".card[data-key='lab/H']")
    card(page, "A").focus()
    for key, chamber in (("ArrowRight", "B"), ("ArrowDown", "F"), ("ArrowLeft", "E"), ("ArrowUp", "A")):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.dataset.key") == f"lab/{chamber}"
    page.keyboard.press("Enter")
    page.wait_for_url("**/live/sub-R01/**")
    page.go_back()
    page.wait_for_selector(".card[data-key='lab/H']")
    assert card(page, "H").get_attribute("data-state") == "running"


def test_a_stop_is_confirmed_once_and_can_be_let_be(page: Any, lab: Lab) -> None:
    page.goto(lab.address)
    page.wait_for_selector(".card[data-key='lab/B']")
    card(page, "B").focus()
    page.keyboard.press("s")
    assert page.locator("#ask-stop h2").inner_text() == "Stop R02 in chamber B?"
    page.keyboard.press("Escape")
    card(page, "B").locator("button.stop").click()
    page.click("#ask-stop button[value=cancel]")
    assert not [item for item in lab.playing["B"].folder.read().items if isinstance(item, Stopped)]
    card(page, "B").locator("button.stop").click()
    page.click("#ask-stop button[value=stop]")
    wait_for_state(card(page, "B"), "ended")
    assert "stopped by the experimenter (board)" in card(page, "B").inner_text()
    (stopped,) = (item for item in lab.playing["B"].folder.read().items if isinstance(item, Stopped))
    assert stopped.by == "the experimenter (board)"
    assert card(page, "A").get_attribute("data-state") == "running"


def test_a_note_goes_into_the_journal_and_a_page_in_a_note_goes_nowhere(page: Any, lab: Lab) -> None:
    page.goto(lab.address)
    page.wait_for_selector(".card[data-key='lab/C']")
    card(page, "C").focus()
    page.keyboard.press("n")
    page.fill("#note-text", "<img src=x onerror=alert(1)> näher")
    page.click("#ask-note button[value=note]")
    page.wait_for_function("() => document.querySelector(\".card[data-key='lab/C']\").innerText.includes('1 note')")
    folder = lab.playing["C"].folder
    assert [item.text for item in folder.read().items if isinstance(item, Noted)] == [
        "<img src=x onerror=alert(1)> näher"
    ]
    page.goto(f"{lab.address}/live/{folder.path.parent.name}/{folder.path.name}")
    page.wait_for_selector("#notes li")
    assert "<img src=x onerror=alert(1)> näher" in page.locator("#notes li").inner_text()
    assert page.locator("#notes img").count() == 0


def wait_until_drawn(page: Any, selector: str) -> None:
    """Until more than the paper is on a canvas."""
    script = """(selector) => {
      const canvas = document.querySelector(selector);
      if (!canvas.width || !canvas.height) return false;
      const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      return !pixels.every((value, i) => value === pixels[i % 4]);
    }"""
    page.wait_for_function(script, arg=selector, polling=200)


def test_an_open_session_shows_its_record_trials_and_events(page: Any, lab: Lab) -> None:
    page.asked.clear()
    for chamber, canvases in (("A", ["#record", "#raster"]), ("D", ["#record", "#raster", "#trials"])):
        path = lab.playing[chamber].folder.path
        page.goto(f"{lab.address}/live/{path.parent.name}/{path.name}")
        page.wait_for_function("() => document.getElementById('state').textContent === 'running'")
        page.wait_for_timeout(300)
        streams = [url for url in page.asked if url.endswith("/events")]
        assert len(streams) == 1, "a browser has six connections, and a stop must find one free"
        page.asked.clear()
        for canvas in canvases:
            wait_until_drawn(page, canvas)
    assert page.locator("#sound-section").is_hidden()


def test_an_engine_that_is_silent_is_said_and_comes_back(page: Any, lab: Lab) -> None:
    """Its process is stopped with a signal, as a computer that hangs is."""
    import subprocess

    folder = lab.playing["G"].folder
    status = read_status(folder.path)
    assert status is not None
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    page.goto(lab.address)
    page.wait_for_selector(".card[data-key='lab/G']")
    lab.playing["G"].end()
    (folder.path / "engine.json").write_text(
        json.dumps(
            {"pid": sleeper.pid, "host": status.host, "written_at": 0.0, "now_us": 0, "looked_us": 0, "heard_us": {}}
        )
    )
    wait_for_state(card(page, "G"), "silent")
    assert "no sign of the engine" in card(page, "G").inner_text()
    sleeper.kill()
    sleeper.wait()
    wait_for_state(card(page, "G"), "died")
    assert "behavior resume" in card(page, "G").inner_text()


def test_stop_all_stops_all_that_can_be(page: Any, lab: Lab) -> None:
    page.goto(lab.address)
    page.wait_for_selector(".card[data-key='lab/H']")
    page.click("#stop-all")
    assert "Stop all 6 sessions?" in page.locator("#ask-stop h2").inner_text()
    page.click("#ask-stop button[value=stop]")
    for chamber in "ACDEFH":
        wait_for_state(card(page, chamber), "ended")
    assert page.locator("#stop-all").is_disabled()


# -- real engines -----------------------------------------------------------------------------------------------------

ANSWERS = {"subject": "R5", "experimenter": "me", "weight-g": "281", "blind-code": "X7", "injected-at": "00:00"}


def test_a_session_is_started_survives_its_board_and_is_stopped_from_the_next(page: Any, tmp_path: Path) -> None:
    with screens(tmp_path, "--rig", "simulated", "--simulate") as one:
        page.goto(one.address)
        page.locator(".card[data-key='simulated/B'] a.button").click()
        page.wait_for_url("**/start/B")
        page.click("button[type=submit]")
        assert page.locator(":invalid").count() > 0, "nothing is preselected, and nothing starts without an answer"
        for name, answer in ANSWERS.items():
            page.fill(f"#{name}", answer)
        page.select_option("#paradigm", "geller_seifter")
        page.select_option("#parameters", "geller_seifter-classic")
        page.fill("#weight-g", "heavy")
        page.click("button[type=submit]")
        page.wait_for_function("() => document.getElementById('wrong').textContent")
        assert "“Weight, g”: must be a number of grams (is 'heavy')" in page.locator("#wrong").inner_text()
        assert [line for line in page.said if "400" in line] == page.said, "the browser's own word for a refusal"
        page.said.clear()
        page.fill("#weight-g", "281")
        page.click("button[type=submit]")
        page.wait_for_url(f"{one.address}/")
        started = page.locator(".card[data-key='simulated/B']")
        wait_for_state(started, "running")
        page.go_back()
        page.wait_for_selector("#subject")
        assert page.input_value("#subject") == "" and page.input_value("#paradigm") == "", (
            "a step back fills nothing in"
        )
        page.goto(one.address)
        (folder,) = find_sessions(tmp_path)
        status = read_status(folder.path)
        assert status is not None
        one.kill()
        page.wait_for_function("() => document.getElementById('link').textContent.includes('does not answer')")
        os.kill(status.pid, 0)
        grows_on(folder)
        one.begin()
        page.wait_for_function("() => document.getElementById('link').textContent.includes('live')")
        wait_for_state(started, "running")
        started.locator("button.stop").click()
        page.click("#ask-stop button[value=stop]")
        wait_for_state(started, "ended")
        footer = folder.footer
        assert footer is not None and footer.reason == "stopped by the experimenter (board)"
        assert verify(folder).remarks == ()
        assert one.end() == 0


def grows_on(folder: SessionFolder) -> None:
    """Waits for the journal, not for the clock."""
    import time

    size, deadline = folder.journal_path.stat().st_size, time.monotonic() + 60
    while folder.journal_path.stat().st_size == size:
        assert time.monotonic() < deadline, "the journal has stopped with the board"
        time.sleep(0.05)


def test_an_engine_that_is_killed_is_said_to_have_died(page: Any, tmp_path: Path) -> None:
    from app.commands import started
    from app.test_run import WHAT, WHO, arguments

    process = started(arguments(tmp_path, *WHO, *WHAT, "--simulate"))
    try:
        with screens(tmp_path) as one:
            page.goto(one.address)
            page.wait_for_selector(".card[data-state=running]")
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            page.wait_for_selector(".card[data-state=died]")
            assert "the engine died" in page.locator(".card").inner_text()
            assert page.locator(".card button.stop").count() == 0
    finally:
        process.kill()


def test_sound_is_shown_with_its_calls_while_it_is_recorded(page: Any, tmp_path: Path) -> None:
    """The journal says that it records and what is heard; the file grows as a microphone's does."""
    from behavior.audio.write import RecordingWriter
    from behavior.model.commands import BeginComponent
    from behavior.model.events import CallHeard, RecordingStarted, SessionStarted, SoundLost
    from behavior.simulate.acoustics import PlannedCall, Soundscape

    blocks = iter(Soundscape(250_000, 12.0, 1, [PlannedCall(5.0, 0.8)], []).blocks())
    heard = [CallHeard(5_100_000, 800_000, 25_000.0, "22-kHz"), SoundLost(6_000_000, 250, "the ring is full")]
    items = [SessionStarted(0), RecordingStarted(100_000, "audio.wav", 250_000), BeginComponent("test"), *heard]
    playing = Playing(tmp_path, items, 8.0, simulated=True)
    path = playing.folder.path
    with RecordingWriter(path / "audio.wav", 250_000) as file, screens(tmp_path) as one:
        while file.n_samples < 8 * 250_000:
            file.write(next(blocks))
        page.goto(one.address)
        page.wait_for_selector(".card[data-state=running]")
        assert "✕ 250 samples lost" in page.inner_text(".card") and "1 call" in page.inner_text(".card")
        page.goto(f"{one.address}/live/{path.parent.name}/{path.name}")
        page.wait_for_function("() => Number(document.getElementById('sound').dataset.calls) === 1", timeout=60_000)
        shown = int(page.locator("#sound").get_attribute("data-columns"))
        assert shown >= 690
        wait_until_drawn(page, "#sound")
        for block in blocks:
            file.write(block)
        page.wait_for_function(f"() => Number(document.getElementById('sound').dataset.columns) > {shown}")
    playing.end()


def test_a_finished_session_and_its_study_are_shown(page: Any, tmp_path: Path) -> None:
    import shutil

    from conftest import ROOT

    shutil.copytree(ROOT / "sample_data" / "study", tmp_path / "data")
    with screens(tmp_path / "data") as one:
        page.goto(f"{one.address}/study")
        page.wait_for_selector("#grid figure")
        assert page.locator("#grid figure").count() == 6
        page.select_option("#measure", "calling_time_s")
        assert page.locator("#grid figure").count() == 4
        wait_until_drawn(page, "#grid figure:first-child canvas")
        page.locator(".cell a", has_text="R07").click()
        page.wait_for_selector("#verified.good")
        page.wait_for_selector("#sound[data-columns]")
        page.wait_for_selector("#session[data-drawn]")
        assert "4 calls" in page.locator("#sound-said").inner_text()
        for canvas in ("#raster", "#sound"):
            wait_until_drawn(page, canvas)
        page.reload()
        page.wait_for_selector("#verified.good")
        page.go_back()
        page.wait_for_selector("#grid figure")


def test_on_this_computer_the_address_holds_a_token_and_a_page_outlives_the_board(
    page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    data = tmp_path / "data"
    data.mkdir()
    with squad(data, only="A") as playing, screens(data, "--token") as one:
        bare, _, token = one.address.partition("?token=")
        assert len(token) == 43
        page.goto(bare)
        assert "Refused" in page.content()
        page.wait_for_load_state("networkidle")
        page.said.clear()
        page.goto(one.address)
        page.wait_for_selector(".card[data-state=running]")
        assert "token" not in page.url
        one.kill()
        assert one.begin() == one.address, "the token is the same"
        page.goto(bare)
        page.wait_for_selector(".card[data-state=running]")
        card(page, "A").locator("button.stop").click()
        page.click("#ask-stop button[value=stop]")
        wait_for_state(card(page, "A"), "ended")
        assert [item for item in playing["A"].folder.read().items if isinstance(item, Stopped)]


def test_others_on_the_network_look_with_the_token_and_change_nothing(page: Any, tmp_path: Path) -> None:
    with squad(tmp_path, only="A") as playing, screens(tmp_path, "--lab-network") as one:
        assert "token=" in one.address
        page.goto(one.address)
        page.wait_for_selector(".card[data-state=running]")
        assert "token" not in page.url
        assert page.locator("button.stop").count() == 0
        said = page.evaluate("fetch('/stop', {method: 'POST', body: '{}'}).then(a => a.text())")
        assert "read-only" in said
        page.said.clear()
        assert not [item for item in playing["A"].folder.read().items if isinstance(item, Stopped)]
