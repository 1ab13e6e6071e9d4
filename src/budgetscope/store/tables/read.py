"""`read_runs`: from a file to clean runs, step by step."""

import gc
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import compress
from pathlib import Path

from budgetscope.core.budget.quantities import quote
from budgetscope.core.counting.ledger import Convention, parse_convention
from budgetscope.core.errors import UsageError
from budgetscope.core.progress import tell
from budgetscope.store.tables import consistency as checks
from budgetscope.store.tables import rows as fields
from budgetscope.store.tables import units
from budgetscope.store.tables.columns import check_mapping, find_column, parse_cell, resolve, resolve_field
from budgetscope.store.tables.columns import unread_batch as unread_batch_of
from budgetscope.store.tables.curves import take_points
from budgetscope.store.tables.formats import RawRow, RawTable, name_columns, plain
from budgetscope.store.tables.intake import Intake, IntakeNotes, RunRow
from budgetscope.store.tables.limits import Meter
from budgetscope.store.tables.repeats import keep_best, number_repeats
from budgetscope.store.tables.schedules import share_peaks
from budgetscope.store.tables.sources import read_source

ANY = "*"
"""Takes all values of a column."""
_COUNTED = {
    Convention.STANDARD: "blocks and output head",
    Convention.KAPLAN: "blocks",
    Convention.ATTENTION: "blocks, head and s·w·L",
    Convention.TOTAL: "all weights",
    Convention.DEEPSEEK: "blocks, FLOPs with attention",
    Convention.EXACT: "all weights, FLOPs of every operation",
}


@contextmanager
def _uncollected() -> Iterator[None]:
    """Put garbage collection off: rows hold no cycles, and walking through them takes half of the time."""
    is_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_on:
            gc.enable()


