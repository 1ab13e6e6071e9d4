"""Text in character cells: an East Asian character takes two, a combining mark none."""

import unicodedata
from collections.abc import Sequence

from rich.cells import cell_len, get_character_cell_size, set_cell_size

SECOND_HALF = "\0"
"""In the second cell of a character that takes two."""


def drawable(text: str) -> str:
    """Return a text without what takes no cell of its own: marks are composed with their letter, or left out."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(c for c in composed if c.isprintable() and get_character_cell_size(c))


def width_of(text: str) -> int:
    """Return the number of cells that a text takes."""
    return cell_len(text)


def in_cells(text: str) -> list[str]:
    """Return what stands in each cell of a drawable text."""
    return [part for c in text for part in ((c, SECOND_HALF) if get_character_cell_size(c) == 2 else (c,))]


def whole(cells: Sequence[str]) -> list[str]:
    """Return the cells of a row with a space in place of each half of a wide character whose other half is gone."""
    if all(cell.isascii() and cell != SECOND_HALF for cell in cells):
        return list(cells)
    after, before = [*cells[1:], ""], ["", *cells[:-1]]
    return [
        " " if (_is_wide(cell) and right != SECOND_HALF) or (cell == SECOND_HALF and not _is_wide(left)) else cell
        for cell, right, left in zip(cells, after, before, strict=True)
    ]


def _is_wide(cell: str) -> bool:
    return bool(cell) and get_character_cell_size(cell) == 2


def cut(text: str, width: int) -> str:
    """Return a text that takes at most `width` cells, with an ellipsis where it was cut."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 0 else ""


def clipped(text: str, width: int) -> str:
    """Return as much of a text as fits into `width` cells."""
    return text if cell_len(text) <= width else set_cell_size(text, max(width, 0))


def padded(text: str, width: int) -> str:
    """Return a text with spaces after it, so that it takes at least `width` cells."""
    return text + " " * (width - cell_len(text))
