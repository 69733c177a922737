"""The study page: plan and progress, courses, exclusions, reports; and blind until the key is opened."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from app.dashboard.labs import closed
from app.dashboard.visitor import Visitor
from behavior.app.dashboard.access import Access
from behavior.app.dashboard.blind import OPENED_KEY, SEALED_KEY, Blindness
from behavior.app.dashboard.command import screens
from behavior.app.dashboard.site import Site
from behavior.app.dashboard.study import DONE, EARLY, LEFT_OUT, MISSED, PLANNED, RUNS, courses, days_of
from behavior.model.doses import Treatment
from behavior.session.folder import SessionFolder
from behavior.study.blinding import KEY_FILE, OPENED_FILE
from behavior.study.plan import PlanRow, read_plan, write_plan
from conftest import ROOT

NOW = datetime.fromisoformat("2026-03-10T12:00:00+00:00")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    shutil.copytree(ROOT / "sample_data" / "study", data)
    return data


def visitor(data: Path) -> Visitor:
    return Visitor(screens(data, Access()))


def planned(subject: str, starts_at: str, chamber: str = "A", **what: Any) -> PlanRow:
    values = {"dose_mg_kg": None, "blind_code": None} | what
    return PlanRow(
        subject=subject, arm="x", chamber=chamber, starts_at=starts_at, allocation_seed=1, **values
    )  # fmt: skip


def session(subject: str, started_at: str, **what: Any) -> dict[str, Any]:
    values = {"dose_mg_kg": None, "blind_code": None, "left_out": "", "end_reason": "completed", "chamber": "A"}
    return {"session": f"sub-{subject}/{started_at}", "subject": subject, "started_at": started_at, **values, **what}


def cells(
    rows: list[PlanRow], sessions: list[dict[str, Any]], running: set[str] = frozenset(), blind: bool = False
) -> Any:  # type: ignore[assignment]
    days = days_of(rows, sessions, running, blind=blind, now=NOW)
    return [(day.date, chamber, cell) for day in days for chamber, here in day.by_chamber.items() for cell in here]


def test_plan_and_progress_stand_by_day_and_chamber() -> None:
    rows = [
        planned("R1", "2026-03-02T09:00:00+00:00", dose_mg_kg=0.0),
        planned("R2", "2026-03-02T10:00:00+00:00", dose_mg_kg=5.0),
        planned("R3", "2026-03-02T09:00:00+00:00", "B", dose_mg_kg=5.0),
        planned("R4", "2026-03-10T09:00:00+00:00", dose_mg_kg=0.0),
        planned("R5", "2026-03-11T09:00:00+00:00", dose_mg_kg=0.0),
        planned("R6", "2026-03-09T09:00:00+00:00", dose_mg_kg=0.0),
    ]
    sessions = [
        session("R1", "2026-03-02T09:01:00+00:00", dose_mg_kg=0.0),
        session("R2", "2026-03-02T10:00:00+00:00", dose_mg_kg=5.0, left_out="it ended early", end_reason="stopped"),
        session("R4", "2026-03-10T11:59:00+00:00", dose_mg_kg=0.0, left_out="nobody closed it", end_reason=None),
        session("R6", "2026-03-09T09:00:00+00:00", dose_mg_kg=0.0, left_out="it has no score"),
        session("R9", "2026-03-03T09:00:00+00:00", dose_mg_kg=1.0),
    ]
    found = {
        (date, chamber, cell.subject): (cell.state, cell.treatment)
        for date, chamber, cell in cells(rows, sessions, {"sub-R4/2026-03-10T11:59:00+00:00"})
    }
    assert found == {
        ("2026-03-02", "A", "R1"): (DONE, "vehicle"),
        ("2026-03-02", "A", "R2"): (EARLY, "5 mg/kg"),
        ("2026-03-02", "B", "R3"): (MISSED, "5 mg/kg"),
        ("2026-03-03", "A", "R9"): (DONE, "1 mg/kg"),
        ("2026-03-09", "A", "R6"): (LEFT_OUT, "vehicle"),
        ("2026-03-10", "A", "R4"): (RUNS, "vehicle"),
        ("2026-03-11", "A", "R5"): (PLANNED, "vehicle"),
    }


def test_each_session_stands_for_one_planned_one_of_its_code() -> None:
    rows = [
        planned("R1", f"2026-03-0{day}T09:00:00+00:00", blind_code=code) for day, code in ((2, "AAAA"), (4, "BBBB"))
    ]
    sessions = [session("R1", "2026-03-04T09:00:00+00:00", blind_code="AAAA")]
    found = [(cell.treatment, cell.state) for _, _, cell in cells(rows, sessions)]
    assert found == [("AAAA", DONE), ("BBBB", MISSED)]


def test_training_is_no_exclusion() -> None:
    one = session("R1", "2026-03-04T09:00:00+00:00", dose_mg_kg=0.0, left_out="it is a training session")
    assert cells([], [one])[0][2].state == DONE


def test_the_page_of_the_samples(study: Path) -> None:
    page = visitor(study).get("/study")
    assert page.status_code == 200
    assert "10 of 10 planned sessions are done." in page.text
    assert "5 mg/kg" in page.text and "Samples of conflict" in page.text
    assert page.text.count("/session/sub-R") == 10
    told = visitor(study).get("/study/courses").json()
    assert list(told["subjects"]) == [f"R{number:02d}" for number in range(1, 11)]
    assert told["subjects"]["R10"][0]["day"] == 2
    assert told["n_coded"] == 0


def test_an_exclusion_has_its_reason(study: Path) -> None:
    (gone,) = study.glob("sub-R03/*/score.json")
    gone.unlink()
    page = visitor(study).get("/study").text
    assert "it has no score" in page and "9 of 10 planned" in page


def test_a_folder_without_sessions_or_with_a_broken_plan_says_so(tmp_path: Path) -> None:
    assert "no session in it" in visitor(tmp_path).get("/study").text
    (tmp_path / "plan.csv").write_text("subject\nR1\n")
    page = visitor(tmp_path).get("/study")
    assert page.status_code == 200 and "this column is missing" in page.text
    assert visitor(tmp_path).get("/study/courses").json()["subjects"] == {}


# -- blindness --------------------------------------------------------------------------------------------------------


def blinded(study: Path) -> None:
    """The samples as a blind study has them: codes for some, and doses that were never secret for others."""
    rows = list(read_plan(study / "plan.csv"))
    write_plan([_coded(row) if row.subject != "R01" else row for row in rows], study / "plan.csv")
    for header in study.rglob("header.json"):
        document = json.loads(header.read_bytes())
        if document["subject"] != "R01":
            document["treatment"] |= {"blind_code": f"K{document['subject']}", "dose_mg_kg": None, "compound": None}
            header.write_text(json.dumps(document))


def _coded(row: PlanRow) -> PlanRow:
    from dataclasses import replace

    return replace(row, dose_mg_kg=None, blind_code=f"K{row.subject}")


SECRETS = ("mg/kg", "ipsapirone", "vehicle (saline)", "dose")


def pages(study: Path) -> dict[str, str]:
    one = visitor(study)
    session = next(study.glob("sub-R01/ses-*")).relative_to(study).as_posix()
    return {address: one.get(address).text for address in ("/study", "/study/courses", f"/session/{session}", "/")}


def test_while_one_session_is_under_a_code_no_page_tells_a_dose_of_any(study: Path) -> None:
    blinded(study)
    for address, text in pages(study).items():
        assert not [secret for secret in SECRETS if secret in text], address
    assert "KR05" in pages(study)["/study"]


def test_results_of_codes_are_no_part_of_the_courses(study: Path) -> None:
    blinded(study)
    told = courses(Site(study))
    assert list(told["subjects"]) == ["R01"] and told["n_coded"] == 9


def test_a_report_of_a_blind_study_waits_and_its_quality_does_not(study: Path) -> None:
    (study / "summary").mkdir()
    (study / "summary" / "report.html").write_text("<style>b{}</style>doses")
    (study / "quality.html").write_text("sound")
    one = visitor(study)
    told = one.get("/report/summary/report.html")
    assert told.status_code == 200
    assert (
        "script-src" not in told.headers["content-security-policy"]
        and "default-src 'none'" in told.headers["content-security-policy"]
    )
    assert len(told.headers.get_list("content-security-policy")) == 1
    blinded(study)
    assert one.get("/report/summary/report.html").status_code == 400
    assert one.get("/report/quality.html").text == "sound"
    for path in ("/report/study.toml", "/report/../report.html", "/report/key.json"):
        assert one.get(path).status_code == 404


def test_the_audit_log_ends_the_blindness_and_a_key_that_lies_there_does_not(tmp_path: Path) -> None:
    from behavior.study.audit import UNBLINDED, append

    folder = closed(tmp_path, treatment=Treatment(compound="x", dose_mg_kg=5.0, vehicle="saline"))
    blindness = Blindness(tmp_path)
    assert blindness.shown(folder) == "x 5 mg/kg"
    (tmp_path / KEY_FILE).write_text("")
    assert blindness.shown(folder) == "blind"
    assert blindness.holds(tmp_path) and blindness.holds(folder.path)
    (tmp_path / OPENED_FILE).write_text("{}")
    assert blindness.shown(folder) == "blind"
    append(tmp_path, UNBLINDED, KEY_FILE, who="me", new={"key_sha256": "0", "locked": "0"}, reason="done")
    assert blindness.shown(folder) == "x 5 mg/kg"
    coded = closed(tmp_path, subject="R2")
    assert blindness.shown(coded) == "code K7QM"
    assert (KEY_FILE, OPENED_FILE) == (SEALED_KEY, OPENED_KEY)


def test_one_session_under_a_code_makes_its_folder_blind_also_without_a_plan(tmp_path: Path) -> None:
    folder = closed(tmp_path, treatment=Treatment(compound="x", dose_mg_kg=5.0, vehicle="saline"))
    assert Blindness(tmp_path).shown(folder) == "x 5 mg/kg"
    closed(tmp_path, subject="R2")
    assert Blindness(tmp_path).shown(folder) == "blind"


def test_a_plan_that_cannot_be_read_shows_nothing(tmp_path: Path) -> None:
    folder = closed(tmp_path, treatment=Treatment(compound="x", dose_mg_kg=5.0, vehicle="saline"))
    (tmp_path / "plan.csv").write_text("broken")
    assert Blindness(tmp_path).shown(SessionFolder(folder.path)) == "blind"
