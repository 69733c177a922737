"""Joining: which contours are one call.

Rules. Contours that overlap, or have a gap shorter than the profile's `join_s`, are one call: harmonics, steps, what
is left of a broken contour. Where both sides lie below `below_22khz_hz` the gap may be `join_22khz_s` (20 ms: Wright
et al. 2010, Psychopharmacology 211:1-13), and so where each has half of a call's evidence itself: echoes and noise have
less, and would bridge what lies between calls. What is far weaker than the call beside it is its echo, is no part of
it, and bridges no gap. No call grows beyond the profile's `longest_s`: the contour that would make it longer begins the
next.
"""

from __future__ import annotations

from behavior.audio.spectrogram import FrameGrid
from behavior.usv.contour import Contour
from behavior.usv.profile import DetectorProfile

_ECHO_DB, _SURE = 25.0, 0.5


class Joiner:
    """Holds contours until what belongs together is known.

    Parameters
    ----------
    profile : the gaps
    grid : frames and bins
    lowest_bin : the bin that contours count from
    """

    def __init__(self, profile: DetectorProfile, grid: FrameGrid, lowest_bin: int) -> None:
        self._profile = profile
        self._gap = round(profile.join_s / grid.frame_s)
        self._gap_22khz = max(self._gap, round(profile.join_22khz_s / grid.frame_s))
        self._longest = round(profile.longest_s / grid.frame_s) + 1
        self._below_bin = profile.below_22khz_hz / grid.bin_hz - lowest_bin
        self._waiting = list[Contour]()

    def add(self, contour: Contour) -> None:
        """Take in a contour that ended."""
        self._waiting.append(contour)

    @property
    def earliest_waiting(self) -> int | None:
        """First frame of what waits to be settled."""
        return min((contour.start for contour in self._waiting), default=None)

    def settled(self, horizon: int | None) -> list[list[Contour]]:
        """The calls that no contour beginning at `horizon` or later can join; all, at the end."""
        self._waiting.sort(key=lambda contour: (contour.start, contour.stop))
        calls, rest = list[list[Contour]](), self._waiting
        while rest:
            call, after = self._first_call(rest)
            if horizon is not None and _stop(call) + self._gap_22khz >= horizon:
                break
            calls += self.grouped(call)
            rest = after
        self._waiting = rest
        return calls

    def grouped(self, contours: list[Contour]) -> list[list[Contour]]:
        """These contours, in order of their starts, as calls; what bridged a gap and is no part of it bridges none."""
        calls, rest = list[list[Contour]](), contours
        while rest:
            call, rest = self._first_call(rest)
            calls += [call] if len(call) == len(contours) else self.grouped(call)
        return calls

    def _first_call(self, contours: list[Contour]) -> tuple[list[Contour], list[Contour]]:
        """The contours, in order of their starts, that are one call with the first; and those after it."""
        call = contours[:1]
        for n, contour in enumerate(contours[1:], start=1):
            too_long = max(contour.stop, _stop(call)) - call[0].start > self._longest
            if too_long or contour.start - _stop(call) >= self._allowed(call, contour):
                return call, contours[n:]
            loudest = max(contour.strongest, *(part.strongest for part in call))
            call = [part for part in (*call, contour) if part.strongest > loudest - _ECHO_DB]
        return call, []

    def _allowed(self, before: list[Contour], after: Contour) -> int:
        last = max(before, key=lambda contour: contour.stop)
        low = all(contour.middle_bin < self._below_bin for contour in (last, after))
        if low or (self._is_sure(after) and any(self._is_sure(one) for one in self._near(before, after))):
            return self._gap_22khz
        return self._gap

    def _near(self, before: list[Contour], after: Contour) -> list[Contour]:
        return [one for one in before if after.start - one.stop < self._gap_22khz]

    def _is_sure(self, contour: Contour) -> bool:
        profile = self._profile
        return (
            contour.strongest >= profile.confirm_db
            and contour.evidence(profile.hold_db) >= _SURE * profile.confirm_evidence
        )


def _stop(contours: list[Contour]) -> int:
    return max(contour.stop for contour in contours)
