"""Every command that a page names is one, with the options it names."""

from __future__ import annotations

import re
import shlex

import pytest

from behavior.app import cli
from docs.pages import BESIDE, PAGES, named, spoken_commands
from docs.signatures import options_of, takes_value

OPTIONS = options_of(cli.app)


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
