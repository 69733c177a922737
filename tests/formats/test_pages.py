"""The pages about formats: the format to copy passes as it stands, tables are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from behavior.config.read import read_text
from behavior.formats.catalogue import all_formats
from behavior.formats.profile import HAPPENINGS, Profile
from behavior.model.errors import BadInput

DOCS = Path(__file__).resolve().parents[2] / "docs"


def blocks(page: Path, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == language]


def test_the_format_to_copy_is_one(tmp_path: Path) -> None:
    (source,) = blocks(DOCS / "how-to" / "add-a-format.md", "python")
    names: dict[str, object] = {}
    exec(compile(source, "tally.py", "exec"), names)
    tally = names["FORMAT"]
    path = tmp_path / "x.tally"
    tally.write(path, tally.example())  # type: ignore[attr-defined]
    assert tally.read(path) == tally.example()  # type: ignore[attr-defined]
    assert tally.sniff(path, path.read_bytes())  # type: ignore[attr-defined]
    assert not any(one.sniff(path, path.read_bytes()) for one in all_formats())
    with pytest.raises(BadInput, match="is there already"):
        tally.write(path, tally.example())  # type: ignore[attr-defined]
    path.write_text("onset;offset;label\nx;2;y\n")
    with pytest.raises(BadInput, match="line 2, onset: must be a number"):
        tally.read(path)  # type: ignore[attr-defined]


def test_the_reference_names_every_format_and_every_event() -> None:
    page = (DOCS / "reference" / "formats.md").read_text()
    assert [one.name for one in all_formats() if f"`{one.name}`" not in page and one.holds != "control file"] == []
    assert [event for event in HAPPENINGS if f"`{event}`" not in page] == []


def test_the_profile_of_the_reference_is_one() -> None:
    (text,) = blocks(DOCS / "reference" / "formats.md", "toml")
    assert read_text(text, Profile).paradigm == "geller_seifter"
