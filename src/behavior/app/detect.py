"""`behavior detect`: recordings in, a table of calls out.

Rules. An input that cannot be used is said and the others are still searched; the exit code tells that something was
left out. A file without calls gives the header row. Outputs that are there already are refused before any work is done.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from behavior.app.detect_outputs import STDOUT, Outputs, read_calibration
from behavior.model.errors import BadInput

if TYPE_CHECKING:
    from behavior.usv.detect import Detection
    from behavior.usv.gate import KnownEvent

_JOURNAL = "journal.jsonl"
_EVENT_TABLES = ("{stem}_events.csv", "{stem}_artefacts.csv", "events.csv")


class Columns(StrEnum):
    """How much the table of calls tells."""

    USUAL = "usual"
    FULL = "full"


def detect(
    audio: Annotated[
        list[Path],
        typer.Argument(metavar="AUDIO...", help="Recordings: WAV, RF64, W64, FLAC; or sessions, with their journals."),
    ],
    profile: Annotated[
        str, typer.Option(help="What to look for: rat, rat-22khz, rat-50khz, mouse, or a TOML file.")
    ] = "rat",
    events: Annotated[
        Path | None,
        typer.Option(help="A session, or a folder with RECORDING_events.csv (kind,start_s,stop_s): known artefacts."),
    ] = None,
    out: Annotated[str, typer.Option(help="The table of calls, CSV; - for standard output.")] = STDOUT,
    columns: Annotated[
        Columns, typer.Option(help="Of the table: the usual, or full with entropy, jumps and harmonics.")
    ] = Columns.USUAL,
    rejected: Annotated[
        Path | None, typer.Option(help="Also write what was taken for no call, with the reason, CSV.")
    ] = None,
    contours: Annotated[
        Path | None, typer.Option(help="Also write each call's contour (time, frequency, level), CSV.")
    ] = None,
    summary: Annotated[
        Path | None,
        typer.Option(help="Also sum up: a row for each recording, and beside it for each minute and each bout, CSV."),
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Also draw the sound with its calls, an overview and pages: PDF or PNG.")
    ] = None,
    raven: Annotated[Path | None, typer.Option(help="Also write a Raven selection table.")] = None,
    audacity: Annotated[
        Path | None, typer.Option(help="Also write an Audacity label track; of several recordings, a folder of them.")
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="The microphone's calibration, TOML: levels in dB SPL beside those in dB FS.")
    ] = None,
    channel: Annotated[int | None, typer.Option(help="Which channel of files with several, from 1.")] = None,
    sample_rate: Annotated[
        int | None, typer.Option(help="The true sample rate in Hz, where a header states a wrong one.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="How many processes; long recordings are shared.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that are there already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Find ultrasonic vocalizations in recordings."""
    from behavior.app.searching import Search, search_all
    from behavior.usv.profile import load_profile

    looked_for = load_profile(profile)
    if events is not None and not events.is_dir():
        raise BadInput(f"{events}: there is no such folder; --events names the folder with the event tables")
    names = {
        "out": Path(out), "rejected": rejected, "contours": contours, "summary": summary, "figure": figure,
        "raven": raven, "audacity": audacity,
    }  # fmt: skip
    sought = [one for path in audio for one in _recordings(path, events, channel)]
    calibrated = None if calibration is None else read_calibration(calibration)
    outputs = Outputs(
        names, n_recordings=len(sought), overwrite=overwrite, quiet=as_json, calibration=calibrated,
        full=columns is Columns.FULL,
    )  # fmt: skip
    searches = [
        Search(one.path, looked_for, one.channel, sample_rate, partial(known_events, one.events), outputs.detailed)
        for one in sought
    ]
    found, unusable = list[dict[str, Any]](), list[str]()
    with outputs:
        for one, result in zip(sought, search_all(searches, jobs), strict=True):
            if isinstance(result, BadInput):
                if len(sought) == 1:
                    raise result
                typer.echo(str(result), err=True)
                unusable.append(one.path.name)
                continue
            _say(one.path, result)
            outputs.write(one.path, result, one.channel)
            found.append(_summary(one.path, result))
        outputs.finish()
    if as_json:
        typer.echo(json.dumps({"profile": looked_for.name, "recordings": found}, indent=1))
    if unusable:
        raise BadInput(
            f"of {len(sought)} inputs these could not be used, and the others were searched: {', '.join(unusable)}"
        )


@dataclass(frozen=True, slots=True)
class Sought:
    """A recording, its channel, and the folder that knows what else sounded."""

    path: Path
    channel: int | None
    events: Path | None


def _recordings(path: Path, events: Path | None, channel: int | None) -> list[Sought]:
    """A recording as it was named; of a session all that it recorded, with what its own journal knows.

    Raises
    ------
    BadInput
        A session holds no sound.
    """
    if not (path / _JOURNAL).is_file():
        return [Sought(path, channel, events)]
    from behavior.scoring.timeline import timeline_of
    from behavior.session.folder import SessionFolder

    folder = SessionFolder(path)
    if not folder.sound_paths:
        raise BadInput(f"{path}: there is no sound in this session; nothing can be searched")
    of = {recording.file: recording.channel for recording in timeline_of(folder.read().items).recordings}
    return [Sought(sound, channel or of.get(sound.name), events or path) for sound in folder.sound_paths]


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
        return list(known_from_journal(SessionFolder(folder).read().items, recording.name))
    raise BadInput(
        f"{folder}: has no {_EVENT_TABLES[0].format(stem=recording.stem)} with columns kind,start_s,stop_s; add it"
    )


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
