"""Reading anybody's table of training runs: file -> raw rows -> columns -> clean runs, and what became of each row."""

from budgetscope.store.tables.columns import FIELDS, LOSS_UNITS
from budgetscope.store.tables.curves import at_budgets, ladder
from budgetscope.store.tables.intake import Dropped, Intake
from budgetscope.store.tables.preview import Preview, preview
from budgetscope.store.tables.read import read_runs

__all__ = ["FIELDS", "LOSS_UNITS", "Dropped", "Intake", "Preview", "at_budgets", "ladder", "preview", "read_runs"]
