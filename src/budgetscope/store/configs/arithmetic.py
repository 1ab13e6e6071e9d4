"""Arithmetic of configurations: constants of Python and `$((a*b))` of shells, of numbers of a sane size alone."""

import ast
import operator
from collections.abc import Callable
from typing import Any

_LARGEST = 1e24
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_BUILTINS: dict[str, Callable[..., Any]] = {"int": int, "float": float, "round": round, "max": max, "min": min}

Lookup = Callable[[ast.expr], Any]
"""Returns the value of a name or an attribute; None where it is not known."""


def evaluate(node: ast.expr, lookup: Lookup) -> Any:  # noqa: PLR0911 - one for each kind of expression
    """Return the value of an expression of constants; None where it is not known.

    Args:
        node: of the expression.
        lookup: of names.
    """
    match node:
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return value
        case ast.Name() | ast.Attribute() | ast.Subscript():
            return lookup(node)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            values = [evaluate(part, lookup) for part in parts]
            return None if any(each is None for each in values) else tuple(values)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _binary(ast.Mult(), evaluate(operand, lookup), -1)
        case ast.BinOp(left=left, op=op, right=right):
            return _binary(op, evaluate(left, lookup), evaluate(right, lookup))
        case ast.Call(func=ast.Name(id=name), args=[_, *_] as args, keywords=[]) if name in _BUILTINS:
            values = [evaluate(each, lookup) for each in args]
            return _safely(_BUILTINS[name], *values) if all(map(_is_number, values)) else None
        case _:
            return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _binary(op: ast.operator, left: Any, right: Any) -> Any:
    if not (_is_number(left) and _is_number(right)) or max(abs(left), abs(right)) > _LARGEST:
        return None
    if isinstance(op, ast.Pow) and not 0 <= right <= 80:
        return _safely(operator.pow, float(left), float(right))
    return _safely(_OPERATORS[type(op)], left, right) if type(op) in _OPERATORS else None


def _safely(function: Callable[..., Any], *values: Any) -> Any:
    try:
        found = function(*values)
    except (ArithmeticError, ValueError, TypeError):
        return None
    return found if _is_number(found) and abs(found) <= _LARGEST else None


def shell_arithmetic(text: str) -> str:
    """Return the value of a shell's arithmetic, whose division is whole; empty where it is not known."""
    try:
        tree = ast.parse(text.strip().replace("/", "//").replace("////", "//"), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    try:
        value = evaluate(tree.body, lambda _: None)
    except RecursionError:
        return ""
    return str(int(value)) if _is_number(value) else ""
