"""The intake of a runs table, and scores, as text."""

from dataclasses import replace

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.laws.training_run import TrainingRun
from budgetscope.fitting.score import ScoreSummary
from budgetscope.report.intake import intake_cells, summary_text
from budgetscope.store.tables.intake import Dropped, Intake

INTAKE = Intake(
    runs=(TrainingRun(6e17, 1e8, 1e9, 3.0),),
    counting=Convention.STANDARD,
    read=4,
    used=1,
    merged=(),
    dropped=(Dropped((1, 1, 2), "an earlier point of a learning curve"),),
    mapping={"loss": "val/loss"},
    assumptions=(),
)


def test_a_row_that_holds_several_points_is_named_once() -> None:
    assert ("3", "dropped", "an earlier point of a learning curve (row 1, 2)") in intake_cells(INTAKE)


def test_a_column_s_name_cannot_steer_the_terminal() -> None:
    cells = intake_cells(replace(INTAKE, mapping={"loss": "loss\x1b[31m\x07"}))
    assert cells[0] == ("4", "read", "standard counting; loss from loss\\x1b[31m\\x07")
    assert all(text.isprintable() for line in cells for text in line)


def test_one_cell_is_not_called_cells() -> None:
    text = summary_text(ScoreSummary(1, 2, 0.01, 0.01, 3.0, 3.0))
    assert text.endswith("over 1 cell; 2 cells could not be scored")
