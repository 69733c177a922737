"""The noise floor of every frequency: a low quantile of the last seconds.

Theory. A bout of 22-kHz calls fills more than half of the time, so a running median takes the calls for noise; the
quietest fifth of the last ten seconds is noise as long as calls leave a fifth of the time free. The quantile is exact
and recursive: a histogram per frequency takes in the mean power of 4 of every 8 ms, lets go of the oldest, and the
quantile's place moves by a cell or two. It depends on the frames alone, never on the blocks they came in.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.jit import kernel, part

Array = npt.NDArray[Any]

FRAMES_A_ROW = 16
"""A row is the mean power of the first half of this many frames, of every second of them: 4 of every 8 ms."""

_LOWEST_DB, _CELL_DB, _N_CELLS = -170.0, 0.5, 320
_ANTIALIAS_DB = 10.0


class NoiseFloor:
    """The running `quantile` of the last `n_rows` rows, per column, in dB.

    Parameters
    ----------
    n_columns : frequencies
    n_rows : length of the window in rows of `FRAMES_A_ROW` frames
    quantile : share of rows that lie below the floor
    """

    def __init__(self, n_columns: int, n_rows: int, quantile: float) -> None:
        self._quantile = quantile
        self._window = np.zeros((n_rows, n_columns), np.int16)
        self._counts = np.zeros((n_columns, _N_CELLS), np.int32)
        self._place = np.zeros((2, n_columns), np.int32)
        self._n_seen = 0
        self.db = np.zeros(n_columns, np.float32)

    def push(self, rows_db: Array) -> None:
        """Take in rows, shape (n, n_columns); `db` is the floor afterwards."""
        if not len(rows_db):
            return
        _take(rows_db, self._window, self._n_seen, self._counts, self._place, self._quantile, self.db)
        self._n_seen += len(rows_db)

    def clamped(self, n_columns: int) -> Array:
        """The floor of the first columns, no lower than 10 dB below their median.

        Above a microphone's or filter's edge there is next to no noise; dust there would look like a call.
        """
        floor = self.db[:n_columns]
        middle = np.partition(floor, n_columns // 2)[n_columns // 2]
        return np.asarray(np.maximum(floor, middle - np.float32(_ANTIALIAS_DB)))


@kernel
def _take(rows: Array, window: Array, n_seen: int, counts: Array, place: Array, quantile: float, out: Array) -> None:
    for row in rows:
        _slide(row, window, n_seen, counts, place)
        n_seen += 1
    _interpolate(counts, place, quantile * max(min(n_seen, window.shape[0]) - 1, 0), out)


@part
def _slide(row: Array, window: Array, n_seen: int, counts: Array, place: Array) -> None:
    """One row in, and the oldest out once the window is full. `place`: cell of the quantile, and how many lie below."""
    slot = n_seen % window.shape[0]
    full = n_seen >= window.shape[0]
    for k in range(row.size):
        cell = min(max(int((row[k] - _LOWEST_DB) / _CELL_DB), 0), _N_CELLS - 1)
        if full:
            old = window[slot, k]
            counts[k, old] -= 1
            place[1, k] -= old < place[0, k]
        window[slot, k] = cell
        counts[k, cell] += 1
        place[1, k] += cell < place[0, k]


@part
def _interpolate(counts: Array, place: Array, rank: float, out: Array) -> None:
    """Move each quantile's place to `rank` and read it off, linear within its cell."""
    for k in range(out.size):
        cell, below = place[0, k], place[1, k]
        while below > rank:
            cell -= 1
            below -= counts[k, cell]
        while below + counts[k, cell] <= rank:
            below += counts[k, cell]
            cell += 1
        place[0, k], place[1, k] = cell, below
        out[k] = _LOWEST_DB + _CELL_DB * (cell + (rank - below + 0.5) / counts[k, cell])
