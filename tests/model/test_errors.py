"""What a person sees of an error, also when it comes from another process."""

from __future__ import annotations

import importlib
import pickle
import pkgutil
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import behavior
from behavior.model.errors import BadFile, BadInput, BehaviorError, Failure, Problem, printable

PROBLEMS = st.lists(st.builds(Problem, st.text(), st.text()), max_size=4)


def every_kind(kind: type[BehaviorError] = BehaviorError) -> set[type[BehaviorError]]:
    return {kind}.union(*(every_kind(below) for below in kind.__subclasses__()))


def test_every_error_belongs_to_one_of_the_two_families() -> None:
    for module in pkgutil.walk_packages(behavior.__path__, "behavior."):
        importlib.import_module(module.name)
    kinds = {kind for kind in every_kind() - {BehaviorError} if kind.__module__.startswith("behavior.")}
    assert {BadInput, Failure, BadFile} <= kinds
    for kind in kinds:
        assert issubclass(kind, BadInput) != issubclass(kind, Failure), kind
        assert kind.exit_code == (2 if issubclass(kind, BadInput) else 1)


@given(st.text(), PROBLEMS)
def test_an_error_of_another_process_says_the_same(file: str, problems: list[Problem]) -> None:
    error = BadFile(file, iter(problems))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.file, again.problems, again.exit_code) == (str(error), file, tuple(problems), 2)


@given(st.text(min_size=1), PROBLEMS)
def test_the_file_and_every_problem_are_said(file: str, problems: list[Problem]) -> None:
    text = str(BadFile(file, problems))
    assert text.startswith(printable(f"{file}: "))
    assert all(printable(str(problem)) in text for problem in problems)
    assert (f"{len(problems)} problems" in text) or len(problems) == 1


@pytest.mark.parametrize("quoted", ["\x1b]0;owned\x07", "\u202egnp.exe", "\x9b2J", "\udcff", "\r"], ids=ascii)
@pytest.mark.parametrize("kind", [BadInput, Failure, lambda text: BadFile(text, [Problem(text, text)])])
def test_what_is_quoted_cannot_drive_a_terminal(kind: Callable[[str], BehaviorError], quoted: str) -> None:
    text = str(kind(f"R01{quoted}"))
    assert quoted not in text and ascii(quoted)[1:-1] in text
    text.encode()


def test_a_sentence_is_not_as_long_as_what_it_quotes() -> None:
    assert len(str(BadInput(f"x.csv: is {'1' * 10**6}; correct it"))) < 2_100
    assert str(BadInput(f"x.csv: is {'1' * 10**6}; correct it")).endswith("; correct it")
    many = [Problem(f"line {n}", "x" * 10**4) for n in range(1000)]
    assert len(str(BadFile("x.csv", many))) < 250_000
    assert str(BadFile("x.csv", many)).endswith("… and 900 more")


@pytest.mark.parametrize(("key", "said"), [("arms.1", "arms.1: add it"), ("", "add it")])
def test_a_problem_of_the_whole_file_has_no_key(key: str, said: str) -> None:
    assert str(Problem(key, "add it")) == said
    assert str(BadFile("x", [Problem(key, "add it")])) == f"x: {said}"
