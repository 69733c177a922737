"""What follows when a session is over, live or simulated or long ago: search its sound for calls, and score it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from behavior.model.errors import BadInput
from behavior.scoring.artefacts import artefacts
from behavior.scoring.rescore import CALLS, rescore
from behavior.scoring.score import Score, write_score
from behavior.scoring.timeline import timeline_of
from behavior.session.folder import SessionFolder
from behavior.session.journal import Item

if TYPE_CHECKING:
    from behavior.usv.detect import Detection
    from behavior.usv.gate import KnownEvent

PROFILE = "rat"


def finish_session(folder: SessionFolder) -> Score:
    """Find the calls of a session, if it has sound, and write its score.

    Writes `calls.csv`, `rejected.csv`, `score.json` and the tables beside it, which can be made again at any time.

    Raises
    ------
    BadInput
        The sound or the journal cannot be used.
    """
    search_sound(folder)
    score = rescore(folder)
    write_score(folder.path, score)
    return score


def search_sound(folder: SessionFolder) -> None:
    """Write the calls that are in the session's sound, and what was rejected; nothing without sound."""
    if folder.sound_path is None:
        return
    from behavior.usv.table import REJECTED_COLUMNS, TableWriter, write_calls

    detection = find_calls(folder)
    write_calls(folder.path / CALLS, detection.calls)
    with (folder.path / "rejected.csv").open("w", newline="", encoding="utf-8") as stream:
        TableWriter(stream, REJECTED_COLUMNS).write(detection.rejected)


def find_calls(folder: SessionFolder) -> Detection:
    """Search the session's sound; what its own journal knows to have sounded is gated."""
    from behavior.usv.detect import detect_file
    from behavior.usv.profile import load_profile

    if folder.sound_path is None:
        raise BadInput(f"{folder.path}: there is no sound in this session; nothing can be searched")
    events = list(known_events(folder.read().items))
    return detect_file(folder.sound_path, load_profile(PROFILE), events=events)


def known_events(items: Iterable[Item]) -> Iterator[KnownEvent]:
    """What the journal knows to have sounded, in seconds of the recording: shocks, levers, the feeder."""
    from behavior.usv.gate import KnownEvent

    timeline = timeline_of(items)
    zero_us = timeline.recordings[0].began_us if timeline.recordings else 0
    for one in artefacts(timeline):
        yield KnownEvent(one.kind, (one.begin_us - zero_us) / 1e6, (one.end_us - zero_us) / 1e6)
