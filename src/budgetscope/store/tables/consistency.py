"""Checks that the runs of a table belong together: no mixed configurations, no repeats that disagree."""

import math
from collections.abc import Collection, Iterable, Sequence

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.training_run import TrainingRun
from budgetscope.store.tables.columns import parse_cell
from budgetscope.store.tables.formats import is_blank, plain
from budgetscope.store.tables.intake import IntakeNotes, RunRow

# Without seeds, two rows of one configuration are the same measurement only if they agree this closely.
DUPLICATE_RTOL = 1e-6
_MAX_NAMED = 3
# Of so few rows each has a value of its own by chance.
_FEW_ROWS = 3
# Columns of W&B and others that do not change what was trained.
_BOOKKEEPING_NAMES = """
    id notes tags user created updated runtime sweep group jobtype hostname host gpu gputype commit git gitcommit
    url path date time timestamp description
"""
_BOOKKEEPING = frozenset(_BOOKKEEPING_NAMES.split())


def drop_diverged(rows: Sequence[RunRow], notes: IntakeNotes) -> list[RunRow]:
    """Return the rows whose loss is finite and positive."""
    kept = []
    for row in rows:
        loss = row.run.loss
        if math.isfinite(loss) and loss > 0:
            kept.append(row)
        elif math.isfinite(loss):
            notes.drop([row.number], f"loss is {loss:g}, which is not positive")
        else:
            notes.drop([row.number], f"loss is {loss:g}: the run diverged")
    return kept


def check_configurations(rows: Sequence[RunRow], columns: Sequence[str], known: Collection[str]) -> None:
    """Refuse a table that holds several configurations.

    A column does so if it is text, is none of `known` or of the usual bookkeeping, and has several values,
    at least one of them on two rows; a label of the size or of the budget does not.

    Raises:
        UsageError: there is such a column; the remedy is `--where`.
    """
    groups = {
        column: _Groups()
        for column in columns
        if column and column not in known and column.casefold().replace("_", "") not in _BOOKKEEPING
    }
    for row in rows:
        for column, cell in row.cells.items():
            if column in groups and isinstance(cell, (str, bool)) and not is_blank(cell):
                groups[column].add(str(cell).strip(), row.run)
                if groups[column].has_number:
                    del groups[column]
    mixed = {
        column: list(found.first)
        for column, found in groups.items()
        if 1 < len(found.first) < len(rows) and not found.is_label
    }
    if not mixed:
        return
    named = "; ".join(f"{plain(column)}: {_list(values)}" for column, values in list(mixed.items())[:_MAX_NAMED])
    more = f"; and {len(mixed) - _MAX_NAMED} more" if len(mixed) > _MAX_NAMED else ""
    first, values = next(iter(mixed.items()))
    name = plain(first)
    raise UsageError(
        f"the table holds several configurations ({named}{more}); choose in each column, as "
        f"--where {name}={plain(values[0])}, or take all with --where '{name}=*'."
    )


class _Groups:
    """The runs of each text in a column.

    Attributes:
        first: size and budget of the first run of each text.
        has_number: whether a text is a number.
    """

    def __init__(self) -> None:
        self.first: dict[str, tuple[float, float]] = {}
        self.has_number = False
        self._one_size = self._one_budget = True

    def add(self, text: str, run: TrainingRun) -> None:
        found = self.first.get(text)
        if found is None:
            self.first[text] = (run.n_params, run.flops)
            self.has_number |= _is_number(text)
        else:
            self._one_size &= found[0] == run.n_params
            self._one_budget &= found[1] == run.flops

    @property
    def is_label(self) -> bool:
        """Whether each text has a size, or a budget, of its own: the column then only names it."""
        sizes, budgets = (len(set(values)) for values in zip(*self.first.values(), strict=True))
        return (self._one_size and sizes == len(self.first)) or (self._one_budget and budgets == len(self.first))


def _is_number(text: str) -> bool:
    try:
        return parse_cell(text, counted=True) is not None
    except ValueError:
        return False


def _has_repeat(texts: Iterable[str]) -> bool:
    seen = set()
    for text in texts:
        if text in seen:
            return True
        seen.add(text)
    return False


def _list(values: Sequence[str]) -> str:
    named = ", ".join(map(plain, values[:_MAX_NAMED]))
    return f"{named}, ..." if len(values) > _MAX_NAMED else named


def merge_duplicates(rows: Sequence[RunRow], known: Collection[str], notes: IntakeNotes) -> list[RunRow]:
    """Return one row for each group of rows that repeat one another.

    Args:
        rows: in use.
        known: columns that were read, and so do not explain why two rows disagree.
        notes: takes what was merged.

    Raises:
        UsageError: two rows of one configuration and seed disagree in loss.
    """
    groups: dict[tuple[object, ...], list[RunRow]] = {}
    for row in rows:
        run = row.run
        key = (run.flops, run.n_params, run.tokens, run.learning_rate, run.batch_tokens, run.beta2, run.seed)
        groups.setdefault(key, []).append(row)
    for repeats in groups.values():
        low, high = min(repeats, key=lambda row: row.run.loss), max(repeats, key=lambda row: row.run.loss)
        if high.run.loss > low.run.loss * (1 + DUPLICATE_RTOL):
            raise UsageError(_disagreement(low, high, rows, known))
        if len(repeats) > 1:
            notes.merged.append(tuple(row.number for row in repeats))
    return [repeats[0] for repeats in groups.values()]


def _disagreement(low: RunRow, high: RunRow, rows: Sequence[RunRow], known: Collection[str]) -> str:
    first, second = sorted((low, high), key=lambda row: row.number)
    differing = [
        column
        for column in first.cells
        if column
        and column not in known
        and str(first.cells[column]) != str(second.cells.get(column))
        # A column with a value of its own for each run is a measurement or a counter, not a choice.
        and (len(rows) < _FEW_ROWS or _has_repeat(str(row.cells.get(column)) for row in rows))
    ]
    seed = "" if low.run.seed is None else f", seed {low.run.seed}"
    what = f"N={low.run.n_params:.4g}, D={low.run.tokens:.4g}{seed}"
    remedy = "if they are repeats, give each a seed in a column `seed`, otherwise keep one of them"
    if differing:
        column = differing[0]
        example = f"--where {plain(column)}={plain(str(first.cells[column]))}"
        remedy = f"they differ in {_list(differing)}: choose with {example}; {remedy}"
    return (
        f"rows {first.number} and {second.number} have the same configuration ({what}) but losses "
        f"{first.run.loss:.5g} and {second.run.loss:.5g}; {remedy}."
    )
