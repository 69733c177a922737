"""`behavior simulate` leaves the study, the plan and the sessions, and these agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from behavior.app.simulate import simulate_into
from behavior.config import read_text
from behavior.config.study import Study
from behavior.model.errors import BadInput
from behavior.session.folder import find_sessions
from behavior.study.dataset import read_dataset
from behavior.study.plan import read_plan
from study.datasets import STUDY

TEXT = STUDY.format(doses=[0.0, 10.0], n=2).replace(
    'compound = "ipsapirone"', 'compound = "ipsapirone"\nparameters = { n_cycles = 1 }'
)
DESCRIBED = read_text(TEXT, Study)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulate") / "data"
    assert simulate_into(DESCRIBED, TEXT, folder, seed=5, jobs=1) == 4
    return folder


def test_the_plan_says_who_got_what_where_and_when(out: Path) -> None:
    headers = [folder.header for folder in find_sessions(out)]
    rows = {row.subject: row for row in read_plan(out / "plan.csv")}
    assert len(rows) == len(headers) == 4
    for header in headers:
        row = rows[header.subject]
        assert (row.arm, row.dose_mg_kg, row.chamber, row.starts_at) == (
            header.arm, header.treatment.dose_mg_kg, header.chamber, header.started_at,
        )  # fmt: skip
        assert (row.blind_code, row.allocation_seed) == (None, 5)


def test_a_simulated_study_is_as_planned(out: Path) -> None:
    found = read_dataset(out)
    assert len(found.plan) == 4
    assert not [warning for warning in found.warnings if "plan.csv" in warning]
    assert (out / "study.toml").read_text(encoding="utf-8") == TEXT


def test_what_is_there_is_never_overwritten_nor_added_to(out: Path, tmp_path: Path) -> None:
    before = sorted(out.rglob("*"))
    with pytest.raises(BadInput, match="is there already and nothing is ever overwritten; name a new folder"):
        simulate_into(DESCRIBED, TEXT, out, seed=5, jobs=1)
    assert sorted(out.rglob("*")) == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadInput, match="nothing is ever overwritten"):
        simulate_into(DESCRIBED, TEXT, tmp_path / "file", seed=5, jobs=1)
    with pytest.raises(BadInput, match=r"cannot be written to \(Not a directory\); name a folder"):
        simulate_into(DESCRIBED, TEXT, tmp_path / "file" / "data", seed=5, jobs=1)
    assert (tmp_path / "file").read_text() == "mine"
