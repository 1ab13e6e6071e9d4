"""Finds sizes, tokens and FLOPs in another unit than expected, in whole columns and in single rows."""

import math
from collections.abc import Iterable, Mapping, Sequence

from budgetscope.core.budget.quantities import quote
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.store.tables.columns import FieldSource, parse_cell
from budgetscope.store.tables.formats import RawRow, option, plain
from budgetscope.store.tables.intake import IntakeNotes
from budgetscope.store.tables.rows import RowValues

# Nobody trains only fewer parameters, or on fewer tokens or FLOPs: such a column counts millions or billions.
_SMALLEST = {"n_params": 1e4, "tokens": 1e5, "flops": 1e9}
# A hundred times what the largest runs of 2026 have.
_LARGEST = {"n_params": 1e15, "tokens": 1e16}
# Kaplan et al.'s smallest model has 768 parameters besides the embedding.
_SMALLEST_SIZE = 500
# Below this many tokens per parameter a loss means nothing.
_LEAST_RATIO = 1e-3
# Beyond, a run is kept only near others: Kaplan et al. went up to 3e7, but a gap of three decades is a wrong unit.
_USUAL_RATIO = (1e-2, 1e5)
_GAP = 1e3
# FLOPs of a row this far from the other rows' multiple of 6 N D are in another unit, not counted differently.
_FAR = 10.0
# A column this near to 6 N D in each of so many rows is likely to be C.
_LIKE = 2.0
_LEAST_LIKE = 3
# A larger share of such rows means that the column mixes units.
_MOST_STRAYS = 0.2
_MAX_NAMED = 6
# Tokens a sequence where it is not known: few train on shorter ones.
_USUAL_LENGTH = 1024


def check_columns(rows: Sequence[RowValues], sources: Mapping[str, FieldSource]) -> None:
    """Refuse a column of N or D that is too small in every row, or too large with the scale that its header states.

    C is looked at where N or D derives from it; else it is compared with 6 N D.

    Raises:
        UsageError: there is such a column; the remedy is a factor in `--map`.
    """
    for name, smallest in _SMALLEST.items():
        if name == "flops" and {"n_params", "tokens"} <= sources.keys():
            continue
        values = [abs(value) for row in rows if (value := row.values.get(name)) is not None]
        largest = max((value for value in values if math.isfinite(value)), default=0.0)
        if name in sources and 0 < largest < smallest:
            label = sources[name].label
            raise UsageError(
                f"{name} is {largest:g} at most, too few to train: if {quote(label)} counts millions or billions, "
                f"say so with {option('--map', name, f'{label}*1e6')} or {option('--map', name, f'{label}*1e9')}."
            )
        scaled = name in sources and any(term.scale != 1.0 for term in sources[name].terms)
        if scaled and largest > _LARGEST.get(name, math.inf):
            label = sources[name].label
            raise UsageError(
                f"{name} would be {largest:g}, more than anybody trains, with the scale that {quote(label)} states: if "
                f"its cells hold plain numbers, say so with {option('--map', name, f'{label}*1')}."
            )


