"""Lists in words, in the language in use."""

from collections.abc import Iterable
from functools import reduce

from budgetscope.core.language import _


def listed(items: Iterable[str]) -> str:
    """Return items as a plain list: "a, b, c"; empty without any."""
    given, pattern = list(items), _("{first}, {second}")
    return reduce(lambda first, second: pattern.format(first=first, second=second), given) if given else ""


def all_of(items: Iterable[str]) -> str:
    """Return items as one list with "and": "a, b and c"; empty without any."""
    return _ended(list(items), _("{first} and {second}"))


def one_of(items: Iterable[str]) -> str:
    """Return items as alternatives: "a, b or c"; empty without any."""
    return _ended(list(items), _("{first} or {second}"))


def _ended(items: list[str], last: str) -> str:
    return last.format(first=listed(items[:-1]), second=items[-1]) if len(items) > 1 else "".join(items)
