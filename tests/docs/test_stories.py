"""The manual is run: each page's commands in order, as they stand, in a folder with what its readers have.

Sessions, benches and screens are attended by a person at a terminal, boxes are twins behind ports; everything else runs
in this process. Those with boxes are in `test_stories_with_boxes.py`, for a
bench takes its time. `pytest -s tests/docs/test_stories.py` prints what is run, and what is not and why.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.pages import DOCS, GENERATED, PAGES, Block, blocks, named
from docs.stories import STORIES, WITH_BOXES
from docs.telling import shown, tell

USAGE = DOCS / "reference" / "commands.md"


def commands() -> Iterator[Block]:
    """Every block of commands of the manual; the usage lines of the reference are made from the program."""
    assert GENERATED in USAGE.read_text(encoding="utf-8")
    return (block for page in PAGES if page != USAGE for block in blocks(page) if block.is_commands)


def test_every_block_of_commands_is_run_or_says_why_not() -> None:
    left = [(named(one.page), one.text) for one in commands() if not one.not_run and named(one.page) not in STORIES]
    assert left == []
    assert {named(one.page) for one in commands() if not one.not_run} == STORIES.keys()


def test_what_is_not_run_is_told() -> None:
    """Nothing is left out in silence: the list grows only with this number."""
    found = list(commands())
    why = Counter(one.not_run for one in found if one.not_run)
    n_run = sum(not one.not_run for one in found)
    print(f"\nblocks of commands: {len(found)}, run {n_run}, not run {len(found) - n_run}")
    for reason, n in why.items():
        print(f"  {n} not run: {reason}")
    assert (n_run, sum(why.values())) == (N_RUN, N_NOT_RUN)


N_RUN, N_NOT_RUN = 43, 10


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal to stand for a person's")
@pytest.mark.parametrize("page", [page for page in STORIES if page not in WITH_BOXES])
def test_a_page_does_as_it_stands(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tell(page, monkeypatch, capsys)


def test_what_is_shown_and_was_not_said_is_noticed() -> None:
    block = Block(DOCS, "text", "12 of 12 sessions\n", "")
    shown(block, "imported 12 of 12 sessions", is_whole=True)
    with pytest.raises(AssertionError):
        shown(block, "11 of 12 sessions", is_whole=True)
