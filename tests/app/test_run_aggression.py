"""A live session of aggression on simulated devices: the simulated observers key the fights that they see."""

from __future__ import annotations

import json
from pathlib import Path

from app.commands import behavior
from behavior.model.events import Noted, ShockStarted
from behavior.scoring.rescore import rescore
from behavior.session.folder import find_sessions
from behavior.session.verify import verify

QUICK = """
habituation_s = 0.2
n_shocks = 6
interval_s = 1.0
window_s = 0.9
shock_ma = 1.0
raters = ["A", "B"]
"""


def test_simulated_observers_key_what_they_see_and_agree_as_far_as_they_do(tmp_path: Path) -> None:
    (tmp_path / "quick.toml").write_text(QUICK)
    done = behavior(
        "run", "simulated", "--chamber", "A", "--paradigm", "shock_aggression", "--parameters",
        tmp_path / "quick.toml", "--subject", "P1", "--experimenter", "me", "--weight-g", 300, "--dose-mg-kg", 0,
        "--vehicle", "saline", "--simulate", "--seed", 0, "--out", tmp_path / "data",
    )  # fmt: skip
    assert done.code == 0, done.err
    (folder,) = find_sessions(tmp_path / "data")
    items = folder.read().items
    keyed = [item.text for item in items if isinstance(item, Noted)]
    assert keyed, "nobody fought in six shocks of 1 mA"
    assert {text.partition(":")[0] for text in keyed} <= {"A", "B"}
    assert sum(isinstance(item, ShockStarted) for item in items) == 6
    assert verify(folder).remarks == ()
    score = json.loads((folder.path / "score.json").read_text())["session"]
    assert score["n_shocks_with_fight"] > 0
    assert rescore(folder).session["n_shocks_with_fight"] == score["n_shocks_with_fight"]
