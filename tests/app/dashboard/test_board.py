"""The board's addresses: what is asked of sessions, and what starting asks first."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.dashboard.labs import begun, closed, shows
from app.dashboard.visitor import Visitor
from behavior.app.dashboard import start
from behavior.app.dashboard.access import Access
from behavior.app.dashboard.board import BY, LiveBoard, Seen, _since, _whole
from behavior.app.dashboard.command import screens, starter_for
from behavior.app.dashboard.site import NotHere, Site
from behavior.app.dashboard.start import ASKED, Starter, free
from behavior.app.dashboard.watch import Watch
from behavior.model import events as e
from behavior.model.errors import BadInput, Failure
from behavior.session.folder import SessionFolder
from behavior.session.requests import NoteRequest, StopRequest, take
from session.recorded import header_of

ANSWERS = {
    "subject": "R5", "experimenter": "me", "weight-g": "281", "blind-code": "K7QM", "injected-at": "00:00",
    "paradigm": "geller_seifter", "parameters": "usual",
}  # fmt: skip


class Lab:
    """A data folder with one session that runs, and its screens."""

    def __init__(self, data: Path, access: Access | None = None, rig: str | None = "simulated") -> None:
        self.data = data
        self.folder: SessionFolder = begun(data, rig="simulated")
        shows(self.folder, at_s=time.time())
        self.app: Any = screens(data, access or Access(), starter_for(rig, data, simulated=True) if rig else None)
        self.board: LiveBoard = self.app._app.state.board
        self.board.chambers.look()
        self.visitor = Visitor(self.app)
        self.address = f"/live/{self.folder.path.relative_to(data).as_posix()}"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_a_stop_is_put_before_the_engine_and_nothing_else_happens(lab: Lab) -> None:
    answer = lab.visitor.post(f"{lab.address}/stop", {})
    assert (answer.status_code, answer.json()) == (200, {"said": "chamber A: asked to stop"})
    assert take(lab.folder.path) == [StopRequest(BY)]
    assert BY.startswith("the experimenter"), "`behavior run` takes such a stop for no failure"


def test_stop_all_asks_every_session_that_runs_although_one_cannot_be_asked(lab: Lab, tmp_path: Path) -> None:
    others = [begun(tmp_path, chamber=name, subject=f"R{name}") for name in "BC"]
    for other in others:
        shows(other, at_s=time.time())
    (lab.folder.path / "requests").write_text("in the way")
    lab.board.chambers._looked_s = 0.0
    lab.board.chambers.look()
    answer = lab.visitor.post("/stop", {})
    assert answer.status_code == 500
    assert "switch the shocker off" in answer.json()["error"]
    assert sorted(answer.json()["asked"]) == ["B", "C"]
    assert all(take(other.path) == [StopRequest(BY)] for other in others)


def test_an_engine_that_is_gone_is_asked_nothing_and_that_is_said(lab: Lab) -> None:
    shows(lab.folder, at_s=0.0)
    lab.board.chambers._followed[lab.folder.path].status = None
    lab.board.chambers.look()
    for what in ("stop", "note"):
        answer = lab.visitor.post(f"{lab.address}/{what}", {"text": "x"})
        assert (answer.status_code, "is gone" in answer.json()["error"]) == (400, True)
    assert lab.visitor.post("/stop", {}).json()["asked"] == []
    assert take(lab.folder.path) == []


def test_a_note_is_passed_on_and_an_empty_one_is_not(lab: Lab) -> None:
    assert lab.visitor.post(f"{lab.address}/note", {"text": " näher an der Wand "}).status_code == 200
    assert take(lab.folder.path) == [NoteRequest("näher an der Wand")]
    for nothing in ({"text": "  "}, {}, []):
        assert lab.visitor.post(f"{lab.address}/note", nothing).status_code == 400
    assert take(lab.folder.path) == []


def test_a_session_that_is_over_or_elsewhere_is_asked_nothing(lab: Lab, tmp_path: Path) -> None:
    ended = closed(
        tmp_path, subject="R2", chamber="B", started_at=time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    )
    lab.board.chambers._looked_s = 0.0
    lab.board.chambers.look()
    answer = lab.visitor.post(f"/live/{ended.path.relative_to(tmp_path).as_posix()}/stop", {})
    assert (answer.status_code, "is over" in answer.json()["error"]) == (400, True)
    assert lab.visitor.post("/live/../elsewhere/stop", {}).status_code == 404
    assert lab.visitor.post("/live/sub-R1/stop", {}).status_code == 400


def test_a_session_that_has_left_the_board_leads_to_its_own_page(lab: Lab, tmp_path: Path) -> None:
    old = closed(tmp_path, subject="R2", started_at="2020-03-02T09:00:00+00:00").path.relative_to(tmp_path).as_posix()
    answer = lab.visitor.get(f"/live/{old}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/session/{old}")
    assert lab.visitor.get(answer.headers["location"]).status_code == 200
    assert lab.visitor.get("/live//elsewhere.example").status_code == 404


def test_the_first_look_is_over_before_the_first_page(tmp_path: Path) -> None:
    app: Any = screens(tmp_path, Access())
    begun(tmp_path)
    board: LiveBoard = app._app.state.board

    async def begin() -> int:
        async with board.running():
            return len(board.chambers.cards)

    assert asyncio.run(begin()) == 1


def test_read_only_screens_show_and_ask_nothing(tmp_path: Path) -> None:
    lab = Lab(tmp_path, Access(controls=False))
    page = lab.visitor.get("/")
    assert page.status_code == 200
    assert "Stop all" not in page.text and "read-only" in page.text
    for address in (f"{lab.address}/stop", f"{lab.address}/note", "/stop", "/start"):
        assert lab.visitor.post(address, {"text": "x"}).status_code == 403
    assert lab.visitor.get("/start/A").status_code == 400
    assert take(lab.folder.path) == []


def test_pages_of_a_session_and_of_the_board_hold_no_dose(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    for address in ("/", lab.address):
        page = lab.visitor.get(address)
        assert page.status_code == 200
        assert "ipsapirone" not in page.text and "mg/kg" not in page.text
    (card,) = (msgspec.json.decode(card) for card in lab.board.chambers.cards.values() if b"K7QM" in card)
    assert card["treatment"] == "code K7QM"


# -- the streams ------------------------------------------------------------------------------------------------------


def test_the_stream_of_the_board_begins_with_all_cards_and_goes_on_with_those_that_change(lab: Lab) -> None:
    from starlette.requests import Request

    from behavior.app.dashboard.board import board_events

    async def listen() -> list[dict[str, Any]]:
        request = Request({"type": "http", "app": lab.app._app, "headers": [], "method": "GET", "path": "/"})
        found: list[dict[str, Any]] = []
        async with lab.board.running():
            answer: Any = await board_events(request)
            async for chunk in answer.body_iterator:
                if chunk.startswith(b"data: {"):
                    found.append(msgspec.json.decode(chunk.removeprefix(b"data: ")))
                    if len(found) == 2:
                        break
                    lab.folder.close(_footer(lab.folder))
            await answer.body_iterator.aclose()
        return found

    first, second = asyncio.run(listen())
    assert first["order"] == second["order"] == ["simulated/A", "simulated/B"]
    assert [card["state"] for card in first["cards"]] == ["running", "empty"]
    assert [card["state"] for card in second["cards"]] == ["ended"]
    assert lab.board._watchers == 0


def _footer(folder: SessionFolder) -> Any:
    from behavior.session.folder import Totals
    from behavior.session.journal import JournalWriter

    with JournalWriter(folder.journal_path, folder.header_bytes, continues=folder.read()) as journal:
        return Totals().footer(journal, reason="completed", ended_at="")


def test_what_a_page_is_told_later_is_what_it_has_not_been_told() -> None:
    watch = Watch(header_of())
    for at_s in range(5000):
        watch.take(e.LeverPressed(at_s * 1_000_000, "left"), 0)
    whole, seen = _whole(watch), Seen.of(watch)
    assert len(whole["events"]) == 3 * 601, "ten minutes of them"
    assert whole["record"][0] == [1, 0] and whole["record"][-1][0] == 5000
    assert _since(watch, seen)["events"] == []
    watch.take(e.Crossed(5_000_000_000, "left"), 0)
    watch.take(e.Noted(5_000_000_001, "x"), 0)
    watch.take(e.Delivered(5_000_000_002, 1), 0)
    told = _since(watch, seen)
    assert told["events"] == [5_000_000_000, 1, 2, 5_000_000_001, 2, 2, 5_000_000_002, 3, 2]
    assert told["lanes"] == ["left lever", "to left", "note", "reinforcer"]
    assert told["responses"] == [5_000_000_000]
    assert told["marks"] == [(5_000_000_002, False)]
    assert told["notes"] == [(5000.000001, "x")]


# -- starting ---------------------------------------------------------------------------------------------------------


def starter(data: Path) -> Starter:
    found = starter_for("simulated", data, simulated=True)
    assert found is not None
    return found


def test_answers_become_the_options_of_the_terminal_one_argument_each(tmp_path: Path) -> None:
    command = starter(tmp_path).command(
        "A", {**ANSWERS, "subject": " R5 ", "experimenter": "--simulate; rm -rf /"}, Site(tmp_path)
    )
    assert command[4:] == [
        "run", "simulated", "--chamber=A", f"--out={tmp_path}", "--subject=R5", "--experimenter=--simulate; rm -rf /",
        "--weight-g=281", "--blind-code=K7QM", "--injected-at=00:00", "--paradigm=geller_seifter", "--simulate",
    ]  # fmt: skip


def test_every_question_is_an_option_of_run() -> None:
    import inspect

    from behavior.app.run import run

    assert {one.option.replace("-", "_") for one in ASKED} <= set(inspect.signature(run).parameters)


@pytest.mark.parametrize("missing", ["subject", "experimenter", "weight-g", "paradigm", "parameters", "injected-at"])
def test_nothing_that_is_needed_is_made_up(tmp_path: Path, missing: str) -> None:
    with pytest.raises(BadInput, match="fill in what is missing"):
        starter(tmp_path).command("A", {**ANSWERS, missing: " "}, Site(tmp_path))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"paradigm": "evil.py"}, BadInput),
        ({"paradigm": "os"}, BadInput),
        ({"parameters": "../elsewhere.toml"}, NotHere),
        ({"parameters": "/etc/passwd"}, NotHere),
        ({"parameters": "plan.csv"}, NotHere),
        ({"master": "../sub-R1"}, NotHere),
    ],
    ids=["a file of code", "a module", "outside", "absolute", "no TOML", "a master outside"],
)
def test_a_page_names_no_code_and_no_file_of_elsewhere(tmp_path: Path, change: dict[str, str], error: type) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "plan.csv").write_text("")
    (tmp_path / "elsewhere.toml").write_text("")
    with pytest.raises(error):
        starter(data).command("A", ANSWERS | change, Site(data))


def test_parameters_are_shipped_ones_or_lie_in_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "parameters").mkdir()
    (tmp_path / "parameters" / "own.toml").write_text("")
    for name, ends in (("geller_seifter-classic", "geller_seifter-classic.toml"), ("parameters/own.toml", "own.toml")):
        command = starter(tmp_path).command("A", {**ANSWERS, "parameters": name}, Site(tmp_path))
        (option,) = (one for one in command if one.startswith("--parameters="))
        assert option.endswith(ends) and Path(option.removeprefix("--parameters=")).is_file()


def test_why_a_session_is_not_as_planned_goes_with_it(tmp_path: Path) -> None:
    command = starter(tmp_path).command("A", ANSWERS | {"deviation": "a syringe broke"}, Site(tmp_path))
    assert "--deviation=a syringe broke" in command


def test_a_sentence_of_the_command_names_what_the_page_asks() -> None:
    for one in ASKED:
        assert (
            start.as_labelled(f"say --{one.option}, or --{one.option}-x") == f"say “{one.label}”, or --{one.option}-x"
        )
    assert start.as_labelled("--seed and --day: no") == "--seed and “Day of the study”: no"


def test_neither_a_chamber_nor_a_subject_is_in_two_sessions(lab: Lab) -> None:
    running = lab.board.chambers.live()
    with pytest.raises(BadInput, match="R1 is in chamber A; stop that session first"):
        free(running, "simulated", "A", "R9")
    with pytest.raises(BadInput, match="R1 is in chamber A of simulated; look at the animal again"):
        free(running, "simulated", "B", "R1")
    free(running, "simulated", "B", "R9")
    refused = lab.visitor.post("/start", {**ANSWERS, "chamber": "A"})
    assert (refused.status_code, "stop that session first" in refused.json()["error"]) == (400, True)


def test_a_page_of_questions_has_nothing_chosen(lab: Lab) -> None:
    page = lab.visitor.get("/start/B").text
    assert 'value="' not in page.split("<select")[0].split("<form")[1], "no field is filled in"
    assert page.count("selected") == 2 and page.count('<option value="" selected>') == 2
    assert page.count('autocomplete="off"') >= len(ASKED)
    assert lab.visitor.get("/start/C").status_code == 404


def test_a_rig_is_needed_to_start_anything(tmp_path: Path) -> None:
    lab = Lab(tmp_path, rig=None)
    assert (
        "give `behavior dashboard` the rig" in lab.visitor.post("/start", {**ANSWERS, "chamber": "A"}).json()["error"]
    )
    with pytest.raises(BadInput, match="name the rig with --rig"):
        starter_for(None, tmp_path, simulated=True)


def said(tmp_path: Path, code: str) -> Any:
    return asyncio.run(start.begun([sys.executable, "-c", code], tmp_path, "A"))


def test_what_a_start_says_is_what_the_page_says(tmp_path: Path) -> None:
    assert said(tmp_path, "print('Session: /x/y', flush=True)") == Path("/x/y")
    with pytest.raises(BadInput, match=r"^mend it$"):
        said(tmp_path, "print('warning: w'); print('behavior: mend it'); raise SystemExit(2)")
    with pytest.raises(Failure, match=r"^device gone$"):
        said(tmp_path, "print('behavior: device gone'); raise SystemExit(1)")
    with pytest.raises(Failure, match="ended at once"):
        said(tmp_path, "pass")


def test_a_session_that_was_started_is_no_child_that_a_signal_to_the_board_reaches(tmp_path: Path) -> None:
    process, log = start._launch([sys.executable, "-c", "import os; print(os.getsid(0) == os.getpid())"], tmp_path, "A")
    assert process.wait(60) == 0
    assert log.read_text() == "True\n"
    assert isinstance(process, subprocess.Popen)
