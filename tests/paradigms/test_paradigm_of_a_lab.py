"""The example of the how-to, outside the package, does all that ours do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from behavior.model.commands import Deliver, EndSession, Shock
from behavior.model.errors import BadFile, BadInput
from behavior.paradigms.catalogue import Paradigm, find_paradigm
from behavior.scoring.score import score_items
from behavior.session.assemble import assemble, dry_run, resolve
from behavior.session.replay import replay
from behavior.session.runner import run
from behavior.simulate.ideal import IdealBox
from behavior.simulate.rat import Rat
from paradigms.short import VEHICLE
from session.worlds import numbered, still_on

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "write-a-paradigm.md"


@pytest.fixture
def example(tmp_path: Path) -> Paradigm:
    (code,) = re.findall(r"```python\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), flags=re.DOTALL)
    path = tmp_path / "conditioned_suppression.py"
    path.write_text(code, encoding="utf-8")
    return find_paradigm(str(path), own_code=True)


def session(paradigm: Paradigm, **given: Any) -> tuple[list[Any], dict[str, Any]]:
    p = resolve(paradigm, given, file="own.toml")
    items: list[Any] = []
    run(assemble(paradigm, p, seed=1), IdealBox(Rat(1, VEHICLE)), lambda item, host_us: items.append(item))
    return items, p.model_dump(mode="json")


def test_it_runs_and_ends_safely(example: Paradigm) -> None:
    items, _ = session(example)
    assert EndSession("completed") in items
    assert still_on(items) == set()
    assert sum(isinstance(item, Shock) for item in items) == 4
    assert sum(isinstance(item, Deliver) for item in items) > 5


def test_it_is_scored_trial_by_trial(example: Paradigm) -> None:
    items, parameters = session(example)
    score = score_items(example.name, items, parameters)
    assert score.rows_name == "trials"
    assert [row["n_shocks_delivered"] for row in score.rows] == [1] * 4
    assert [row["time_s"] for row in score.rows] == [180.0] * 4
    within = sum(int(row["n_presses"] or 0) for row in score.rows)
    assert 0 < within < int(score.session["n_presses"] or 0)


def test_it_replays_from_any_line(example: Paradigm) -> None:
    items, parameters = session(example, n_trials=1, iti_s={"low": 5, "high": 9}, cs_s=20)
    for cut in range(len(items)):
        core = assemble(example, resolve(example, parameters, file="header.json"), seed=1)
        assert all(
            command not in items[:cut] for command in replay(core, numbered(items[:cut])) if command.calms is False
        )
        core.close()


def test_its_parameters_and_limits_are_checked(example: Paradigm) -> None:
    with pytest.raises(BadFile, match=r"2 problems(.|\n)*cs_s: must be more than 0(.|\n)*schedule: no schedule"):
        resolve(example, {"cs_s": 0, "schedule": "sometimes"}, file="own.toml")
    strong = resolve(example, {"shock_ma": 2.0}, file="own.toml")
    with pytest.raises(BadInput, match="a shock of 2 mA, where 1 mA is the limit"):
        dry_run(assemble(example, strong, seed=1), IdealBox(Rat(1, VEHICLE)), what="own.toml")


def test_annotations_may_be_text(example: Paradigm, tmp_path: Path) -> None:
    """As most editors' templates begin a file, and all of ours do."""
    path = tmp_path / "conditioned_suppression.py"
    path.write_text(f"from __future__ import annotations\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    items, parameters = session(find_paradigm(str(path), own_code=True), n_trials=1)
    assert EndSession("completed") in items
    assert parameters["n_trials"] == 1
