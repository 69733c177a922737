"""The check of fresh machines, as far as it can be held here: it needs root, and says so; its steps are all taken."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from docs.pages import ROOT

SCRIPT = ROOT / "tests" / "fresh" / "check.py"


@pytest.fixture(scope="module")
def check() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def test_a_step_that_fails_is_said_and_the_next_is_taken(check: dict[str, Any], tmp_path: Path) -> None:
    fresh = check["Fresh"](tmp_path, Path(sys.executable))

    def fails() -> str:
        raise AssertionError("it does not hold")

    fresh.step("one", fails)
    fresh.step("two", lambda: "all well")
    assert fresh.failed == ["one"]
    assert [fresh.figures[name]["says"] for name in ("one", "two")] == ["it does not hold", "all well"]


def test_the_command_of_the_readme_and_the_study_of_the_tutorial_are_where_it_looks(check: dict[str, Any]) -> None:
    code = SCRIPT.read_text(encoding="utf-8")
    assert "from-a-med-pc-shelf.md" in code
    assert "# file: shelf-study.toml" in (ROOT / "docs/tutorial/from-a-med-pc-shelf.md").read_text(encoding="utf-8")
    assert "```\npython3 -m venv .venv && .venv/bin/pip install . && .venv/bin/behavior demo\n```" in (
        ROOT / "README.md"
    ).read_text(encoding="utf-8")


def test_the_two_commands_of_the_readme_are_found_for_a_minimal_debian() -> None:
    debian = runpy.run_path(str(SCRIPT.with_name("debian.py")))
    demo, suite = debian["printed"]((ROOT / "README.md").read_text(encoding="utf-8"))
    assert demo.rpartition(" && ")[2] == ".venv/bin/behavior demo"
    assert suite.rpartition(" && ")[2] == ".venv/bin/pytest"
    with pytest.raises(ValueError, match="unpack"):
        debian["printed"]("```\npip install behavior\n```\n")


def test_a_copied_python_is_first_in_the_path_of_the_readmes_command(check: dict[str, Any], tmp_path: Path) -> None:
    folder = check["python3_of"](check["Fresh"](tmp_path, Path(sys.executable)))
    assert (folder / "python3").resolve() == Path(sys.executable).resolve()


@pytest.mark.skipif(not hasattr(os, "geteuid") or sys.platform != "linux", reason="needs Linux")
def test_without_root_it_says_what_it_needs(tmp_path: Path) -> None:
    code = f"import os, runpy; os.geteuid = lambda: 1000; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "needs Linux and root: sudo python tests/fresh/check.py\n")
