"""What follows when a session is over, live or simulated or long ago: search its sound for calls, and score it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from behavior.model.errors import BadInput
from behavior.scoring.artefacts import artefacts
from behavior.scoring.rescore import CALLS, rescore
from behavior.scoring.score import SCORE_FILE, SCORED_FILES, Score, write_score
from behavior.scoring.timeline import Recording, timeline_of
from behavior.session.folder import SessionFolder
from behavior.session.journal import Item
from behavior.session.recording import n_samples_in

if TYPE_CHECKING:
    from behavior.usv.detect import Detection
    from behavior.usv.gate import KnownEvent

PROFILE = "rat"
REJECTED = "rejected.csv"


def finish_session(folder: SessionFolder, place: Path | None = None, found: Sequence[Detection] | None = None) -> Score:
    """Find the calls of a session, if it has sound, and write its score.

    Writes `calls.csv`, `rejected.csv`, `score.json` and the tables beside it, which can be made again at any time.

    Parameters
    ----------
    folder : of the session
    place : where to write; None: into the session's own folder
    found : in each of its recordings; None: they are searched

    Raises
    ------
    BadInput
        The sound or the journal cannot be used.
    """
    place = place or folder.path
    detections = found if found is not None else find_calls(folder) if folder.sound_paths else []
    files = {name: folder.path / file for name, file in SCORED_FILES.items()}
    if folder.sound_paths:
        write_detections(place, detections)
        files["calls"] = place / CALLS
    score = rescore(folder, calls=[call for one in detections for call in one.calls] if folder.sound_paths else None)
    write_score(place, score, files)
    return score


def finish_recording(path: Path, channels: Path, out: Path) -> Score:
    """Score a recording of sampled channels, which has no journal, and write the score.

    Parameters
    ----------
    path : of the recording: WAV, NPY or CSV
    channels : the channel map, a TOML file
    out : folder of the score; new, empty, or with a score, which is made again

    Raises
    ------
    BadInput
        The recording or its map cannot be used, or the folder holds something else.
    """
    from behavior.config.read import read
    from behavior.scoring.signals import SignalMap, score_signals

    score = score_signals(path, read(channels, SignalMap))
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / SCORE_FILE).exists()):
        raise BadInput(f"{out}: is there already and holds no score; name another place with --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{out}: cannot be written to ({error.strerror}); name another place with --out") from None
    write_score(out, score, {"recording": path, "channels": channels})
    return score


def write_detections(place: Path, detections: Iterable[Detection]) -> None:
    """Write the calls that were found, and what was rejected, over those that are there."""
    from behavior.usv.table import REJECTED_COLUMNS, TableWriter, write_calls

    detections = list(detections)
    write_calls(place / CALLS, [call for one in detections for call in one.calls])
    with (place / REJECTED).open("w", newline="", encoding="utf-8") as stream:
        TableWriter(stream, REJECTED_COLUMNS).write([event for one in detections for event in one.rejected])


def find_calls(folder: SessionFolder) -> list[Detection]:
    """Search each of the session's recordings; what its own journal knows to have sounded is gated.

    A file that was cut before the journal heard of it has no time, and is left out where there are others.
    """
    if not folder.sound_paths:
        raise BadInput(f"{folder.path}: there is no sound in this session; nothing can be searched")
    items = folder.read().items
    known = {recording.file: recording for recording in timeline_of(items).recordings}
    return [
        search(path, PROFILE, known_events(items, path.name), known[path.name].channel if known else None)
        for path in folder.sound_paths
        if n_samples_in(path) and (not known or path.name in known)
    ]


def search(recording: Path, profile: str, events: Iterable[KnownEvent] = (), channel: int | None = None) -> Detection:
    """Search a recording, or one of its channels, for what a profile, by its name or file, looks for."""
    from behavior.usv.detect import detect_file
    from behavior.usv.profile import load_profile

    return detect_file(recording, load_profile(profile), channel=channel, events=list(events))


def known_events(items: Iterable[Item], file: str | None = None) -> Iterator[KnownEvent]:
    """What the journal knows to have sounded, in seconds of a recording: shocks, levers, the feeder.

    Parameters
    ----------
    file : the recording's name; of one that the journal does not know, its first sample is taken for the session's
    """
    from behavior.usv.gate import KnownEvent

    timeline = timeline_of(items)
    recordings = [one for one in timeline.recordings if one.file == file] or timeline.recordings
    recording = recordings[0] if recordings else Recording("", 0, 0)
    for one in artefacts(timeline):
        yield KnownEvent(one.kind, recording.recording_s(one.begin_us), recording.recording_s(one.end_us))