def drop_weak_flops(
    rows: Sequence[RowValues], sources: dict[str, FieldSource], counting: Convention, notes: IntakeNotes
) -> None:
    """Take a column that may hold C, as `budget` does, only where it is near 6 N D in the middle row.

    Where it is not, it is taken out of `sources` and of `rows`, with a note.

    Raises:
        UsageError: C cannot be derived without it.
    """
    if "flops" not in sources or not sources["flops"].is_weak:
        return
    ratios = sorted(ratio for row in rows if (ratio := _six_n_d_ratio(row)) is not None)
    middle = ratios[len(ratios) // 2] if ratios else 1.0
    if 1 / _FAR < middle < _FAR:
        return
    label = sources.pop("flops").label
    if not counting.counts_six_n:
        raise UsageError(
            f"{quote(label)} is {middle:.2g} times 6 n_params tokens, so it does not hold C, and "
            f"{counting} counting needs it: name its column with --map flops=COLUMN."
        )
    for row in rows:
        row.values.pop("flops", None)
    notes.assume(f"{quote(label)} is not read as flops, since it is {middle:.2g} times 6 n_params tokens.")


def tell_like_flops(
    table: Sequence[RawRow], rows: Sequence[RowValues], sources: Mapping[str, FieldSource], notes: IntakeNotes
) -> None:
    """Note a column that no field is read from and that is near 6 N D in all rows, where C has no column.

    Args:
        table: the rows as read.
        rows: with N and D.
        sources: columns that are read.
        notes: takes the note.
    """
    products = {
        row.number: 6 * n * d for row in rows if (n := _positive(row, "n_params")) and (d := _positive(row, "tokens"))
    }
    if "flops" in sources or not products or max(products.values()) < _LIKE**2 * min(products.values()):
        return
    known = {column for source in sources.values() for column in source.columns}
    for column in table[0].cells if table else ():
        likeness = None if column in known else _likeness(column, table, products)
        if likeness is None:
            continue
        power, low, high = likeness
        said = f"{column}*1e{power}" if power else column
        notes.assume(
            f"{quote(column)} is {low:.3g} to {high:.3g} times 6 n_params tokens in each row: if it is C, say so with "
            f"{option('--map', 'flops', said)}."
        )
        return


def _likeness(column: str, table: Sequence[RawRow], products: Mapping[int, float]) -> tuple[int, float, float] | None:
    """Return the power of ten that a column lacks to be 6 N D, and the least and most that it is times 6 N D.

    None where it is not near 6 N D in every row that has N and D.
    """
    ratios: list[float] = []
    power = 0
    for row in table:
        if row.number not in products:
            continue
        ratio = _ratio_of(row, column, products)
        if ratio is not None and not ratios:
            # In FLOP, GFLOP, TFLOP and so on.
            power = 3 * round(-math.log10(ratio) / 3)
        if ratio is None or power < 0 or not 1 / _LIKE < ratio * 10.0**power < _LIKE:
            return None
        ratios.append(ratio)
    return (power, min(ratios), max(ratios)) if len(ratios) >= _LEAST_LIKE else None


def _ratio_of(row: RawRow, column: str, products: Mapping[int, float]) -> float | None:
    try:
        value = parse_cell(row.cells.get(column), counted=True)
    except ValueError:
        return None
    product = products.get(row.number)
    return value / product if value and value > 0 and product and math.isfinite(value) else None


def doubt_batches(
    rows: Sequence[RowValues], sources: Mapping[str, FieldSource], seq_len: int | None, notes: IntakeNotes
) -> None:
    """Note batches in tokens that are smaller than one sequence: they may count sequences."""
    batches = [batch for row in rows if (batch := _positive(row, "batch_tokens")) is not None]
    length = seq_len or _USUAL_LENGTH
    if "batch_tokens" in sources and batches and max(batches) < length:
        label = sources["batch_tokens"].label
        notes.assume(
            f"batch_tokens is {max(batches):g} at most, fewer than one sequence of {length:,} tokens; if "
            f"{quote(label)} counts sequences, say so with {option('--map', 'batch_sequences', label)}."
        )


def doubt_sizes(rows: Sequence[RowValues], sources: Mapping[str, FieldSource], notes: IntakeNotes) -> None:
    """Note a caution if most runs have fewer tokens than parameters: their columns may be swapped."""
    sizes = [(_positive(row, "n_params") or 0.0, _positive(row, "tokens") or 0.0) for row in rows]
    fewer = sum(tokens < n_params for n_params, tokens in sizes)
    other = {"n_params": "tokens", "tokens": "n_params"}
    labels = {name: plain(sources[name].label) for name in other if name in sources}
    if labels and fewer > len(rows) / 2:
        read = " and ".join(f"{name} from {label}" for name, label in labels.items())
        remedy = " ".join(f"--map {other[name]}={label}" for name, label in labels.items())
        notes.cautions.append(
            f"{fewer} of {len(rows)} runs have fewer tokens than parameters ({read}): if that is the wrong way round, "
            f"say {remedy}."
        )


def drop_rows(
    rows: Sequence[RowValues], complete: Sequence[RowValues], counting: Convention, notes: IntakeNotes
) -> list[RowValues]:
    """Return the rows whose numbers agree in their units, and note how far their FLOPs are from 6 N D.

    Args:
        rows: all, C, N and D derived where two of them were given.
        complete: the rows that came with all three.
        counting: the convention of N and C.
        notes: takes what was dropped.

    Raises:
        UsageError: so many rows are in another unit that a column mixes units, or is in the wrong one.
    """
    strays = _odd_flops(complete, counting) if counting.counts_six_n else {}
    strays |= _odd_sizes(rows)
    if len(strays) > _MOST_STRAYS * len(rows):
        numbers = [row.number for row in rows if id(row) in strays]
        named = ", ".join(map(str, numbers[:_MAX_NAMED])) + (", ..." if len(numbers) > _MAX_NAMED else "")
        reason = ": ".join(filter(None, next(iter(strays.values()))))
        raise UsageError(
            f"{len(strays)} of {len(rows)} rows cannot be what they say (row {named}): {reason}; "
            "give each column one unit, and say it with --map, such as --map tokens=COLUMN*1e6."
        )
    for row in rows:
        if id(row) in strays:
            notes.drop([row.number], *strays[id(row)])
    if counting.counts_six_n:
        _tell_six_n_d((row for row in complete if id(row) not in strays), counting, notes)
    return [row for row in rows if id(row) not in strays]


_Reason = tuple[str, str]
"""Why rows are dropped, and the value of one of them."""


def _odd_flops(complete: Sequence[RowValues], counting: Convention) -> dict[int, _Reason]:
    """Return the rows whose FLOPs are far from 6 N D, unlike the others, by identity, and why each is dropped."""
    ratios = {id(row): ratio for row in complete if (ratio := _six_n_d_ratio(row)) is not None}
    if not ratios:
        return {}
    middle = sorted(ratios.values())[len(ratios) // 2]
    if not 1 / _FAR < middle < _FAR:
        raise UsageError(
            f"flops are {middle:.3g} times 6 n_params tokens: one column is in another unit; correct it with --map, "
            "such as --map flops=COLUMN*1e9."
        )
    return {
        key: (
            f"flops are far from {middle:.2g} times 6 n_params tokens, as in other rows ({counting} counting)",
            f"{ratio:.2g} times",
        )
        for key, ratio in ratios.items()
        if not 1 / _FAR < ratio / middle < _FAR
    }


def _odd_sizes(rows: Sequence[RowValues]) -> dict[int, _Reason]:
    """Return the rows whose N, or D for that N, is not possible, by identity, and why each is dropped."""
    ratios = {
        id(row): tokens / n_params
        for row in rows
        if (n_params := _positive(row, "n_params")) and (tokens := _positive(row, "tokens"))
    }
    near = _near_usual(ratios.values())
    few = "tokens are under a thousandth of n_params: the run has hardly begun, or one of them is in another unit"
    far = "tokens per parameter are far from those of any other run: n_params or tokens is in another unit"
    small = [id(row) for row in rows if 0 < (_positive(row, "n_params") or 0.0) < _SMALLEST_SIZE]
    reasons = {
        **{key: far for key, ratio in ratios.items() if ratio not in near},
        **{key: few for key, ratio in ratios.items() if ratio < _LEAST_RATIO},
        **dict.fromkeys(small, f"n_params is below {_SMALLEST_SIZE}, too few to train: it may be in another unit"),
    }
    return {key: (reason, "") for key, reason in reasons.items()}


def _near_usual(ratios: Iterable[float]) -> frozenset[float]:
    """Return the ratios that no gap separates from usual ones; all of them where none is usual."""
    groups: list[list[float]] = []
    for ratio in sorted(ratios):
        if groups and ratio <= groups[-1][-1] * _GAP:
            groups[-1].append(ratio)
        else:
            groups.append([ratio])
    low, high = _USUAL_RATIO
    usual = [group for group in groups if any(low <= ratio <= high for ratio in group)]
    return frozenset(ratio for group in usual or groups for ratio in group)


def _positive(row: RowValues, name: str) -> float | None:
    value = row.values.get(name)
    return value if value is not None and math.isfinite(value) and value > 0 else None


def _six_n_d_ratio(row: RowValues) -> float | None:
    flops, n_params, tokens = (_positive(row, name) or 0.0 for name in ("flops", "n_params", "tokens"))
    product = 6 * n_params * tokens
    return flops / product if flops and product and math.isfinite(product) else None


def _tell_six_n_d(complete: Iterable[RowValues], counting: Convention, notes: IntakeNotes) -> None:
    """Note how far given FLOPs are from 6 N D, and what may explain it."""
    ratios = sorted(ratio for row in complete if (ratio := _six_n_d_ratio(row)) is not None)
    if not ratios:
        return
    middle, low, high = ratios[len(ratios) // 2], ratios[0], ratios[-1]
    if abs(middle - 1) <= 0.02 and high / low < 1.1:
        return
    notes.assume(
        f"flops are {middle:.3g} times 6 n_params tokens ({low:.3g} to {high:.3g}) although {counting} counting "
        f"defines them as equal: {_explanation(middle, low, high)}. They are used as given."
    )


def _explanation(middle: float, low: float, high: float) -> str:
    is_even = high / low < 1.1
    if is_even and abs(middle * 3 - 1) < 0.05:
        return "they may be the forward pass alone, 2 N D"
    if is_even and abs(middle * 0.75 - 1) < 0.05:
        return "they may include recomputed activations, 8 N D"
    if low < 1 < high and high / low < _FAR:
        return "they may be nominal budgets, from which runs differ a little"
    if middle > 1:
        return "they may include work that N leaves out, the output head (kaplan counts N so) or attention (exact)"
    return "N may include parameters that cost no FLOPs, the input embedding (total counts N so)"
