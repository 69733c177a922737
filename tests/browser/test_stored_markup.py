"""A dataset whose every free text is markup, from the study's file to every page: it is shown, and is never markup.

Two judges: a parser, which must find no element, attribute or address that came out of the data, and Chromium, in which
none of it may run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from app.dashboard.labs import begun, closed, shows
from app.dashboard.visitor import Visitor
from behavior.app.cli import app
from behavior.app.dashboard.access import Access
from behavior.app.dashboard.command import screens
from behavior.app.selftest.finding import Finding
from behavior.app.selftest.page import as_html
from behavior.model.doses import Treatment
from behavior.model.events import Faulted, Noted, SessionStarted, Stopped
from behavior.simulate import drugs
from browser import lab
from fuzz.of_sessions import CALLS, REJECTED

MARKUP = (
    '"><img src=x onerror="pwned=1"><xss-4711 onxss="pwned=1">',
    "'><svg onload='pwned=1'><xss-4711>",
    "</title></style></script></textarea></svg><script>pwned=1</script>",
    "--><xss-4711 onxss=1>{{ 4711 * 3 }}{% 4711 %}${4711*3}<!--",
    "javascript:pwned=1//]]><xss-4711>",
    "&lt;xss-4711&gt;&#60;img src=x onerror=pwned=1&#62;",
)
SUBJECTS = ("R01", "R02", "<xss-4711>", "'onxss='1", '"onxss="1', "{{4711*3}}")
SOUND = "<xss-4711 onxss=1>'{{4711*3}}&amp;.wav"
STUDY = f"""name = "marked"
blind = false
title = {json.dumps(MARKUP[0])}
experimenter = {json.dumps(MARKUP[1])}
start = 2026-03-02T09:00:00+00:00
rig = "simulated"
subjects = "subjects.csv"
animals = {{ strain = {json.dumps(MARKUP[2])}, sex = "male", weight_g = 280 }}
exclusion_rules = [{{ name = "sick", says = {json.dumps(MARKUP[3])} }}]
[[arms]]
name = "conflict"
paradigm = "geller_seifter"
parameters = {{ n_cycles = 1 }}
compound = {json.dumps(MARKUP[3])}
vehicle = {json.dumps(MARKUP[4])}
route = {json.dumps(MARKUP[5])}
pretreatment_min = 30
volume_ml_kg = 2
doses_mg_kg = [0, 5]
n_per_dose = 3
endpoints = ["punished_rate_per_min", "unpunished_rate_per_min"]
primary = "punished_rate_per_min"
motor_control = "unpunished_rate_per_min"
"""


class Parsed(HTMLParser):
    """Elements with their attributes, and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def arisen(page: str) -> list[object]:
    """What of a page came out of the data and is no text."""
    wrong: list[object] = [
        (tag, attrs)
        for tag, attrs in Parsed(page).found
        if tag.startswith("xss") or any(name.startswith("on") for name in attrs)
        or any((value or "").strip().lower().startswith("javascript:") for value in attrs.values())
        or (tag == "script" and not str(attrs.get("src", "")).startswith("/static/"))
        or (tag == "img" and attrs.get("src") == "x")
    ]  # fmt: skip
    return wrong + (["a template was filled in"] if "14133" in page else [])


