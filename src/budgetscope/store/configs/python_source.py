"""Python configurations read statically: assignments of constants, and the arguments of calls; nothing is executed."""

import ast
import warnings
from collections.abc import Iterator
from typing import Any

from budgetscope.core.errors import UsageError
from budgetscope.store.configs.arithmetic import evaluate
from budgetscope.store.configs.cells import Scalar

_MAX_DEPTH = 60


def parsed(text: str, file: str) -> ast.Module:
    """Return the syntax tree of a Python file.

    Raises:
        UsageError: it is malformed, or nested too deeply.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        raise UsageError(f"{file} is not Python: line {error.lineno or 1}: {_said(error)}; mend it.") from None
    except (ValueError, RecursionError, MemoryError):
        raise UsageError(f"{file} is not Python that can be read: it is nested too deeply; simplify it.") from None
    if _is_deep(tree):
        raise UsageError(f"{file} is not Python that can be read: it is nested too deeply; simplify it.")
    return tree


def _said(error: SyntaxError) -> str:
    # Some messages quote the text.
    return "invalid syntax" if "'" in (error.msg or "'") else error.msg.lower()


def _is_deep(tree: ast.AST) -> bool:
    level: list[ast.AST] = [tree]
    for _ in range(_MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return False
    return True


class Constants:
    """The constants of a module, by name; those that are set twice have their last value.

    Args:
        tree: of the module.
    """

    def __init__(self, tree: ast.Module) -> None:
        self._known: dict[str, Any] = {}
        for node in _statements(tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._assign(target, node.value)
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                self._assign(node.target, node.value)
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                self._known[node.target.id] = self.value(ast.BinOp(node.target, node.op, node.value))

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for each, part in zip(target.elts, value.elts, strict=False):
                self._assign(each, part)
        elif isinstance(target, ast.Name):
            found = self.value(value)
            if found is None and isinstance(value, ast.Call):
                found = {keyword.arg: self.value(keyword.value) for keyword in value.keywords if keyword.arg}
            self._known[target.id] = found

    def value(self, node: ast.expr) -> Any:
        """Return the value of an expression; None where it is not known."""
        return evaluate(node, self._look)

    def _look(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            found = self._known.get(node.id)
            return None if isinstance(found, dict) else found
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            of = self._known.get(node.value.id)
            return of.get(node.attr) if isinstance(of, dict) else None
        return None

    def plain(self) -> dict[str, Scalar | tuple[Scalar, ...]]:
        """Return the constants as values of cells."""
        return {
            name: as_scalar(value)
            for name, value in self._known.items()
            if value is not None and not isinstance(value, dict)
        }


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements of a module and of its plain blocks, in order, but not those of functions and classes."""
    waiting = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.With | ast.Try):
            waiting.extend(reversed(node.body))


def as_scalar(value: Any) -> Scalar | tuple[Scalar, ...]:
    """Return a constant of Python as the value of a cell."""
    if isinstance(value, tuple):
        return tuple(str(each) if not isinstance(each, bool) else each for each in value)
    return value if isinstance(value, bool | None) else str(value)


def arguments(node: ast.AST, constants: Constants) -> dict[str, Scalar | tuple[Scalar, ...]]:
    """Return the arguments of calls that are known, by `Name.of.what.is.called.argument`; the first stays.

    A list over `range(n)`, as of layers, counts as n; an argument without a name has its place as name.
    """
    found: dict[str, Scalar | tuple[Scalar, ...]] = {}
    for call in ast.walk(node):
        name = called(call.func) if isinstance(call, ast.Call) else ""
        if not name or not isinstance(call, ast.Call):
            continue
        named = [(keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg]
        for key, expression in [*named, *((str(place), arg) for place, arg in enumerate(call.args))]:
            value = _length(expression, constants) or constants.value(expression)
            if value is not None:
                found.setdefault(f"{name}.{key}", as_scalar(value))
            elif isinstance(expression, ast.Constant):
                found.setdefault(f"{name}.{key}", None)
    return found


def called(function: ast.expr) -> str:
    """Return the name of what is called, with dots; empty where it has none."""
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute):
        above = called(function.value)
        return f"{above}.{function.attr}" if above else ""
    return ""


def _length(expression: ast.expr, constants: Constants) -> Any:
    match expression:
        case ast.ListComp(generators=[ast.comprehension(iter=ast.Call(func=ast.Name(id="range"), args=[stop]))]):
            return constants.value(stop)
        case _:
            return None
