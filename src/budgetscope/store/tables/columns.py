"""Finds the column of each field of a run: by the names in common use, or by `--map`."""

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from budgetscope.core.budget.quantities import parse_count, quote
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.store.tables.formats import RawRow, is_blank, name_columns, option, plain
from budgetscope.store.tables.names import is_named, is_unclear_batch, is_weak, normal, unit_in

COUNTS = ("flops", "n_params", "tokens", "batch_tokens", "batch_sequences", "seq_len")
"""Fields whose numbers may be written as 7B or 1,000."""
NUMBERS = (*COUNTS, "loss", "learning_rate", "beta2", "seed", "step")
FIELDS = (*NUMBERS, "run", "counting")
LOSS_UNITS = ("nats", "bits", "bits-per-byte", "perplexity")


# Columns that differ by less hold one quantity, written to different digits.
_ROUNDED = 1e-5


class Term(NamedTuple):
    """A column that a field is read from.

    Attributes:
        column: its name.
        factor: that its numbers are multiplied by.
        scale: stated by its header; a cell with a suffix of its own, such as 7B, is not multiplied by it.
    """

    column: str
    factor: float = 1.0
    scale: float = 1.0


@dataclass(frozen=True)
class FieldSource:
    """The columns that a field is read from: one, or several times factors that are added.

    Attributes:
        label: as a user writes it after `--map FIELD=`.
        terms: its columns.
        is_weak: whether the column's name means something else as often.
    """

    label: str
    terms: tuple[Term, ...]
    is_weak: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its terms."""
        return tuple(term.column for term in self.terms)

    def number(self, cells: Mapping[str, object], *, counted: bool) -> float | None:
        """Return the number in a row, or None where a cell is blank.

        Raises:
            ValueError: a cell is not a number; the message quotes it.
        """
        total = 0.0
        if len(self.terms) == 1 and self.terms[0][1:] == (1.0, 1.0):
            return parse_cell(cells.get(self.terms[0][0]), counted=counted)
        for column, factor, scale in self.terms:
            cell = cells.get(column)
            value = parse_cell(cell, counted=counted)
            if value is None:
                return None
            total += value * factor * (1.0 if scale == 1.0 or _has_suffix(cell) else scale)
        return total

    def text(self, cells: Mapping[str, object]) -> str | None:
        """Return the text in a row, or None where the cell is blank."""
        value = cells.get(self.terms[0].column)
        return None if is_blank(value) else str(value).strip()


def parse_cell(value: object, *, counted: bool) -> float | None:
    """Return the number in a cell: None if blank; 7B and 1,000 only where something is counted.

    Raises:
        ValueError: it is not a number; the message quotes it.
    """
    if type(value) is float:
        return value
    if type(value) is str:
        # Most cells are plain numbers, and no number is blank.
        with suppress(ValueError):
            return float(value)
    if is_blank(value):
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
            raise ValueError  # noqa: TRY004, TRY301  # one way out for everything that is not a number
        return float(value)
    except (ValueError, OverflowError):
        try:
            return parse_count(value) if counted and isinstance(value, str) else _refuse_cell(value)
        except UsageError:
            return _refuse_cell(value)


def _has_suffix(cell: object) -> bool:
    return isinstance(cell, str) and cell.strip()[-1:].isalpha()


def _refuse_cell(value: object) -> float:
    raise ValueError(quote(str(value))) from None


def find_column(columns: Sequence[str], name: str) -> str | None:
    """Return the column of that name, else the only one that differs in case and punctuation alone."""
    if name in columns:
        return name
    alike = [column for column in columns if column and normal(column) == normal(name)]
    return alike[0] if len(alike) == 1 and normal(name) else None


def resolve_field(
    field: str,
    columns: Sequence[str],
    mapping: Mapping[str, str],
    counting: Convention | None = None,
    rows: Sequence[RawRow] = (),
) -> FieldSource | None:
    """Return the column of a field; None if no column looks like it.

    Args:
        field: of a run.
        columns: of the table.
        mapping: field to column, where the column's name does not say.
        counting: the convention, which chooses among columns that name what they count; None when not known.
        rows: of the table: columns that agree in all rows are one.

    Raises:
        UsageError: two columns look like it, or `mapping` names a column that is not there.
    """
    if field in mapping:
        return _parse_source(field, mapping[field], columns)
    named = [column for column in columns if is_named(field, column, counting)]
    if field == "flops":
        strong = [column for column in named if not is_weak(column)]
        weak = [column for column in columns if is_weak(column)]
        if not strong:
            # Of several, such as rates of one device and of all, none is taken.
            return FieldSource(weak[0], (_term(field, weak[0]),), is_weak=True) if len(weak) == 1 else None
        named = strong
    return _only(field, named, rows)


def resolve(
    columns: Sequence[str], mapping: Mapping[str, str], counting: Convention, rows: Sequence[RawRow] = ()
) -> dict[str, FieldSource]:
    """Return the column of each field; fields that no column looks like are left out.

    Args:
        columns: of the file.
        mapping: field to column, where the name does not say; `a+b` and `a*1000` are understood.
        counting: the convention of the table, which chooses among columns that name what they count.
        rows: of the table: columns that agree in all rows are one.

    Raises:
        UsageError: a field could be two columns, or `mapping` does not fit.
    """
    sources = {field: resolve_field(field, columns, mapping, counting, rows) for field in FIELDS}
    return {field: source for field, source in sources.items() if source is not None}


def unread_batch(columns: Sequence[str], sources: Mapping[str, FieldSource], seq_len: int | None) -> tuple[str, str]:
    """Return a column of batches that cannot be read in tokens, and what to say to have it read; else empty texts."""
    if "batch_tokens" in sources:
        return "", ""
    if "batch_sequences" in sources:
        label = sources["batch_sequences"].label
        if seq_len is not None or "seq_len" in sources:
            return "", ""
        return label, (
            f"the column {quote(label)} counts sequences of unknown length; give --seq-len, such as --seq-len 2048."
        )
    unclear = next((column for column in columns if is_unclear_batch(column)), None)
    if unclear is None:
        return "", ""
    return unclear, (
        f"the column {quote(unclear)} could count tokens or sequences; say which with "
        f"{option('--map', 'batch_tokens', unclear)} or {option('--map', 'batch_sequences', unclear)}."
    )


def check_mapping(mapping: Mapping[str, str]) -> None:
    """Refuse fields that do not exist.

    Raises:
        UsageError: `mapping` has such a field.
    """
    for field in mapping:
        if field not in FIELDS:
            raise UsageError(f"{quote(field)} is not a field of a run; --map takes one of {', '.join(FIELDS)}.")


def _only(field: str, candidates: Sequence[str], rows: Sequence[RawRow]) -> FieldSource | None:
    # W&B's own columns begin with an underscore: _step counts calls of log(), not always steps.
    candidates = [name for name in candidates if not name.startswith("_")] or list(candidates)
    if len(candidates) > 1 and rows:
        candidates = _distinct(candidates, rows)
    if len(candidates) > 1:
        example = next((name for name in candidates if "val" in name.casefold()), candidates[0])
        raise UsageError(
            f"{name_columns(candidates)} could each be {field}; choose with {option('--map', field, example)}."
        )
    return FieldSource(candidates[0], (_term(field, candidates[0]),)) if candidates else None


def _distinct(candidates: Sequence[str], rows: Sequence[RawRow]) -> list[str]:
    """Return one of all columns that agree wherever both have a value: the fullest, the first of these."""
    filled = {name: sum(not is_blank(row.cells.get(name)) for row in rows) for name in candidates}
    kept: list[str] = []
    for name in sorted(candidates, key=lambda name: -filled[name]):
        if not any(_agree(name, other, rows) for other in kept):
            kept.append(name)
    return [name for name in candidates if name in kept]


def _agree(name: str, other: str, rows: Sequence[RawRow]) -> bool:
    pairs = [(row.cells.get(name), row.cells.get(other)) for row in rows]
    both = [(a, b) for a, b in pairs if not is_blank(a) and not is_blank(b)]
    # One row may agree by chance.
    return len(both) > 1 and all(_same(a, b) for a, b in both)


def _same(one: object, other: object) -> bool:
    if str(one).strip() == str(other).strip():
        return True
    try:
        numbers = parse_cell(one, counted=True), parse_cell(other, counted=True)
    except ValueError:
        return False
    return None not in numbers and math.isclose(numbers[0] or 0.0, numbers[1] or 0.0, rel_tol=_ROUNDED)


def _term(field: str, column: str) -> Term:
    return Term(column, 1.0, unit_in(column)[1] if field in COUNTS else 1.0)


def _parse_source(field: str, text: str, columns: Sequence[str]) -> FieldSource:
    """Parse `column`, `column*1e9` or `column+column`; a column of exactly that name comes first."""
    whole = find_column(columns, text.strip())
    if whole is not None:
        return FieldSource(whole, (_term(field, whole),))
    terms: list[Term] = []
    for part in re.split(r"(?<!\d[eE])\+", text) if field in NUMBERS else [text]:
        stem, _, factor = part.rpartition("*") if field in NUMBERS and "*" in part else (part, "", "1")
        column = find_column(columns, stem.strip())
        if column is None:
            raise UsageError(
                f"--map {field}={plain(text)}: the table has no column {quote(stem.strip())}; "
                f"it has {name_columns(columns, (field,))}."
            )
        scale = _parse_factor(factor)
        if scale is None:
            raise UsageError(
                f"--map {field}={plain(text)}: {quote(factor)} is not a factor; write it as {plain(column)}*1e9."
            )
        terms.append(Term(column, scale) if stem is not part else _term(field, column))
    return FieldSource(text.strip(), tuple(terms))


def _parse_factor(text: str) -> float | None:
    try:
        factor = float(text)
    except ValueError:
        return None
    return factor if math.isfinite(factor) and factor > 0 else None
