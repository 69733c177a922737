"""Power spectra of overlapping frames, many at a time.

Theory. A processor's vector unit does the same thing to 16 numbers at once. So 16 consecutive frames are transformed
together, number by number: every array below has the frame as its last, contiguous axis, and so has the result.
As the hop divides the window, frames share their samples, and bringing the frames side by side is one transposition of
the sound instead of one per frame.

The transform of a real frame of N samples is a complex one of N / 2, even samples real and odd ones imaginary, by
Stockham's passes, which need no bit reversal (Van Loan 1992, Computational Frameworks for the FFT, 1.7): of 16, as far
as they go (one pass over memory instead of two of 4), and a last one of 2, 4 or 8. The first applies the window, too.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from behavior.audio.jit import kernel, part
from behavior.audio.lanes import (
    LANES,
    last_2,
    last_4,
    last_8,
    last_16,
    transpose_16,
    turn_16,
    window_16,
)

Array = npt.NDArray[Any]

__all__ = ["LANES", "SMALLEST", "FramePower", "Transform", "power_of_16"]

SMALLEST = 64
"""Smallest size of a frame, in samples."""


class Transform(NamedTuple):
    """What kernels need for a frame's transform: its tables, and room for 16 frames on their way."""

    hop: int
    low_bin: int
    window: Array
    places: Array
    radices: Array
    twiddles: Array
    roots: Array
    side_by_side: Array
    room: Array
    ending: Array


