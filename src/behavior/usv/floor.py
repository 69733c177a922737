"""The noise floor of every frequency: a low quantile of the last seconds.

Theory. A bout of 22-kHz calls fills more than half of the time, so a running median takes the calls for noise; the
quietest fifth of the last ten seconds is noise as long as calls leave a fifth of the time free. The quantile is exact
and recursive: a histogram per frequency takes in the mean power of 4 of every 8 ms, lets go of the oldest, and the
quantile's place moves by a cell or two. It depends on the frames alone, never on the blocks they came in.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from behavior.audio.jit import kernel, part

Array = npt.NDArray[Any]

FRAMES_A_ROW = 16
"""A row is the mean power of the first half of this many frames, of every second of them: 4 of every 8 ms."""

_LOWEST_DB, _CELL_DB, _N_CELLS = -170.0, 0.5, 320
_ANTIALIAS_DB = 10.0


class Floor(NamedTuple):
    """What kernels need of a `NoiseFloor`.

    window : cells of the last rows, (n_rows, n_columns); place `i` has row `i` modulo its length
    counts : how many rows have each cell, (n_columns, n_cells)
    place : the cell of the quantile, and how many rows lie below it, (2, n_columns)
    db : the floor, (n_columns,)
    order : columns from the lowest floor to the highest, (n_columns - 1,)
    n_seen : rows so far, (1,)
    quantile : share of rows that lie below the floor
    """

    window: npt.NDArray[np.int16]
    counts: npt.NDArray[np.int32]
    place: npt.NDArray[np.int32]
    db: Array
    order: npt.NDArray[np.int64]
    n_seen: npt.NDArray[np.int64]
    quantile: float


class NoiseFloor:
    """The running `quantile` of the last `n_rows` rows, per column, in dB.

    Parameters
    ----------
    n_columns : frequencies, and what can be heard, which comes last
    n_rows : length of the window in rows of `FRAMES_A_ROW` frames
    quantile : share of rows that lie below the floor

    Attributes
    ----------
    state : for kernels
    """

    def __init__(self, n_columns: int, n_rows: int, quantile: float) -> None:
        self.state = Floor(
            window=np.zeros((n_rows, n_columns), np.int16),
            counts=np.zeros((n_columns, _N_CELLS), np.int32),
            place=np.zeros((2, n_columns), np.int32),
            db=np.zeros(n_columns, np.float32),
            order=np.arange(n_columns - 1),
            n_seen=np.zeros(1, np.int64),
            quantile=quantile,
        )

    @property
    def db(self) -> Array:
        """The floor of what was taken in."""
        return self.state.db

    def push(self, rows_db: Array) -> None:
        """Take in rows, shape (n, n_columns); `db` is the floor afterwards."""
        if len(rows_db):
            _take(self.state, rows_db)

    def clamped(self) -> Array:
        """The floor of the frequencies, no lower than 10 dB below their median.

        Above a microphone's or filter's edge there is next to no noise; dust there would look like a call.
        """
        out = np.empty(len(self.db) - 1, np.float32)
        _clamp(self.state, out)
        return out


@kernel
def _take(floor: Floor, rows: Array) -> None:
    for row in rows:
        take_row(floor, row)
    settle_floor(floor)


@kernel
def _clamp(floor: Floor, out: Array) -> None:
    clamp_floor(floor, out)


@part
def take_row(floor: Floor, row: Array) -> None:
    """One row in, and the oldest out once the window is full."""
    window, counts, place = floor.window, floor.counts, floor.place
    slot, full = floor.n_seen[0] % window.shape[0], floor.n_seen[0] >= window.shape[0]
    for k in range(row.size):
        cell = min(max(int((row[k] - _LOWEST_DB) / _CELL_DB), 0), _N_CELLS - 1)
        if full:
            old = window[slot, k]
            counts[k, old] -= 1
            place[1, k] -= old < place[0, k]
        window[slot, k] = cell
        counts[k, cell] += 1
        place[1, k] += cell < place[0, k]
    floor.n_seen[0] += 1


@part
def settle_floor(floor: Floor) -> None:
    """Move each quantile's place to its rank and read it off, linear within its cell."""
    if not floor.n_seen[0]:
        return
    counts, place = floor.counts, floor.place
    rank = floor.quantile * (min(floor.n_seen[0], floor.window.shape[0]) - 1)
    for k in range(floor.db.size):
        cell, below = place[0, k], place[1, k]
        while below > rank:
            cell -= 1
            below -= counts[k, cell]
        while below + counts[k, cell] <= rank:
            below += counts[k, cell]
            cell += 1
        place[0, k], place[1, k] = cell, below
        floor.db[k] = _LOWEST_DB + _CELL_DB * (cell + (rank - below + 0.5) / counts[k, cell])


@part
def clamp_floor(floor: Floor, out: Array) -> None:
    """As `NoiseFloor.clamped`. The order hardly changes from one time to the next."""
    order, db = floor.order, floor.db
    for i in range(1, order.size):
        here, j = order[i], i
        while j and db[order[j - 1]] > db[here]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = here
    lowest = db[order[order.size // 2]] - np.float32(_ANTIALIAS_DB)
    for k in range(out.size):
        out[k] = max(db[k], lowest)
