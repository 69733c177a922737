"""What is checked before a session, without one."""

from __future__ import annotations

import pytest

from behavior.app.prepare import without_drug
from behavior.model.doses import Treatment
from behavior.model.errors import BadInput
from behavior.paradigms.conditioned_usv import ConditionedUsvParameters
from behavior.paradigms.geller_seifter import GellerSeifterParameters
from behavior.paradigms.shock_induced_usv import ShockInducedUsvParameters

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
