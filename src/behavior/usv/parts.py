"""A long recording searched in parts, anywhere and in any order, with the calls of the unsplit search to the last bit.

Theory. A detector remembers no more than its noise floor's window and the longest contours that it follows, and all
that it does is keyed to blocks of frames counted from the first sample. A part that begins on that grid, early enough
for the floor and for everything that runs across its border to be what they would have been, goes on exactly as the
whole would. So each part is searched from `floor_s` and `_LONGEST` times the longest call before the samples that it
answers for, to as many of these behind them, and gives what begins in its samples. Two neighbours have both searched
what lies around their border: where they do not agree on it to the last bit, the recording is searched whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from behavior.audio.faults import Faults
from behavior.audio.read import Recording
from behavior.audio.spectrogram import FrameGrid
from behavior.model.calls import Call
from behavior.usv.detail import Detail
from behavior.usv.detect import Detection, Detector, Entry, detect_file, in_order, with_calls
from behavior.usv.gate import KnownEvent, Rejected
from behavior.usv.profile import DetectorProfile
from behavior.usv.search import BLOCK

_LONGEST = 3
_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a recording, in samples.

    Attributes
    ----------
    first, stop : what is searched
    begins, ends : what it answers for
    """

    first: int
    stop: int
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Searched:
    """What was found in a part, its surroundings included; `details` are those of the calls, in their order."""

    calls: list[Call]
    rejected: list[Rejected]
    faults: Faults
    details: Sequence[Detail] = ()


def parts_of(
    path: Path,
    profile: DetectorProfile,
    part_s: float,
    *,
    channel: int | None = None,
    sample_rate_hz: int | None = None,
) -> list[Part]:
    """Parts of about this length; one if the recording is not twice as long, or its samples are not integers.

    Raises
    ------
    BadInput
        The recording cannot be used.
    """
    with Recording(path, channel=channel, sample_rate_hz=sample_rate_hz) as recording:
        n, rate, integers = recording.n_samples, recording.sample_rate_hz, recording.dtype == np.int16
    grid = FrameGrid.at(rate)
    unit = BLOCK * grid.hop
    each = max(1, round(part_s * rate / unit)) * unit
    if not integers or n < 2 * each:
        return [Part(0, n, 0, n)]
    beyond = _LONGEST * (profile.longest_s + 1.0)
    lead, trail = (-(-round(s * rate) // unit) * unit for s in (profile.floor_s + beyond, beyond))
    borders = [*range(0, n - each + 1, each), n]
    return [Part(max(0, begins - lead), min(n, ends + trail), begins, ends) for begins, ends in pairwise(borders)]


def search_part(
    path: Path,
    profile: DetectorProfile,
    part: Part,
    events: Sequence[KnownEvent] = (),
    *,
    channel: int | None = None,
    sample_rate_hz: int | None = None,
    detailed: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Searched:
    """Search a part.

    Parameters
    ----------
    events : artefacts at known times, seconds of the whole recording
    channel, sample_rate_hz, detailed : as of `detect_file`
    progress : is told the fraction that is done, now and then

    Raises
    ------
    BadInput
        The recording cannot be used.
    """
    faults, calls = Faults(), list[Call]()
    with Recording(path, channel=channel, sample_rate_hz=sample_rate_hz) as recording:
        detector = Detector(
            profile,
            recording.sample_rate_hz,
            file=path.name,
            events=events,
            first_sample=part.first,
            detailed=detailed,
        )
        for at in range(part.first, part.stop, _PIECE):
            block = recording.read_at(at, min(_PIECE, part.stop - at))
            calls += detector.push(block)
            faults.push(block[max(0, part.begins - at) : max(0, part.ends - at)])
            if progress:
                progress((at - part.first) / (part.stop - part.first))
        calls += detector.flush()
    details = with_calls(calls, detector.details)
    return Searched(in_order(calls), in_order(detector.rejected), faults, details)


def joined(
    path: Path,
    profile: DetectorProfile,
    parts: Sequence[Part],
    found: Sequence[Searched],
    events: Sequence[KnownEvent] = (),
    *,
    channel: int | None = None,
    sample_rate_hz: int | None = None,
    detailed: bool = False,
) -> Detection:
    """What was found in all parts, as the search of the whole gives it; the rest as of `search_part`."""
    with Recording(path, channel=channel, sample_rate_hz=sample_rate_hz) as recording:
        rate, n_samples, warnings = recording.sample_rate_hz, recording.n_samples, list(recording.warnings)
    around_s = profile.longest_s + 1.0
    for before, after, part in zip(found, found[1:], parts[1:], strict=False):
        border_s = part.begins / rate
        if _around(before, border_s, around_s) != _around(after, border_s, around_s):
            return detect_file(
                path, profile, events=events, channel=channel, sample_rate_hz=sample_rate_hz, detailed=detailed
            )
    calls, rejected, details = list[Call](), list[Rejected](), list[Detail]()
    faults = Faults()
    for part, one in zip(parts, found, strict=True):
        from_s, to_s = part.begins / rate, part.ends / rate
        calls += _between(one.calls, from_s, to_s)
        rejected += _between(one.rejected, from_s, to_s)
        details += [
            detail for call, detail in zip(one.calls, one.details, strict=False) if from_s <= call.onset_s < to_s
        ]
        faults = faults.followed_by(one.faults)
    left_out = Detector(profile, rate, file=path.name).warnings
    return Detection(calls, rejected, [*warnings, *faults.sentences, *left_out], n_samples, rate, details)


def _between(entries: Sequence[Entry], from_s: float, to_s: float) -> list[Entry]:
    return [one for one in entries if from_s <= one.onset_s < to_s]


def _around(one: Searched, border_s: float, around_s: float) -> tuple[list[Call], list[Rejected]]:
    from_s, to_s = border_s - around_s, border_s + around_s
    return _between(one.calls, from_s, to_s), _between(one.rejected, from_s, to_s)
