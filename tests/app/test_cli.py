"""Whatever ends a command: one sentence and an exit code, and never a traceback for what a person can mend."""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable
from typing import get_args

import pytest
import typer
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from app.commands import behavior
from behavior import __version__
from behavior.app import cli
from behavior.app.prepare import treatment_of
from behavior.model.errors import BadFile, BadInput, Failure, Problem


def ended(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    def fails() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fails)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "3", "what a person set is kept"
    return int(exit_.value.code or 0)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (BadInput("x.toml: mend it"), 2, "behavior: x.toml: mend it\n"),
        (
            BadFile("x", [Problem("a", "b"), Problem("c", "d")]),
            2,
            "behavior: x: 2 problems, mend them and run again:\n",
        ),
        (Failure("the disk is full"), 1, "behavior: the disk is full\n"),
        (KeyboardInterrupt(), 130, "behavior: stopped; what was written stays\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_that_a_person_can_mend_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    assert ended(monkeypatch, error) == code
    found = capsys.readouterr()
    assert found.err.startswith(said) and found.out == ""


def test_a_defect_of_ours_is_not_dressed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "app", fails)
    with pytest.raises(ZeroDivisionError):
        cli.main()


def commands() -> dict[str, Callable[..., object]]:
    return {info.callback.__name__: info.callback for info in cli.app.registered_commands if info.callback}


def test_every_command_and_every_option_has_a_sentence_of_help() -> None:
    for name, command in commands().items():
        assert (inspect.getdoc(command) or "").strip().endswith("."), name
        for parameter, hint in inspect.get_annotations(command, eval_str=True).items():
            if parameter == "return":
                continue
            (option,) = (one for one in get_args(hint) if isinstance(one, typer.models.ParameterInfo))
            assert option.help and option.help.endswith((".", "?")), f"{name} {parameter}"


def test_commands_are_listed_by_what_they_are_for_a_line_each() -> None:
    said = behavior("--help", COLUMNS="80").out
    parts = dict(re.findall(r"(?m)^([A-Z][a-z ]+):\n((?:  .+\n)+)", said))
    listed = {part: re.findall(r"(?m)^  (\S+) +\S", lines) for part, lines in parts.items()}
    assert list(listed)[-len(cli.WORK) :] == list(cli.WORK)
    assert sorted(name for part in cli.WORK for name in listed[part]) == sorted(
        name.replace("_", "-") for name in commands()
    )
    assert listed["Plan"] == ["design", "power", "dosing"]
    assert all(line.startswith("  ") and line[2] != " " for part in cli.WORK for line in parts[part].splitlines())


def test_the_version_is_that_of_the_package() -> None:
    assert CliRunner().invoke(cli.app, ["--version"]).stdout == f"behavior {__version__}\n"


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    """As in `behavior --help | head -1`."""
    script = (
        "import os, sys\n"
        "from behavior.app import cli\n"
        "def fails(): raise BrokenPipeError\n"
        "cli.app = fails\n"
        "cli.main()\n"
    )
    import subprocess

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (1, b"", b"")


def test_what_is_no_option_is_told_without_a_traceback() -> None:
    done = behavior("verify", "--nonesuch")
    assert done.code == 2
    assert "No such option" in done.err and "Traceback" not in done.err


# -- what was given ---------------------------------------------------------------------------------------------------

MAYBE = st.none() | st.sampled_from(["", "x"])
DOSES = st.none() | st.floats()


@given(MAYBE, MAYBE, DOSES, MAYBE, MAYBE, DOSES)
@example("x", None, None, None, None, float("inf"))
@example("", "x", float("nan"), "x", None, None)
@example(None, None, 0.0, "x", None, -0.5)
@example(None, "", 3.0, "x", None, 30.0)
def test_a_treatment_is_a_code_or_a_possible_dose_and_otherwise_refused(
    code: str | None,
    compound: str | None,
    dose: float | None,
    vehicle: str | None,
    route: str | None,
    ago: float | None,
) -> None:
    try:
        given_ = treatment_of(code, compound, dose, vehicle, route, ago)
    except BadInput as error:
        assert str(error).count("\n") == 0
        return
    if code:
        assert given_.blind_code == code and given_.dose_mg_kg is None and not given_.compound
    else:
        assert given_.dose_mg_kg is not None and 0 <= given_.dose_mg_kg < float("inf")
        assert given_.vehicle and (given_.compound or given_.dose_mg_kg == 0)
    assert given_.pretreatment_min is None or 0 <= given_.pretreatment_min < float("inf")
