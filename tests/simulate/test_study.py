"""A simulated study: equal seeds, equal bytes; refused before anything is written; verified and scored throughout."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from behavior.config import read_text
from behavior.config.rig import Rig
from behavior.config.shipped import shipped
from behavior.config.study import Study
from behavior.model.errors import BadFile, BadInput
from behavior.scoring.finish import finish_session
from behavior.scoring.rescore import differences, rescore
from behavior.scoring.score import read_score
from behavior.session.folder import SessionFolder, find_sessions
from behavior.session.verify import verify
from behavior.simulate.study import open_plan, simulate_study
from study.designs import KINDS, study_of

SMALL = (
    shipped("configs", "studies", "first-light.toml")
    .read_text(encoding="utf-8")
    .replace("n_cycles = 3", "n_cycles = 1")
    .replace("[0, 1, 2.5, 5, 10]", "[0, 10]")
    .replace("[0, 0.3, 1, 3, 10]", "[0, 10]")
    .replace("n_per_dose = 6", "n_per_dose = 2")
    .replace("n_per_dose = 4", "n_per_dose = 2")
    .replace("test_s = 45", "test_s = 8")
)
RIG = shipped("configs", "rigs", "simulated.toml").read_text(encoding="utf-8")


def simulated(dataset: Path, text: str = SMALL, *, seed: int = 1, jobs: int = 1) -> list[SessionFolder]:
    study, rig = read_text(text, Study), read_text(RIG, Rig)
    return list(simulate_study(study, rig, dataset, seed=seed, finish=finish_session, jobs=jobs))


def digests(dataset: Path) -> dict[str, str]:
    files = sorted(path for path in dataset.rglob("*") if path.is_file())
    return {path.relative_to(dataset).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "data"
    simulated(folder)
    return folder


def test_equal_seeds_give_equal_bytes_in_one_process_or_two(dataset: Path, tmp_path: Path) -> None:
    simulated(tmp_path / "again", jobs=2)
    assert digests(tmp_path / "again") == digests(dataset)


def test_another_seed_gives_other_sessions(dataset: Path, tmp_path: Path) -> None:
    simulated(tmp_path / "other", seed=2)
    other, first = digests(tmp_path / "other"), digests(dataset)
    assert not {digest for name, digest in other.items() if name.endswith("jsonl")} & set(first.values())


def test_every_session_holds_and_its_score_is_its_rescore(dataset: Path) -> None:
    folders = list(find_sessions(dataset))
    assert len(folders) == 8
    for folder in folders:
        assert verify(folder).remarks == ()
        assert differences(read_score(folder.path), rescore(folder)) == []


def test_calls_were_recorded_and_found_where_the_rat_called(dataset: Path) -> None:
    recorded = [folder for folder in find_sessions(dataset) if folder.header.arm == "vocalization"]
    assert all(folder.sound_paths for folder in recorded)
    assert all((folder.path / "calls.csv").exists() for folder in recorded)


def test_headers_tell_who_what_and_how_much(dataset: Path) -> None:
    headers = [folder.header for folder in find_sessions(dataset)]
    assert sorted(header.treatment.dose_mg_kg or 0 for header in headers) == [0, 0, 0, 0, 10, 10, 10, 10]
    for header in headers:
        assert header.simulated
        assert header.study == "first-light"
        assert len(header.devices) == 2
        assert header.weight_g
        assert 200 < header.weight_g < 360
        assert header.parameters["limits"]["max_ma"] == 1.0


@pytest.mark.parametrize(
    ("old", "new", "error", "sentence"),
    [
        ("{ n_cycles = 1 }", "{ n_cicles = 1 }", BadFile, "n_cicles: is not known here"),
        ('"geller_seifter"', '"tickling"', BadInput, "there is no paradigm of this name"),
        (
            "{ n_cycles = 1 }",
            "{ limits = { max_ma = 2.0 }, components = "
            '[{ name = "p", duration_s = 600, schedule = "CRF", shock_ma = 1.5 }] }',
            BadInput,
            "arm 'conflict' in chamber A: refused by the guard: a shock of 1.5 mA",
        ),
    ],
    ids=["parameter", "paradigm", "shock"],
)
def test_what_cannot_be_run_is_refused_before_anything_is_written(
    tmp_path: Path, old: str, new: str, error: type[Exception], sentence: str
) -> None:
    study, rig = read_text(SMALL.replace(old, new, 1), Study), read_text(RIG, Rig)
    with pytest.raises(error, match=sentence):
        list(simulate_study(study, rig, tmp_path / "data", seed=1, finish=finish_session))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_design_is_laid_out_openly_for_simulation(kind: str) -> None:
    study = study_of(KINDS[kind])
    (arm,) = study.arms
    rows, planned = open_plan(study, read_text(RIG, Rig), seed=3)
    assert len(rows) == len(planned)
    assert {row.blind_code for row in rows} == {None}
    assert {row.dose_mg_kg for row in rows if row.stage == "test"} == set(arm.doses_mg_kg)
    assert Counter(row.unit or row.subject for row in rows if row.stage == "test").keys() == {
        row.unit or row.subject for row in rows
    }
    assert all(session.treatment.dose_mg_kg == row.dose_mg_kg for session, row in zip(planned, rows, strict=True))
    assert {row.group for row in rows} == ({group.name for group in arm.groups} or {""})
