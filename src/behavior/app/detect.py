"""`behavior detect`: recordings in, a table of calls out.

Rules. An input that cannot be used is said and the others are still searched; the exit code tells that something was
left out. A file without calls gives the header row. Outputs that are there already are refused before any work is done.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from behavior.usv.detect import Detection
    from behavior.usv.gate import KnownEvent

Report = Callable[["Detection"], None]

_STDOUT, _JOURNAL = "-", "journal.jsonl"
_EVENT_TABLES = ("{stem}_events.csv", "{stem}_artefacts.csv", "events.csv")


def detect(
    audio: Annotated[list[Path], typer.Argument(metavar="AUDIO...", help="Recordings: WAV, RF64, W64, FLAC.")],
    profile: Annotated[
        str, typer.Option(help="What to look for: rat, rat-22khz, rat-50khz, mouse, or a TOML file.")
    ] = "rat",
    events: Annotated[
        Path | None,
        typer.Option(help="A session, or a folder with RECORDING_events.csv (kind,start_s,stop_s): known artefacts."),
    ] = None,
    out: Annotated[str, typer.Option(help="The table of calls, CSV; - for standard output.")] = _STDOUT,
    rejected: Annotated[
        Path | None, typer.Option(help="Also write what was taken for no call, with the reason, CSV.")
    ] = None,
    channel: Annotated[int | None, typer.Option(help="Which channel of files with several, from 1.")] = None,
    sample_rate: Annotated[
        int | None, typer.Option(help="The true sample rate in Hz, where a header states a wrong one.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that are there already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Find ultrasonic vocalizations in recordings."""
    from behavior.usv.detect import detect_file
    from behavior.usv.profile import load_profile
    from behavior.usv.table import REJECTED_COLUMNS, TableWriter

    looked_for = load_profile(profile)
    if events is not None and not events.is_dir():
        raise BadInput(f"{events}: there is no such folder; --events names the folder with the event tables")
    found, unusable = list[dict[str, Any]](), list[str]()
    with contextlib.ExitStack() as files:
        calls_to = TableWriter(files.enter_context(_output(out, overwrite, quiet=as_json)))
        rejected_to = None
        if rejected is not None:
            rejected_to = TableWriter(files.enter_context(_output(str(rejected), overwrite)), REJECTED_COLUMNS)
        for path in audio:
            try:
                with _progress(path.name) as tell:
                    detection = detect_file(
                        path, looked_for, channel=channel, sample_rate_hz=sample_rate,
                        events=known_events(events, path), progress=tell,
                    )  # fmt: skip
            except BadInput as error:
                if len(audio) == 1:
                    raise
                typer.echo(str(error), err=True)
                unusable.append(path.name)
                continue
            calls_to.write(detection.calls)
            if rejected_to is not None:
                rejected_to.write(detection.rejected)
            _say(path, detection)
            found.append(_summary(path, detection))
    if as_json:
        typer.echo(json.dumps({"profile": looked_for.name, "recordings": found}, indent=1))
    if unusable:
        raise BadInput(
            f"of {len(audio)} inputs these could not be used, and the others were searched: {', '.join(unusable)}"
        )


def known_events(folder: Path | None, recording: Path) -> Sequence[KnownEvent]:
    """The artefacts of a recording that are known: from a session's journal, or a table that the folder has for it."""
    if folder is None:
        return ()
    from behavior.scoring.finish import known_events as known_from_journal
    from behavior.session.folder import SessionFolder
    from behavior.usv.gate import read_events

    for pattern in _EVENT_TABLES:
        table = folder / pattern.format(stem=recording.stem)
        if table.is_file():
            return read_events(table)
    if (folder / _JOURNAL).is_file():
        return list(known_from_journal(SessionFolder(folder).read().items))
    raise BadInput(
        f"{folder}: has no {_EVENT_TABLES[0].format(stem=recording.stem)} with columns kind,start_s,stop_s; add it"
    )


@contextlib.contextmanager
def _output(name: str, overwrite: bool, *, quiet: bool = False) -> Iterator[TextIO]:
    """A new text file, standard output for ``-``, or nowhere when standard output is needed for something else."""
    if name == _STDOUT:
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


@contextlib.contextmanager
def _progress(name: str) -> Iterator[Callable[[float], None] | None]:
    """A line on a terminal's standard error that says how far a recording is."""
    if not sys.stderr.isatty():
        yield None
        return
    shown = -1

    def tell(fraction: float) -> None:
        nonlocal shown
        percent = int(100 * fraction)
        if percent != shown:
            shown = percent
            sys.stderr.write(f"\r{name}: {percent:3d} %")
            sys.stderr.flush()

    try:
        yield tell
    finally:
        sys.stderr.write("\r\033[K")


def _say(path: Path, detection: Detection) -> None:
    seconds = detection.n_samples / detection.sample_rate_hz
    n = len(detection.calls)
    typer.echo(
        f"{path.name}: {n} call{'' if n == 1 else 's'} in {seconds:.1f} s, {len(detection.rejected)} rejected", err=True
    )
    for warning in detection.warnings:
        typer.echo(f"{path.name}: {warning}", err=True)


def _summary(path: Path, detection: Detection) -> dict[str, Any]:
    return {
        "file": str(path),
        "duration_s": detection.n_samples / detection.sample_rate_hz,
        "sample_rate_hz": detection.sample_rate_hz,
        "n_calls": len(detection.calls),
        "n_rejected": len(detection.rejected),
        "calling_time_s": sum(call.duration_s for call in detection.calls),
        "latency_first_call_s": detection.calls[0].onset_s if detection.calls else None,
        "warnings": detection.warnings,
        "calls": [asdict(call) for call in detection.calls],
    }
