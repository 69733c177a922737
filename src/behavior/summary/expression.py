"""Curves that a person writes down, such as `b1*(1-exp(-b2*x))`, read without running them as code.

Numbers, `x`, the named parameters, `+ - * / **`, parentheses, `exp()`, `log()` (natural) and `sqrt()` are
understood; all else is refused.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Sequence

import numpy as np

from behavior.model.errors import BadInput
from behavior.summary.derivatives import Floats
from behavior.summary.fit import Curve

_LONGEST = 2000
_OPERATORS: dict[type[ast.operator], Callable[[Floats, Floats], Floats]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt}

_Value = Callable[[dict[str, Floats]], Floats]


def curve_from(text: str, parameters: Sequence[str]) -> Curve:
    """The curve that an expression in `x` and the parameters describes.

    Parameters
    ----------
    text : the expression
    parameters : the names that may stand in it, in the order in which the curve takes them

    Raises
    ------
    BadInput
        The text is not an expression, or holds something that is not understood.

    Examples
    --------
    >>> curve_from("a + b*x", ["a", "b"])(np.array([0.0, 2.0]), np.array([1.0, 3.0]))
    array([1., 7.])
    """
    if len(text) > _LONGEST:
        raise BadInput(f"the expression has {len(text)} characters; at most {_LONGEST} are read")
    try:
        tree = ast.parse(text.strip(), mode="eval")
        value = _compiled(tree.body, frozenset(parameters) | {"x"})
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise BadInput(f"{text!r} is not an expression; write it like b1*(1-exp(-b2*x))") from None

    def curve(x: Floats, values: Floats) -> Floats:
        given = {name: np.asarray(v, dtype=np.float64) for name, v in zip(parameters, values, strict=True)}
        with np.errstate(all="ignore"):
            return np.asarray(np.broadcast_to(value({**given, "x": x}), x.shape), dtype=np.float64)

    return curve


def _as_float(number: int | float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _compiled(node: ast.expr, names: frozenset[str]) -> _Value:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            constant = np.float64(_as_float(number))
            return lambda _: np.asarray(constant)
        case ast.Name(id=name) if name in names:
            return lambda given: given[name]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            negated = _compiled(inner, names)
            return lambda given: -negated(given)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _compiled(inner, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            apply, first, second = _OPERATORS[type(op)], _compiled(left, names), _compiled(right, names)
            return lambda given: apply(first(given), second(given))
        case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if name in _FUNCTIONS:
            function, argument = _FUNCTIONS[name], _compiled(inner, names)
            return lambda given: function(argument(given))
    what = ast.unparse(node)
    raise BadInput(f"{what!r} is not understood; an expression holds x, {', '.join(sorted(names - {'x'}))}, numbers, "
                   "+ - * / **, exp(), log() and sqrt()")  # fmt: skip
