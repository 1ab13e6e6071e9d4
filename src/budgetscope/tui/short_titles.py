"""Titles of laws for narrow columns: what many titles have in common goes, what tells them apart stays."""

import re


def fitted(title: str, width: int) -> str:
    """Return a title in at most `width` cells.

    Args:
        title: parts with commas between them, from the general to the particular.
        width: in cells.
    """
    parts = title.split(", ")
    last = len(parts) - 1
    for places, shorten in ((range(last), _first_word), (range(1, last), _initials), (range(last > 1), _initials)):
        for place in places:
            if len(", ".join(parts)) > width:
                parts[place] = shorten(parts[place])
    text = ", ".join(parts)
    if len(text) <= width:
        return text
    tail = (width - 1) // 3
    head = width - 1 - tail
    return f"{text[:head].rstrip()}…{text[len(text) - tail :]}" if tail > 0 else text[:width]


def _first_word(part: str) -> str:
    return part.split(" ", maxsplit=1)[0]


def _initials(part: str) -> str:
    """Return the capitals and digits of a part, such as OWT2; without any, its first three letters."""
    found = "".join(re.findall(r"[A-Z0-9]", part))
    return found or f"{part[:3]}."
