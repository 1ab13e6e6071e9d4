"""Lists in words, in the language in use."""

from collections.abc import Iterable

from budgetscope.core.language import _


def listed(items: Iterable[str]) -> str:
    """Return items as a plain list: "a, b, c"."""
    return _(", ").join(items)


def all_of(items: Iterable[str]) -> str:
    """Return items as one list with "and": "a, b and c"."""
    *head, last = items
    return _("{head} and {last}").format(head=listed(head), last=last) if head else last


def one_of(items: Iterable[str]) -> str:
    """Return items as alternatives: "a, b or c"."""
    *head, last = items
    return _("{head} or {last}").format(head=listed(head), last=last) if head else last
