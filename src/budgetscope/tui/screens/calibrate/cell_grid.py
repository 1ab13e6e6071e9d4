"""The cells of a run, one sign each, by stage and size."""

from collections import Counter
from itertools import groupby
from typing import ClassVar

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from budgetscope.api.calibration import CellState, RunState, texts
from budgetscope.core.budget.quantities import format_count
from budgetscope.core.language import _
from budgetscope.report.words import width as cells_of

SIGNS = {"done": "■", "running": "▸", "waiting": "·", "diverged": "x", "failed": "!"}
_STYLES = {
    "done": "$text-success", "running": "bold $text-primary", "waiting": "$foreground 60%",
    "diverged": "bold $text-warning", "failed": "bold $text-error",
}  # fmt: skip
_LABEL = "$text-muted"


class CellGrid(Widget):
    """Shows all cells of a run.

    Attributes:
        state: of the run; None before it is read.
    """

    DEFAULT_CSS: ClassVar[str] = """
    CellGrid { height: 1fr; }
    """

    state: reactive[RunState | None] = reactive(None, repaint=False)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._painted: tuple[tuple[str, str], ...] = ()

    def watch_state(self, state: RunState | None) -> None:
        """Paint the signs again if one has changed: a run is looked at every second."""
        cells = {} if state is None else state.cells
        signs = tuple((key, texts.cell_status(cell)) for key, cell in cells.items())
        if signs != self._painted:
            self._painted = signs
            self.refresh()

    def render(self) -> Content:
        """Return the sizes of each stage in lines, then a legend of the signs."""
        state, (width, height) = self.state, self.size
        if state is None or not state.cells:
            return Content(_("no cell planned yet"))
        lines = []
        for stage in (1, 2):
            cells = state.of_stage(stage)
            if cells:
                lines.append(Content.styled(_("stage {n}").format(n=stage), "bold"))
                lines += _laid(cells, width)
        legend = _legend(state)
        if len(lines) + 1 > height:
            more = _("… {n} more lines")
            lines = [*lines[: height - 2], Content.styled(more.format(n=len(lines) - height + 2), _LABEL)]
        return Content("\n").join([*lines, legend.truncate(width)])


def _laid(cells: tuple[CellState, ...], width: int) -> list[Content]:
    """Return the sizes side by side in lines; a size that is longer than a line takes several."""
    lines: list[list[Content]] = [[]]
    left = width
    for n_params, members in groupby(sorted(cells, key=lambda s: s.cell.n_params), key=lambda s: s.cell.n_params):
        size = format_count(n_params)
        label = f"{' ' * (6 - cells_of(size))}{size} "
        signs = [texts.cell_status(member) for member in members]
        room = max(width - cells_of(label), 1)
        for start in range(0, len(signs), room):
            part = signs[start : start + room]
            if left < cells_of(label) + len(part):
                lines.append([])
                left = width
            lines[-1] += [
                Content.styled(label if start == 0 else " " * cells_of(label), _LABEL),
                _signs(part),
                Content("  "),
            ]
            left -= cells_of(label) + len(part) + 2
    return [Content("").join(line) for line in lines if line]


def _signs(statuses: list[str]) -> Content:
    parts = ((status, len(list(same))) for status, same in groupby(statuses))
    return Content.assemble(*((SIGNS[status] * count, _STYLES[status]) for status, count in parts))


def _legend(state: RunState) -> Content:
    counts = Counter(map(texts.cell_status, state.cells.values()))
    counted = _("{n} {status}")
    parts = [
        Content.assemble((SIGNS[status], _STYLES[status]), f" {counted.format(n=counts[status], status=_(status))}")
        for status in texts.STATUSES
        if counts[status]
    ]
    several = len({each.stage for each in state.cells.values()}) > 1
    return Content("   ").join([Content(_("all stages:")), *parts] if several else parts)
