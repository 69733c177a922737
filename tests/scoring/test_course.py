"""What a subject's sessions led to: every step follows from the sessions before it, and only baselines count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from behavior.config.read import read, read_text
from behavior.config.shipped import shipped
from behavior.model.doses import Treatment
from behavior.model.errors import BadFile, BadInput
from behavior.scoring.course import courses, drugged, shock_of, stages_of
from behavior.scoring.progress import TrainingPlan, propose
from behavior.session.assemble import core_of
from behavior.session.folder import SessionFolder, create, find_sessions
from behavior.session.record import record_session
from behavior.simulate.animals import animal_for
from behavior.simulate.ideal import IdealBox
from session.recorded import header_of

VEHICLE = Treatment(dose_mg_kg=0.0, vehicle="saline")
PLAN = """
paradigm = "geller_seifter"
[[stages]]
name = "first"
parameters = "{place}/first.toml"
criterion = {{ measure = "n_pellets_unpunished", at_least = 2 }}
[[stages]]
name = "second"
parameters = "{place}/second.toml"
criterion = {{ measure = "unpunished_rate_per_min", n_sessions = 2, within = 0.9 }}
[titration]
start_ma = 0.3
"""
FIRST = {"stage": "training", "training_s": 120, "max_reinforcers": 5}
SECOND = {"stage": "training", "training_s": 120, "training_schedule": "VI 5 s"}


def conflict(shock_ma: float) -> dict[str, Any]:
    unpunished = {"name": "unpunished", "duration_s": 120, "schedule": "VI 5 s"}
    punished = {"name": "punished", "duration_s": 60, "schedule": "CRF", "cue": "tone", "shock_ma": shock_ma}
    return {"components": [unpunished, punished], "n_cycles": 1}


@pytest.fixture
def plan(tmp_path: Path) -> TrainingPlan:
    (tmp_path / "first.toml").write_text('stage = "training"\ntraining_s = 120\nmax_reinforcers = 5\n')
    (tmp_path / "second.toml").write_text('stage = "training"\ntraining_s = 120\ntraining_schedule = "VI 5 s"\n')
    return read_text(PLAN.format(place=tmp_path), TrainingPlan)


def session(data: Path, day: int, parameters: dict[str, Any], **changes: Any) -> SessionFolder:
    started = f"2026-03-{day:02d}T09:00:00+00:00"
    values = {"parameters": parameters, "treatment": VEHICLE, "started_at": started, "seed": day, **changes}
    folder = create(data, header_of(**values))
    header = folder.header
    animal = animal_for(header.paradigm, header.parameters, header.seed, header.treatment)
    record_session(folder, core_of(header), IdealBox(animal), time_of_day=lambda: started)
    return folder


def test_a_course_lists_every_step_and_what_follows_from_the_last(plan: TrainingPlan, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for day, parameters in enumerate((FIRST, SECOND, SECOND, conflict(0.3)), start=1):
        session(data, day, parameters)
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    (course,) = courses(plan, find_sessions(data))
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before
    assert [visit.stage for visit in course.visits] == ["first", "second", "second", None]
    assert [visit.shock_ma for visit in course.visits] == [None, None, None, 0.3]
    assert [proposal.stage.name for _, proposal in course.stages] == ["second", "second", "second"]
    assert [proposal.why[:9] for _, proposal in course.stages] == ["goes on t", "stays in ", "has maste"]
    assert course.stage.mastered
    assert course.shock is not None
    ratio = course.visits[-1].suppression_ratio
    assert ratio is not None
    assert course.shock == course.shocks[-1][1]
    assert f"suppression ratio {ratio:.3g}" in course.shock.why


def test_the_shock_starts_once_the_last_stage_is_mastered(plan: TrainingPlan, tmp_path: Path) -> None:
    for day, parameters in enumerate((FIRST, SECOND, SECOND), start=1):
        session(tmp_path / "data", day, parameters)
    (course,) = courses(plan, find_sessions(tmp_path / "data"))
    assert course.stage.mastered
    assert course.shock is not None
    assert course.shock.why == "starts at 0.3 mA"


def test_drug_days_and_codes_count_for_nothing_and_say_so(plan: TrainingPlan, tmp_path: Path) -> None:
    data = tmp_path / "data"
    session(data, 1, FIRST)
    session(data, 2, SECOND, treatment=Treatment(compound="diazepam", dose_mg_kg=2.0, vehicle="saline"))
    session(data, 3, conflict(0.5), treatment=Treatment(blind_code="X7"))
    (course,) = courses(plan, find_sessions(data))
    assert [visit.left_out for visit in course.visits] == [
        "",
        "2 mg/kg diazepam is no baseline",
        "treated under the code X7, which may be a drug",
    ]
    assert course.stage.stage.name == "second"
    assert course.shocks == ()
    assert course.shock is None  # nothing to titrate before the last stage is mastered


def test_each_subject_has_its_own_course_in_order_of_time(plan: TrainingPlan, tmp_path: Path) -> None:
    data = tmp_path / "data"
    session(data, 2, SECOND, subject="R2")
    session(data, 1, FIRST, subject="R2")
    session(data, 1, FIRST, subject="R1")
    session(data, 1, {"stage": "conditioning", "n_pairings": 1}, subject="R3", paradigm="conditioned_usv")
    found = {course.subject: course for course in courses(plan, find_sessions(data))}
    assert found.keys() == {"R1", "R2"}
    assert [visit.stage for visit in found["R2"].visits] == ["first", "second"]


def test_a_session_that_cannot_be_scored_is_listed_and_holds_up_nothing(plan: TrainingPlan, tmp_path: Path) -> None:
    data = tmp_path / "data"
    session(data, 1, FIRST)
    session(data, 2, SECOND).journal_path.unlink()
    (course,) = courses(plan, find_sessions(data))
    assert course.visits[1].left_out.startswith("cannot be scored: ")
    assert course.stage.stage.name == "second"


def test_the_current_of_a_session_is_the_strongest_it_punishes_with() -> None:
    assert shock_of("geller_seifter", conflict(0.45)) == 0.45
    rising = {"name": "p", "duration_s": 60, "schedule": "CRF", "shock_step_ma": 0.1, "shock_max_ma": 0.6}
    assert shock_of("geller_seifter", {"components": [rising]}) == 0.6
    assert shock_of("geller_seifter", {"stage": "training", **conflict(0.4)}) is None
    assert shock_of("geller_seifter", conflict(0.0)) is None
    assert shock_of("of_a_lab", {"components": ["whatever"]}) is None


def test_the_vehicle_is_a_baseline() -> None:
    assert drugged(VEHICLE) == ""
    assert drugged(Treatment()) == ""


def test_plans_that_cannot_be_used_are_refused(plan: TrainingPlan, tmp_path: Path) -> None:
    (tmp_path / "second.toml").write_text((tmp_path / "first.toml").read_text())
    with pytest.raises(BadInput, match="stages 'first' and 'second' have the same parameters"):
        stages_of(plan)
    text = PLAN.format(place=tmp_path).replace("geller_seifter", "shuttle_escape")
    with pytest.raises(BadFile, match="titration is for geller_seifter"):
        read_text(text, TrainingPlan)
    session(tmp_path / "data", 1, {"stage": "conditioning", "n_pairings": 1}, paradigm="conditioned_usv")
    with pytest.raises(BadInput, match="no session of geller_seifter is here"):
        courses(plan.model_copy(update={"stages": plan.stages[:1]}), find_sessions(tmp_path / "data"))


@pytest.mark.parametrize("path", sorted(shipped("configs", "training").glob("*.toml")), ids=lambda path: path.stem)
def test_a_shipped_plan_can_be_used(path: Path) -> None:
    plan = read(path, TrainingPlan)
    assert len(stages_of(plan)) == len(plan.stages)
    assert propose(plan, []).stage == plan.stages[0]
