"""From the cells of a row to the numbers of a run: units converted, shared and derivable values filled in."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from budgetscope.core.budget.quantities import quote
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.training_run import TrainingRun
from budgetscope.store.tables.columns import COUNTS, LOSS_UNITS, NUMBERS, FieldSource
from budgetscope.store.tables.formats import RawRow, RawTable, name_columns, option
from budgetscope.store.tables.intake import IntakeNotes, RunRow
from budgetscope.store.tables.names import likely, unit_of_loss

_MEASURED = ("flops", "n_params", "tokens")
_CONSTANT = ("n_params", "learning_rate", "batch_tokens", "batch_sequences", "seq_len", "beta2", "seed")
_WHOLE = ("seed", "step")
_ONE_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.IGNORECASE)


def count_rows(count: int) -> str:
    """Return how many rows, for a sentence."""
    return f"{count} row{'s' * (count != 1)}"


@dataclass(slots=True)
class RowValues:
    """The numbers of one row, converted and filled in until they make a run.

    Attributes:
        number: of the row, from 1 without the header.
        cells: by column, as read.
        name: of the run; None when no column says it.
        values: by field of a run; None where the cell is blank.
    """

    number: int
    cells: Mapping[str, object]
    name: str | None
    values: dict[str, float | None] = field(default_factory=dict)


def parse_rows(rows: Sequence[RawRow], sources: Mapping[str, FieldSource], notes: IntakeNotes) -> list[RowValues]:
    """Return the numbers of each row; rows with a cell that is not a number are dropped."""
    numeric = {name: source for name, source in sources.items() if name in NUMBERS}
    parsed = []
    for row in rows:
        read = RowValues(row.number, row.cells, sources["run"].text(row.cells) if "run" in sources else None)
        name = ""
        try:
            for name, source in numeric.items():
                read.values[name] = source.number(row.cells, counted=name in COUNTS)
        except ValueError as error:
            notes.drop([row.number], f"{name} is not a number", str(error))
        else:
            parsed.append(read)
    return parsed


def share_constants(rows: Sequence[RowValues]) -> None:
    """Copy what a named run logged once to all its points."""
    runs: dict[str, list[RowValues]] = {}
    for row in rows:
        if row.name is not None and row.values.get("step") is not None:
            runs.setdefault(row.name, []).append(row)
    for points in runs.values():
        # A name that several sizes share, or that repeats a step, stands for more than one run.
        is_repeated = len({point.values["step"] for point in points}) < len(points)
        if is_repeated or len(_found("n_params", points)) > 1:
            continue
        for name in _CONSTANT:
            found = _found(name, points)
            if len(found) == 1:
                for point in points:
                    point.values[name] = next(iter(found))


def _found(name: str, rows: Sequence[RowValues]) -> set[float]:
    return {value for row in rows if (value := row.values.get(name)) is not None}


def lacking(sources: Mapping[str, FieldSource], counting: Convention) -> list[str]:
    """Return the fields that a run needs and no column has: loss, or more of C, N and D than 6 N D makes up for."""
    has_steps = "step" in sources and ("batch_tokens" in sources or "batch_sequences" in sources)
    missing = [name for name in _MEASURED if name not in sources and not (name == "tokens" and has_steps)]
    spare = 1 if counting.counts_six_n else 0
    return (["loss"] if "loss" not in sources else []) + (missing if len(missing) > spare else [])


def check_columns(table: RawTable, sources: Mapping[str, FieldSource], counting: Convention) -> None:
    """Refuse a table without the columns that a run needs.

    Raises:
        UsageError: some are `lacking`.
    """
    needed = lacking(sources, counting)
    if needed:
        derived = counting.counts_six_n
        why = (
            "two of flops, n_params and tokens are needed" if derived else f"{counting} derives none of them from 6 N D"
        )
        reason = f" ({why})" if needed != ["loss"] else ""
        name, column = _example(needed, table, sources)
        raise UsageError(
            f"no column for {' and '.join(needed)}{reason}: name it with {option('--map', name, column)}, or as a sum "
            f"{option('--map', name, f'{column}+COLUMN')}; the columns are {name_columns(table.columns, needed)}."
        )


def _example(needed: Sequence[str], table: RawTable, sources: Mapping[str, FieldSource]) -> tuple[str, str]:
    """Return a field that has no column and the column that looks like it, if one does."""
    taken = {column for source in sources.values() for column in source.columns}
    for name in needed:
        found = [column for column in likely((name,), table.columns) if column not in taken and column.isprintable()]
        if found:
            return name, found[0]
    return needed[0], "COLUMN"


def check_commas(table: RawTable, sources: Mapping[str, FieldSource]) -> None:
    """Refuse a column of numbers whose commas could stand for decimal points.

    Raises:
        UsageError: there is such a column; 8,276 may be 8.276 or 8276.
    """
    if not table.has_decimal_commas:
        return
    for name, source in sources.items():
        for column in source.columns if name in NUMBERS else ():
            cells = [cell.strip() for row in table.rows if isinstance(cell := row.cells.get(column), str)]
            # Two commas in one number: they part thousands.
            if name in COUNTS and any(cell.count(",") > 1 for cell in cells):
                continue
            unclear = next((cell for cell in cells if _ONE_COMMA.fullmatch(cell)), None)
            if unclear is not None:
                raise UsageError(
                    f"{quote(unclear)} in the column {quote(column)} has a comma; write numbers with a decimal point "
                    "and without commas."
                )


def set_batch_tokens(rows: Sequence[RowValues], sources: Mapping[str, FieldSource], seq_len: int | None) -> None:
    """Turn batches in sequences into tokens, where the length of a sequence is known."""
    if "batch_sequences" not in sources or "batch_tokens" in sources:
        return
    for row in rows:
        batch, length = row.values["batch_sequences"], seq_len or row.values.get("seq_len")
        row.values["batch_tokens"] = None if batch is None or length is None else batch * length


def needs_batch(sources: Mapping[str, FieldSource], table: RawTable, batch: str) -> bool:
    """Return whether runs cannot be read without the batch that a column holds in an unclear unit.

    They cannot where it makes tokens of steps, or tells the points of runs without names apart.
    """
    if "step" not in sources:
        return False
    if "tokens" not in sources and not {"flops", "n_params"} <= sources.keys():
        return True
    return "run" not in sources and len({str(row.cells.get(batch)) for row in table.rows}) > 1


def tell_scales(sources: Mapping[str, FieldSource], notes: IntakeNotes) -> None:
    """Note the numbers that the header of their column multiplies."""
    for name, source in sources.items():
        for term in source.terms:
            if term.scale != 1.0:
                notes.assume(f"{name} is {quote(term.column)} times {term.scale:.4g}, as the column's name says.")


def convert_loss(
    rows: Sequence[RowValues],
    source: FieldSource,
    loss_unit: str | None,
    bytes_per_token: float | None,
    notes: IntakeNotes,
) -> None:
    """Turn losses into nats per token.

    Raises:
        UsageError: the unit is unknown, or bits per byte come without the bytes per token.
    """
    named = unit_of_loss(source.label)
    unit = loss_unit or named or "nats"
    if unit not in LOSS_UNITS:
        raise UsageError(f"{quote(unit)} is not a unit of loss; choose one of {', '.join(LOSS_UNITS)}.")
    origin = "as asked" if loss_unit else f"as {quote(source.label)} says" if named else "the default; see --loss-unit"
    if unit == "nats":
        notes.assume(f"The loss is in nats per token ({origin}).")
        return
    if unit == "bits-per-byte" and bytes_per_token is None:
        raise UsageError(
            f"losses in bits per byte ({origin}) need the tokenizer's bytes per token on this data: "
            "give --bytes-per-token, such as --bytes-per-token 4.5."
        )
    factor = math.log(2) * (bytes_per_token or 1 if unit == "bits-per-byte" else 1)
    how = "its logarithm was taken" if unit == "perplexity" else f"it was multiplied by {factor:.4g}"
    notes.assume(f"The loss is in {unit} ({origin}); {how} to give nats per token.")
    for row in rows:
        loss = row.values["loss"]
        if loss is not None:
            row.values["loss"] = _log(loss) if unit == "perplexity" else loss * factor


def _log(value: float) -> float:
    return math.log(value) if value > 0 else math.nan


def derive(rows: Sequence[RowValues], counting: Convention, notes: IntakeNotes) -> list[RowValues]:
    """Derive tokens from steps, and one of C, N, D from the other two; return the rows that came with all three."""
    from_steps = 0
    derived = dict.fromkeys(_MEASURED, 0)
    complete = []
    for row in rows:
        values = row.values
        step, batch = values.get("step"), values.get("batch_tokens")
        if values.get("tokens") is None and step is not None and batch is not None:
            values["tokens"] = step * batch
            from_steps += 1
        missing = [name for name in _MEASURED if values.get(name) is None]
        if not missing:
            complete.append(row)
        elif len(missing) == 1 and counting.counts_six_n:
            values[missing[0]] = _six_n_d(values, missing[0])
            derived[missing[0]] += 1
    if from_steps:
        notes.assume(f"tokens = step x batch_tokens in {count_rows(from_steps)}.")
    formulas = {"flops": "flops = 6 n_params tokens", "n_params": "n_params = flops / (6 tokens)"}
    for name, count in derived.items():
        if count:
            formula = formulas.get(name, "tokens = flops / (6 n_params)")
            notes.assume(f"{formula} in {count_rows(count)}, the definition under {counting} counting.")
    return complete


def _six_n_d(values: Mapping[str, float | None], missing: str) -> float:
    known = [value for name in _MEASURED if (value := values.get(name)) is not None]
    if missing == "flops":
        return 6 * known[0] * known[1]
    return known[0] / (6 * known[1]) if known[1] else math.nan


def finish(rows: Sequence[RowValues], notes: IntakeNotes) -> list[RunRow]:
    """Return the rows whose numbers make a run, and drop the others; a loss may still be NaN: the run diverged."""
    finished = []
    for row in rows:
        known = {name: value for name, value in row.values.items() if value is not None}
        # A field with a column comes first: its cell is blank, and a field without one would be derived from it.
        measured = sorted(_MEASURED, key=lambda name: name not in row.values)
        reasons = [(f"no value for {name}", "") for name in (*measured, "loss") if name not in known]
        reasons += [(reason, f"{value:g}") for name, value in known.items() if (reason := _wrong(name, value))]
        if reasons:
            notes.drop([row.number], *reasons[0])
        else:
            finished.append(RunRow(row.number, row.cells, _run(row.name, known)))
    return finished


def _run(name: str | None, known: Mapping[str, float]) -> TrainingRun:
    return TrainingRun(
        flops=known["flops"],
        n_params=known["n_params"],
        tokens=known["tokens"],
        loss=known["loss"],
        learning_rate=known.get("learning_rate"),
        batch_tokens=known.get("batch_tokens"),
        beta2=known.get("beta2"),
        seed=int(known["seed"]) if "seed" in known else None,
        name=name,
        step=int(known["step"]) if "step" in known else None,
    )


def _wrong(name: str, value: float) -> str | None:
    """Return why a number is refused; None when it is not."""
    if name == "loss":
        return None
    if name in _WHOLE:
        fits = math.isfinite(value) and value == int(value) and abs(value) < 2**63
        return None if fits else f"{name} is not a whole number"
    return None if math.isfinite(value) and value > 0 else f"{name} is not positive and finite"
