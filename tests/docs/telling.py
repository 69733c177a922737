"""Runs the story of a page: its commands in order, as they stand, in the folder that we are in."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from behavior.app import cli
from behavior.model.errors import BehaviorError
from docs.pages import ROOT, Block, blocks
from docs.person import Person
from docs.stories import STORIES, Story, deeds, filled_in


def tell(page: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Run a page; what it says is shown, and what its readers have at the end, is there."""
    story, said = STORIES[page], ""
    story.prepare()
    with story.there() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        for block in blocks(ROOT / page):
            if block.file:
                Path(block.file).write_text(block.text, encoding="utf-8")
            for line in lines_of(block):
                filled_in()
                said += run(line, story, environment, monkeypatch, capsys)
            if block.language == "text":
                shown(block, said, is_whole=not story.shorter)
    assert not story.made or list(Path().glob(story.made))


def lines_of(block: Block) -> list[str]:
    """The commands of a block that is run."""
    if block.not_run or not block.is_commands:
        return []
    lines = [line.partition("  #")[0].strip() for line in block.text.replace("\\\n", " ").splitlines()]
    assert all(line.startswith(("behavior ", "python tests/")) for line in lines if line), lines
    return [line for line in lines if line]


def run(
    line: str,
    story: Story,
    environment: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> str:
    """Run a command; what it said."""
    added = next((more for begins, more in story.shorter.items() if line.startswith(begins)), "")
    words = [one for word in shlex.split(f"{line} {added}") for one in globbed(word)]
    if words[0] == "python":
        done = subprocess.run([sys.executable, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout
    if (attending := deeds(words)) is not None:
        person = Person(Path.cwd(), attending, environment)
        code = person.run(words)
        assert code in (0, 130), (line, code, person.screen[-3000:])
        return person.screen
    monkeypatch.setattr("sys.argv", words)
    try:
        cli.main()
    except SystemExit as ended:
        assert not ended.code, (line, *capsys.readouterr())
    except BehaviorError as error:
        raise AssertionError(f"{line}: {error}") from None
    return "".join(capsys.readouterr())


def globbed(word: str) -> list[str]:
    """What a shell makes of a word, and a reader of `…`."""
    if not re.search(r"[*…]", word):
        return [word]
    found = sorted(str(path) for path in Path().glob(word.replace("…", "*")))
    assert found, f"{word}: there is none"
    return found


def shown(block: Block, said: str, *, is_whole: bool) -> None:
    """What a page shows was said; of commands that were made shorter, with other numbers."""
    said, text = (said, block.text) if is_whole else (without_numbers(said), without_numbers(block.text))
    assert [line for line in text.splitlines() if line not in said] == []


def without_numbers(text: str) -> str:
    return re.sub(r"[ \t]+", " ", re.sub(r"\d[\d.]*", "0", text))
