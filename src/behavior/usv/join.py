"""Joining: which contours are one call.

Rules. Contours that overlap or touch are one segment: harmonics, crossing parts, what is left of a broken contour.
Segments with a gap shorter than the profile's `join_s` are one call, and with one shorter than `join_22khz_s` where
both lie below `below_22khz_hz` (20 ms: Wright et al. 2010, Psychopharmacology 211:1-13).
"""

from __future__ import annotations

import numpy as np

from behavior.audio.spectrogram import FrameGrid
from behavior.usv.contour import Contour
from behavior.usv.profile import DetectorProfile

Segment = list[Contour]

_TOUCHING = 2


class Joiner:
    """Holds contours until what belongs together is known.

    Parameters
    ----------
    profile : the gaps
    grid : frames and bins
    lowest_bin : the bin that contours count from
    """

    def __init__(self, profile: DetectorProfile, grid: FrameGrid, lowest_bin: int) -> None:
        self._gap = round(profile.join_s / grid.frame_s)
        self._gap_22khz = max(self._gap, round(profile.join_22khz_s / grid.frame_s))
        self._below_bin = profile.below_22khz_hz / grid.bin_hz - lowest_bin
        self._waiting = list[Contour]()

    def add(self, contour: Contour) -> None:
        """Take in a contour that ended."""
        self._waiting.append(contour)

    def settled(self, horizon: int | None) -> list[list[Segment]]:
        """Chains of segments that no contour beginning at `horizon` or later can join; all, at the end."""
        self._waiting.sort(key=lambda contour: (contour.start, contour.stop))
        chains, rest = list[list[Contour]](), self._waiting
        while rest:
            chain, stop = [rest[0]], rest[0].stop
            for contour in rest[1:]:
                if contour.start - stop > self._gap_22khz:
                    break
                chain.append(contour)
                stop = max(stop, contour.stop)
            if horizon is not None and stop + self._gap_22khz >= horizon:
                break
            chains.append(chain)
            rest = rest[len(chain) :]
        self._waiting = list(rest)
        return [_segments(chain) for chain in chains]

    def joined(self, segments: list[Segment]) -> list[Segment]:
        """Segments of a chain that are one call, merged."""
        calls = list[Segment]()
        for segment in segments:
            if calls and _start(segment) - _stop(calls[-1]) < self._allowed(calls[-1], segment):
                calls[-1] = calls[-1] + segment
            else:
                calls.append(segment)
        return calls

    def _allowed(self, before: Segment, after: Segment) -> int:
        low = all(_main_bin(segment) < self._below_bin for segment in (before, after))
        return self._gap_22khz if low else self._gap


def _segments(chain: list[Contour]) -> list[Segment]:
    segments = list[Segment]()
    for contour in chain:
        if segments and contour.start - _stop(segments[-1]) <= _TOUCHING:
            segments[-1].append(contour)
        else:
            segments.append([contour])
    return segments


def _start(segment: Segment) -> int:
    return min(contour.start for contour in segment)


def _stop(segment: Segment) -> int:
    return max(contour.stop for contour in segment)


def _main_bin(segment: Segment) -> float:
    longest = max(segment, key=len)
    return float(np.nanmedian(longest.bins))
