"""The manual: generated pages are as generated, links lead somewhere, it can be built, and nothing is left out."""

from __future__ import annotations

import importlib.util
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from behavior.study.dataset import read_dataset
from behavior.summary.exchange import units_table
from behavior.summary.per_dose import per_dose_table, summarize_arms
from behavior.summary.r_script import models_table
from docs.pages import BESIDE, DOCS, GENERATED, PAGES, ROOT, named


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """The module `docs/generate.py`."""
    return runpy.run_path(str(DOCS / "generate.py"))


def test_generated_pages_are_as_generated(made: dict[str, Any]) -> None:
    late = [name for name, make in made["PAGES"].items() if (DOCS / name).read_text(encoding="utf-8") != make()]
    assert late == [], "run: python docs/generate.py"


def test_generated_pages_say_so(made: dict[str, Any]) -> None:
    assert {named(page) for page in PAGES if GENERATED in page.read_text(encoding="utf-8")} == {
        f"docs/{name}" for name in made["PAGES"] if name.endswith(".md")
    }


def test_a_column_without_a_meaning_is_refused(made: dict[str, Any]) -> None:
    with pytest.raises(SystemExit, match="says nothing of wobble in calls"):
        made["meaning"]("wobble", "calls", {"calls": {}, "anywhere": {}})


def test_the_columns_of_a_summary_are_those_of_the_page(made: dict[str, Any]) -> None:
    arms = summarize_arms(read_dataset(ROOT / "sample_data" / "study"))
    assert list(per_dose_table(arms).columns) == made["PER_DOSE"]
    assert list(units_table(arms).columns) == made["UNITS"]
    assert list(models_table(arms).columns) == made["MODELS"]


def test_every_key_of_a_configuration_is_on_the_page() -> None:
    page = (DOCS / "reference" / "configuration.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "configs").rglob("*.toml")):
        if path.parent.name in ("paradigms", "rigs", "detectors", "shockers", "training"):
            keys = re.findall(r"^([a-z_]+) = ", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert [key for key in keys if f"`{key}`" not in page] == [], path.name


def test_links_lead_somewhere() -> None:
    broken = []
    for page in [*PAGES, *BESIDE]:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if "://" in target:
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists() or (anchor and anchor not in anchors(file)):
                broken.append(f"{named(page)}: {target}")
    assert broken == []


def anchors(page: Path) -> set[str]:
    """What headings of a page are called in links."""
    found = set()
    for heading in re.findall(r"^#+ +(.+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        plain = re.sub(r"[`*]", "", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def test_links_to_anchors_are_held_to_headings() -> None:
    assert "decoder-profiles" in anchors(DOCS / "reference" / "formats.md")


def test_every_picture_is_on_a_page() -> None:
    shown = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    }
    assert sorted(one.name for one in (DOCS / "images").iterdir() if one.resolve() not in shown) == []


def test_imports_run_downwards_in_the_picture(made: dict[str, Any]) -> None:
    level = {room: k for k, row in enumerate(made["layers"]()) for room in row}
    found = made["imports_once"]()
    assert found["app"] and not found["model"]
    assert [(one, used) for one, all_used in found.items() for used in all_used if level[used] <= level[one]] == []


def test_the_manual_is_built_without_a_warning(tmp_path: Path) -> None:
    if importlib.util.find_spec("myst_parser") is None or importlib.util.find_spec("furo") is None:
        pytest.skip("needs sphinx: pip install -e '.[docs]'")
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(DOCS), str(tmp_path / "manual")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "manual" / "index.html").read_text(encoding="utf-8")
    for name in (named(one) for one in PAGES if one.is_relative_to(DOCS) and one.name != "index.md"):
        assert f'href="{name.removeprefix("docs/").replace(".md", ".html")}"' in page, f"{name} is not in the contents"
    elsewhere = re.findall(r'(?:src|href)="(https?://[^"]+\.(?:js|css|woff2?)[^"]*)"', page)
    assert elsewhere == [], "a page must need nothing from elsewhere"
