"""The table of animals: every fault of it at once, and units that come out."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from behavior.model.errors import BadFile, BadInput
from behavior.study.subjects import Animal, invented, read_subjects, units_of
from study.designs import ARM, CHRONIC, PAIRS, study_of


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "subjects.csv"
    path.write_bytes(text.encode())
    return path


def test_animals_are_read_with_all_that_is_known_of_them(tmp_path: Path) -> None:
    text = "\ufeffsubject,weight_g, cage ,surgery_on\r\nR1,281.5,C1,2026-02-01\r\nR2,300,C1,\r\n"
    one, two = read_subjects(table(tmp_path, text))
    assert (one.subject, one.weight_g, one.cage, one.fields["surgery_on"]) == ("R1", 281.5, "C1", "2026-02-01")
    assert two.fields["surgery_on"] == ""


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("R1,280\nR1,285", "line 3, weight_g: R1 has two weights, 280 and 285 g; keep one"),
        ("R1,280\nR1,280", "line 3, subject: R1 stands twice; keep one row an animal"),
        ("R1,280/285", "line 2, weight_g: must be one weight in g, more than 0 (is '280/285')"),
        ("R1,", "line 2, weight_g: must be one weight"),
        ("R1,-3", "line 2, weight_g: must be one weight"),
        ("R1,nan", "line 2, weight_g: must be one weight"),
        (",280", "line 2, subject: is empty; fill it in"),
        ("R1,280,x", "line 2: has more cells than there are columns"),
        ("", "names no animal"),
    ],
)
def test_what_is_wrong_with_a_row(tmp_path: Path, rows: str, problem: str) -> None:
    with pytest.raises(BadFile) as caught:
        read_subjects(table(tmp_path, f"subject,weight_g\n{rows}\n"))
    assert problem in str(caught.value)


def test_a_subject_in_two_groups_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="R1 stands in two groups, 'conflict' and 'vocalization'; keep one"):
        read_subjects(table(tmp_path, "subject,weight_g,arm\nR1,280,conflict\nR1,280,vocalization\n"))


def test_a_weight_without_unit_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="weight: has no unit; call the column weight_g"):
        read_subjects(table(tmp_path, "subject,weight\nR1,280\n"))
    with pytest.raises(BadFile, match="this column is missing"):
        read_subjects(table(tmp_path, "name\nR1\n"))
    with pytest.raises(BadInput, match="there is no such table of animals"):
        read_subjects(tmp_path / "nowhere.csv")


def test_too_few_and_too_many_animals_are_said() -> None:
    study = study_of(ARM)
    animals = invented(study)
    with pytest.raises(BadInput, match="needs 12 animals and the table names 11; add the others"):
        units_of(study, animals[:-1], Random(1))
    with pytest.raises(BadInput, match="needs 12 animals and the table names 13; take spare ones out"):
        units_of(study, [*animals, Animal("X", 280.0)], Random(1))
    with pytest.raises(BadInput, match="arm 'other' is not in the study, which has conflict"):
        units_of(study, [*animals[:-1], Animal("X", 280.0, arm="other")], Random(1))


def test_animals_are_dealt_to_arms_and_those_that_name_one_go_there() -> None:
    study = study_of(ARM + ARM.replace('"conflict"', '"second"'))
    animals = [
        Animal(one.subject, one.weight_g, arm="second" if k < 5 else "") for k, one in enumerate(invented(study))
    ]
    units = units_of(study, animals, Random(1))
    assert {len(some) for some in units.values()} == {12}
    assert {f"R0{k}" for k in range(1, 6)} <= {unit.name for unit in units["second"]}
    other = units_of(study, animals, Random(2))
    assert {u.name for u in units["second"]} != {u.name for u in other["second"]}, "chance deals the rest"


def test_pairs_are_those_of_the_table_or_animals_of_like_weight() -> None:
    study = study_of(PAIRS)
    animals = [Animal(f"R{k}", 200.0 + k, pair=f"P{k % 9}") for k in range(18)]
    named = units_of(study, animals, Random(1))["conflict"]
    assert sorted(unit.name for unit in named)[0] == "R0+R9"
    made = units_of(study, [Animal(f"R{k:02d}", 200.0 + k) for k in range(18)], Random(1))["conflict"]
    assert {unit.name for unit in made} == {f"R{k:02d}+R{k + 1:02d}" for k in range(0, 18, 2)}
    assert next(unit for unit in made if unit.name == "R00+R01").weight_g == 200.5
    with pytest.raises(BadInput, match="pair 'P0' has 3 animals, and each pair has 2"):
        units_of(study, [Animal("R1", 1.0, pair="P0"), animals[0], *animals[2:]], Random(1))


def test_cages_are_those_of_the_table() -> None:
    study = study_of(CHRONIC)
    animals = [Animal(f"R{k}", 280.0, cage=f"C{k // 2}") for k in range(18)]
    assert {unit.name for unit in units_of(study, animals, Random(1))["conflict"]} == {f"C{k}" for k in range(9)}
    with pytest.raises(BadInput, match="cage 'C8' has 1 animals, and each cage has 2"):
        units_of(study, [*animals[:-1], Animal("X", 280.0)], Random(1))
