"""The gate: what looks like a call and is none, by its shape and by the session's own events.

What is rejected is kept with its reason; nothing is dropped silently.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from behavior.audio.spectrogram import FrameGrid
from behavior.model.errors import BadFile, Problem
from behavior.usv.contour import Contour
from behavior.usv.profile import DetectorProfile


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """Something that made a sound, at a time that the session's journal knows. Seconds of the recording."""

    kind: str
    start_s: float
    stop_s: float


@dataclass(frozen=True, slots=True)
class Rejected:
    """What was taken for no call, and why."""

    file: str
    onset_s: float
    offset_s: float
    low_hz: float
    high_hz: float
    score: float
    reason: str

    @classmethod
    def of(cls, contours: Sequence[Contour], reason: str, grid: FrameGrid, lowest_bin: int, file: str) -> Rejected:
        """From the contours that it consists of."""
        start, stop = min(c.start for c in contours), max(c.stop for c in contours)
        return cls(
            file=file,
            onset_s=grid.onset_sample(start) / grid.sample_rate_hz,
            offset_s=grid.onset_sample(stop) / grid.sample_rate_hz,
            low_hz=(min(float(np.nanmin(c.bins)) for c in contours) + lowest_bin) * grid.bin_hz,
            high_hz=(max(float(np.nanmax(c.bins)) for c in contours) + lowest_bin) * grid.bin_hz,
            score=max(c.strongest for c in contours),
            reason=reason,
        )


class Gate:
    """Says why a contour or a segment is no call: None when it may be one, an empty string when it is plain noise."""

    def __init__(self, profile: DetectorProfile, grid: FrameGrid, events: Sequence[KnownEvent] = ()) -> None:
        self._profile, self._grid, self._events = profile, grid, tuple(events)

    def of_contour(self, c: Contour) -> str | None:
        """Rules that look at one contour."""
        dt = self._grid.frame_s
        length = len(c) * dt
        if len(c) < 3 or c.strongest < self._profile.confirm_db:
            return ""
        if length > self._profile.longest_s - 2 * dt:
            return "steady tone"
        near = c.base[:6].max()
        if near > 6 and length < 0.016:
            return "ringing after a click"
        if np.median(c.base) > 6 and np.nanmedian(c.ridge) < self._profile.confirm_db + 3:
            return "texture of broadband noise"
        if c.n_strong.mean() > 5:
            return "one of many ridges"
        return None

    def of_segment(self, segment: Sequence[Contour]) -> str | None:
        """Rules that look at all that sounds together."""
        start, stop = min(c.start for c in segment), max(c.stop for c in segment)
        length = (stop - start) * self._grid.frame_s
        strongest = max(c.strongest for c in segment)
        needed = self._profile.confirm_short_db if length < self._profile.short_s else self._profile.confirm_db
        if strongest < needed or length < self._profile.shortest_s:
            return ""
        return None


def read_events(path: Path) -> list[KnownEvent]:
    """Events from a CSV table with columns kind, start_s, stop_s (seconds of the recording).

    Raises
    ------
    BadFile
        A column is missing or a time is none; all problems at once.
    """
    events, problems = list[KnownEvent](), list[Problem]()
    with path.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        missing = {"kind", "start_s", "stop_s"} - set(rows.fieldnames or ())
        if missing:
            raise BadFile(path, [Problem(column, "this column is missing; add it") for column in sorted(missing)])
        for row in rows:
            try:
                event = KnownEvent(row["kind"], float(row["start_s"]), float(row["stop_s"]))
            except (TypeError, ValueError):
                problems.append(Problem(f"line {rows.line_num}", "start_s and stop_s must be numbers"))
                continue
            if event.stop_s < event.start_s:
                problems.append(Problem(f"line {rows.line_num}", f"stops before it starts ({event.start_s:g} s)"))
            events.append(event)
    if problems:
        raise BadFile(path, problems)
    return sorted(events, key=lambda event: event.start_s)
