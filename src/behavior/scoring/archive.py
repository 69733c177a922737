"""Archives: sessions and recordings at any depth, each worked out once.

Rules.

1.  **What was worked out stays so.** Beside what was made of an item stands `rescored.json`: the digests of the files
    that it was made from, of those that were made and of the profile, and the version of the program. As long as all
    of it holds, the item is passed over. A file whose size and time of change are as they were is taken to be the same.
2.  **The record is written last**, in one piece. Whatever dies before leaves an item that is worked out again, whole.
3.  **Nothing of the archive is changed.** Derived files go into the session's own folder, those of a lone recording
    under `rescored/`; with a place named, all of them go there, and the archive is only read.
4.  A folder that is reached twice, by a link or in a circle, is gone through once.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from behavior import __version__
from behavior.audio.extensions import EXTENSIONS
from behavior.config.shipped import find
from behavior.model.decode import tree
from behavior.model.errors import BadInput, Failure
from behavior.scoring.score import SCORE_FILE, SCORED_FILES
from behavior.session.folder import SessionFolder

RECORD, MANIFEST, SESSIONS, RESCORED = "rescored.json", "manifest.csv", "sessions.csv", "rescored"
MANIFEST_COLUMNS = ("item", "kind", "state", "place", "n_calls", "software", "sha256", "error")
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Item:
    """A session or a lone recording.

    Attributes
    ----------
    path : the session's folder, or the sound file
    place : the folder for what is made of it
    name : its path within the archive
    """

    kind: Literal["session", "recording"]
    path: Path
    place: Path
    name: str

    @property
    def sources(self) -> list[Path]:
        """The files that it is worked out from."""
        if self.kind == "recording":
            return [self.path]
        files = [self.path / name for name in (*SCORED_FILES.values(), "footer.json") if name != "calls.csv"]
        return [file for file in (*files, *SessionFolder(self.path).sound_paths) if file.is_file()]


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in an archive.

    Attributes
    ----------
    items : in order of their names
    problems : what could not be looked at; each a sentence
    """

    items: tuple[Item, ...]
    problems: tuple[str, ...] = field(default=())


def find_items(paths: Sequence[Path], out: Path | None = None) -> Found:
    """Every session and every lone recording in these places, at any depth.

    Parameters
    ----------
    paths : sessions, recordings, or folders that hold some
    out : where all derived files are to go; None: beside what they are derived from

    Raises
    ------
    BadInput
        A place does not exist, or none holds anything.
    """
    items: list[Item] = []
    problems: list[str] = []
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise BadInput(f"{path}: there is no such file or folder; check the name, or the folder you are in")
        root = path if path.is_dir() and not _is_session(path) else path.parent
        for kind, one in _walk(path, seen, problems):
            within = one.relative_to(root).as_posix()
            name = within if len(paths) == 1 or root == path.parent else f"{root.name}/{within}"
            items.append(Item(kind, one, _place(kind, one, root, out, name), name))
    if not items:
        where = ", ".join(map(str, paths))
        more = f" ({'; '.join(problems)})" if problems else ""
        raise BadInput(
            f"{where}: no session and no recording in it{more}; name a folder that holds some (sampled channels "
            f"need --channels)"
        )
    return Found(tuple(_apart(items, out)), tuple(problems))


def _place(kind: str, path: Path, root: Path, out: Path | None, name: str) -> Path:
    if out is not None:
        return out / name
    return path if kind == "session" else root / RESCORED / path.relative_to(root)


def _apart(items: Iterable[Item], out: Path | None) -> Iterator[Item]:
    """Items whose names are the same get a number, so that none writes over another."""
    taken: dict[str, int] = {}
    for item in sorted(items, key=lambda one: (one.name, one.path)):
        taken[item.name] = n = taken.get(item.name, 0) + 1
        if n == 1:
            yield item
        else:
            name = f"{item.name}-{n}"
            yield Item(item.kind, item.path, item.place if out is None else out / name, name)


def _is_session(path: Path) -> bool:
    return (path / "header.json").is_file()


