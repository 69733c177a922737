"""The chamber's sound, as a session sees it: who records it, and how its parts are named.

A session that was cut while it recorded goes on with a new file: `audio.wav`, then `audio_part-02.wav`. What the cut
file holds is counted when the session goes on or is closed, and journalled as the end of that recording, so that all
scores know from the journal alone what was heard and what was not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from behavior.model.commands import Command
from behavior.model.events import Event, RecordingEnded, RecordingStarted, SoundLost

_PART = re.compile(r"audio(?:_part-([0-9]{2,6}))?\.(?:flac|wav)")


class Recorder(Protocol):
    """A microphone with somewhere to write to. After it was stopped it may be started again, with a new file."""

    @property
    def busy(self) -> bool:
        """Whether something is still to come of a recording that was stopped."""

    def start(self, at_us: int) -> RecordingStarted | None:
        """Begin to record; `at_us` is when the command came, the event says when the first sample was taken.

        Where that is not known at once, the event comes later, from `heard`.
        """

    def stop(self, at_us: int) -> RecordingEnded | None:
        """End the recording and close its file; the event comes later where the last sample is still on its way."""

    def heard(self) -> list[Event]:
        """What came since: the events of `start` and `stop`, what was lost, calls. Never waits."""


def sound_name(part: int, suffix: str = ".flac") -> str:
    """What the file of a session's sound is called; parts count from 1."""
    return f"audio{suffix}" if part == 1 else f"audio_part-{part:02d}{suffix}"


def part_of(name: str) -> int:
    """Which part of a session's sound a file name means; 0 if it means none."""
    found = _PART.fullmatch(name)
    return int(found[1] or 1) if found else 0


def cut_recording(items: Iterable[Event | Command]) -> RecordingStarted | None:
    """The recording that a journal begins and does not end."""
    started = None
    for item in items:
        match item:
            case RecordingStarted():
                started = item
            case RecordingEnded():
                started = None
    return started


def end_of_cut(recording: RecordingStarted, folder: Path, items: Iterable[Event | Command] = ()) -> RecordingEnded:
    """The end of a recording that was cut, by what its file holds; nothing was heard if that cannot be read.

    Parameters
    ----------
    recording : of which nobody wrote the end
    folder : of the session
    items : the journal's, which tells what was lost of it on the way
    """
    n_dropped = 0
    for item in items:
        if item == recording:
            n_dropped = 0
        elif isinstance(item, SoundLost):
            n_dropped += item.n_samples
    n_samples = n_samples_in(folder / recording.file) if part_of(recording.file) else 0
    lasted_us = round(n_samples * 1e6 / recording.sample_rate_hz) if recording.sample_rate_hz else 0
    return RecordingEnded(recording.at_us + lasted_us, n_samples, min(n_dropped, n_samples))


def n_samples_in(path: Path) -> int:
    """How much sound a file holds; 0 for one that was cut before it held any, or cannot be read."""
    import soundfile

    try:
        return int(soundfile.info(path).frames)
    except (soundfile.LibsndfileError, OSError):
        return 0
