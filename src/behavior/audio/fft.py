"""Power spectra of overlapping frames, many at a time.

Theory. A processor's vector unit does the same thing to 16 numbers at once. So 16 consecutive frames are transformed
together, number by number: every array below has the frame as its last, contiguous axis, and the transform itself may
be written plainly. As the hop divides the window, frames share their samples, and bringing the frames side by side is
one transposition of the sound instead of one per frame.

The transform of a real frame of N samples is a complex one of N / 2, even samples real and odd ones imaginary, by
Stockham's radix-4 passes, which need no bit reversal (Van Loan 1992, Computational Frameworks for the FFT, 1.7), and a
last radix-2 pass where N / 2 is no power of 4. Each pass has its lengths as constants, so that the compiler can prove
that its loops may use the vector unit.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.jit import kernel

Array = npt.NDArray[Any]

LANES = 16


def _radix_4(length: int, stride: int, offset: int) -> Any:
    """A pass over `length` * `stride` numbers: transforms of `length`, `stride` of them interleaved.

    Its roots of unity are the rows of the table from `offset` on.
    """
    quarter, run = length // 4, stride * LANES
    from_1, from_2, from_3 = quarter * run, 2 * quarter * run, 3 * quarter * run

    @kernel
    def run_pass(xr: Array, xi: Array, yr: Array, yi: Array, twiddle: Array) -> None:
        for p in range(quarter):
            w1r, w1i, w2r, w2i, w3r, w3i = twiddle[offset + p]
            ar, ai, cr, ci = xr[p * run :], xi[p * run :], yr[4 * p * run :], yi[4 * p * run :]
            for i in range(run):
                sum_r, sum_i = ar[i] + ar[from_2 + i], ai[i] + ai[from_2 + i]
                dif_r, dif_i = ar[i] - ar[from_2 + i], ai[i] - ai[from_2 + i]
                odd_r, odd_i = ar[from_1 + i] + ar[from_3 + i], ai[from_1 + i] + ai[from_3 + i]
                rot_r, rot_i = ai[from_1 + i] - ai[from_3 + i], ar[from_3 + i] - ar[from_1 + i]
                cr[i], ci[i] = sum_r + odd_r, sum_i + odd_i
                ur, ui = dif_r + rot_r, dif_i + rot_i
                cr[run + i], ci[run + i] = ur * w1r - ui * w1i, ur * w1i + ui * w1r
                ur, ui = sum_r - odd_r, sum_i - odd_i
                cr[2 * run + i], ci[2 * run + i] = ur * w2r - ui * w2i, ur * w2i + ui * w2r
                ur, ui = dif_r - rot_r, dif_i - rot_i
                cr[3 * run + i], ci[3 * run + i] = ur * w3r - ui * w3i, ur * w3i + ui * w3r

    return run_pass


def _radix_2(stride: int) -> Any:
    run = stride * LANES

    @kernel
    def run_pass(xr: Array, xi: Array, yr: Array, yi: Array, twiddle: Array) -> None:
        for i in range(run):
            yr[i], yi[i] = xr[i] + xr[run + i], xi[i] + xi[run + i]
            yr[run + i], yi[run + i] = xr[i] - xr[run + i], xi[i] - xi[run + i]

    return run_pass


def _then(run_pass: Any, rest: Any) -> Any:
    """A pass and, with input and output exchanged, those after it."""
    if rest is None:
        return run_pass

    @kernel
    def run_both(xr: Array, xi: Array, yr: Array, yi: Array, twiddle: Array) -> None:
        run_pass(xr, xi, yr, yi, twiddle)
        rest(yr, yi, xr, xi, twiddle)

    return run_both


@lru_cache
def _transform(half: int) -> tuple[Any, Array]:
    """Frames to power by transforms of `half` numbers, and its roots of unity."""
    passes, twiddles, length, stride, offset = list[Any](), [np.empty((0, 6))], half, 1, 0
    while length >= 4:
        w = np.exp(-2j * np.pi * np.outer(np.arange(length // 4), (1, 2, 3)) / length)
        passes.append(_radix_4(length, stride, offset))
        twiddles.append(np.stack((w.real, w.imag), axis=2).reshape(-1, 6))
        length, stride, offset = length // 4, stride * 4, offset + length // 4
    if length == 2:
        passes.append(_radix_2(stride))
    chain = None
    for run_pass in reversed(passes):
        chain = _then(run_pass, chain)
    return _over_frames(chain, in_place=len(passes) % 2 == 0), np.concatenate(twiddles).astype(np.float32)


def _over_frames(transform: Any, *, in_place: bool) -> Any:
    @kernel
    def run(samples: Array, hop: int, window: Array, twiddle: Array, roots: Array, low: int, out: Array) -> None:
        half = window.size // 2
        side_by_side = np.empty((hop, LANES + window.size // hop - 1), np.float32)
        xr, xi = np.empty(half * LANES, np.float32), np.empty(half * LANES, np.float32)
        yr, yi = np.empty(half * LANES, np.float32), np.empty(half * LANES, np.float32)
        power = np.empty((out.shape[1], LANES), np.float32)
        for first in range(0, out.shape[0], LANES):
            _bring_side_by_side(samples[first * hop :], side_by_side)
            _apply_window(side_by_side, window, xr, xi)
            transform(xr, xi, yr, yi, twiddle)
            if in_place:
                _take_power(xr, xi, roots, half, low, power)
            else:
                _take_power(yr, yi, roots, half, low, power)
            _write_frames(power, out[first : first + LANES])

    return run


class FramePower:
    """Power of some bins of overlapping, windowed frames.

    Parameters
    ----------
    window : shape (size,), a power of two; the power of a bin is the square of the sum of window times samples
    hop : samples from frame to frame, an even divisor of `size`
    low_bin, high_bin : the bins [low_bin, high_bin), above 0 and below half the size
    """

    def __init__(self, window: Array, hop: int, low_bin: int, high_bin: int) -> None:
        self._window, self._hop, self._low = window.astype(np.float32), hop, low_bin
        self._run, self._twiddle = _transform(len(window) // 2)
        roots = np.exp(-2j * np.pi * np.arange(low_bin, high_bin) / len(window))
        self._roots = np.stack((roots.real, roots.imag)).astype(np.float32)

    def __call__(self, samples: Array, out: Array) -> None:
        """Frames from the first sample on into `out`, shape (n_frames, n_bins)."""
        self._run(samples, self._hop, self._window, self._twiddle, self._roots, self._low, out)


@kernel
def _bring_side_by_side(samples: Array, out: Array) -> None:
    """Sample `r` of hop `c` to row `r`, column `c`; silence after the end."""
    hop, n = out.shape
    for c in range(n):
        for r in range(hop):
            at = c * hop + r
            out[r, c] = np.float32(samples[at]) if at < samples.size else np.float32(0)


@kernel
def _apply_window(side_by_side: Array, window: Array, xr: Array, xi: Array) -> None:
    hop = side_by_side.shape[0]
    for m in range(window.size // 2):
        column, row = divmod(2 * m, hop)
        even, odd = side_by_side[row, column : column + LANES], side_by_side[row + 1, column : column + LANES]
        we, wo, tr, ti = window[2 * m], window[2 * m + 1], xr[m * LANES :], xi[m * LANES :]
        for lane in range(LANES):
            tr[lane], ti[lane] = even[lane] * we, odd[lane] * wo


@kernel
def _take_power(zr: Array, zi: Array, roots: Array, half: int, low: int, out: Array) -> None:
    """From the transform Z of even + i odd samples to the power of X_k = E_k + W^k O_k."""
    for b in range(out.shape[0]):
        k = low + b
        pr, pi = zr[k * LANES : (k + 1) * LANES], zi[k * LANES : (k + 1) * LANES]
        qr, qi = zr[(half - k) * LANES : (half - k + 1) * LANES], zi[(half - k) * LANES : (half - k + 1) * LANES]
        wr, wi, power = roots[0, b], roots[1, b], out[b]
        for lane in range(LANES):
            even_r, even_i = pr[lane] + qr[lane], pi[lane] - qi[lane]
            odd_r, odd_i = pi[lane] + qi[lane], qr[lane] - pr[lane]
            re = even_r + odd_r * wr - odd_i * wi
            im = even_i + odd_r * wi + odd_i * wr
            power[lane] = np.float32(0.25) * (re * re + im * im)


@kernel
def _write_frames(power: Array, out: Array) -> None:
    for frame in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[frame, k] = power[k, frame]
