"""What follows when a session is over, live or simulated or long ago: search its sound for calls, and score it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from behavior.model.errors import BadInput
from behavior.model.events import Delivered, LeverPressed, RecordingStarted, ShockEnded
from behavior.scoring.rescore import CALLS, rescore
from behavior.scoring.score import Score, write_score
from behavior.session.folder import SessionFolder
from behavior.session.journal import Item

if TYPE_CHECKING:
    from behavior.usv.detect import Detection
    from behavior.usv.gate import KnownEvent

PROFILE = "rat"
LEVER_S, FEEDER_S = 0.05, 0.6


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

    listed = list(items)
    zero_s = next((item.at_us / 1e6 for item in listed if isinstance(item, RecordingStarted)), 0.0)
    for item in listed:
        match item:
            case ShockEnded(at_us=at_us, duration_us=duration_us):
                yield KnownEvent("shock", (at_us - duration_us) / 1e6 - zero_s, at_us / 1e6 - zero_s)
            case LeverPressed(at_us=at_us):
                yield KnownEvent("lever", at_us / 1e6 - zero_s, at_us / 1e6 - zero_s + LEVER_S)
            case Delivered(at_us=at_us):
                yield KnownEvent("feeder", at_us / 1e6 - zero_s - FEEDER_S, at_us / 1e6 - zero_s)
