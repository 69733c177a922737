"""Power cuts after a session in short; and that what the campaign looks for would be found."""

from __future__ import annotations

from pathlib import Path

import pytest

from behavior.session.folder import SessionFolder
from faults import power_cuts
from faults.power_cuts import one


@pytest.mark.parametrize("seed", range(1, 4))
def test_nothing_is_violated_after_a_power_cut(seed: int, tmp_path: Path) -> None:
    outcome = one(seed, tmp_path)
    assert outcome.violations == []
    assert outcome.steps["taken in then"] == "done"


def test_a_traceback_and_a_changed_neighbour_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(folder: SessionFolder) -> None:
        for path in tmp_path.rglob("responses.csv"):
            if path.parent != folder.path:
                path.write_text("")
        raise KeyError("duration_s")

    monkeypatch.setattr(power_cuts, "finish_session", careless)
    outcome = one(3, tmp_path)
    assert any(sentence.startswith("scored: KeyError") for sentence in outcome.violations)
    assert "a file of another session was changed" in outcome.violations
    assert outcome.steps["scored"] == "a traceback"
