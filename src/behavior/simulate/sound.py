"""The simulated microphone: the recorder of a simulated chamber, and the file that it leaves."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from behavior.audio.clock import SampleLine
from behavior.audio.write import RecordingWriter
from behavior.model.events import Event, RecordingEnded, RecordingStarted
from behavior.session.recording import sound_name
from behavior.simulate.acoustics import Artefact, PlannedCall, Soundscape, TrueCall, truth_of

SOUND_FILE, TRUTH_FILE = sound_name(1), "truth.csv"
TRUTH_COLUMNS = ("file", "onset_s", "offset_s", "low_hz", "high_hz", "call_type")


class SimulatedMicrophone:
    """Keeps the times while the session runs; the sound itself is made afterwards, from all that sounded.

    Parameters
    ----------
    sample_rate_hz : samples a second
    part : which file of the session's sound it writes
    """

    def __init__(self, sample_rate_hz: int, part: int = 1) -> None:
        self.sample_rate_hz, self._file = sample_rate_hz, sound_name(part)
        self._started_us: int | None = None
        self._n_samples = 0

    busy = False
    """Nothing is ever late."""

    def heard(self) -> list[Event]:
        """Nothing but what `start` and `stop` say."""
        return []

    def start(self, at_us: int) -> RecordingStarted:
        """The first sample is taken at once."""
        self._started_us = at_us
        return RecordingStarted(at_us, self._file, self.sample_rate_hz)

    def stop(self, at_us: int) -> RecordingEnded:
        """No sample is ever lost."""
        self._n_samples = round((at_us - (self._started_us or 0)) * self.sample_rate_hz / 1e6)
        return RecordingEnded(at_us, self._n_samples, 0)

    def write(self, folder: Path, sounds: Iterable[PlannedCall | Artefact], seed: int) -> Path | None:
        """Write what was recorded, and beside it which calls are truly in it; None if nothing was.

        Parameters
        ----------
        folder : of the session
        sounds : all that sounded in the session, at session time
        seed : of the noise, and of what the calls are like
        """
        if self._started_us is None or not self._n_samples:
            return None
        start_s = self._started_us / 1e6
        heard = [replace(sound, onset_s=sound.onset_s - start_s) for sound in sounds]
        heard = [sound for sound in heard if sound.onset_s >= 0]
        soundscape = Soundscape(
            self.sample_rate_hz,
            self._n_samples / self.sample_rate_hz,
            seed,
            [sound for sound in heard if isinstance(sound, PlannedCall)],
            [sound for sound in heard if isinstance(sound, Artefact)],
        )
        with RecordingWriter(folder / self._file, self.sample_rate_hz) as file:
            for block in soundscape.blocks():
                file.write(block)
        write_truth(folder / TRUTH_FILE, soundscape.truth, self._file)
        return folder / self._file


def live_truth(
    sounds: Iterable[PlannedCall | Artefact], seed: int, line: SampleLine, n_samples: int, sample_rate_hz: int
) -> list[TrueCall]:
    """The calls that a live recording of a simulated chamber holds, in seconds of the recording.

    Parameters
    ----------
    sounds : all that sounded in the session, at session time
    seed : of what the calls are like
    line : when the recording's samples were taken, session time
    n_samples, sample_rate_hz : of the recording
    """
    end_s, true = n_samples / sample_rate_hz, []
    for number, call in enumerate(sound for sound in sounds if isinstance(sound, PlannedCall)):
        onset_s = line.sample(1e6 * call.onset_s) / sample_rate_hz
        if 0 <= onset_s < end_s:
            true.append(truth_of(replace(call, onset_s=onset_s), number, seed, sample_rate_hz, end_s))
    return true


def write_truth(path: Path, calls: Iterable[TrueCall], file: str = SOUND_FILE) -> None:
    """Write a table of the calls that are in a recording, as whoever scores a detector wants it; a part is added."""
    with path.open("x" if file == SOUND_FILE else "a", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        if not stream.tell():
            table.writerow(TRUTH_COLUMNS)
        for call in calls:
            times = (round(call.onset_s, 6), round(call.offset_s, 6))
            table.writerow((file, *times, round(call.low_hz), round(call.high_hz), call.kind))