@_uncollected()
def read_runs(
    path: Path | RawTable,
    *,
    join: Path | RawTable | None = None,
    where: Mapping[str, str] | None = None,
    mapping: Mapping[str, str] | None = None,
    counting: str | None = None,
    loss_unit: str | None = None,
    seq_len: int | None = None,
    bytes_per_token: float | None = None,
    curves: str = "final",
    repeats: bool = False,
    best: bool = False,
) -> Intake:
    """Read a table of training runs, whatever program wrote it.

    Args:
        path: CSV, TSV, JSON, JSONL, Parquet (.gz too), a TensorBoard file, a folder of TensorBoard runs, or a table
            in memory.
        join: a second table with one row a run, whose further columns are added by the run's name: learning
            curves rarely say how large the model was.
        where: column to the value that its rows must have; "*" takes all of a column's values.
        mapping: field of a run to its column, where the column's name does not say; `a+b` adds two columns
            and `a*1e9` states a unit.
        counting: the convention that counted the parameters; needed unless a column `counting` says it, in
            which case it selects the rows of that convention.
        loss_unit: "nats" (per token; the default), "bits", "bits-per-byte" or "perplexity".
        seq_len: tokens per sequence, for batches in sequences.
        bytes_per_token: of the tokenizer on the validation data, for losses in bits per byte.
        curves: "final" takes the last point of each learning curve, "all" every point.
        repeats: take runs of one size, tokens and settings for repeats, each with a seed of its own.
        best: take the setting with the lowest loss at each (N, D) alone.

    Returns:
        The runs, in nats per token and tokens, and what was dropped, merged and assumed.

    Raises:
        UsageError: a choice is missing, rows contradict each other, or no run is left.
        FailureError: a file cannot be read, or needs an extra that is not installed.
    """
    mapping, where, notes = mapping or {}, where or {}, IntakeNotes()
    _check_options(mapping, seq_len, bytes_per_token)
    if (repeats or best) and curves != "final":
        raise UsageError(
            "--repeats and --best compare final losses, and --curves all takes points before the end; leave one out."
        )
    table = read_source(path)
    if join is not None:
        table = _join(table, read_source(join), join, mapping)
    rows, chosen = _select(table, where, notes)
    if counting is None and resolve_field("counting", table.columns, mapping) is None:
        _check_whatever_counts(table, mapping, rows)
    convention, rows = _choose_counting(table.columns, rows, mapping, counting, notes)
    sources = resolve(table.columns, mapping, convention, rows)
    batch_column, unread_batch = unread_batch_of(table.columns, sources, seq_len)
    if batch_column and fields.needs_batch(sources, table, batch_column):
        raise UsageError(unread_batch)
    fields.check_columns(table, sources, convention)
    fields.check_commas(table, sources)
    if table.damaged:
        count, named = len(table.damaged), name_columns(list(dict.fromkeys(table.damaged)))
        notes.assume(f"{count} damaged or empty file{'s' * (count != 1)} could only be read in part, of {named}.")

    tell("checking the rows")
    parsed = fields.parse_rows(rows, sources, notes)
    fields.share_constants(parsed)
    fields.set_batch_tokens(parsed, sources, seq_len)
    units.doubt_batches(parsed, sources, seq_len, notes)
    if unread_batch:
        notes.assume(f"No batch is read: {unread_batch}")
    fields.convert_loss(parsed, sources["loss"], loss_unit, bytes_per_token, notes)
    units.drop_weak_flops(parsed, sources, convention, notes)
    units.check_columns(parsed, sources)
    if convention.counts_six_n:
        units.tell_like_flops(rows, parsed, sources, notes)
    fields.tell_scales(sources, notes)
    complete = fields.derive(parsed, convention, notes)
    parsed = units.drop_rows(parsed, complete, convention, notes)
    units.doubt_sizes(parsed, sources, notes)
    decaying = share_peaks(parsed, notes)

    known = {column for source in sources.values() for column in source.columns} - {batch_column}
    finished = fields.finish(parsed, notes)
    # A million rows of them take half a gigabyte.
    del parsed, complete
    points, n_curves = take_points(finished, curves, notes)
    points = checks.drop_diverged(points, notes)
    checks.check_configurations(points, table.columns, known | chosen)
    points = _told_apart(points, known, notes, repeats=repeats, best=best)
    checks.refuse_disagreements(points, known, {batch_column: unread_batch}, is_numbered=repeats)
    if not points:
        reasons = "; ".join(f"{drop.reason} ({fields.count_rows(len(drop.rows))})" for drop in notes.dropped[:3])
        raise UsageError(f"no run of {str(path)!r} can be used: {reasons}.")
    return Intake(
        runs=tuple(row.run for row in points),
        counting=convention,
        read=len(table.rows),
        used=len(points),
        merged=tuple(notes.merged),
        dropped=notes.dropped,
        mapping={field: source.label for field, source in sources.items()},
        assumptions=tuple(notes.assumptions),
        cautions=tuple(notes.cautions),
        curves=n_curves,
        decaying=decaying,
        unread_batch=unread_batch,
    )


def _told_apart(
    points: Sequence[RunRow], known: Collection[str], notes: IntakeNotes, *, repeats: bool, best: bool
) -> list[RunRow]:
    """Return points of one configuration merged where they are equal, numbered as repeats, or the best of each."""
    found = checks.merge_equal(points, notes, by_name=repeats)
    if repeats:
        found = number_repeats(found, known, notes)
    if best:
        found = keep_best(found, known, notes)
    return found


def _check_options(mapping: Mapping[str, str], seq_len: int | None, bytes_per_token: float | None) -> None:
    check_mapping(mapping)
    if seq_len is not None and seq_len < 1:
        raise UsageError(f"{seq_len} is not a sequence length; give --seq-len in tokens, such as 2048.")
    if bytes_per_token is not None and not (math.isfinite(bytes_per_token) and bytes_per_token > 0):
        raise UsageError(f"{bytes_per_token:g} bytes per token is not possible; give a number such as 4.5.")


