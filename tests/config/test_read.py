"""Every error of a file at once, each with its key and what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from behavior.config import Record, read, read_text
from behavior.config.shipped import find, shipped
from behavior.model.errors import BadFile, BadInput


class Cue(Record):
    kind: Literal["tone", "light"]
    level: float = Field(gt=0, le=1)


class Protocol(Record):
    name: str
    n_trials: int = Field(ge=1)
    cues: tuple[Cue, ...] = ()


def problems_of(text: str) -> list[str]:
    with pytest.raises(BadFile) as caught:
        read_text(text, Protocol, file="p.toml")
    return [str(problem) for problem in caught.value.problems]


def test_a_good_file() -> None:
    record = read_text('name = "a"\nn_trials = 3\n[[cues]]\nkind = "tone"\nlevel = 0.5', Protocol)
    assert record == Protocol(name="a", n_trials=3, cues=(Cue(kind="tone", level=0.5),))


def test_all_wrong_values_come_at_once_with_key_and_remedy() -> None:
    text = 'n_trials = 0\nn_trails = 3\n[[cues]]\nkind = "smell"\nlevel = 2'
    assert problems_of(text) == [
        "name: is missing; add it",
        "n_trials: must be 1 or more (is 0)",
        "cues.1.kind: must be one of 'tone' or 'light' (is 'smell')",
        "cues.1.level: must be 1.0 or less (is 2)",
        "n_trails: is not known here; check the spelling or leave it out",
    ]


def test_all_lines_that_are_not_toml_come_at_once() -> None:
    found = problems_of('name = "a\nn_trials = = 3\n[cues\n')
    assert [problem.split(":")[0] for problem in found] == ["line 1", "line 2", "line 3"]


def test_a_list_is_not_said_to_be_too_short_for_what_is_wrong_inside_it() -> None:
    class Cues(Record):
        cues: Annotated[tuple[Cue, ...], Field(min_length=1)]

    with pytest.raises(BadFile, match=r"^x: cues\.1\.level: must be 1\.0 or less \(is 2\)$"):
        read_text('[[cues]]\nkind = "tone"\nlevel = 2', Cues, file="x")
    with pytest.raises(BadFile, match=r"^x: cues: must have at least 1 entries \(has 0\)$"):
        read_text("cues = []", Cues, file="x")


def test_one_problem_is_one_line_and_several_are_a_list() -> None:
    with pytest.raises(BadFile, match=r"^p\.toml: name: is missing; add it$"):
        read_text("n_trials = 1", Protocol, file="p.toml")
    with pytest.raises(BadFile, match=r"^p\.toml: 2 problems, mend them and run again:\n  name: "):
        read_text("", Protocol, file="p.toml")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda p: None, "there is no such file"),
        (lambda p: p.mkdir(), "this is a folder"),
        (lambda p: p.write_bytes(b'name = "\xe9"'), "byte 8 is not UTF-8"),
    ],
    ids=["missing", "folder", "latin-1"],
)
def test_what_cannot_be_read(tmp_path: Path, make: object, sentence: str) -> None:
    make(tmp_path / "x.toml")  # type: ignore[operator]
    with pytest.raises(BadInput, match=sentence):
        read(tmp_path / "x.toml", Protocol)


@given(st.text(max_size=60))
def test_any_text_gives_a_record_or_the_documented_error(text: str) -> None:
    with pytest.raises(BadFile) as caught:
        read_text(text, Protocol, file="p.toml")
    assert caught.value.problems


def test_shipped_files_are_found_by_name_and_own_ones_by_path(tmp_path: Path) -> None:
    assert shipped("configs").is_dir()
    own = tmp_path / "mine.toml"
    own.write_text("")
    assert find(str(own), "configs", "studies") == own
    with pytest.raises(BadInput, match=r"nonesuch: there is no such file, and no shipped one"):
        find("nonesuch", "configs", "studies")
