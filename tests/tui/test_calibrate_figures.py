"""Figures of a run are the same while nothing that they show has changed, and are not drawn again then."""

from tests.planted_run import planted_spec

from budgetscope.calibrate.run import events, progress
from budgetscope.calibrate.run.events import Record
from budgetscope.calibrate.run.fold import LogState, fold
from budgetscope.calibrate.run.state import RunState, combine
from budgetscope.report.figures.figure import Axis, Figure, Line
from budgetscope.report.figures.scale import LinearScale, LogScale
from budgetscope.tui.chart.drawing import draw
from budgetscope.tui.screens.calibrate.figures import heat, latest_grid, losses

CELLS = planted_spec().design.stage1


def state(*told: events.Event) -> RunState:
    plan = fold([Record(0, 1.0, 0, events.StagePlanned(1, CELLS, complete=True))], LogState("plan 0000"))
    worker = fold((Record(n, 2.0 + n, 1, event) for n, event in enumerate(told)), LogState("0001-0-1", 1))
    return combine([plan, worker])


def test_a_map_changes_with_a_loss_and_with_nothing_else() -> None:
    first = CELLS[0].id
    begun = progress.Started((first,), 0, "fake", 1, 0.0)
    step, later = (progress.Step((first,), tokens, (loss,), 1e6, 1e9) for tokens, loss in ((1000, 5.0), (2000, 4.0)))
    before, noted, after = state(begun, step), state(begun, step, events.Note("a note")), state(begun, step, later)
    grid = latest_grid(before)
    assert grid is not None
    assert heat(before, *grid) == heat(noted, *grid) != heat(after, *grid)
    assert losses(before) == losses(noted) != losses(after)


def test_the_legend_of_the_losses_names_every_curve() -> None:
    xs = (1e5, 1e6)
    lines = tuple(Line(letter, f"N={letter}", f"{number}.06 M", xs, (5, 4)) for number, letter in enumerate("ABCDEFGH"))
    drawn = draw(Figure(Axis(LogScale(1e5, 1e6)), Axis(LinearScale(3, 6)), lines), 58, 11)
    text = "".join(run.text for row in drawn.rows for run in row)
    assert [line.symbol for line in lines if f" {line.symbol} {line.short} " not in text] == []
