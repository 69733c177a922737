"""Designed studies on the disk, with made-up sessions in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from behavior.config import read, read_text
from behavior.config.shipped import shipped
from behavior.config.study import Study
from behavior.study.blinding import Design, design, session_treatment, stages_of
from behavior.study.designed import write_design
from behavior.study.plan import PlanRow, read_plan
from behavior.study.subjects import Animal, simulated
from study.datasets import write_session

FIRST_LIGHT = read(shipped("configs", "studies", "first-light.toml"), Study)
MINUTES = {"conflict": 30.0, "vocalization": 1.5}
PASSPHRASE = "correct horse battery"
SEED = 2**80 + 17
HEAD = """
name = "designed"
title = "A designed study"
experimenter = "test"
start = 2026-03-02T09:00:00+00:00
rig = "simulated"
animals = { strain = "Wistar", sex = "male", weight_g = 280 }
exclusion_rules = [{ name = "sick", says = "lost weight" }]
"""
ARM = """
[[arms]]
name = "conflict"
paradigm = "geller_seifter"
compound = "ipsapirone"
vehicle = "saline"
route = "i.p."
pretreatment_min = 30
volume_ml_kg = 2
doses_mg_kg = [0, 1, 3]
n_per_dose = 4
endpoints = ["punished_rate_per_min", "unpunished_rate_per_min"]
primary = "punished_rate_per_min"
motor_control = "unpunished_rate_per_min"
"""
WITHIN = ARM.replace("n_per_dose = 4", 'n_per_dose = 6\ndesign = "within"\nwashout_days = 3')
CHRONIC = ARM.replace(
    "n_per_dose = 4",
    'n_per_dose = 3\nexperimental_unit = "cage"\nanimals_per_unit = 2\ndays = [1, 8, 15, 20]\n'
    "water_mg_per_ml = [0, 0.1, 0.3]",
)
GROUPS = ARM.replace(
    "n_per_dose = 4",
    """n_per_dose = 2
days = [2, 3]
stages = [{ name = "induction", paradigm = "helplessness_induction", days = [1] }]
groups = [
    { name = "helpless" },
    { name = "naive", doses_mg_kg = [0], parameters = { induction = { group = "no shock" } } },
]
dosing = { days = [2, 3], times = [07:30:00, 19:30:00] }""",
)
PAIRS = ARM.replace("n_per_dose = 4", 'n_per_dose = 3\nexperimental_unit = "pair"')
OTHER = {"parameters": {}}
"""Of sessions of another paradigm than the test's."""
KINDS = {"between": ARM, "within": WITHIN, "chronic": CHRONIC, "groups": GROUPS, "pairs": PAIRS}


def study_of(arm: str = ARM, head: str = HEAD) -> Study:
    return read_text(head + arm, Study, file="study.toml")


def animals_for(study: Study, *, of_cage: int = 4) -> tuple[Animal, ...]:
    """As many as the study needs; weights 240 to 320 g."""
    n = sum(arm.n_units * arm.n_animals for arm in study.arms)
    animals = []
    for k in range(n):
        name, weight, cage = f"W{k + 1:02d}", 240 + (37 * k) % 81, f"C{k // of_cage + 1}"
        fields = {"subject": name, "weight_g": str(weight), "cage": cage}
        animals.append(Animal(name, float(weight), cage, fields=fields))
    return tuple(animals)


def designed(arm: str = ARM, *, seed: int = SEED, chambers: tuple[str, ...] = ("A", "B"), blind: bool = True) -> Design:
    study = study_of(arm, HEAD if blind else HEAD + "blind = false\n")
    of_cage = 2 if "cage" in arm else 4
    minutes = {one.name: dict.fromkeys(stages_of(one), 20.0) for one in study.arms}
    return design(
        study, animals_for(study, of_cage=of_cage), {one.name: chambers for one in study.arms}, minutes, seed=seed
    )


def open_design(
    seed: int, study: Study = FIRST_LIGHT, *, chambers: tuple[str, ...] = ("A", "B"), minutes: float | None = None
) -> tuple[PlanRow, ...]:
    """A study's plan with its doses in it, on animals that were made up, as `behavior simulate STUDY` lays it out."""
    openly = study.model_copy(update={"blind": False})
    lasting = {arm.name: dict.fromkeys(stages_of(arm), minutes or MINUTES.get(arm.name, 20.0)) for arm in study.arms}
    return design(
        openly, simulated(study, seed), {arm.name: chambers for arm in study.arms}, lasting, seed=seed
    ).rows  # fmt: skip


def write_designed(folder: Path, arm: str = ARM, *, blind: bool = True) -> Path:
    made = designed(arm, blind=blind)
    text = (HEAD if blind else HEAD + "blind = false\n") + arm
    animals = animals_for(made.study, of_cage=2 if "cage" in arm else 4)
    write_design(made, text, animals, folder, passphrase=PASSPHRASE if blind else None, who="planner")
    return folder


def run_all(folder: Path, measured: Callable[[PlanRow], dict[str, Any]] | None = None) -> list[PlanRow]:
    """Write a session for every row of the plan, as an engine that knows codes only would."""
    study, rows = read(folder / "study.toml", Study), list(read_plan(folder / "plan.csv"))
    arms = {arm.name: arm for arm in study.arms}
    for number, row in enumerate(rows):
        arm = arms[row.arm]
        measures = {"punished_rate_per_min": 1.0 + number % 5, "unpunished_rate_per_min": 20.0 + number % 3}
        write_session(
            folder, row.subject, None, measured(row) if measured else measures, study=study.name, arm=row.arm,
            treatment=session_treatment(row, arm), paradigm=arm.paradigm_at(row.stage), chamber=row.chamber,
            started_at=row.starts_at, day=row.day, **({} if arm.paradigm_at(row.stage) == arm.paradigm else OTHER),
        )  # fmt: skip
    return rows
