"""What an expression of ComfyMathExpression comes to, as far as numbers go (ComfyUI 0.30.0, nodes_math.py)."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

_SIGNS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(math, name) for name in ("ceil", "floor", "sqrt")},
    **{function.__name__: function for function in (abs, int, max, min, round)},
}


def evaluate(expression: str, values: Mapping[str, float | None]) -> float | None:
    """Return the value; None for what is no sum of numbers that are known."""
    try:
        return float(_evaluate(ast.parse(expression, mode="eval").body, values))
    except (ArithmeticError, KeyError, SyntaxError, TypeError, ValueError):
        return None


def _evaluate(node: ast.AST, values: Mapping[str, float | None]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=op, operand=operand):
            return _SIGNS[type(op)](_evaluate(operand, values))
        case ast.BinOp(left=left, op=op, right=right):
            return _SIGNS[type(op)](_evaluate(left, values), _evaluate(right, values))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _FUNCTIONS[name](*(_evaluate(each, values) for each in arguments))
    raise TypeError(f"no arithmetic: {ast.dump(node)}")
