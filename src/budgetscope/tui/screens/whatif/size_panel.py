"""The panels of the What-if screen: one size beside the optimum, and the other laws' recommendations."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from budgetscope.core.answers.whatif import Candidate, IsoFlop
from budgetscope.core.language import _
from budgetscope.report.whatif import PICKS_HEADER, SIZE_HEADER, pick_cells, size_rows
from budgetscope.report.words import headed, padded, right
from budgetscope.report.words import width as columns_of
from budgetscope.tui.screens.whatif.figures import Pick
from budgetscope.tui.short_titles import fitted

_QUIET = "$text-muted"
_LABEL, _CELL = 14, 9


@dataclass(frozen=True, slots=True)
class Sizes:
    """The user's position and the optimum, among the sizes at their budget."""

    iso: IsoFlop
    here: Candidate
    best: Candidate


class SizePanel(Widget):
    """Shows one size beside the optimum.

    Attributes:
        sizes: the two sizes; None before the first plan.
    """

    DEFAULT_CSS = "SizePanel { height: 1fr; }"

    sizes: reactive[Sizes | None] = reactive(None)

    def render(self) -> Content:
        """Return label, value and the optimum's value of each row, and the change where there is room."""
        if self.sizes is None:
            return Content("")
        columns = 3 if self.size.width >= _LABEL + 3 * _CELL else 2
        header = "".join(right(title, _CELL) for title in headed(SIZE_HEADER)[1 : columns + 1])
        lines = [Content.styled(" " * _LABEL + header, _QUIET)]
        for row in size_rows(self.sizes.iso, self.sizes.here, self.sizes.best)[: max(self.size.height - 1, 0)]:
            here, *others = row.cells[1 : columns + 1]
            rest = "".join(right(f" {cell}", _CELL) for cell in others)
            lines.append(
                Content.assemble((padded(row.label, _LABEL), _QUIET), (right(here, _CELL), "bold $text-accent"), rest)
            )
        return Content("\n").join(lines)


class Picks(Widget):
    """Shows the size that every other law recommends at the budget.

    Attributes:
        picks: recommendations of the other laws, sorted by N.
        chosen: id of the law whose recommendation is the user's position; empty for none.
    """

    DEFAULT_CSS = "Picks { height: 1fr; }"

    picks: reactive[tuple[Pick, ...]] = reactive(())
    chosen: reactive[str] = reactive("")

    def render(self) -> Content:
        """Return a table where it fits, else short entries in columns."""
        if not self.picks:
            return Content("")
        width, height = self.size
        rows = [headed(PICKS_HEADER), *(pick_cells(pick.title, pick.candidate) for pick in self.picks)]
        columns = list(zip(*rows, strict=True))[1:]
        widths = [
            max(least, *(1 + columns_of(cell) for cell in cells)) for least, cells in zip(_LEAST, columns, strict=True)
        ]
        title_width = min(width - sum(widths), _WIDEST_TITLE)
        if height > len(self.picks) and title_width >= _TITLE:
            return self._table(rows, widths, title_width)
        return self._entries(width, height)

    def _style(self, pick: Pick) -> str:
        return "bold reverse" if pick.fit_id == self.chosen else ""

    def _table(self, rows: Sequence[Sequence[str]], widths: Sequence[int], title_width: int) -> Content:
        """Return the header and a line for each law; no cell is wider than its column."""

        def line(title: str, cells: Sequence[str]) -> str:
            numbers = "".join(right(cell, size) for cell, size in zip(cells, widths, strict=True))
            return padded(title, title_width) + numbers

        lines = [Content.styled(line(f"  {rows[0][0]}", rows[0][1:]), _QUIET)]
        for pick, (title, *cells) in zip(self.picks, rows[1:], strict=True):
            text = line(f"{pick.letter} {fitted(title, title_width - 4)}", cells)
            lines.append(Content.styled(text, self._style(pick)))
        return Content("\n").join(lines)

    def _entries(self, width: int, height: int) -> Content:
        columns = max(min(width // _ENTRY, -(-len(self.picks) // max(height, 1))), 1)
        entry = width // columns
        rows = -(-len(self.picks) // columns)
        lines = []
        for row in range(min(rows, height)):
            cells = []
            for pick in self.picks[row::rows]:
                n_params, *_others, waste = pick_cells("", pick.candidate)[1:]
                end = f"{n_params} {right(waste.partition(' ')[0], 6)}"
                room = entry - columns_of(end) - 4
                title = padded(fitted(pick.title, room), room)
                cells.append(Content.styled(f"{pick.letter} {title} {end} ", self._style(pick)))
            lines.append(Content("").join(cells))
        if rows > height > 0:
            hidden = len(self.picks) - sum(len(self.picks[row::rows]) for row in range(height - 1))
            more = _("... and {n} more: n and p go through them")
            lines[-1] = Content.styled(more.format(n=hidden), _QUIET)
        return Content("\n").join(lines)


_LEAST = (8, 11, 8, 7, 9, 17)
"""Least widths of the columns after the title."""
_TITLE, _WIDEST_TITLE, _ENTRY = 20, 44, 36
