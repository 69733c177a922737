"""The numeric cases from independent software. A case whose method has no adapter is skipped, not failed."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from reference.case import read_case
from reference.registry import adapters, run

CASES = Path(__file__).resolve().parents[3] / "shared" / "reference" / "cases"
FOLDERS = sorted(path.parent for path in CASES.glob("*/expected.json"))

EXTENDED_ELSEWISE: dict[str, str] = {}
"""Extended keys that we compute otherwise on purpose, and why."""


def passes(expected: dict[str, Any], got: object) -> bool:
    """Whether a value is within the tolerance of its key, as the cases define it."""
    value = expected["value"]
    if isinstance(value, bool | str):
        return got == value and isinstance(got, type(value))
    if isinstance(got, bool) or not isinstance(got, int | float) or not math.isfinite(got):
        return False
    near = abs(got - value) <= max(expected.get("atol", 0), expected.get("rtol", 0) * abs(value))
    return near or any(abs(got - other) <= 1e-6 * max(1, abs(other)) for other in expected.get("alt", []))


def ours(folder: Path) -> dict[str, Any]:
    case = read_case(folder)
    if case.spec["method"] not in adapters():
        pytest.skip(f"no adapter for {case.spec['method']}")
    return run(case)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_case_agrees_with_independent_software(folder: Path):
    got = ours(folder)
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["expected"]
    assert expected
    wrong = [
        f"{e['key']}: got {got.get(e['key'])}, expected {e['value']}"
        for e in expected
        if not passes(e, got.get(e["key"])) and e["key"] not in EXTENDED_ELSEWISE
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_values_are_computed_not_read(folder: Path, tmp_path: Path):
    before = ours(folder)
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    case = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    stripped = {
        "category": case["category"],
        "spec": case["spec"],
        "expected": [{"key": entry["key"]} for entry in case["expected"]],
    }
    (copy / "expected.json").unlink()
    (copy / "expected.json").write_text(json.dumps(stripped), encoding="utf-8")
    assert run(read_case(copy)) == before


def test_a_value_that_is_wrong_would_be_noticed():
    one = {"value": 2.0, "rtol": 1e-3, "atol": 0, "alt": [7.0]}
    assert passes(one, 2.001)
    assert passes(one, 7.0)
    assert not passes(one, 2.1)
    assert not passes(one, True)
    assert not passes(one, None)
    assert not passes({"value": True}, 1)
    assert not passes({"value": "none"}, None)
