"""One way from TOML to a validated record."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from behavior.model.errors import BadFile, BadInput, Problem

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class Record(BaseModel):
    """A part of a file that people write. Frozen; a key that it does not know is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


R = TypeVar("R", bound=BaseModel)


def read(path: Path, record: type[R]) -> R:
    """Read a TOML file into a record.

    Parameters
    ----------
    path : the file
    record : the pydantic model that says what it must hold

    Raises
    ------
    BadInput
        The file cannot be read.
    BadFile
        It is not TOML, or does not hold what it must; all problems at once, each with its key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file; check the name, or the folder you are in") from None
    except IsADirectoryError:
        raise BadInput(f"{path}: this is a folder; name the TOML file in it") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    return read_text(text, record, file=path)


def read_text(text: str, record: type[R], *, file: object = "text") -> R:
    """Like `read`, from text; `file` names it in errors."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise BadFile(file, _syntax_problems(text)) from None
    return validate(data, record, file=file)


def validate(data: dict[str, Any], record: type[R], *, file: object) -> R:
    """Check what a TOML table holds against a record; all problems at once."""
    try:
        return record.model_validate(data)
    except ValidationError as errors:
        raise BadFile(
            file, [_problem(dict(error)) for error in errors.errors() if not _follows(error, errors)]
        ) from None


def _follows(error: ErrorDetails, errors: ValidationError) -> bool:
    """Whether a list is too short only because of what is wrong with its entries, which is said anyway."""
    place = error["loc"]
    within = any(len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in errors.errors())
    return error["type"] == "too_short" and within


def _syntax_problems(text: str) -> list[Problem]:
    """Every line that TOML cannot hold.

    The parser stops at the first; the rest is found by leaving that line out and parsing on, so that a person mends
    a file once and not once an error.
    """
    lines = text.split("\n")
    problems: list[Problem] = []
    while True:
        try:
            tomllib.loads("\n".join(lines))
            return problems
        except tomllib.TOMLDecodeError as error:
            what, _, _ = str(error).partition(" (at ")
            number = min(_line_of(error, lines), len(lines))
            problems.append(Problem(f"line {number}", f"not TOML: {what[0].lower()}{what[1:]}"))
            if number < 1 or not lines[number - 1].strip() or len(problems) == 20:
                return problems
            lines[number - 1] = ""


def _line_of(error: tomllib.TOMLDecodeError, lines: list[str]) -> int:
    _, _, place = str(error).partition("(at line ")
    if not place:  # "at end of document": the last line that says something
        return max((number for number, line in enumerate(lines, start=1) if line.strip()), default=0)
    return int(place.split(",")[0])


_SENTENCES = {
    "missing": "is missing; add it",
    "extra_forbidden": "is not known here; check the spelling or leave it out",
    "greater_than": "must be more than {gt} (is {input})",
    "greater_than_equal": "must be {ge} or more (is {input})",
    "less_than": "must be less than {lt} (is {input})",
    "less_than_equal": "must be {le} or less (is {input})",
    "literal_error": "must be one of {expected} (is {input!r})",
    "string_type": "must be text in quotes (is {input!r})",
    "bool_type": "must be true or false (is {input!r})",
    "too_short": "must have at least {min_length} entries (has {actual_length})",
}


def _problem(error: dict[str, Any]) -> Problem:
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in error["loc"])
    if error["type"] == "value_error":
        return Problem(key, str(error["ctx"]["error"]))
    sentence = _SENTENCES.get(error["type"])
    if sentence is None:
        what = f"{error['msg'][0].lower()}{error['msg'][1:]}"
        return Problem(key, f"{what} (is {error['input']!r})")
    return Problem(key, sentence.format(input=error["input"], **error.get("ctx", {})))