def _walk(path: Path, seen: set[Path], problems: list[str]) -> Iterator[tuple[Literal["session", "recording"], Path]]:
    if path.resolve() in seen:
        return
    seen.add(path.resolve())
    if path.is_file():
        if path.suffix.lower() in EXTENSIONS:
            yield "recording", path
        return
    if _is_session(path):
        yield "session", path
        return
    try:
        inside = sorted(os.listdir(path))  # noqa: PTH208 — names, in an order that does not depend on the disk
    except OSError as error:
        problems.append(f"{path}: cannot be looked into ({error.strerror}); check its permissions")
        return
    for name in inside:
        one = path / name
        if not name.startswith(".") and not (name == RESCORED and (one / MANIFEST).exists()):
            yield from _walk(one, seen, problems)


# -- what was worked out already --------------------------------------------------------------------------------------


def way_of(profile: str) -> str:
    """How a profile is known in the records: by its name and the digest of its file.

    Raises
    ------
    BadInput
        There is no such profile.
    """
    path = find(profile, "configs", "detectors")
    return f"{path.stem} sha256:{sha256_of(path)}"


def is_cached(item: Item, how: str) -> bool:
    """Whether what stands in an item's place was made from the same files, in the same way, by this version."""
    try:
        record = tree((item.place / RECORD).read_bytes())
        if (record["software"], record["how"]) != (_software(), how):
            return False
        sources, made = record["sources"], record["made"]
        if sorted(sources) != sorted(path.name for path in item.sources):
            return False
        origin = item.path if item.kind == "session" else item.path.parent
        return all(_is_as_it_was(origin / name, was) for name, was in sources.items()) and all(
            _is_as_it_was(item.place / name, was) for name, was in made.items()
        )
    except (OSError, ValueError, KeyError, TypeError, BadInput):
        return False


def write_record(item: Item, how: str, made: Iterable[str]) -> None:
    """Say what an item was worked out from; the last thing that is written.

    Raises
    ------
    Failure
        The disk did not take it.
    """
    record = {
        "software": _software(),
        "how": how,
        "sources": {path.name: _as_it_is(path) for path in item.sources},
        "made": {name: _as_it_is(item.place / name) for name in made if (item.place / name).is_file()},
    }
    partial = item.place / f".{RECORD}.partial"
    try:
        partial.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8", newline="\n")
        partial.replace(item.place / RECORD)
    except OSError as error:
        raise Failure(f"{item.place}: cannot be written ({error.strerror}); free the disk or use --out") from None


def _software() -> str:
    return f"behavior {__version__}"


def _as_it_is(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"bytes": status.st_size, "changed_ns": status.st_mtime_ns, "sha256": sha256_of(path)}


def _is_as_it_was(path: Path, was: dict[str, Any]) -> bool:
    status = path.stat()
    if status.st_size != was["bytes"]:
        return False
    return bool(status.st_mtime_ns == was["changed_ns"] or sha256_of(path) == was["sha256"])


def sha256_of(path: Path) -> str:
    """Digest of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


# -- what came of all -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item.

    Attributes
    ----------
    state : "done", "cached" or "failed"
    differences : from the score that stood there; of sessions
    problems : of the journal or the sound
    error : why it failed
    """

    state: Literal["done", "cached", "failed"]
    differences: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    error: str = ""


def write_overview(out: Path, outcomes: Iterable[tuple[Item, Outcome]]) -> None:
    """Tables and manifest of an archive; the manifest last, so that tables stand wherever one does that fits them.

    Raises
    ------
    Failure
        The disk did not take it.
    """
    outcomes = list(outcomes)
    rows, items = manifest_rows(outcomes), [item for item, outcome in outcomes if outcome.state != "failed"]
    if any(outcome.state == "done" for _, outcome in outcomes) or not _stands(out, rows, items):
        (out / MANIFEST).unlink(missing_ok=True)
        write_tables(out, items)
        _write_table(out / MANIFEST, MANIFEST_COLUMNS, rows)


