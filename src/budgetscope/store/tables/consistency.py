"""Checks that the runs of a table belong together: no mixed configurations, no repeats that disagree."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.training_run import TrainingRun
from budgetscope.store.tables.columns import parse_cell
from budgetscope.store.tables.formats import is_blank, option, plain
from budgetscope.store.tables.intake import IntakeNotes, RunRow
from budgetscope.store.tables.names import is_named, normal

# Without seeds, two rows of one configuration are the same measurement only if they agree this closely.
DUPLICATE_RTOL = 1e-6
_MAX_NAMED = 3
_MAX_COLUMNS = 6
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
            notes.drop([row.number], "loss is not positive", f"{loss:g}")
        else:
            notes.drop([row.number], "loss is not finite, since the run diverged", f"{loss:g}")
    return kept


def check_configurations(rows: Sequence[RunRow], columns: Sequence[str], known: Collection[str]) -> None:
    """Refuse a table that holds several configurations.

    A column does so if it is text, is none of `known` or of the usual bookkeeping, and has several values,
    at least one of them on two rows; a label of the size or of the budget does not.

    Raises:
        UsageError: there is such a column; the remedy is `--where`.
    """
    groups = {column: _Groups() for column in columns if column and column not in known and not _is_bookkeeping(column)}
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
    shown = dict(list(mixed.items())[:_MAX_COLUMNS])
    named = "; ".join(f"{plain(column)}: {_list(values)}" for column, values in shown.items())
    more = f"; and {len(mixed) - _MAX_COLUMNS} more" if len(mixed) > _MAX_COLUMNS else ""
    choice = " ".join(option("--where", column, values[0]) for column, values in shown.items())
    raise UsageError(
        f"the table holds several configurations ({named}{more}); choose in each column, as {choice}, or take all "
        f"with {option('--where', next(iter(shown)), '*')}."
    )


def _is_bookkeeping(column: str) -> bool:
    return normal(column) in _BOOKKEEPING


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


def _list(values: Sequence[str]) -> str:
    named = ", ".join(map(plain, values[:_MAX_NAMED]))
    return f"{named}, ..." if len(values) > _MAX_NAMED else named


def setting_columns(rows: Sequence[RunRow], known: Collection[str]) -> list[str]:
    """Return the columns that may be choices: no name, no measurement, no counter, and more than one value.

    Args:
        rows: in use.
        known: columns that were read.
    """
    values_of: dict[str, Counter[str]] = {}
    for row in rows:
        for column, cell in row.cells.items():
            if column not in known:
                values_of.setdefault(column, Counter())[str(cell).strip()] += 1
    found = []
    for column, values in values_of.items():
        if not column or _is_bookkeeping(column) or is_named("loss", column):
            continue
        count = len(values) + (values.total() < len(rows))
        # A column with a value of its own for most runs is a measurement or a counter, not a choice.
        most = max(2, len(rows) // 2) if any(map(_is_number, values)) else max(2, len(rows) - 1)
        if 1 < count <= most:
            found.append(column)
    return found


def merge_equal(rows: Sequence[RunRow], notes: IntakeNotes, *, by_name: bool = False) -> list[RunRow]:
    """Return one row for each group of rows that repeat one another, loss and all.

    Args:
        rows: in use.
        notes: takes what was merged.
        by_name: keep rows apart whose runs have different names.
    """
    groups: dict[tuple[object, ...], list[RunRow]] = {}
    for row in rows:
        groups.setdefault((*_configuration(row), row.run.name if by_name else None), []).append(row)
    dropped: set[int] = set()
    for group in groups.values():
        for equal in _of_equal_loss(group):
            if len(equal) > 1:
                notes.merged.append(tuple(row.number for row in equal))
                dropped |= {id(row) for row in equal[1:]}
    return [row for row in rows if id(row) not in dropped]


def _configuration(row: RunRow) -> tuple[object, ...]:
    run = row.run
    return (run.flops, run.n_params, run.tokens, run.learning_rate, run.batch_tokens, run.beta2, run.seed)


def _of_equal_loss(rows: Sequence[RunRow]) -> list[list[RunRow]]:
    """Return the rows in groups of one loss, each in the order of the file."""
    groups: list[list[RunRow]] = []
    for row in sorted(rows, key=lambda row: row.run.loss):
        if groups and row.run.loss <= groups[-1][0].run.loss * (1 + DUPLICATE_RTOL):
            groups[-1].append(row)
        else:
            groups.append([row])
    return [sorted(group, key=lambda row: row.number) for group in groups]


class DisagreementError(UsageError):
    """Two rows of one configuration have different losses."""


def refuse_disagreements(
    rows: Sequence[RunRow], known: Collection[str], advice: Mapping[str, str], *, is_numbered: bool = False
) -> None:
    """Refuse two rows of one configuration and seed.

    Args:
        rows: in use, equal ones merged.
        known: columns that were read, and so do not explain why two rows disagree.
        advice: what to say to have a column read, by column.
        is_numbered: whether repeats have seeds already.

    Raises:
        DisagreementError: there are two.
    """
    groups: dict[tuple[object, ...], list[RunRow]] = {}
    for row in rows:
        groups.setdefault(_configuration(row), []).append(row)
    for group in groups.values():
        if len(group) > 1:
            low, high = min(group, key=lambda row: row.run.loss), max(group, key=lambda row: row.run.loss)
            raise DisagreementError(_disagreement(low, high, rows, known, advice, is_numbered=is_numbered))


def _disagreement(
    low: RunRow,
    high: RunRow,
    rows: Sequence[RunRow],
    known: Collection[str],
    advice: Mapping[str, str],
    *,
    is_numbered: bool,
) -> str:
    first, second = sorted((low, high), key=lambda row: row.number)
    differing = [
        column
        for column in setting_columns(rows, known)
        if str(first.cells.get(column)) != str(second.cells.get(column)) and not is_blank(first.cells.get(column))
    ]
    differing.sort(key=lambda column: column not in advice)
    seed = "" if low.run.seed is None else f", seed {low.run.seed}"
    what = f"N={low.run.n_params:.4g}, D={low.run.tokens:.4g}{seed}"
    # Rows that `--repeats` numbered differ in a setting.
    remedy = "" if is_numbered else "if they are repeats, say --repeats"
    if differing:
        example = option("--where", differing[0], str(first.cells[differing[0]]))
        said = next((advice[column] for column in differing if column in advice), "").rstrip(".")
        differ = f"they differ in {_list(differing)}: {said or f'choose with {example}'}"
        remedy = f"{differ}; {remedy}" if remedy else differ
    return (
        f"rows {first.number} and {second.number} have the same configuration ({what}) but losses "
        f"{first.run.loss:.5g} and {second.run.loss:.5g}; {remedy}."
    )
