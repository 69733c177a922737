"""The manual: generated pages are as generated, links lead somewhere, it can be built, and nothing is left out."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from behavior.study.dataset import read_dataset
from behavior.summary.exchange import units_table
from behavior.summary.per_dose import per_dose_table, summarize_arms
from behavior.summary.r_script import models_table
from docs.pages import BESIDE, DOCS, GENERATED, PAGES, ROOT, named
from generate import PAGES as PAGES_MADE
from generate import architecture, columns


def test_generated_pages_are_as_generated() -> None:
    late = [name for name, make in PAGES_MADE.items() if (DOCS / name).read_text(encoding="utf-8") != make()]
    assert late == [], "run: python docs/generate"


def test_generated_pages_say_so() -> None:
    assert {named(page) for page in PAGES if GENERATED in page.read_text(encoding="utf-8")} == {
        f"docs/{name}" for name in PAGES_MADE if name.endswith(".md")
    }


def test_a_column_without_a_meaning_is_refused() -> None:
    with pytest.raises(SystemExit, match="nothing says what wobble in calls means; add it"):
        columns.meaning("wobble", "calls")


UNITS = {
    "_hz": "Hz", "_hz_per_s": "Hz/s", "_db": "dB", "_ma": "mA", "_g": "g", "_mg_kg": "mg/kg", "_ml": "ml",
    "_min": "min",
    "_mg_kg_per_day": "mg/kg", "_per_min": "/min", "_ml_per_animal_day": "ml", "_s": "s", "_us": "µs",
}  # fmt: skip


def unit_missing(name: str, said: str) -> bool:
    """Whether a column whose name ends with a unit has a meaning that does not name it."""
    ends = [end for end in UNITS if name.endswith(end)]
    if not ends or name.startswith(("n_", "fraction_", "hedges_")):
        return False
    unit = re.escape(UNITS[max(ends, key=len)])
    return re.search(rf"(?<![\w/]){unit}(?!\w)|{unit}\b", said) is None


def test_every_column_has_a_meaning_with_its_unit() -> None:
    without = {
        (title, name)
        for title, _, group, names in columns.tables()
        for name in names
        if unit_missing(name, columns.meaning(name, group))
    }
    assert without == set()


def test_no_meaning_is_of_a_column_that_no_table_has() -> None:
    used: dict[str, set[str]] = {}
    for _, _, group, names in columns.tables():
        for one in (group, "anywhere"):
            used.setdefault(one, set()).update(names)
    idle = {
        (group, name)
        for group, said in columns.meanings().items()
        for name in said
        if name not in used[group] and not (name.endswith("_") and any(one.startswith(name) for one in used[group]))
    }
    assert idle == set()


@pytest.mark.parametrize(("name", "said"), [("shock_s", "how long"), ("weight_g", "weight"), ("low_hz", "lowest")])
def test_a_missing_unit_is_noticed(name: str, said: str) -> None:
    assert unit_missing(name, said)
    assert not unit_missing(name, f"{said}, {UNITS['_' + name.split('_')[1]]}")


def test_the_columns_of_a_summary_are_those_of_the_page() -> None:
    arms = summarize_arms(read_dataset(ROOT / "sample_data" / "study"))
    assert list(per_dose_table(arms).columns) == columns.PER_DOSE
    assert list(units_table(arms).columns) == columns.UNITS
    assert list(models_table(arms).columns) == columns.MODELS


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


def test_imports_run_downwards_in_the_picture() -> None:
    level = {room: k for k, row in enumerate(architecture.layers()) for room in row}
    found = architecture.imports_once()
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
