"""Markdown tables, escaped text and fenced commands."""

import re
from collections.abc import Iterable, Sequence

from budgetscope.core.language import _


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, escape: bool = True) -> list[str]:
    """Return the lines of a Markdown table.

    Args:
        header: column titles.
        rows: one text a column.
        escape: whether the cells are plain text to escape; False when they are Markdown.
    """

    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    body = [line(escaped(cell) if escape else cell for cell in row) for row in rows]
    return [line(header), line("---" for _ in header), *body]


def escaped(text: str) -> str:
    """Escape text for Markdown; dollar signs too, since two of them would make a formula."""
    return " ".join(re.sub(r"[\\`*_\[\]<>|#&~$]", r"\\\g<0>", text).split())


def fenced(command: str) -> list[str]:
    """Return the lines of a fenced shell command, with a fence longer than any in the command."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", command)), default=0))
    return [f"{fence}sh", command, fence]


def reproduced(command: str) -> list[str]:
    """Return the lines of the section with the command that gives a page, and the page's end."""
    return [heading(2, _("Reproduce")), "", *fenced(command), ""]


def ended(text: str) -> str:
    """Return a phrase as a sentence, with its full stop."""
    return _("{phrase}.").format(phrase=text)


def heading(level: int, text: str) -> str:
    """Return a heading; the first level is 1."""
    return f"{'#' * level} {text}"
