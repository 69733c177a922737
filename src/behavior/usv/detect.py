"""The detector: samples in, calls out, the same live and offline.

Rules. All that happens is keyed to frames counted from the first sample, and the work is done in blocks of `BLOCK`
frames on that absolute grid, so that any cutting of the sound into blocks gives the same calls to the last bit. Memory
is a few seconds of frames, whatever the length. A call lies in [onset, offset): from the first frame to the last in
which its ridge holds, each frame standing for the samples nearer to its middle than to its neighbours' middles.

The steps: power on a grid of frames (`audio.spectrogram`), the noise floor (`floor`), ridge points (`ridges`), contours
(`contour`), rejection of what is no call (`gate`), joining (`join`), features and type (`features`, `classify`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from behavior.audio.decibel import to_decibels
from behavior.audio.faults import Faults
from behavior.audio.read import Recording, Samples
from behavior.audio.spectrogram import FrameGrid, Power, StreamingSpectrogram
from behavior.model.calls import Call
from behavior.model.errors import BadInput
from behavior.usv.contour import Contour, ContourTracker, gather
from behavior.usv.features import measure
from behavior.usv.floor import FRAMES_A_ROW, NoiseFloor
from behavior.usv.gate import Gate, KnownEvent, Rejected, set_off_anew
from behavior.usv.join import Joiner
from behavior.usv.profile import DetectorProfile
from behavior.usv.ridges import MARGIN, empty_frames, find_ridges, group_edges

BLOCK = 512
"""Frames that are worked out at a time (0.26 s at 250 kHz): the floor is taken to the end of the block."""
FIRST = 4 * BLOCK
"""Frames that are waited for before the first are worked out, so that the floor is one."""

_LOWEST_HZ, _AUDIBLE_HZ = 18_000.0, (3_000.0, 15_000.0)
_HIGHEST_HZ, _OF_NYQUIST = 125_000.0, 0.97
_SMALLEST_BAND_HZ = 4_000.0


class Detector:
    """Finds calls in one stream of samples.

    Parameters
    ----------
    profile : what to look for
    sample_rate_hz : of the samples
    file : name for the `file` column
    events : artefacts at known times, in seconds of the stream, as the session's own log has them

    Attributes
    ----------
    rejected : what was taken for no call, with the reason
    n_samples : samples pushed so far
    warnings : what the sample rate leaves out
    faults : what is wrong with the samples pushed so far

    Raises
    ------
    BadInput
        The sample rate holds nothing of the profile's band.
    """

    def __init__(
        self, profile: DetectorProfile, sample_rate_hz: int, *, file: str = "", events: Sequence[KnownEvent] = ()
    ) -> None:
        self.profile, self.file = profile, file
        self.grid = FrameGrid.at(sample_rate_hz)
        self.rejected, self.warnings, self.n_samples = list[Rejected](), list[str](), 0
        self.faults = Faults()
        self._lay_out_bands(sample_rate_hz)
        longest = round((profile.longest_s + 1.0) / self.grid.frame_s)
        n_rows = BLOCK * (longest // BLOCK + 8)
        self._frames = empty_frames(n_rows, self._n_bins, BLOCK)
        n_floor_rows = round(profile.floor_s / self.grid.frame_s / FRAMES_A_ROW)
        self._floor = NoiseFloor(self._n_bins + 1, n_floor_rows, profile.floor_quantile)
        level_below = profile.below_22khz_hz / self.grid.bin_hz - self._lowest_bin
        self._tracker = ContourTracker(
            round(profile.longest_s / self.grid.frame_s) + 1,
            level_below=level_below,
            hold_db=profile.hold_db,
            least=profile.support_evidence,
            patient_from=profile.confirm_evidence,
        )
        self._gate = Gate(profile, self.grid, events)
        self._joiner = Joiner(profile, self.grid, self._lowest_bin)
        self._hold_db = float(profile.hold_db)
        self._block = np.empty((BLOCK, self._spectrogram.n_bins), np.float32)
        self._n_staged = self._n_frames = self._n_ridged = self._n_floored = 0

    def push(self, block: Samples) -> list[Call]:
        """Take in samples, int16 or float32 in [-1, 1); the calls that are complete now."""
        self.n_samples += len(block)
        self.faults.push(block)
        power = self._spectrogram.push(block)
        calls = list[Call]()
        while len(power):
            n = min(BLOCK - self._n_staged, len(power))
            self._block[self._n_staged : self._n_staged + n] = power[:n]
            self._n_staged += n
            power = power[n:]
            if self._n_staged == BLOCK:
                calls += self._take_block()
        return calls

    def flush(self) -> list[Call]:
        """The end of the sound: the calls that were still open."""
        return self._take_block(last=True)

    def _lay_out_bands(self, sample_rate_hz: int) -> None:
        profile, grid = self.profile, self.grid
        top_hz = min(_HIGHEST_HZ, _OF_NYQUIST * sample_rate_hz / 2)
        if top_hz < profile.low_hz + _SMALLEST_BAND_HZ:
            raise BadInput(
                f"{self.file or 'the sound'}: {sample_rate_hz} samples a second hold nothing above "
                f"{sample_rate_hz / 2000:g} kHz, profile {profile.name} looks from {profile.low_hz / 1000:g} kHz up; "
                f"record at 192 kHz or more, or give the true rate with --sample-rate if the header is wrong"
            )
        if top_hz < 0.9 * min(profile.high_hz, _HIGHEST_HZ):
            self.warnings.append(
                f"searched up to {top_hz / 1000:.1f} kHz only, which is what {sample_rate_hz} samples a second hold "
                f"(profile {profile.name}: {profile.high_hz / 1000:g} kHz)"
            )
        audible = [round(hz / grid.bin_hz) for hz in _AUDIBLE_HZ]
        lowest = int(np.ceil(min(_LOWEST_HZ, profile.low_hz) / grid.bin_hz))
        highest = int(top_hz / grid.bin_hz)
        self._spectrogram = StreamingSpectrogram(grid, audible[0], highest)
        self._n_audible, self._n_skipped = audible[1] - audible[0], lowest - audible[0]
        self._n_bins, self._lowest_bin = highest - lowest, lowest
        self._edges = group_edges(self._n_bins, grid.bin_hz)
        self._search = (
            int(np.ceil(profile.low_hz / grid.bin_hz)) - lowest,
            min(int(profile.high_hz / grid.bin_hz) + 1, highest) - lowest,
        )

    def _take_block(self, *, last: bool = False) -> list[Call]:
        self._store(self._block[: self._n_staged])
        self._n_staged = 0
        if self._n_frames < FIRST and not last:
            return []
        self._set_floor()
        ready = self._n_frames if last else self._n_frames - MARGIN
        first, self._n_ridged = self._n_ridged, max(self._n_ridged, ready)
        find_ridges(
            self._frames, first, self._n_ridged, self._n_frames, BLOCK, self._edges, *self._search, self._hold_db
        )
        ended = self._tracker.follow(self._frames, first, self._n_ridged, to_the_end=last)
        self._consider(gather(self._frames, contour) for contour in ended)
        return self._settle(to_the_end=last)

    def _store(self, power: Power) -> None:
        """Levels into the rings and the floor."""
        frames, n, first = self._frames, len(power), self._n_frames % len(self._frames.level)
        to_decibels(power[:, self._n_skipped :], frames.level[first : first + n])
        audible = power[:, : self._n_audible].mean(axis=1, keepdims=True)
        to_decibels(audible, frames.audible[first : first + n, np.newaxis])
        whole = n // FRAMES_A_ROW * FRAMES_A_ROW
        columns = np.hstack((power[:whole, self._n_skipped :], audible[:whole]))
        rows = columns.reshape(-1, FRAMES_A_ROW, columns.shape[1]).mean(axis=1)
        rows_db = np.empty_like(rows)
        to_decibels(rows, rows_db)
        self._floor.push(rows_db)
        frames.audible[first : first + n] -= self._floor.db[-1]
        self._n_frames += n

    def _set_floor(self) -> None:
        """The floor of now, for the blocks that have none yet."""
        floor = self._floor.clamped(self._n_bins)
        n_blocks = -(-self._n_frames // BLOCK)
        for block in range(self._n_floored, n_blocks):
            self._frames.floor[block % len(self._frames.floor)] = floor
        self._n_floored = n_blocks

    def _consider(self, contours: Iterable[Contour]) -> None:
        """Contours that are no artefact go on to be joined."""
        hold_db, least = self.profile.hold_db, self.profile.support_evidence
        for part in (part for whole in contours for part in whole.cut(set_off_anew(whole))):
            contour = part.trimmed(hold_db, 0.5 * least)
            reason = self._gate.of_contour(contour)
            if reason is None:
                self._joiner.add(contour)
            elif reason:
                self._reject([contour], reason)

    def _settle(self, *, to_the_end: bool) -> list[Call]:
        """The calls that nothing to come can change any more."""
        running = self._tracker.earliest_running
        horizon = self._n_ridged if running is None else min(running, self._n_ridged)
        calls = []
        for contours in self._joiner.settled(None if to_the_end else horizon):
            reason = self._gate.of_call(contours)
            if reason is None:
                calls.append(self._call(contours))
            elif reason:
                self._reject(contours, reason)
        return calls

    def _call(self, contours: list[Contour]) -> Call:
        return measure(self._frames, contours, self.grid, self._lowest_bin, self.file)

    def _reject(self, contours: list[Contour], reason: str) -> None:
        self.rejected.append(Rejected.of(contours, reason, self.grid, self._lowest_bin, self.file))


@dataclass(frozen=True, slots=True)
class Detection:
    """What was found in a recording."""

    calls: list[Call]
    rejected: list[Rejected]
    warnings: list[str]
    n_samples: int
    sample_rate_hz: int


def detect_file(
    path: Path,
    profile: DetectorProfile,
    *,
    channel: int | None = None,
    sample_rate_hz: int | None = None,
    events: Sequence[KnownEvent] = (),
    progress: Callable[[float], None] | None = None,
) -> Detection:
    """Find the calls of a recording.

    Parameters
    ----------
    path : the recording
    profile : what to look for
    channel : from 1, for files of several channels
    sample_rate_hz : overrides the header's
    events : artefacts at known times, seconds of the recording
    progress : is told the fraction that is done, now and then

    Raises
    ------
    BadInput
        The recording cannot be used.
    """
    with Recording(path, channel=channel, sample_rate_hz=sample_rate_hz) as recording:
        detector = Detector(profile, recording.sample_rate_hz, file=recording.path.name, events=events)
        calls = list[Call]()
        for block in recording.blocks():
            calls += detector.push(block)
            if progress:
                progress(min(1.0, detector.n_samples / max(recording.n_samples, 1)))
        calls += detector.flush()
        warnings = [*recording.warnings, *detector.faults.sentences, *detector.warnings]
        return Detection(calls, detector.rejected, warnings, detector.n_samples, recording.sample_rate_hz)
