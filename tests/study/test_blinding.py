"""A design hides its doses: in the codes, the plan, the injector's sheet and the seed; its key alone holds them."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from behavior.config import read
from behavior.config.study import Study
from behavior.model.errors import BadInput
from behavior.study.blinding import LETTERS, open_key, planned_sessions, secret_seed, session_treatment
from behavior.study.designed import DESIGNED, sheet
from behavior.study.dosing import volume_ml
from behavior.study.plan import read_plan
from behavior.study.subjects import SUBJECTS_FILE, read_subjects
from behavior.study.verify import verify_dataset
from study.designs import ARM, CHRONIC, KINDS, PAIRS, PASSPHRASE, SEED, animals_for, designed, study_of, write_designed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_designed(tmp_path / "data")


def study_in(folder: Path) -> Study:
    return read(folder / "study.toml", Study)


@pytest.mark.parametrize("kind", KINDS)
def test_a_code_is_one_administration_and_never_a_dose(kind: str) -> None:
    made = designed(KINDS[kind])
    codes = [one.code for one in made.administrations]
    assert len(set(codes)) == len(codes)
    assert all(len(code) == 4 and set(code) <= set(LETTERS) for code in codes)
    if kind not in ("chronic", "groups"):
        used = Counter(row.blind_code for row in made.rows)
        assert set(used.values()) == {1}, "a session has a code of its own"


def test_codes_do_not_tell_doses() -> None:
    """Over many seeds no letter of a code goes with a dose: each dose has its share of every first letter."""
    first = Counter()
    for seed in range(25):
        for one in designed(seed=SEED + seed).administrations:
            first[one.code[0] < "M", one.dose_mg_kg] += 1
    shares = [first[True, dose] / (first[True, dose] + first[False, dose]) for dose in (0.0, 1.0, 3.0)]
    assert max(shares) - min(shares) < 0.25


def test_equal_seeds_design_alike_and_others_do_not() -> None:
    assert designed().administrations == designed().administrations
    assert designed().rows == designed().rows
    assert {one.code for one in designed().administrations} != {
        one.code for one in designed(seed=SEED + 1).administrations
    }


def test_a_seed_that_can_be_guessed_is_refused_where_it_matters() -> None:
    with pytest.raises(BadInput, match="who tries a few seeds finds the doses; leave it out"):
        secret_seed(7, blind=True)
    assert secret_seed(7, blind=False) == 7
    assert secret_seed(SEED, blind=True) == SEED
    drawn = {secret_seed(None, blind=True) for _ in range(50)}
    assert len(drawn) == 50
    assert min(drawn) >= 2**63


def test_no_file_of_a_blind_design_holds_a_dose_by_animal_or_the_seed(folder: Path) -> None:
    made = designed()
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert str(SEED) not in text, path
            assert path.name == "study.toml" or "ipsapirone" not in text, path
    for row in read_plan(folder / "plan.csv"):
        assert (row.dose_mg_kg, row.allocation_seed) == (None, None)
    with (folder / "injector.csv").open(newline="") as file:
        columns = next(csv.reader(file))
    assert not [name for name in columns if "dose" in name or "salt" in name or "compound" in name]
    assert {row.blind_code for row in read_plan(folder / "plan.csv")} == {one.code for one in made.administrations}


def test_every_dose_is_given_in_the_same_volume_for_the_weight() -> None:
    study = study_of()
    made, animals = designed(), animals_for(study)
    weights = {one.subject: one.weight_g for one in animals}
    for row in sheet(study, made.administrations, animals):
        assert row["volume_ml"] == volume_ml(weights[row["subject"]], 2.0)


def test_the_preparer_weighs_in_the_salt_of_the_dose() -> None:
    """1 mg/kg in 2 ml/kg as a salt of factor 1.25: 0.625 mg of salt a ml."""
    study = study_of(ARM.replace("volume_ml_kg = 2", "volume_ml_kg = 2\nsalt_factor = 1.25"))
    rows = sheet(study, designed().administrations, animals_for(study), preparer=True)
    strengths = {row["dose_mg_kg"]: row["salt_mg_per_ml"] for row in rows}
    assert strengths == {0.0: 0.0, 1.0: 0.625, 3.0: 1.875}
    assert {row["compound"] for row in rows if row["dose_mg_kg"] == 0} == {""}
    assert all(row["salt_mg"] == pytest.approx(row["salt_mg_per_ml"] * row["volume_ml"]) for row in rows)


def test_bottles_have_the_strength_of_the_study_file_and_pairs_a_row_each() -> None:
    study = study_of(CHRONIC)
    rows = sheet(study, designed(CHRONIC).administrations, animals_for(study, of_cage=2), preparer=True)
    assert {(row["dose_mg_kg"], row["salt_mg_per_ml"]) for row in rows} == {(0.0, 0.0), (1.0, 0.1), (3.0, 0.3)}
    pairs = study_of(PAIRS)
    injected = sheet(pairs, designed(PAIRS).administrations, animals_for(pairs))
    assert Counter(Counter(row["blind_code"] for row in injected).values()) == {2: 9}


def test_the_key_is_opened_by_the_passphrase_and_holds_it_all(folder: Path) -> None:
    key, made = open_key(folder, PASSPHRASE, study_in(folder)), designed()
    assert key.administrations == made.administrations
    assert key.seed == str(SEED)
    assert key.plan_sha256 == hashlib.sha256((folder / "plan.csv").read_bytes()).hexdigest()
    study = study_in(folder)
    assert study.key is not None
    assert study.key.sha256 == hashlib.sha256((folder / "key.sealed").read_bytes()).hexdigest()


def test_a_key_that_is_missing_edited_or_of_another_study_is_a_sentence(folder: Path, tmp_path: Path) -> None:
    study = study_in(folder)
    with pytest.raises(BadInput, match="cannot be opened: the passphrase is wrong"):
        open_key(folder, "wrong horse battery", study)
    sealed = (folder / "key.sealed").read_bytes()
    (folder / "key.sealed").write_bytes(sealed.replace(b'"n": 1024', b'"n": 2048'))
    with pytest.raises(BadInput, match=r"is not the key that was sealed \(SHA-256 differs\); restore it"):
        open_key(folder, PASSPHRASE, study)
    (folder / "key.sealed").unlink()
    with pytest.raises(
        BadInput, match="the sealed key is missing; restore it from a copy, nothing else knows the doses"
    ):
        open_key(folder, PASSPHRASE, study)
    with pytest.raises(BadInput, match="this study has no sealed key"):
        open_key(folder, PASSPHRASE, study_of())


def test_an_engine_gets_the_code_and_nothing_else(folder: Path) -> None:
    arm = study_in(folder).arms[0]
    for row in read_plan(folder / "plan.csv"):
        given = session_treatment(row, arm)
        assert (given.compound, given.dose_mg_kg, given.blind_code) == (None, None, row.blind_code)


def test_a_simulated_animal_gets_what_the_key_says(folder: Path) -> None:
    study = study_in(folder)
    rows, key = read_plan(folder / "plan.csv"), open_key(folder, PASSPHRASE, study)
    planned = planned_sessions(study, rows, read_subjects(folder / SUBJECTS_FILE), key, seed=1)
    doses = {one.code: one.dose_mg_kg for one in key.administrations}
    assert [session.given.dose_mg_kg for session in planned if session.given] == [doses[row.blind_code] for row in rows]
    assert {session.weight_g for session in planned} == {one.weight_g for one in animals_for(study)}


def test_an_open_design_has_doses_a_seed_and_no_key(tmp_path: Path) -> None:
    folder = write_designed(tmp_path / "open", blind=False)
    rows = read_plan(folder / "plan.csv")
    assert Counter(row.dose_mg_kg for row in rows) == {0.0: 4, 1.0: 4, 3.0: 4}
    assert {row.allocation_seed for row in rows} == {SEED}
    assert not (folder / "key.sealed").exists()
    assert verify_dataset(folder).problems == ()


def test_what_was_designed_is_on_record_with_the_digest_of_every_file(folder: Path) -> None:
    (entry, *animals) = [json.loads(line) for line in (folder / "audit.jsonl").read_text().splitlines()]
    assert entry["action"] == DESIGNED
    assert set(entry["new"]) == {
        "study.toml",
        "subjects.csv",
        "plan.csv",
        "key.sealed",
        "parameters/conflict-test.toml",
    }
    assert len(animals) == 12


def test_nothing_is_written_over_what_is_there(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(BadInput, match="is there already and nothing is ever overwritten"):
        write_designed(folder)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_dosing_sheet_needs_a_volume(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="arm conflict: volume_ml_kg is missing"):
        write_designed(tmp_path / "data", ARM.replace("volume_ml_kg = 2\n", ""))
    assert not (tmp_path / "data").exists()
