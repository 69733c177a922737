"""Text as other programs leave it: UTF-8 with and without mark, UTF-16, and the Windows-1252 of older machines."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from behavior.model.errors import BadInput, Failure

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(data: bytes) -> tuple[str, str] | None:
    """Text and its encoding, in which it gives the same bytes again; None for what is no text.

    The mark of UTF-16 stays in the text.

    Windows-1252 leaves five bytes undefined; a file that holds one is taken as Latin-1, so that every byte comes back.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    for name in (encoding,) if encoding else ("utf-8", "cp1252", "latin-1"):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        return None if "\0" in text else (text, name)
    return None


def head_text(head: bytes) -> str:
    """The first bytes of a file as text, for telling what it is; empty for what is no text."""
    even = head[: len(head) // 2 * 2] if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else head
    for cut in range(4):  # the last character may be torn
        found = decode(even[: len(even) - cut])
        if found is not None and found[1] not in ("cp1252", "latin-1"):
            return found[0]
    found = decode(even)
    return found[0] if found else ""


def read_text(path: Path, what: str) -> str:
    """The text of a file, in whatever encoding, with line ends as they are.

    Parameters
    ----------
    path : of the file
    what : it should be, as in "a Raven selection table"

    Raises
    ------
    BadInput
        There is no such file, or it is no text.
    """
    found = decode(read_bytes(path))
    if found is None:
        raise BadInput(f"{path}: is not text, so it is not {what}; check that it is the right file")
    return found[0]


def read_bytes(path: Path) -> bytes:
    """All of a file.

    Raises
    ------
    BadInput
        There is no such file, or it is a folder, or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file; check the name, or the folder you are in") from None
    except IsADirectoryError:
        raise BadInput(f"{path}: this is a folder; name a file in it") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); check its permissions") from None


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet.

    Raises
    ------
    BadInput
        It is there already, or its folder is not.
    Failure
        The disk did not take it; no half of it stays.
    """
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise BadInput(f"{path}: is there already and is not overwritten; choose another name") from None
    except (FileNotFoundError, NotADirectoryError):
        raise BadInput(f"{path}: there is no folder {path.parent}; make it first") from None
    except OSError as error:
        path.unlink(missing_ok=True)
        raise Failure(f"{path}: cannot be written ({error.strerror}); check the folder and the disk") from None


def table_text(rows: Iterable[Sequence[object]], *, delimiter: str = ",") -> str:
    """Rows as delimited text, quoted where needed; a lone carriage return needs it too, which `csv` forgets."""

    def cell(value: object) -> str:
        text = str(value)
        needs = any(sign in text for sign in (delimiter, '"', "\r", "\n"))
        return '"' + text.replace('"', '""') + '"' if needs else text

    return "".join(delimiter.join(cell(value) for value in row) + "\n" for row in rows)


def rows_of(text: str, path: Path, *, delimiter: str = ",", quoted: bool = True) -> list[tuple[int, list[str]]]:
    """Rows of delimited text that say something, each with the number of its last line.

    Raises
    ------
    BadInput
        The quotes do not close, or a field is longer than any table's.
    """
    stream = io.StringIO(text, newline="")
    if quoted:
        reader = csv.reader(stream, delimiter=delimiter)
    else:
        reader = csv.reader(stream, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    try:
        return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise BadInput(
            f"{path}, line {reader.line_num}: cannot be read as a table ({error}); export it again"
        ) from None
