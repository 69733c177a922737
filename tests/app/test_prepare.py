"""What is checked before a session, without one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.commands import behavior
from behavior.app.prepare import as_planned, without_drug
from behavior.model.doses import Treatment
from behavior.model.errors import BadInput
from behavior.paradigms.conditioned_usv import ConditionedUsvParameters
from behavior.paradigms.geller_seifter import GellerSeifterParameters
from behavior.paradigms.shock_induced_usv import ShockInducedUsvParameters
from behavior.study.plan import read_plan
from study.designs import write_designed

DRUG, CODE, VEHICLE = (
    Treatment(compound="ipsapirone", dose_mg_kg=3.0, vehicle="saline"),
    Treatment(blind_code="X7"),
    Treatment(dose_mg_kg=0.0, vehicle="saline"),
)


@pytest.mark.parametrize("record", [ConditionedUsvParameters, ShockInducedUsvParameters])
def test_a_screening_is_drug_free(record: type) -> None:
    screening, test = record(stage="screening"), record(stage="test")
    without_drug(screening, VEHICLE)
    for treatment, why in ((DRUG, "3 mg/kg ipsapirone is no baseline"), (CODE, "the code X7, which may be a drug")):
        with pytest.raises(BadInput, match=f"a screening is drug-free, and .*{why}; give the vehicle alone"):
            without_drug(screening, treatment)
        without_drug(test, treatment)


def test_other_paradigms_know_no_screening() -> None:
    without_drug(GellerSeifterParameters(), DRUG)


def test_a_session_that_is_not_as_planned_needs_a_reason_which_its_header_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_designed(tmp_path / "data")
    row = read_plan(data / "plan.csv")[0]
    coded = Treatment(blind_code=row.blind_code, vehicle="saline")
    who = (data, row.subject, row.chamber, "geller_seifter")
    assert as_planned(*who, coded, row.day, None) == ()
    with pytest.raises(
        BadInput, match=rf"not as the plan in .*: X7 is not the code that it has for {row.subject}; look"
    ):
        as_planned(*who, CODE, row.day, None)
    (remark,) = as_planned(*who, CODE, row.day, "a syringe broke")
    assert remark.endswith(f"X7 is not the code that it has for {row.subject}; because a syringe broke")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.prompt", lambda question: " a new one was drawn ")
    assert as_planned(*who, CODE, row.day, None)[0].endswith("because a new one was drawn")


def test_the_wrong_animal_is_refused_before_anything_moves(tmp_path: Path) -> None:
    data = write_designed(tmp_path / "data")
    done = behavior(
        "run", "simulated", "--chamber", "A", "--paradigm", "geller_seifter", "--subject", "R99",
        "--experimenter", "me", "--weight-g", 280, "--blind-code", "K7Q", "--out", data, "--simulate",
    )  # fmt: skip
    assert (done.code, "subject R99 is not in it; it has W01" in done.err) == (2, True), done.err
    assert "or say why with --deviation" in done.err
    assert not list(data.rglob("header.json"))
