"""The detector: samples in, calls out, the same live and offline.

Rules. All that happens is keyed to frames counted from the first sample, and the work is done in blocks of `BLOCK`
frames on that absolute grid, so that any cutting of the sound into blocks gives the same calls to the last bit. Memory
is a few seconds of frames, whatever the length. A call lies in [onset, offset): from the first frame to the last in
which its ridge holds, each frame standing for the samples nearer to its middle than to its neighbours' middles.

The steps: power on a grid of frames (`audio.spectrogram`), the noise floor (`floor`), ridge points (`ridges`) and
contours (`contour`), all in one piece of compiled code (`search`); rejection of what is no call (`gate`), joining
(`join`), features and type (`features`, `classify`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from behavior.audio.faults import Faults
from behavior.audio.read import Recording, Samples
from behavior.audio.spectrogram import FramedSound, FrameGrid
from behavior.model.calls import Call
from behavior.model.errors import BadInput
from behavior.usv.company import TRAIN, source_of
from behavior.usv.contour import Contour, ContourTracker, gather
from behavior.usv.detail import Detail, detail_of
from behavior.usv.features import measure, ridge_of
from behavior.usv.floor import FRAMES_A_ROW, NoiseFloor
from behavior.usv.gate import Gate, KnownEvent, Rejected, set_off_anew
from behavior.usv.join import Joiner
from behavior.usv.nearby import Nearby
from behavior.usv.onset import SUB_BLOCK, Onset, OnsetWatch, Withdrawn
from behavior.usv.profile import DetectorProfile
from behavior.usv.ridges import group_edges
from behavior.usv.search import BLOCK, Plan, Search
from behavior.usv.subtract import Subtraction

_LOWEST_HZ, _AUDIBLE_HZ = 18_000.0, (3_000.0, 15_000.0)
_HIGHEST_HZ, _OF_NYQUIST = 125_000.0, 0.97
_SMALLEST_BAND_HZ = 4_000.0
_BEYOND_HZ, _BAND_FOR_BASE_HZ = 4_000.0, 80_000.0
_PIECE = 1 << 18
Entry = TypeVar("Entry", Call, Rejected)
_LONGEST_HOLE_S, _FIRST_LOOK_DB = 0.003, 2.5


class Detector:
    """Finds calls in one stream of samples.

    Parameters
    ----------
    profile : what to look for
    sample_rate_hz : of the samples
    file : name for the `file` column
    events : artefacts at known times, in seconds of the stream, as the session's own log has them
    first_sample : which sample of the whole the first pushed one is; on the grid of frames, for a search in parts
    detailed : keep the details of calls, their contours among them
    provisional : say when a call seems to have begun, within 50 ms (`usv.onset`); calls are the same

    Attributes
    ----------
    details : of the calls, in the order in which they were given; empty unless asked for
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
        self,
        profile: DetectorProfile,
        sample_rate_hz: int,
        *,
        file: str = "",
        events: Sequence[KnownEvent] = (),
        first_sample: int = 0,
        detailed: bool = False,
        provisional: bool = False,
    ) -> None:
        self.profile, self.file = profile, file
        self.details, self._detailed = list[Detail](), detailed
        self.grid = FrameGrid.at(sample_rate_hz).from_sample(first_sample)
        self.rejected, self.warnings, self.n_samples = list[Rejected](), list[str](), 0
        self.faults = Faults()
        self._lay_out_bands(sample_rate_hz)
        longest = round((profile.longest_s + 1.0) / self.grid.frame_s)
        n_rows = BLOCK * (longest // BLOCK + 8)
        self._level_below = profile.below_22khz_hz / self.grid.bin_hz - self._lowest_bin
        self._longest_hole = round(_LONGEST_HOLE_S / self.grid.frame_s)
        self._tracker = ContourTracker(
            round(profile.longest_s / self.grid.frame_s) + 1,
            level_below=self._level_below,
            hold_db=profile.hold_db,
            least=profile.support_evidence,
            patient_from=profile.confirm_evidence,
        )
        n_floor_rows = round(profile.floor_s / self.grid.frame_s / FRAMES_A_ROW)
        floor = NoiseFloor(self._n_bins + 1, n_floor_rows, profile.floor_quantile)
        self._search = Search(self._sound, self._plan, self._n_bins, n_rows, floor, self._tracker)
        self._frames = self._search.frames
        self._watch = (
            OnsetWatch(profile, self.grid, self._plan.edges, (self._plan.low, self._plan.high), self._lowest_bin)
            if provisional
            else None
        )
        self._nearby = Nearby(profile, self.grid.frame_s, n_rows - longest - 4 * BLOCK)
        self._gate = Gate(profile, self.grid, events, lowest_bin=self._lowest_bin)
        self._subtraction = Subtraction(events, self.grid, self._n_bins)
        self._joiner = Joiner(profile, self.grid, self._lowest_bin)

    def push(self, block: Samples) -> list[Call]:
        """Take in samples, int16 or float32 in [-1, 1); the calls that are complete now."""
        self.n_samples += len(block)
        self.faults.push(block)
        calls = list[Call]()
        for start in range(0, len(block), _PIECE):
            self._sound.push(block[start : start + _PIECE])
            while self._sound.n_frames >= self._search.n_levels + BLOCK:
                next_block = self._search.n_levels + BLOCK
                self._look_ahead(next_block)
                calls += self._go_on(next_block if self._is_waited_for else self._sound.n_frames)
            self._look_ahead(self._sound.n_frames)
        return calls

    def know(self, event: KnownEvent) -> None:
        """An event that happens, for what is not worked out yet; the same kind and start again corrects its end."""
        self._gate.know(event)
        self._subtraction.know(event)

    def onsets(self) -> list[Onset | Withdrawn]:
        """What seems to have begun since this was last asked, and what of that was none; in order of being said."""
        return self._watch.take() if self._watch else []

    def flush(self) -> list[Call]:
        """The end of the sound: the calls that were still open."""
        return self._go_on(self._sound.n_frames, last=True)

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
        top_hz = min(top_hz, max(profile.high_hz + _BEYOND_HZ, _BAND_FOR_BASE_HZ))
        audible = [round(hz / grid.bin_hz) for hz in _AUDIBLE_HZ]
        lowest = int(np.ceil(min(_LOWEST_HZ, profile.low_hz) / grid.bin_hz))
        highest = int(top_hz / grid.bin_hz)
        self._sound = FramedSound(grid, audible[0], highest)
        self._n_bins, self._lowest_bin, self._n_skipped = highest - lowest, lowest, lowest - audible[0]
        self._plan = Plan(
            n_audible=audible[1] - audible[0],
            n_skipped=self._n_skipped,
            low=int(np.ceil(profile.low_hz / grid.bin_hz)) - lowest,
            high=min(int(profile.high_hz / grid.bin_hz) + 1, highest) - lowest,
            edges=group_edges(self._n_bins, grid.bin_hz),
            look_db=float(min(profile.confirm_db, profile.hold_db + _FIRST_LOOK_DB)),
            hold_db=float(profile.hold_db),
        )

    def _go_on(self, until: int, *, last: bool = False) -> list[Call]:
        """Frames before `until`; all that there are at the `last`, else whole blocks, and perhaps not all of them."""
        search = self._search
        if self._subtraction:
            self._nearby.add(search.run_without(self._subtraction, until, last=last))
        else:
            self._nearby.add(search.run(until, last=last))
        if self._nearby:
            worth_a_look = self._nearby.worth_a_look(self._frames, self._horizon)
            self._consider(gather(self._frames, contour) for contour in worth_a_look)
        self._sound.forget(search.needs)
        return self._settle(to_the_end=last)

    @property
    def _is_waited_for(self) -> bool:
        """Whether somebody wants to know how far it is after every block."""
        return bool(self._watch or self._nearby or self._joiner.earliest_waiting is not None)

    def _look_ahead(self, stop: int) -> None:
        """Beginnings in the frames before `stop`, by the floor of the last block."""
        while self._watch and self._watch.n_looked + SUB_BLOCK <= stop:
            floor = self._search.latest_floor
            if floor is not None:
                self._watch.look(self._sound, self._n_skipped, floor)
            else:
                self._watch.n_looked += SUB_BLOCK

    @property
    def _horizon(self) -> int:
        """The first frame in which a contour to come can begin."""
        running = self._tracker.earliest_running
        return self._search.n_ridged if running is None else min(running, self._search.n_ridged)

    def _consider(self, contours: Iterable[Contour]) -> None:
        """Contours that are no artefact go on to be joined."""
        hold_db, least = self.profile.hold_db, self.profile.support_evidence
        for part in (part for whole in contours for part in whole.cut(set_off_anew(whole))):
            contour = part.trimmed(hold_db, 0.5 * least)
            reason = self._gate.of_contour(contour)
            if reason is None:
                for stretch in self._stretches(contour):
                    self._joiner.add(stretch)
            elif reason and self._gate.could_be_call(contour):
                self._reject([contour], reason)

    def _stretches(self, contour: Contour) -> list[Contour]:
        """A high contour is not waited for; a low one goes on through what drowned it."""
        if contour.middle_bin < self._level_below:
            return [contour]
        return [part.trimmed(0.0, 0.0) for part in contour.stretches(self._longest_hole)]

    def _settle(self, *, to_the_end: bool) -> list[Call]:
        """The calls that nothing to come can change any more."""
        calls = list[Call]()
        if not self._watch and self._joiner.earliest_waiting is None:
            return calls
        settled = self._joiner.settled(None if to_the_end else self._horizon)
        for contours in (call for whole in settled for call in self._without_other_sources(whole)):
            reason = self._gate.of_call(contours)
            if reason is None:
                calls.append(self._call(contours))
            elif reason:
                self._reject(contours, reason)
        if self._watch:
            waiting = self._joiner.earliest_waiting, self._nearby.earliest_waiting, self._horizon
            first = min(frame for frame in waiting if frame is not None)
            self._watch.settle(calls, np.inf if to_the_end else self.grid.onset_s(first))
        return calls

    def _without_other_sources(self, contours: list[Contour]) -> list[list[Contour]]:
        """What is left, as calls. By now all that began before the end of these has ended."""
        sources = [self._source(contour) for contour in contours]
        if not any(sources):
            return [contours]
        for contour, source in zip(contours, sources, strict=True):
            if source and self._gate.could_be_call(contour):
                self._reject([contour], source)
        return self._joiner.grouped([c for c, source in zip(contours, sources, strict=True) if not source])

    def _source(self, contour: Contour) -> str | None:
        """What else than an animal's call a contour belongs to."""
        if self._gate.is_overtone(contour):
            return "overtone of what is no call"
        if not self._gate.could_be_call(contour):
            return None
        source = source_of(self._frames, contour, self.grid, self._lowest_bin, self._search.n_scanned)
        if source == TRAIN:
            self._gate.is_none(contour)
        return source

    def _call(self, contours: list[Contour]) -> Call:
        ridge = ridge_of(self._frames, contours, self.grid, self._lowest_bin)
        if self._detailed:
            self.details.append(detail_of(self._frames, ridge, self.grid, self._lowest_bin))
        return measure(self._frames, ridge, self.grid, self._lowest_bin, self.file)

    def _reject(self, contours: list[Contour], reason: str) -> None:
        self.rejected.append(Rejected.of(contours, reason, self.grid, self._lowest_bin, self.file))


@dataclass(frozen=True, slots=True)
class Detection:
    """What was found in a recording; `details` are those of the calls, in their order, where they were asked for."""

    calls: list[Call]
    rejected: list[Rejected]
    warnings: list[str]
    n_samples: int
    sample_rate_hz: int
    details: Sequence[Detail] = ()


def detect_file(
    path: Path,
    profile: DetectorProfile,
    *,
    channel: int | None = None,
    sample_rate_hz: int | None = None,
    events: Sequence[KnownEvent] = (),
    progress: Callable[[float], None] | None = None,
    detailed: bool = False,
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
    detailed : give the details of calls too

    Raises
    ------
    BadInput
        The recording cannot be used.
    """
    with Recording(path, channel=channel, sample_rate_hz=sample_rate_hz) as recording:
        detector = Detector(
            profile, recording.sample_rate_hz, file=recording.path.name, events=events, detailed=detailed
        )
        calls = list[Call]()
        for block in recording.blocks():
            calls += detector.push(block)
            if progress:
                progress(min(1.0, detector.n_samples / max(recording.n_samples, 1)))
        calls += detector.flush()
        warnings = [*recording.warnings, *detector.faults.sentences, *detector.warnings]
        calls, details = in_order(calls), with_calls(calls, detector.details)
        rejected = in_order(detector.rejected)
        return Detection(calls, rejected, warnings, detector.n_samples, recording.sample_rate_hz, details)


def in_order(entries: Sequence[Entry]) -> list[Entry]:
    """By their onsets."""
    return sorted(entries, key=_place)


def with_calls(calls: Sequence[Call], details: Sequence[Detail]) -> list[Detail]:
    """Details in the order that `in_order` gives their calls."""
    pairs = sorted(zip(calls, details, strict=False), key=lambda pair: _place(pair[0]))
    return [detail for _, detail in pairs]


def _place(one: Call | Rejected) -> tuple[float, float, float]:
    return one.onset_s, one.offset_s, one.low_hz
