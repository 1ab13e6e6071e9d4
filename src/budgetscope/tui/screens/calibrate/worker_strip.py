"""The workers of a run: their number in a title and, where there is room, one cell of a table each."""

from collections.abc import Sequence
from typing import ClassVar

from textual.content import Content
from textual.widgets import Static

from budgetscope.api.calibration import RunState, WorkerView, texts
from budgetscope.core.language import _
from budgetscope.report.words import headed, padded
from budgetscope.report.words import width as cells_of
from budgetscope.tui.signs import LABEL_STYLE

_ROOMS = ((50, 9), (36, 5))
"""Least height of the screen, and most lines of the table; a lower screen shows the title alone."""
_GAP = 3


class WorkerStrip(Static):
    """Shows the workers of a run, side by side in as many columns as fit."""

    DEFAULT_CSS: ClassVar[str] = """
    WorkerStrip { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, *, id: str, classes: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes, markup=False)
        self._rows: list[tuple[str, ...]] = []

    def show(self, workers: Sequence[WorkerView], state: RunState) -> None:
        """Show workers of a run in a state."""
        self.border_title = Content(texts.worker_counts(workers))
        self._rows = [texts.worker_cells(view, state) for view in workers]
        self._draw()

    def on_resize(self) -> None:
        """Lay the table out for the new width."""
        self._draw()

    def _draw(self) -> None:
        room = next((lines for height, lines in _ROOMS if self.screen.size.height >= height), 0)
        lines = _table(self._rows, self.size.width, room) if room and self._rows else []
        self.styles.height = 1 + len(lines)
        self.update(Content("\n").join(lines), layout=False)


def _table(rows: Sequence[tuple[str, ...]], width: int, room: int) -> list[Content]:
    """Return a header and workers, in at most `room` lines."""
    names = headed(texts.WORKER_HEADER)
    widths = [max(map(cells_of, column)) for column in zip(names, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(padded(cell, each) for cell, each in zip(cells, widths, strict=True))

    header = line(names)
    columns = max((width + _GAP) // (cells_of(header) + _GAP), 1)
    told = [line(row) for row in rows]
    most = columns * (room - 1)
    if len(told) > most:
        told[most - 1 :] = [padded(_("… {n} more").format(n=len(told) - most + 1), cells_of(header))]
    # Down the columns, so that neighbours stand below each other.
    height = -(-len(told) // columns)
    parts = [told[n : n + height] for n in range(0, len(told), height)]
    below = [(" " * _GAP).join(part[n] for part in parts if n < len(part)) for n in range(height)]
    return [Content.styled((" " * _GAP).join([header] * len(parts)), LABEL_STYLE), *map(Content, below)]
