"""Contours and frames made by hand, for the tests of single steps."""

from __future__ import annotations

import numpy as np

from behavior.usv.contour import LEAD, Contour
from behavior.usv.ridges import Frames, empty_frames

BLOCK = 64


def contour(start: int, stop: int, *, bins=60.0, ridge=20.0, excess=None) -> Contour:
    """Frames [start, stop) at these bins with this ridge: numbers, or one for every frame."""
    n = stop - start
    places, ridges = (np.broadcast_to(np.asarray(value, float), n).copy() for value in (bins, ridge))
    over = ridges if excess is None else np.broadcast_to(np.asarray(excess, float), n).copy()
    strongest = float(np.nanmax(ridges)) if np.isfinite(ridges).any() else 0.0
    return Contour(start, stop, strongest, places, ridges, over, np.zeros(n), np.zeros(n + LEAD), np.zeros(n + LEAD))


def frames_with(points: dict[int, list[tuple[float, float]]], n_rows: int = 512, n_bins: int = 120) -> Frames:
    """Rings in which frame `i` has these ridge points (bin, ridge), strongest first as the search leaves them."""
    frames = empty_frames(n_rows, n_bins, BLOCK)
    for frame, here in points.items():
        row = frame % n_rows
        ordered = sorted(here, key=lambda point: -point[1])
        frames.n_peaks[row] = len(ordered)
        for p, (place, ridge) in enumerate(ordered):
            frames.bin[row, p], frames.ridge[row, p] = place, ridge
    return frames