class FramePower:
    """Power of some bins of overlapping, windowed frames.

    Parameters
    ----------
    window : shape (size,), a power of two of `SMALLEST` or more; the power of a bin is the square of the sum of window
        times samples
    hop : samples from frame to frame: 1/4 or 1/2 of `size`
    low_bin, high_bin : the bins [low_bin, high_bin), above 0 and below half the size

    Attributes
    ----------
    transform : for kernels, one at a time
    """

    def __init__(self, window: Array, hop: int, low_bin: int, high_bin: int) -> None:
        size = len(window)
        n = size // 32
        element = np.arange(n)[:, np.newaxis] + n * np.arange(16)
        even_and_odd = np.stack((window[2 * element], window[2 * element + 1]), axis=2)
        column, row = np.divmod(2 * element, hop)
        radices, twiddles = _plan(size // 2)
        roots = np.exp(-2j * np.pi * np.arange(low_bin, high_bin) / size)
        self.transform = Transform(
            hop=hop,
            low_bin=low_bin,
            window=even_and_odd.reshape(n, 32).astype(np.float32),
            places=row * 2 * LANES + column,
            radices=radices,
            twiddles=twiddles,
            roots=np.stack((roots.real, roots.imag)).astype(np.float32),
            side_by_side=np.empty((hop, 2 * LANES), np.float32),
            room=np.empty((4, size // 2 * LANES), np.float32),
            ending=np.empty((len(roots), LANES), np.float32),
        )

    def __call__(self, samples: Array, out: Array) -> None:
        """Frames from the first sample on into `out`, shape (n_bins, n_frames)."""
        _run(samples, self.transform, out)


@lru_cache
def _plan(half: int) -> tuple[Array, Array]:
    """The lengths of the passes, and their roots of unity: (pass, p, 2 * 16) for e^(-2 pi i p j / length)."""
    radices, length, tables = list[int](), half, list[Array]()
    while length > 1:
        radix = min(16, length)
        n = length // radix
        w = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(16)) / length)
        table = np.zeros((half // 16, 32))
        table[:n] = np.stack((w.real, w.imag), axis=2).reshape(n, 32)
        radices.append(radix)
        tables.append(table)
        length = n
    return np.asarray(radices, np.int64), np.stack(tables).astype(np.float32)


@kernel
def _run(samples: Array, transform: Transform, out: Array) -> None:
    for first in range(0, out.shape[1], LANES):
        n = min(LANES, out.shape[1] - first)
        if n == LANES:
            power_of_16(samples[first * transform.hop :], transform, out, first)
        else:
            power_of_16(samples[first * transform.hop :], transform, transform.ending, 0)
            for k in range(out.shape[0]):
                for i in range(n):
                    out[k, first + i] = transform.ending[k, i]


@part
def power_of_16(samples: Array, transform: Transform, out: Array, first: int) -> None:
    """Power of 16 frames from the first sample on into columns from `first` on; samples that are missing are 0."""
    half, n_columns = 16 * transform.window.shape[0], 2 * LANES
    n_hops = LANES + 2 * half // transform.hop - 1
    if samples.size < n_hops * transform.hop:
        ending = np.zeros(n_hops * transform.hop, samples.dtype)
        for i in range(samples.size):
            ending[i] = samples[i]
        samples = ending
    _bring_side_by_side(samples, n_hops, transform.side_by_side)
    room, twiddles, radices = transform.room, transform.twiddles, transform.radices
    xr, xi, yr, yi = room[0], room[1], room[2], room[3]
    for p in range(half // 16):
        window_16(
            transform.side_by_side, n_columns, transform.places[p], transform.window[p],
            xr[p * 256 :], xi[p * 256 :], LANES, twiddles[0, p],
        )  # fmt: skip
    length, stride = half // 16, radices[0]
    for k in range(1, radices.size):
        if k == radices.size - 1:
            yr, yi = xr, xi
        _pass(radices[k], length, stride, xr, xi, yr, yi, twiddles[k])
        length, stride = length // radices[k], stride * radices[k]
        xr, xi, yr, yi = yr, yi, xr, xi
    _take_power(xr, xi, transform.roots, half, transform.low_bin, out, first)


@part
def _bring_side_by_side(samples: Array, n_hops: int, out: Array) -> None:
    """Sample `r` of hop `c` to row `r`, column `c`."""
    hop, n_columns = out.shape
    flat = out.reshape(-1)
    for r in range(0, hop, LANES):
        transpose_16(samples[r:], hop, flat[r * n_columns :], n_columns)
        for c in range(LANES, n_hops):
            for i in range(LANES):
                out[r + i, c] = np.float32(samples[c * hop + r + i])


@part
def _pass(radix: int, length: int, stride: int, xr: Array, xi: Array, yr: Array, yi: Array, roots: Array) -> None:
    """`stride` interleaved transforms of `length` numbers, the first pass of each."""
    n, run = length // radix, stride * LANES
    for p in range(n):
        for s in range(stride):
            i, o = (p * stride + s) * LANES, (p * radix * stride + s) * LANES
            ar, ai, br, bi, w = xr[i:], xi[i:], yr[o:], yi[o:], roots[p]
            if n == 1:
                if radix == 16:
                    last_16(ar, ai, run, br, bi, run, w)
                elif radix == 8:
                    last_8(ar, ai, run, br, bi, run, w)
                elif radix == 4:
                    last_4(ar, ai, run, br, bi, run, w)
                else:
                    last_2(ar, ai, run, br, bi, run, w)
            else:
                turn_16(ar, ai, n * run, br, bi, run, w)


@part
def _take_power(zr: Array, zi: Array, roots: Array, half: int, low: int, out: Array, first: int) -> None:
    """From the transform Z of even + i odd samples to the power of X_k = E_k + W^k O_k."""
    for b in range(out.shape[0]):
        k = low + b
        pr, pi = zr[k * LANES : (k + 1) * LANES], zi[k * LANES : (k + 1) * LANES]
        qr, qi = zr[(half - k) * LANES : (half - k + 1) * LANES], zi[(half - k) * LANES : (half - k + 1) * LANES]
        wr, wi, power = roots[0, b], roots[1, b], out[b][first : first + LANES]
        for lane in range(LANES):
            even_r, even_i = pr[lane] + qr[lane], pi[lane] - qi[lane]
            odd_r, odd_i = pi[lane] + qi[lane], qr[lane] - pr[lane]
            re = even_r + odd_r * wr - odd_i * wi
            im = even_i + odd_r * wi + odd_i * wr
            power[lane] = np.float32(0.25) * (re * re + im * im)