def _stands(out: Path, rows: Iterable[Sequence[object]], items: Sequence[Item]) -> bool:
    """Whether the manifest that lies there is this one, and no table is missing."""
    of_sessions = [SESSIONS] if any(item.kind == "session" for item in items) else []
    if not all((out / name).is_file() for name in (MANIFEST, *of_sessions, *_tables_of(items))):
        return False
    with (out / MANIFEST).open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream)) == [list(MANIFEST_COLUMNS), *([str(cell) for cell in row] for row in rows)]


def manifest_rows(outcomes: Iterable[tuple[Item, Outcome]]) -> list[tuple[object, ...]]:
    """What became of each item, and the digest of what it was worked out from; as in `MANIFEST_COLUMNS`."""
    rows: list[tuple[object, ...]] = []
    for item, outcome in sorted(outcomes, key=lambda one: one[0].name):
        record = _record(item) if outcome.state != "failed" else {}
        digests = "".join(one["sha256"] for _, one in sorted(record.get("sources", {}).items()))
        rows.append(
            (item.name, item.kind, outcome.state if outcome.state == "failed" else "done", item.place.as_posix(),
             _n_rows(item.place / "calls.csv") if outcome.state != "failed" else "", record.get("software", ""),
             hashlib.sha256(digests.encode()).hexdigest() if digests else "", outcome.error)
        )  # fmt: skip
    return rows


def _record(item: Item) -> dict[str, Any]:
    try:
        record: dict[str, Any] = tree((item.place / RECORD).read_bytes())
    except (OSError, ValueError):
        return {}
    return record


def _n_rows(path: Path) -> int | str:
    if not path.is_file():
        return ""
    with path.open(newline="", encoding="utf-8") as stream:
        return sum(1 for _ in csv.reader(stream)) - 1


def write_tables(out: Path, items: Iterable[Item]) -> None:
    """All items' tables in one of each kind, with the item in the first column; one item at a time is in memory."""
    items = list(items)
    if sessions := [item for item in items if item.kind == "session"]:
        _write_measures(out / SESSIONS, sessions)
    for name in _tables_of(items):
        _gather(out / name, [item for item in items if (item.place / name).is_file()], name)


def _tables_of(items: Iterable[Item]) -> list[str]:
    """Names of the tables that some of the items have."""
    names = {name for item in items for name in os.listdir(item.place) if name.endswith(".csv")}  # noqa: PTH208
    return sorted(names - {"truth.csv", "responses.csv"})


def _write_measures(path: Path, items: Iterable[Item]) -> None:
    rows = []
    for item in items:
        header = SessionFolder(item.path).header
        given = header.treatment
        score = tree((item.place / SCORE_FILE).read_bytes())
        rows.append(
            {"item": item.name, "subject": header.subject, "paradigm": header.paradigm, "day": header.day,
             "blind_code": given.blind_code, "compound": given.compound, "dose_mg_kg": given.dose_mg_kg,
             "started_at": header.started_at, **score["session"]}
        )  # fmt: skip
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    _write_table(path, columns, ([_cell(row.get(column)) for column in columns] for row in rows))


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _gather(path: Path, items: Sequence[Item], name: str) -> None:
    columns: dict[str, None] = {}
    for item in items:
        with (item.place / name).open(newline="", encoding="utf-8") as stream:
            columns |= dict.fromkeys(next(csv.reader(stream), []))
    columns.pop("item", None)

    def rows() -> Iterator[list[object]]:
        for item in items:
            with (item.place / name).open(newline="", encoding="utf-8") as stream:
                for row in csv.DictReader(stream):
                    yield [item.name, *(row.get(column, "") for column in columns)]

    _write_table(path, ("item", *columns), rows())


def _write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", newline="", encoding="utf-8") as stream:
            table = csv.writer(stream, lineterminator="\n")
            table.writerow(columns)
            table.writerows(rows)
        partial.replace(path)
    except OSError as error:
        raise Failure(f"{path}: cannot be written ({error.strerror}); free the disk or name another --out") from None