@pytest.mark.parametrize("text", [*MARKUP[:3], "<a href=' JavaScript:x'>"])
def test_the_parser_finds_markup(text: str) -> None:
    assert arisen(f'<p title="{text}">{text}</p>')


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Designed, simulated, scored and summarized by the commands; sessions with notes, and sound with calls, beside."""
    place = tmp_path_factory.mktemp("marked")
    (place / "study.toml").write_text(STUDY)
    rows = [
        f'"{name.replace(chr(34), chr(34) * 2)}",{270 + number},"{MARKUP[number].replace(chr(34), chr(34) * 2)}"'
        for number, name in enumerate(SUBJECTS)
    ]
    (place / "subjects.csv").write_text("\n".join(["subject,weight_g,supplier", *rows]) + "\n")
    data = place / "data"
    with patch.dict(drugs.DRUGS, {MARKUP[3].lower(): drugs.DRUGS["ipsapirone"]}):
        for command in (["design", place / "study.toml", "--out", data], ["simulate", data], ["summarize", data]):
            done = CliRunner().invoke(app, [str(one) for one in command])
            assert done.exit_code == 0, (done.output, done.exception)
    said: dict[str, Any] = {"experimenter": MARKUP[0], "remarks": MARKUP, "chamber": MARKUP[1], "study": MARKUP[2]}
    said["treatment"] = Treatment(dose_mg_kg=1.0, compound=MARKUP[0], vehicle=MARKUP[1], route=MARKUP[3])
    items = [
        SessionStarted(0),
        *(Noted(5 + n, text) for n, text in enumerate(MARKUP)),
        Faulted(50, MARKUP[0], MARKUP[0]),
    ]
    closed(data, [*items, Stopped(60, MARKUP[1])], MARKUP[0], subject=MARKUP[0], **said)
    shows(begun(data, items, subject=MARKUP[1], **said), at_s=time.time())
    soundfile.write(data / SOUND, np.random.default_rng(1).normal(0, 30, 50_000).astype(np.int16), 250_000)
    (data / f"{SOUND}.review").mkdir()
    for table, content in (("calls.csv", CALLS), ("rejected.csv", REJECTED)):
        named = content.replace(b"audio.flac", f'"{SOUND}"'.encode()).replace(b"22-kHz long", MARKUP[3].encode())
        (data / f"{SOUND}.review" / table).write_bytes(named.replace(b"noise", MARKUP[4].encode()))
    return data


def shown(data: Path) -> list[Path]:
    return sorted(path for path in (data / "summary").rglob("*") if path.suffix in (".html", ".svg"))


def pages(data: Path) -> Iterator[str]:
    yield from ("/", "/study", "/report/summary/report.html", f"/review/{quote(SOUND)}")
    for session in sorted(data.glob("sub-*/ses-*")):
        name = quote(session.relative_to(data).as_posix())
        yield f"/session/{name}" if (session / "footer.json").exists() else f"/live/{name}"


def test_names_become_folders_without_markup(data: Path) -> None:
    assert all(set("<>'\"&{}:") & set(path.name) == set() for path in data.glob("sub-*/*"))


def test_every_text_is_in_the_dataset(data: Path) -> None:
    """Else nothing would be shown by what follows."""
    report = Parsed((data / "summary" / "report.html").read_text()).text
    assert all(text in report for text in (MARKUP[0], MARKUP[3], MARKUP[4], MARKUP[5]))
    headers = b"".join(path.read_bytes() for path in data.glob("sub-*/ses-*/header.json"))
    assert all(json.dumps(text).encode()[1:-1] in headers for text in SUBJECTS)


def test_reports_and_figures_hold_no_element_of_the_data(data: Path) -> None:
    found = shown(data)
    assert len(found) > 5
    assert [(path.name, arisen(path.read_text())) for path in found if arisen(path.read_text())] == []
    assert "pwned" not in (data / "summary" / "analysis.R").read_text()


def test_no_page_of_the_screens_does(data: Path) -> None:
    one = Visitor(screens(data, Access()))
    shown = ""
    for address in (each for each in pages(data) if "/live/" not in each):  # that wants a server which looks around
        answer = one.get(address, headers={"accept": "text/html"})
        assert answer.status_code == 200, (address, answer.text)
        assert arisen(answer.text) == [], address
        shown += Parsed(answer.text).text
    assert MARKUP[0] in shown and MARKUP[1] in shown


def test_the_page_of_the_self_test_does_not() -> None:
    page = as_html([Finding(text, "WRONG", MARKUP, {text: text}) for text in MARKUP])
    assert arisen(page) == []
    assert MARKUP[0] in Parsed(page).text


def test_nothing_of_it_runs_in_chromium(data: Path, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    context.set_default_timeout(90_000)
    page, said = context.new_page(), list[str]()
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: said.append(message.text) if "Content Security" in message.text else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    files = [
        f"file://{quote(str(path))}"
        for path in sorted((data / "summary").rglob("*"))
        if path.suffix in (".html", ".svg")
    ]
    with lab.screens(data) as served:
        looked_at = [one for one in pages(data) if "sub-R0" not in one]
        for address in [*files, *(served.address + one for one in looked_at)]:
            page.goto(address, wait_until="load")
            if "/live/" in address or address == f"{served.address}/":
                page.get_by_text("pwned").first.wait_for()
            elif "/report/" not in address and "file:" not in address:
                page.wait_for_load_state("networkidle")
            found = page.evaluate(
                "[window.pwned, document.querySelectorAll(`xss-4711, [onxss], [onerror], [onload], img[src='x'],"
                " [href^='javascript'], script:not([src])`).length]"
            )
            assert found == [None, 0], address
    context.close()
    assert said == []
