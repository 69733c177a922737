"""Code for the vector unit: arithmetic on one number of each of 16 frames at a time.

A compiler uses the vector unit only where it can prove that arrays do not overlap, and gives up on butterflies of 16
numbers. So these passages are written as vectors from the start: an `intrinsic` builds their instructions, in LLVM's
own language of 16-number vectors, which has a translation for every processor that numba knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16

_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
_VECTOR = ir.VectorType(_FLOAT, LANES)
_FLAGS = ("contract", "nsz", "arcp")


@dataclass(frozen=True, slots=True)
class Lanes:
    """A vector in code that is being built."""

    builder: Any
    value: Any

    def __add__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.fadd(self.value, other.value, flags=_FLAGS))

    def __sub__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.fsub(self.value, other.value, flags=_FLAGS))

    def __mul__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.fmul(self.value, other.value, flags=_FLAGS))

    def larger(self, other: Lanes) -> Lanes:
        """The larger of each pair."""
        more = self.builder.fcmp_ordered(">", self.value, other.value)
        return Lanes(self.builder, self.builder.select(more, self.value, other.value))

    def __neg__(self) -> Lanes:
        return Lanes(self.builder, self.builder.fneg(self.value))

    def times(self, factor: float) -> Lanes:
        """Each number times the same constant."""
        return self * _same(self.builder, factor)


def _same(builder: Any, number: float) -> Lanes:
    """One constant in every lane."""
    return Lanes(builder, ir.Constant(_VECTOR, [ir.Constant(_FLOAT, float(np.float32(number)))] * LANES))


Complex = tuple[Lanes, Lanes]


def _transform(numbers: Sequence[Complex]) -> list[Complex]:
    """The discrete Fourier transform of 2, 4, 8 or 16 numbers, the larger ones as 4 times a quarter."""
    n = len(numbers)
    if n == 1:
        return list(numbers)
    if n == 2:
        (ar, ai), (br, bi) = numbers
        return [(ar + br, ai + bi), (ar - br, ai - bi)]
    if n == 4:
        (ar, ai), (br, bi), (cr, ci), (dr, di) = numbers
        (sr, si), (tr, ti), (ur, ui), (vr, vi) = (
            (ar + cr, ai + ci),
            (ar - cr, ai - ci),
            (br + dr, bi + di),
            (br - dr, bi - di),
        )
        return [(sr + ur, si + ui), (tr + vi, ti - vr), (sr - ur, si - ui), (tr - vi, ti + vr)]
    quarter = n // 4
    columns = [_transform(numbers[i::quarter]) for i in range(quarter)]
    rows = [_transform([_turned(columns[i][k], i * k / n) for i in range(quarter)]) for k in range(4)]
    return [rows[k % 4][k // 4] for k in range(n)]


def _turned(number: Complex, turns: float) -> Complex:
    """Times e^(-2 pi i turns)."""
    re, im = number
    if turns == 0:
        return number
    if turns == 0.25:
        return im, -re
    if turns == 0.125:
        return (re + im).times(0.5**0.5), (im - re).times(0.5**0.5)
    if turns == 0.375:
        return (im - re).times(0.5**0.5), -(re + im).times(0.5**0.5)
    c, s = float(np.cos(2 * np.pi * turns)), float(-np.sin(2 * np.pi * turns))
    return re.times(c) - im.times(s), re.times(s) + im.times(c)


class _Code:
    """What builds one intrinsic: its arguments as pointers and numbers."""

    def __init__(self, context: Any, builder: Any, kinds: Sequence[Any], values: Sequence[Any]) -> None:
        self._context, self.builder, self._kinds, self.values = context, builder, kinds, values

    def pointer(self, argument: int) -> Any:
        array = self._context.make_array(self._kinds[argument])(self._context, self.builder, self.values[argument])
        return array.data

    def at(self, pointer: Any, index: Any, n: int = 1) -> Any:
        """The place `n` times `index` numbers on."""
        if n != 1:
            index = self.builder.mul(index, ir.Constant(index.type, n))
        return self.builder.gep(pointer, [index])

    def number(self, pointer: Any, i: int) -> Lanes:
        """The `i`-th number, in every lane."""
        return self.everywhere(self.builder.load(self.builder.gep(pointer, [ir.Constant(_INT, i)])))

    def everywhere(self, one: Any) -> Lanes:
        """One number in every lane."""
        return Lanes(self.builder, _in_every(self.builder, one, _VECTOR))

    def load(self, place: Any) -> Lanes:
        loaded = self.builder.load(self.builder.bitcast(place, _VECTOR.as_pointer()))
        loaded.align = 4
        return Lanes(self.builder, loaded)

    def store(self, lanes: Lanes, place: Any) -> None:
        self.builder.store(lanes.value, self.builder.bitcast(place, _VECTOR.as_pointer())).align = 4


def _in_every(builder: Any, one: Any, kind: Any) -> Any:
    nothing = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, one, ir.Constant(_INT, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_INT, LANES), [0] * LANES))


def _pass(n: int, *, turns: bool) -> Any:
    """An intrinsic: `n` numbers, `step` apart, transformed, turned, and stored `step_out` apart."""

    def butterfly(typing: Any, xr: Any, xi: Any, step: Any, yr: Any, yi: Any, step_out: Any, roots: Any) -> Any:
        kinds = (xr, xi, step, yr, yi, step_out, roots)

        def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            code = _Code(context, builder, kinds, values)
            re, im, re_out, im_out, root = (code.pointer(i) for i in (0, 1, 3, 4, 6))
            numbers = [(code.load(code.at(re, values[2], j)), code.load(code.at(im, values[2], j))) for j in range(n)]
            _store_all(code, _transform(numbers), root if turns else None, re_out, im_out, values[5])
            return context.get_dummy_value()

        return types.void(*kinds), build

    return intrinsic(butterfly)


def _store_all(code: _Code, numbers: Sequence[Complex], root: Any, re_out: Any, im_out: Any, step: Any) -> None:
    for j, (re, im) in enumerate(numbers):
        if root is not None and j:
            wr, wi = code.number(root, 2 * j), code.number(root, 2 * j + 1)
            re, im = re * wr - im * wi, re * wi + im * wr
        code.store(re, code.at(re_out, step, j))
        code.store(im, code.at(im_out, step, j))


turn_16 = _pass(16, turns=True)
last_2, last_4, last_8, last_16 = (_pass(n, turns=False) for n in (2, 4, 8, 16))


def _window_16(
    typing: Any, sound: Any, row: Any, places: Any, window: Any, yr: Any, yi: Any, step_out: Any, roots: Any
) -> Any:
    """Even samples as real and odd ones as imaginary parts, windowed, transformed, turned, stored `step_out` apart.

    `places` says where the 16 even samples are in `sound`, the odd ones are `row` numbers on; `window` has 32 numbers.
    """
    kinds = (sound, row, places, window, yr, yi, step_out, roots)

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        code = _Code(context, builder, kinds, values)
        samples, place, weight, re_out, im_out, root = (code.pointer(i) for i in (0, 2, 3, 4, 5, 7))
        numbers = list[Complex]()
        for j in range(LANES):
            even = code.at(samples, builder.load(builder.gep(place, [ir.Constant(_INT, j)])))
            pair = (code.load(even), code.load(code.at(even, values[1])))
            numbers.append((pair[0] * code.number(weight, 2 * j), pair[1] * code.number(weight, 2 * j + 1)))
        _store_all(code, _transform(numbers), root, re_out, im_out, values[6])
        return context.get_dummy_value()

    return types.void(*kinds), build


def _transpose_16(typing: Any, source: Any, step: Any, target: Any, step_out: Any) -> Any:
    """16 rows of 16 numbers, int16 or float32, `step` apart, become 16 columns of float32, `step_out` apart."""
    kinds = (source, step, target, step_out)

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        code = _Code(context, builder, kinds, values)
        pointer, out = code.pointer(0), code.pointer(2)
        rows = [_row(code, code.at(pointer, values[1], j), kinds[0].dtype) for j in range(LANES)]
        near = 1
        while near < LANES:
            low = [q if not q & near else LANES + q - near for q in range(LANES)]
            high = [q + near if not q & near else LANES + q for q in range(LANES)]
            for i in (i for i in range(LANES) if not i & near):
                pair = rows[i], rows[i + near]
                rows[i], rows[i + near] = (builder.shuffle_vector(*pair, _choice(which)) for which in (low, high))
            near *= 2
        for j, row in enumerate(rows):
            code.store(Lanes(builder, row), code.at(out, values[3], j))
        return context.get_dummy_value()

    return types.void(*kinds), build


window_16, transpose_16 = intrinsic(_window_16), intrinsic(_transpose_16)


def _choice(places: Sequence[int]) -> Any:
    return ir.Constant(ir.VectorType(_INT, LANES), [ir.Constant(_INT, place) for place in places])


def _row(code: _Code, place: Any, kind: Any) -> Any:
    if kind == types.float32:
        return code.load(place).value
    vector = ir.VectorType(ir.IntType(16), LANES)
    loaded = code.builder.load(code.builder.bitcast(place, vector.as_pointer()))
    loaded.align = 2
    return code.builder.sitofp(loaded, _VECTOR)


def median_of(low: float, wide: float, halvings: int, n_vectors: int = 1) -> Any:
    """An intrinsic: the median of `n` rows, `step` apart, in each of 16 times `n_vectors` columns, into `target`.

    It is sought from `low` to `low + wide` by halving that interval, and is the middle of the last half: counting suits
    the vector unit, sorting does not. Of an even number of rows it is the upper one. Several vectors at a time keep the
    unit busy while it waits for one count.
    """

    def median(typing: Any, source: Any, step: Any, n: Any, target: Any) -> Any:
        kinds = (source, step, n, target)

        def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            code, whole = _Code(context, builder, kinds, values), ir.VectorType(_INT, LANES)
            n, none = builder.trunc(values[2], _INT), ir.Constant(whole, [ir.Constant(_INT, 0)] * LANES)
            half = _in_every(builder, builder.udiv(n, ir.Constant(_INT, 2)), whole)
            below = [cgutils.alloca_once(builder, whole) for _ in range(n_vectors)]
            found, width = [_same(builder, low)] * n_vectors, wide
            for _ in range(halvings):
                width /= 2
                guesses = [one + _same(builder, width) for one in found]
                for count in below:
                    builder.store(none, count)
                with cgutils.for_range(builder, values[2]) as loop:
                    row = code.at(code.pointer(0), builder.mul(loop.index, values[1]))
                    for i, (count, guess) in enumerate(zip(below, guesses, strict=True)):
                        here = code.load(code.at(row, ir.Constant(_INT, i * LANES)))
                        less = builder.sext(builder.fcmp_ordered("<", here.value, guess.value), whole)
                        builder.store(builder.sub(builder.load(count), less), count)
                for i, (count, guess) in enumerate(zip(below, guesses, strict=True)):
                    above = builder.icmp_signed(">", builder.load(count), half)
                    found[i] = Lanes(builder, builder.select(above, found[i].value, guess.value))
            for i, one in enumerate(found):
                code.store(one + _same(builder, width / 2), code.at(code.pointer(3), ir.Constant(_INT, i * LANES)))
            return context.get_dummy_value()

        return types.void(*kinds), build

    return intrinsic(median)


Taps = Sequence[Sequence[tuple[int, int]]]
"""Of each slope, where to look: so many rows up, so many columns on."""


def _best_mean(code: _Code, pointer: Any, place: Any, step: Any, taps: Taps) -> Lanes:
    """The largest mean over the taps of a slope, over all slopes, at a place."""
    taken: dict[tuple[int, int], Lanes] = {}

    def at(tap: tuple[int, int]) -> Lanes:
        if tap not in taken:
            rows, columns = tap
            there = code.builder.add(place, code.builder.mul(step, ir.Constant(step.type, rows)))
            there = code.builder.add(there, ir.Constant(step.type, columns))
            taken[tap] = code.load(code.builder.gep(pointer, [there]))
        return taken[tap]

    best = None
    for slope in taps:
        total = at(slope[0])
        for tap in slope[1:]:
            total += at(tap)
        best = total if best is None else best.larger(total)
    assert best is not None
    return best.times(1 / len(taps[0]))


def best_slope(taps: Taps) -> Any:
    """An intrinsic: `target` gets the best mean over all slopes at 16 columns from `place` in `source` on."""

    def best(typing: Any, source: Any, place: Any, step: Any, target: Any) -> Any:
        kinds = (source, place, step, target)

        def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            code = _Code(context, builder, kinds, values)
            code.store(_best_mean(code, code.pointer(0), values[1], values[2], taps), code.pointer(3))
            return context.get_dummy_value()

        return types.void(*kinds), build

    return intrinsic(best)


def best_slope_of_rows(taps: Taps) -> Any:
    """An intrinsic: as `best_slope`, the best of `n` rows from `place` on."""

    def best(typing: Any, source: Any, place: Any, step: Any, n: Any, target: Any) -> Any:
        kinds = (source, place, step, n, target)

        def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            code = _Code(context, builder, kinds, values)
            pointer, found = code.pointer(0), cgutils.alloca_once(builder, _VECTOR)
            builder.store(_same(builder, -1e9).value, found)
            with cgutils.for_range(builder, values[3]) as loop:
                place_here = builder.add(values[1], builder.mul(loop.index, values[2]))
                here = _best_mean(code, pointer, place_here, values[2], taps)
                builder.store(here.larger(Lanes(builder, builder.load(found))).value, found)
            code.store(Lanes(builder, builder.load(found)), code.pointer(4))
            return context.get_dummy_value()

        return types.void(*kinds), build

    return intrinsic(best)


def _decibels(code: _Code, power: Lanes) -> Lanes:
    """10 log10, to within 0.001 dB, of positive numbers.

    With power = 2^e m and 1 <= m < 2, log2(m) is taken as (m - 1)(1 + (m - 2) q(m)), exact at both ends, q a least
    squares parabola on Chebyshev nodes.
    """
    builder, whole = code.builder, ir.VectorType(_INT, LANES)

    def every(number: int) -> Any:
        return ir.Constant(whole, [ir.Constant(_INT, number)] * LANES)

    def same(number: float) -> Lanes:
        return _same(builder, number)

    bits = builder.bitcast(power.value, whole)
    exponent = Lanes(builder, builder.sitofp(builder.sub(builder.lshr(bits, every(23)), every(127)), _VECTOR))
    mantissa = builder.or_(builder.and_(bits, every(0x7FFFFF)), every(0x3F800000))
    m = Lanes(builder, builder.bitcast(mantissa, _VECTOR))
    q = same(-0.7686545) + m * (same(0.41089151) - m * same(0.08325865))
    log2 = exponent + (m - same(1.0)) * (same(1.0) + (m - same(2.0)) * q)
    return log2 * same(3.010299957)


def decibels_of(lowest: float) -> Any:
    """An intrinsic: 10 log10 of 16 numbers plus `lowest`."""

    def decibels(typing: Any, source: Any, target: Any) -> Any:
        kinds = (source, target)

        def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            code = _Code(context, builder, kinds, values)
            found = _decibels(code, code.load(code.pointer(0)) + _same(builder, lowest))
            code.store(found, code.pointer(1))
            return context.get_dummy_value()

        return types.void(*kinds), build

    return intrinsic(decibels)
