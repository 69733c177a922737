"""Every command that a page names is one, with the options it names; pages that run are run as they stand."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from behavior.app import cli
from behavior.audio.write import RecordingWriter
from behavior.model.errors import BehaviorError
from behavior.simulate.acoustics import PlannedCall, Soundscape
from docs.pages import BESIDE, DOCS, PAGES, ROOT, blocks, named, spoken_commands
from docs.signatures import options_of, takes_value

OPTIONS = options_of(cli.app)


def study(here: Path) -> None:
    """A finished study, as `data` and as an archive."""
    shutil.copytree(ROOT / "sample_data" / "study", here / "data")
    (here / "ARCHIVE").symlink_to(here / "data")


def night(here: Path) -> None:
    """A recording with two calls, and what a person marked in it."""
    calls = [PlannedCall(0.5, 0.8), PlannedCall(1.8, 0.7)]
    with RecordingWriter(here / "night1.wav", 250_000, 1) as writer:
        for block in Soundscape(250_000, 3.0, 1, calls).blocks():
            writer.write(block)
    rows = [f"{k}\t{one.onset_s}\t{one.onset_s + one.duration_s}\t18000\t30000" for k, one in enumerate(calls, 1)]
    head = "Selection\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"
    (here / "night1.selections.txt").write_text("\n".join([head, *rows, ""]), encoding="utf-8")


def nothing(here: Path) -> None:
    """The page makes what it needs."""


RUN: dict[str, tuple[Callable[[Path], None], str]] = {
    "docs/tutorial/first-study.md": (nothing, "report/report.html"),
    "docs/tutorial/from-a-med-pc-shelf.md": (nothing, "report/report.html"),
    "docs/tutorial/companion-assays.md": (nothing, "mine/binding-report/report.html"),
    "docs/how-to/compare-calls-with-a-person.md": (night, "calls.csv"),
    "docs/how-to/rescore-an-archive.md": (study, "ARCHIVE/rescored/manifest.csv"),
    "docs/how-to/summarize-a-study.md": (study, "report/analysis.R"),
}
"""Pages whose commands are run in order in a folder: what their readers have in it, and what is there afterwards."""
ELSEWHERE = {"selftest": "tests/app/selftest runs it"}


def test_every_command_and_option_that_a_page_names_is_one() -> None:
    wrong, n = [], 0
    for page in [*PAGES, *BESIDE]:
        for line in spoken_commands(page):
            n += 1
            wrong += [f"{named(page)}: {line}: {why}" for why in problems(line)]
    assert wrong == []
    assert n > 150


def problems(line: str) -> list[str]:
    """What is wrong with a command as it is printed; `…` stands for whatever is left out."""
    words = [word for part in re.split(r" \| | && | · ", line)[:1] for word in shlex.split(part)][1:]
    if not words or words[0] in ("COMMAND", "…"):
        return []
    if words[0].startswith("--"):
        return [] if words[0] in ("--help", "--version") else ["no such option"]
    if words[0] not in OPTIONS:
        return [f"there is no command {words[0]}"]
    known = {*OPTIONS[words[0]], "--help"}
    return [
        f"{words[0]} has no {word}" for word in words[1:] if word.startswith("--") and word.split("=")[0] not in known
    ]


@pytest.mark.parametrize("line", ["behavior runn x", "behavior run x --simulated", "behavior --verson"])
def test_what_is_none_is_noticed(line: str) -> None:
    assert problems(line)


def test_every_option_knows_whether_it_takes_a_value() -> None:
    assert takes_value(OPTIONS["run"]["--chamber"])
    assert not takes_value(OPTIONS["run"]["--simulate"])


@pytest.mark.parametrize("page", RUN)
def test_a_page_that_runs_does_as_it_stands(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    prepare, made = RUN[page]
    prepare(tmp_path)
    said, n = "", 0
    for block in blocks(ROOT / page):
        if block.language == "toml" and (name := re.match(r"# file: (\S+)", block.text)):
            Path(name[1]).write_text(block.text, encoding="utf-8")
        if block.not_run:
            continue
        for words in map(shlex.split, block.commands):
            if words[1] not in ELSEWHERE:
                said, n = said + run(words, monkeypatch, capsys), n + 1
        if block.language == "text" and prepare is nothing:
            assert [line for line in block.text.splitlines() if line not in said] == []
    assert n >= 1
    assert (tmp_path / made).is_file()


def run(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command in this process; what it said."""
    monkeypatch.setattr("sys.argv", words)
    try:
        cli.main()
    except SystemExit as ended:
        assert not ended.code, (words, *capsys.readouterr())
    except BehaviorError as error:
        raise AssertionError(f"{words}: {error}") from None
    return "".join(capsys.readouterr())


def test_a_page_that_is_not_run_says_why() -> None:
    """Tutorials either run or say of each block why not; how-to pages speak of files that their readers have."""
    for page in sorted((DOCS / "tutorial").glob("*.md")):
        if named(page) not in RUN:
            assert [one.text for one in blocks(page) if one.commands and not one.not_run] == []
