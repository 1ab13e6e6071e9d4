"""The texts of a figure: its legend, cleaned of what a terminal would not show in one cell."""

import unicodedata
from typing import NamedTuple


class Entry(NamedTuple):
    """A line of the legend."""

    text: str
    role: str


def plain(text: str) -> str:
    """Return a text in which every character takes one cell: what does not is left out or replaced."""
    kept = (c for c in text if c.isprintable() and not unicodedata.combining(c))
    return "".join("?" if unicodedata.east_asian_width(c) in "WF" else c for c in kept)
