"""A finished session on its page: what is there, whether it holds, and nothing that a blind study hides."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from app.dashboard.labs import begun, closed
from app.dashboard.visitor import Visitor
from behavior.app.dashboard.access import Access
from behavior.app.dashboard.command import screens
from behavior.app.dashboard.finished import MOST_EVENTS, _thinned, events, verification
from behavior.app.dashboard.site import shown, words
from behavior.model.events import LeverPressed, LeverReleased, SessionStarted
from behavior.session.folder import SessionFolder
from conftest import ROOT
from session.recorded import record, signed_anew

SAMPLES = ROOT / "sample_data" / "study"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("study") / "data"
    shutil.copytree(SAMPLES, data)
    return data


def visitor(data: Path) -> Visitor:
    return Visitor(screens(data, Access()))


def addresses(data: Path) -> list[str]:
    return [f"/session/{header.parent.relative_to(data).as_posix()}" for header in sorted(data.rglob("header.json"))]


def test_every_sample_session_has_a_page_that_holds(study: Path) -> None:
    one = visitor(study)
    for address in addresses(study):
        page = one.get(address)
        assert page.status_code == 200 and "Completed\nafter" in page.text, address
        assert one.get(f"{address}/verified").json()["holds"] is True
        told = one.get(f"{address}/timeline").json()
        assert told["problems"] == [] and told["every"] == 1 and told["end_us"] > 0


def test_a_page_has_header_score_and_rows(study: Path) -> None:
    page = visitor(study).get(addresses(study)[0]).text
    for part in (
        "R01",
        "vehicle (saline)",
        "Punished responses (1/min)",
        "unpunished",
        "5eed0000000000000000000000000a01",
    ):
        assert part in page
    assert '<td class="n">166</td>' in page


def test_a_changed_session_does_not_hold_and_the_line_is_named(tmp_path: Path) -> None:
    folder = record(tmp_path)
    data = folder.journal_path.read_bytes().replace(b'"lever":"left"', b'"lever":"righ"', 1)
    folder.journal_path.write_bytes(data)
    found = verification(folder)
    assert found["holds"] is False and "line " in found["said"]
    address = f"/session/{folder.path.relative_to(tmp_path).as_posix()}"
    assert "damaged" in " ".join(visitor(tmp_path).get(f"{address}/timeline").json()["problems"])


@pytest.mark.parametrize("key", ["paradigm_file", "paradigm"])
def test_looking_at_a_page_runs_no_code_of_a_folder(tmp_path: Path, key: str) -> None:
    evil = tmp_path / "evil.py"
    evil.write_text("raise SystemExit('it ran')")
    folder = closed(tmp_path / "data", started_at="2026-03-02T09:00:00+00:00")
    header = json.loads(folder.header_bytes) | {key: str(evil)}
    (folder.path / "header.json").write_bytes(json.dumps(header).encode())
    signed_anew(folder.path)
    found = verification(SessionFolder(folder.path))
    assert "at the terminal" in found["said"] if key == "paradigm_file" else "runs no code" in found["said"]
    assert not found["holds"]


def test_a_session_without_footer_or_score_says_so(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    page = visitor(tmp_path).get(f"/session/{folder.path.relative_to(tmp_path).as_posix()}").text
    assert "Nobody closed this session" in page and "behavior rescore" in page
    (folder.path / "footer.json").write_text("{")
    page = visitor(tmp_path).get(f"/session/{folder.path.relative_to(tmp_path).as_posix()}").text
    assert "not a session&#39;s footer" in page


def test_what_is_no_session_is_not_there(study: Path) -> None:
    one = visitor(study)
    for address in ("/session/", "/session/sub-R01", "/session/../x", "/session/sub-R01/nowhere", "/session/plan.csv"):
        assert one.get(address).status_code == 404, address


def test_names_of_a_session_are_shown_as_text_and_nothing_else(tmp_path: Path) -> None:
    folder = closed(tmp_path, subject="<script>alert(1)</script>", experimenter='"><img src=x>', remarks=("<b>x</b>",))
    page = visitor(tmp_path).get(f"/session/{folder.path.relative_to(tmp_path).as_posix()}").text
    assert "<script>alert" not in page and "<img" not in page and "<b>x" not in page


def test_of_a_long_session_few_responses_are_drawn_and_everything_rare(tmp_path: Path) -> None:
    items: list[Any] = [SessionStarted(0)]
    for at in range(1, MOST_EVENTS + 2):
        items += [LeverPressed(at * 1000, "left"), LeverReleased(at * 1000 + 500, "left")]
    told = events(closed(tmp_path, items))
    assert told["every"] == 3
    assert len(told["events"]) // 3 < MOST_EVENTS and told["events"][0] == 1000
    assert told["record"][-1][0] >= MOST_EVENTS - 20, "the record counts all"
    flat = [value for at in range(9000) for value in (at, 0, 2)] + [9000, 1, 2]
    thinned = _thinned(flat, 10)
    assert thinned[-3:] == [9000, 1, 2] and len(thinned) // 3 == 901


def test_values_and_names_are_short_and_in_words() -> None:
    assert [shown(value) for value in (None, True, False, 3, 0.123456789, 25531.135, float("nan"), "x")] == [
        "–", "yes", "no", "3", "0.12346", "25531", "–", "x",
    ]  # fmt: skip
    assert words("mean_peak_hz") == "mean peak (Hz)"
