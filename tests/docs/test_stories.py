"""The manual is run: each page's commands in order, as they stand, in a folder with what its readers have.

Sessions, benches and screens are attended by a person at a terminal, boxes are twins behind ports; everything else runs
in this process. `pytest -s tests/docs/test_stories.py` prints what is run, and what is not and why.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from behavior.app import cli
from behavior.model.errors import BehaviorError
from docs.pages import DOCS, GENERATED, PAGES, ROOT, Block, blocks, named
from docs.person import Person
from docs.stories import STORIES, Story, deeds, filled_in

USAGE = DOCS / "reference" / "commands.md"
SHELL = re.compile(r" && |; ")


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


N_RUN, N_NOT_RUN = 41, 9


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal to stand for a person's")
@pytest.mark.parametrize("page", STORIES)
def test_a_page_does_as_it_stands(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
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
    assert not story.made or list(tmp_path.glob(story.made))


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


def test_what_is_shown_and_was_not_said_is_noticed() -> None:
    block = Block(DOCS, "text", "12 of 12 sessions\n", "")
    shown(block, "imported 12 of 12 sessions", is_whole=True)
    with pytest.raises(AssertionError):
        shown(block, "11 of 12 sessions", is_whole=True)
