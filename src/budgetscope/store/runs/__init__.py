"""Reading anybody's table of training runs: file -> raw rows -> columns -> clean runs, and what became of each row."""

from budgetscope.store.runs.columns import FIELDS, LOSS_UNITS
from budgetscope.store.runs.curves import at_budgets, ladder
from budgetscope.store.runs.intake import read_runs
from budgetscope.store.runs.preview import Preview, preview
from budgetscope.store.runs.result import Dropped, Intake

__all__ = ["FIELDS", "LOSS_UNITS", "Dropped", "Intake", "Preview", "at_budgets", "ladder", "preview", "read_runs"]
