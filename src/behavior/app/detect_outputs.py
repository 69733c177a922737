"""What `behavior detect` writes: each output is opened, or its name is checked, before any work is done."""

from __future__ import annotations

import contextlib
import csv
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from behavior.model.calls import Call
    from behavior.usv.calibration import Calibration
    from behavior.usv.detail import Detail
    from behavior.usv.detect import Detection
    from behavior.usv.figure import Found

STDOUT = "-"


class Outputs:
    """All that was asked for. Used as a context manager; `write` takes recordings in their order.

    Parameters
    ----------
    names : by option, without dashes: out, rejected, contours, summary, figure, raven, audacity; None where not asked
    n_recordings : how many there will be
    overwrite : replace what is there
    quiet : leave standard output to somebody else
    calibration : of the microphone, for levels in dB SPL
    full : all columns of a call
    """

    def __init__(
        self,
        names: dict[str, Path | None],
        *,
        n_recordings: int,
        overwrite: bool,
        quiet: bool,
        calibration: Calibration | None,
        full: bool = False,
    ) -> None:
        self._names, self._overwrite, self._quiet, self._full = names, overwrite, quiet, full
        self._calibration = calibration
        self._several = n_recordings > 1
        self._stack = contextlib.ExitStack()
        self._tables: dict[str, Any] = {}
        self._headed = set[str]()
        self._found: list[Found] = []
        self._calls: list[Call] = []

    def __enter__(self) -> Outputs:
        try:
            self._check_names()
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def write(self, path: Path, detection: Detection, channel: int | None) -> None:
        """Write what was found in a recording, of several channels in this one."""
        from behavior.usv.figure import Found

        details: Sequence[Detail | None] = detection.details or [None] * len(detection.calls)
        self._tables["out"].writerows(
            self._row(call, detail) for call, detail in zip(detection.calls, details, strict=True)
        )
        if "rejected" in self._tables:
            self._tables["rejected"].writerows(astuple(one) for one in detection.rejected)
        if "contours" in self._tables:
            pairs = zip(detection.calls, detection.details, strict=True)
            for number, (call, detail) in enumerate(pairs, start=1):
                self._tables["contours"].writerows(detail.rows(call, number))
        if "summary" in self._tables:
            self._summarize(path, detection)
        if self._names["raven"] or self._names["audacity"]:
            self._calls += detection.calls
        if self._names["audacity"] and self._several:
            self._write_track(self._names["audacity"] / f"{path.stem}.txt", detection.calls)
        if self._names["figure"]:
            n, rate = detection.n_samples, detection.sample_rate_hz
            self._found.append(Found(path, rate, n, detection.calls, detection.rejected, channel))

    def finish(self) -> None:
        """Write what needs all recordings: the tables of other programs, the figure."""
        from behavior.formats.calls import from_calls
        from behavior.formats.raven import write as write_raven

        if raven := self._names["raven"]:
            self._make_way(raven)
            write_raven(raven, from_calls(self._calls))
        if (audacity := self._names["audacity"]) and not self._several:
            self._write_track(audacity, self._calls)
        if (figure := self._names["figure"]) and self._found:
            self._draw(figure)

    @property
    def detailed(self) -> bool:
        """Whether the details of calls are needed."""
        return self._full or self._names["contours"] is not None

    def _row(self, call: Call, detail: Detail | None) -> tuple[Any, ...]:
        level = () if self._calibration is None else (self._calibration.level_db_spl(call),)
        return (*astuple(call), *(detail.columns if self._full and detail else ()), *level)

    def _open(self) -> None:
        from behavior.model.calls import CALL_COLUMNS
        from behavior.usv import calibration
        from behavior.usv.detail import CONTOUR_COLUMNS, DETAIL_COLUMNS
        from behavior.usv.summary import BOUT_COLUMNS
        from behavior.usv.table import REJECTED_COLUMNS

        level = () if self._calibration is None else (calibration.COLUMN,)
        self._table("out", (*CALL_COLUMNS, *(DETAIL_COLUMNS if self._full else ()), *level))
        for name, columns in (("rejected", REJECTED_COLUMNS), ("contours", CONTOUR_COLUMNS), ("summary", ())):
            if self._names[name] is not None:
                self._table(name, columns)
        if (summary := self._names["summary"]) is not None:
            self._table("minutes", (), beside_summary(summary, "minutes"))
            self._table("bouts", BOUT_COLUMNS, beside_summary(summary, "bouts"))
        if self._names["audacity"] and self._several:
            _make_folder(self._names["audacity"])

    def _table(self, name: str, columns: tuple[str, ...], path: Path | None = None) -> None:
        place = str(path or self._names[name])
        rows = csv.writer(
            self._stack.enter_context(_output(place, self._overwrite, quiet=self._quiet)), lineterminator="\n"
        )
        if columns:
            rows.writerow(columns)
        self._tables[name] = rows

    def _check_names(self) -> None:
        from behavior.usv.figure import check_name

        if figure := self._names["figure"]:
            check_name(figure)
            if self._several and figure.suffix.lower() == ".png":
                raise BadInput(f"{figure}: several recordings are drawn into one .pdf; give it this ending")
            self._check_free(*_pages_of(figure))
        if raven := self._names["raven"]:
            self._check_free(raven)
        if audacity := self._names["audacity"]:
            if not self._several:
                self._check_free(audacity)
            elif audacity.is_file():
                raise BadInput(f"{audacity}: a label track is of one recording; for several, name a folder")

    def _check_free(self, *paths: Path) -> None:
        for path in paths:
            if path.is_dir():
                raise BadInput(f"{path}: is a folder; give the name of a file")
            if path.exists() and not self._overwrite:
                raise BadInput(f"{path}: is there already; choose another name, or add --overwrite")
            if not path.parent.is_dir():
                raise BadInput(f"{path}: there is no folder {path.parent}; make it first")

    def _make_way(self, path: Path) -> None:
        self._check_free(path)
        path.unlink(missing_ok=True)

    def _write_track(self, path: Path, calls: list[Call]) -> None:
        from behavior.formats.audacity import write
        from behavior.formats.calls import from_calls

        self._make_way(path)
        write(path, from_calls(calls))

    def _summarize(self, path: Path, detection: Detection) -> None:
        from behavior.usv.summary import summary_of

        summary = summary_of(path.name, detection.calls, detection.n_samples / detection.sample_rate_hz)
        for name, rows in (("summary", (summary.whole,)), ("minutes", summary.minutes), ("bouts", summary.bouts)):
            if rows and name not in self._headed and name != "bouts":
                self._headed.add(name)
                self._tables[name].writerow(rows[0])
            self._tables[name].writerows(one.values() for one in rows)
        typer.echo(f"{path.name}: {summary.sentence}", err=True)

    def _draw(self, figure: Path) -> None:
        from behavior.usv.figure import save_pages

        for page in _pages_of(figure):
            page.unlink(missing_ok=True)
        rewrites = sys.stderr.isatty()

        def tell(page: str) -> None:
            if rewrites:
                sys.stderr.write(f"\r\033[Kdrawing {page}")
                sys.stderr.flush()

        written = save_pages(figure, self._found, tell)
        if rewrites:
            sys.stderr.write("\r\033[K")
        typer.echo(f"{figure}: drawn" + (f", {len(written)} pages" if len(written) > 1 else ""), err=True)