def _join(table: RawTable, about: RawTable, path: Path | RawTable, mapping: Mapping[str, str]) -> RawTable:
    """Add to each row the columns that only `about` has, by the name of its run."""
    names = {"run": mapping["run"]} if "run" in mapping and find_column(about.columns, mapping["run"]) else {}
    left, right = resolve_field("run", table.columns, mapping), resolve_field("run", about.columns, names)
    if left is None or right is None:
        raise UsageError(f"joining {str(path)!r} needs the run's name in both tables, in a column such as `run`.")
    here = {*table.columns, right.label}
    extra = [column for column in about.columns if column not in here]
    cells: dict[str | None, dict[str, object]] = {}
    for row in about.rows:
        name = right.text(row.cells)
        if name in cells:
            raise UsageError(f"{str(path)!r} has two rows for the run {quote(str(name))}; keep one of them.")
        cells[name] = {column: cell for column, cell in row.cells.items() if column not in here}
    meter, rows = Meter(str(path)), []
    meter.check_columns(len(table.columns) + len(extra))
    for number, own in table.rows:
        joined = {**own, **cells.get(left.text(own), {})}
        meter.add_row(len(joined))
        rows.append(RawRow(number, joined))
    return replace(table, columns=(*table.columns, *extra), rows=tuple(rows))


def _select(table: RawTable, where: Mapping[str, str], notes: IntakeNotes) -> tuple[list[RawRow], set[str]]:
    """Return the rows that `where` selects, and the columns that it names."""
    rows, chosen = list(table.rows), set()
    for name, wanted in where.items():
        column = find_column(table.columns, name)
        if column is None:
            raise UsageError(
                f"--where {plain(name)}: the table has no such column; it has {name_columns(table.columns)}."
            )
        chosen.add(column)
        is_wanted = [wanted == ANY or _is_same(row.cells.get(column), wanted) for row in rows]
        kept = list(compress(rows, is_wanted))
        if not kept:
            values = list(dict.fromkeys(str(row.cells.get(column)) for row in rows))
            raise UsageError(f"no row has {plain(column)}={plain(wanted)}; its values are {name_columns(values)}.")
        others = (row.number for row, wants in zip(rows, is_wanted, strict=True) if not wants)
        notes.drop(others, f"not {plain(column)}={plain(wanted)}")
        rows = kept
    return rows, chosen


def _is_same(cell: object, wanted: str) -> bool:
    if str(cell).strip().casefold() == wanted.strip().casefold():
        return True
    try:
        number = parse_cell(cell, counted=False)
        return number is not None and number == parse_cell(wanted, counted=False)
    except ValueError:
        return False


def _check_whatever_counts(table: RawTable, mapping: Mapping[str, str], rows: Sequence[RawRow]) -> None:
    """Refuse a table that lacks columns under every convention, before it is asked for one.

    Raises:
        UsageError: as `fields.check_columns`.
    """
    found = []
    for convention in Convention:
        try:
            found.append((resolve(table.columns, mapping, convention, rows), convention))
        except UsageError:
            return  # Two columns look like a field, which is told with the convention known.
    # Of the refusals, that which asks for least.
    fields.check_columns(table, *min(found, key=lambda each: len(fields.lacking(*each))))


def _choose_counting(
    columns: Sequence[str],
    rows: Sequence[RawRow],
    mapping: Mapping[str, str],
    counting: str | None,
    notes: IntakeNotes,
) -> tuple[Convention, list[RawRow]]:
    """Return the convention, and the rows that it counted."""
    asked = None if counting is None else parse_convention(counting)
    source = resolve_field("counting", columns, mapping)
    if source is None:
        if asked is None:
            names = ", ".join(f"{name} ({what})" for name, what in _COUNTED.items())
            raise UsageError(
                f"the table does not say what its parameters count: {names}; say it, as --counting standard."
            )
        return asked, list(rows)
    texts = [source.text(row.cells) for row in rows]
    if asked is None:
        values = list(dict.fromkeys(text for text in texts if text is not None))
        if len(values) != 1:
            raise UsageError(
                f"the column {quote(source.label)} has {len(values)} conventions ({name_columns(values)}); "
                f"choose one, as --counting {plain(values[0]) if values else 'standard'}."
            )
        asked = parse_convention(plain(values[0]))
        notes.assume(f"Parameters count as {asked}, as {quote(source.label)} says.")
    is_asked = [text is not None and text.casefold() == asked for text in texts]
    others = (row.number for row, wants in zip(rows, is_asked, strict=True) if not wants)
    notes.drop(others, f"{plain(source.label)} is not {asked}")
    kept = list(compress(rows, is_asked))
    if not kept:
        raise UsageError(f"no row has {plain(source.label)}={asked}; leave --counting out to see its values.")
    return asked, kept
