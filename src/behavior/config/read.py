"""One way from TOML to a validated record, whatever the file holds."""

from __future__ import annotations

import re
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
MOST_CHARACTERS = 1_000_000
"""Of a file that people write."""
_LONGEST_VALUE = 200
"""Of a value that a sentence quotes, in characters."""
_TOO_DEEP = re.compile(r"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){64}")
"""A key of so many parts; the parser takes the square of their number, and this search, being possessive, does not."""


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
    if len(text) > MOST_CHARACTERS:
        what = f"has {len(text)} characters, more than any file that people write; check that it is the right one"
        raise BadFile(file, [Problem("", what)])
    if found := _TOO_DEEP.search(text):
        number = text.count("\n", 0, found.start()) + 1
        raise BadFile(file, [Problem(f"line {number}", "has a key of more than 64 parts; check the line")])
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise BadFile(file, _syntax_problems(text)) from None
    except (RecursionError, ValueError) as error:
        raise BadFile(file, [_unparsed(error)]) from None
    return validate(data, record, file=file)


def _unparsed(error: Exception) -> Problem:
    """What TOML allows and no reader takes."""
    if isinstance(error, RecursionError):
        return Problem("", "its brackets are nested too deeply to be read; check where one is not closed")
    return Problem("", "holds a number of thousands of digits, or a date that is none; correct it")


def validate(data: dict[str, Any], record: type[R], *, file: object) -> R:
    """Check what a TOML table holds against a record; all problems at once."""
    try:
        return record.model_validate(data)
    except ValidationError as error:
        errors = error.errors()
        raise BadFile(file, [_problem(dict(one)) for one in errors if not _follows(one, errors)]) from None
    except (RecursionError, OverflowError) as error:
        raise BadFile(file, [_unparsed(error)]) from None


def _follows(error: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """Whether a list is too short only because of what is wrong with its entries, which is said anyway."""
    if error["type"] != "too_short":
        return False
    place = error["loc"]
    return any(len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in errors)


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
        except (RecursionError, ValueError) as error:
            return [*problems, _unparsed(error)]


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
    parts = (str(part + 1) if isinstance(part, int) else _quoted(part) for part in error["loc"])
    key = ".".join(parts)
    if error["type"] == "value_error":
        return Problem(key, str(error["ctx"]["error"]))
    sentence = _SENTENCES.get(error["type"])
    if sentence is None:
        what = f"{error['msg'][0].lower()}{error['msg'][1:]}"
        return Problem(key, f"{what} (is {_short(error['input'])!r})")
    return Problem(key, sentence.format(input=_short(error["input"]), **error.get("ctx", {})))


def _short(value: object) -> object:
    """A value as a sentence can quote it."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except ValueError:  # an integer of thousands of digits
        return "too long a number"
    return value if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]} …"


def _quoted(key: str) -> str:
    """A key as it can be shown: what is no plain word in quotes, its control characters escaped."""
    short = f"{key[:_LONGEST_VALUE]} …" if len(key) > _LONGEST_VALUE else key
    return short if short.isprintable() and short else repr(short)