def beside_summary(summary: Path, name: str) -> Path:
    """Where the minutes, or the bouts, of a summary stand."""
    return summary.with_name(f"{summary.stem}_{name}{summary.suffix}")


def read_calibration(path: Path) -> Calibration:
    """A calibration file; what is wrong with its date is said.

    Raises
    ------
    BadInput
        It cannot be used.
    """
    from behavior.config import read
    from behavior.usv.calibration import Calibration

    calibration = read(path, Calibration)
    for remark in calibration.remarks(date.today()):
        typer.echo(f"warning: {remark}", err=True)
    return calibration


def _pages_of(figure: Path) -> list[Path]:
    return [figure, *sorted(figure.parent.glob(f"{figure.stem}_page-*{figure.suffix}"))]


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"{path}: cannot be made ({error.strerror}); name another folder") from None


@contextlib.contextmanager
def _output(name: str, overwrite: bool, *, quiet: bool = False) -> Iterator[TextIO]:
    """A new text file, standard output for ``-``, or nowhere when standard output is needed for something else."""
    if name == STDOUT:
        with contextlib.ExitStack() as stack:
            yield stack.enter_context(Path(os.devnull).open("w")) if quiet else sys.stdout
        return
    path = Path(name)
    if path.is_dir():
        raise BadInput(f"{path}: is a folder; give the name of a file")
    try:
        stream = path.open("w" if overwrite else "x", newline="", encoding="utf-8")
    except FileExistsError:
        raise BadInput(f"{path}: is there already; choose another name, or add --overwrite") from None
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no folder {path.parent}; make it first") from None
    except OSError as error:
        raise Failure(f"{path}: cannot be written ({error.strerror}); check the folder's permissions") from None
    with stream:
        yield stream
