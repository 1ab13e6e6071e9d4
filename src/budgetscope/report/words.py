"""Join phrases and sentences in the language in use, so that nobody glues them by hand."""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from unicodedata import east_asian_width

from budgetscope.core import wording
from budgetscope.core.budget.quantities import format_ends, format_hours, format_like
from budgetscope.core.language import _

Form = Callable[[float], str]


def sentences(parts: Iterable[str]) -> str:
    """Return whole sentences one after the other; empty ones are left out."""
    return _joined(_("{first} {second}"), parts)


def noted(parts: Iterable[str]) -> str:
    """Return phrases that say different things of one thing: "a; b"."""
    return _joined(_("{first}; {second}"), parts)


def listed(parts: Iterable[str]) -> str:
    """Return phrases as a list: "a, b"; empty ones are left out."""
    return wording.listed(filter(None, parts))


def both(parts: Iterable[str]) -> str:
    """Return phrases that hold together: "a and b"; empty ones are left out."""
    return wording.all_of(filter(None, parts))


def between(ends: tuple[float, float], form: Form) -> str:
    """Return a range in one unit, which a time has once: "3.4 to 4.4 days"."""
    low, high = format_ends(*ends, form)
    number, space, unit = low.partition(" ")
    low = number if form is format_hours and space and high.endswith(f" {unit}") else low
    return _("{low} to {high}").format(low=low, high=high)


def beside(value: float, ends: tuple[float | None, float | None] | None, form: Form) -> str:
    """Return a value in the unit of the range beside it, so that both compare at a glance; its own without a range."""
    return form(value) if ends is None or ends[1] is None else format_like(value, ends[1], form)


def bracketed(low: float, high: float, form: Form) -> str:
    """Return an interval in one unit: "[0.95 B, 1.2 B]"."""
    return "[{}, {}]".format(*format_ends(low, high, form))


def valued(value: str, ends: str) -> str:
    """Return a value with its range in brackets; the range may be empty."""
    return _("{value} ({range})").format(value=value, range=ends) if ends else value


def quoted(name: str) -> str:
    """Return a name that a person gave, as it stands in a sentence."""
    return _("“{name}”").format(name=name)


def counted(convention: str) -> str:
    """Return by which convention N and C of a chart are counted."""
    return _("{convention} count").format(convention=convention)


def headed(header: Sequence[str]) -> tuple[str, ...]:
    """Return the titles of columns, which their constants mark for the catalogue, in the language in use."""
    return tuple(map(_, header))


def _joined(pattern: str, parts: Iterable[str]) -> str:
    given = [part for part in parts if part]
    return reduce(lambda first, second: pattern.format(first=first, second=second), given) if given else ""


def width(text: str) -> int:
    """Return the columns that a text takes in a terminal: two for a wide character, as of Japanese."""
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in text)


def padded(text: str, columns: int) -> str:
    """Return a text with spaces up to a number of columns of a terminal."""
    return text + " " * max(0, columns - width(text))


def right(text: str, columns: int) -> str:
    """Return a text with spaces before it up to a number of columns of a terminal."""
    return " " * max(0, columns - width(text)) + text


def ruled(title: str, columns: int) -> str:
    """Return a title in a rule of a number of columns."""
    text = f"── {title} "
    return text + "─" * max(0, columns - width(text))


def cut(text: str, columns: int) -> str:
    """Return as much of a text as fits a number of columns of a terminal."""
    while width(text) > columns:
        text = text[:-1]
    return text
