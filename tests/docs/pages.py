"""What the tests of the manual share: its pages, their blocks of code, and the commands in them.

A block without a language holds commands if its first line begins with one, else output or a drawing. The page says so
with a comment where commands are not run: `<!-- not run: REASON -->` right before or after the block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
BESIDE = sorted([*(ROOT / "hardware").rglob("*.md"), *(ROOT / "sample_data").rglob("*.md"), ROOT / "CHANGELOG.md"])
"""Pages that are no part of the manual, and are held to the program all the same."""
GENERATED = "<!-- Made by `python docs/generate`. Do not edit. -->"
_BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<before>[^>]+) -->\n)?^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^ *```$"
    r"(?:\n+<!-- not run: (?P<after>[^>]+) -->)?",
    re.DOTALL | re.MULTILINE,
)
PROGRAMS = ("behavior ", "python", "pip ", ".venv/", "py -3", "dask ", "head ")


@dataclass(frozen=True)
class Block:
    """A block of code on a page. `not_run` says why its commands are not run; empty where nothing is said."""

    page: Path
    language: str
    text: str
    not_run: str

    @property
    def file(self) -> str:
        """The name under which its reader saves it; empty where it is none."""
        found = re.match(r"# file: (\S+)\n", self.text)
        return found[1] if found else ""

    @property
    def is_commands(self) -> bool:
        return not self.language and self.text.lstrip().startswith(PROGRAMS)

    @property
    def commands(self) -> list[str]:
        """Its commands of ours, without comments."""
        lines = self.text.replace("\\\n", " ").splitlines() if self.is_commands else []
        return [line.partition("  #")[0].strip() for line in lines if line.startswith("behavior ")]


def blocks(page: Path) -> list[Block]:
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(page, one["language"], one["text"], (one["before"] or one["after"] or "").strip()) for one in found]


def spoken_commands(page: Path) -> Iterator[str]:
    """Every `behavior …` of a page: in blocks, and within sentences and tables."""
    for block in blocks(page):
        yield from block.commands
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    for words in re.findall(r"`(behavior [^`]+)`", text):
        yield " ".join(words.replace("\\|", "|").split())


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()
