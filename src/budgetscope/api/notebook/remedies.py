"""Sentences that name options of the command line, said again for Python: with keyword arguments."""

import re
import shlex
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from budgetscope.core.errors import BudgetscopeError

P = ParamSpec("P")
R = TypeVar("R")

_OPTION = re.compile(
    r"`[^`]*`|(?<![\w-])--(?P<name>[a-z][a-z0-9-]*)"
    r"(?: (?P<value>\$?'(?:[^'\\]|\\.)*'|[\w./]+=[^\s;]*[^\s;,.)]|-?\$?\d\w*(?:[.,]\d+\w*)*%?|(?:KNOWN)\b))?".replace(
        "KNOWN", "akima|all|bits-per-byte|bits|bytes|constant|html|json|perplexity|refinedweb|standard"
    )
)
"""An option with what follows it, where that is a value; or a command of the shell, which stays as it is."""
_NAMES = {"map": "mapping"}
"""Keyword arguments that are not called like their option."""
_FLAGS = frozenset(("best", "force", "repeats", "tied"))
_PAIRS = frozenset(("mapping", "where"))
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def in_python(sentence: str) -> str:
    """Return a sentence with keyword arguments in place of options: "add `force=True`" for "add --force"."""
    return _OPTION.sub(_said, sentence)


def _said(option: re.Match[str]) -> str:
    if option["name"] is None:
        return option[0]
    name, value = option["name"].replace("-", "_"), option["value"]
    name = _NAMES.get(name, name)
    rest = "" if value is None else f" {value}"
    if name in _FLAGS:
        return f"`{name}=True`{rest}"
    if value is None:
        return f"`{name}`"
    if name in _PAIRS:
        key, _sign, text = _unquoted(value).partition("=")
        return f"`{name}={{{key!r}: {text!r}}}`"
    if value.startswith(("'", "$'")):
        return f"`{name}` {value}"
    return f"`{name}={value if _NUMBER.fullmatch(value) else repr(value)}`"


def _unquoted(value: str) -> str:
    """Return the text that a shell makes of a word."""
    return value[2:-1] if value.startswith("$'") else "".join(shlex.split(value))


def refused_in_python(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function refuse with the remedies of Python; all that a user of Python calls are to be wrapped."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except BudgetscopeError as error:
            error.args = (in_python(str(error)),)
            raise

    return call
