"""The sample data are what their script makes, and what their README says of them is true."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from behavior.app.simulate import simulate_into
from behavior.config import read
from behavior.config.shipped import shipped
from behavior.config.study import Study
from behavior.session.folder import find_sessions
from behavior.session.verify import verify
from conftest import ROOT

SAMPLES = ROOT / "sample_data"
SEED = int(re.findall(r"^SEED = (\d+)$", (SAMPLES / "remake.py").read_text(encoding="utf-8"), re.MULTILINE)[0])
MADE = ("header.json", "journal.jsonl", "footer.json", "audio.flac", "truth.csv")


@pytest.fixture(scope="module")
def remade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "study"
    path = shipped("configs", "studies", "sample.toml")
    simulate_into(read(path, Study), path.read_text(encoding="utf-8"), folder, seed=SEED, jobs=1)
    return folder


def test_the_script_makes_them_again_byte_for_byte(remade: Path) -> None:
    made = sorted(path.relative_to(SAMPLES / "study") for path in (SAMPLES / "study").rglob("*") if path.name in MADE)
    found = sorted(path.relative_to(remade) for path in remade.rglob("*") if path.name in MADE)
    assert made == found
    for path in made:
        assert (remade / path).read_bytes() == (SAMPLES / "study" / path).read_bytes(), (
            f"{path}: run sample_data/remake.py"
        )


def test_every_sample_holds() -> None:
    for folder in find_sessions(SAMPLES / "study"):
        assert verify(folder).remarks == ()


def test_the_readme_tells_of_every_session_what_is_true() -> None:
    readme = (SAMPLES / "README.md").read_text(encoding="utf-8")
    for folder in find_sessions(SAMPLES / "study"):
        (line,) = [line for line in readme.splitlines() if f"`{folder.name}`" in line]
        kinds = [json.loads(entry)["kind"] for entry in folder.journal_path.read_text(encoding="utf-8").splitlines()]
        truth = folder.path / "truth.csv"
        if truth.exists():
            assert f"{len(truth.read_text().splitlines()) - 1} calls" in line
        else:
            assert f"{kinds.count('LeverPressed')} presses, {kinds.count('Delivered')} pellets" in line
            assert f"{kinds.count('ShockEnded')} shocks" in line
