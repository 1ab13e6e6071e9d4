"""Reads CSV, TSV, JSON, JSONL, Parquet and TensorBoard files, and columns in memory, into raw rows without meaning."""

import csv
import gzip
import io
import json
import re
import shlex
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from budgetscope.core.budget.quantities import quote
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.progress import tell
from budgetscope.store.files import open_file, reason
from budgetscope.store.tables import limits
from budgetscope.store.tables.json_forms import records_of
from budgetscope.store.tables.limits import Meter
from budgetscope.store.tables.names import likely
from budgetscope.store.tables.parquet import parquet_records
from budgetscope.store.tables.tensorboard import event_files, is_events, is_whole, read_events, run_of

MAX_NAMED = 12
# Rows read from one report of progress to the next.
_TOLD_ROWS = 2**14
# Distinct cells of a text that are shared among its rows.
_MOST_SEEN = 100_000


class RawRow(NamedTuple):
    """One row as the file has it; `number` counts from 1 and leaves the header out."""

    number: int
    cells: Mapping[str, object]


@dataclass(frozen=True)
class RawTable:
    """The columns and rows of a file or of a table in memory, in its order.

    Attributes:
        has_decimal_commas: whether commas in its cells can be decimal points, since other characters part the cells.
        damaged: the run of each file that could only be read in part, or has no row.
        name: what refusals call a table in memory; empty for that of a file.
    """

    columns: tuple[str, ...]
    rows: tuple[RawRow, ...]
    has_decimal_commas: bool = False
    damaged: tuple[str, ...] = ()
    name: str = ""

    def __str__(self) -> str:
        return self.name


class EmptyTableError(UsageError):
    """A table has no row."""


def is_blank(value: object) -> bool:
    """Return whether a cell is empty. NaN is not blank: it is how a diverged run is written."""
    return value is None or (isinstance(value, str) and value.strip().casefold() in {"", "null", "none", "n/a", "na"})


def plain(text: str) -> str:
    """Return a text for a sentence: short, on one line, without quotation marks."""
    return quote(text)[1:-1]


def option(flag: str, name: str, value: str) -> str:
    """Return an option of the form `--map name=value` as a shell takes it, whatever signs the texts hold."""
    text = f"{name}={value}"
    if text.isprintable():
        return f"{flag} {shlex.quote(text)}"
    signs = (rf"\{sign}" if sign in "\\'" else sign if sign.isprintable() else rf"\U{ord(sign):08x}" for sign in text)
    return f"{flag} $'{''.join(signs)}'"


def name_columns(columns: Sequence[str], wanted: Sequence[str] = ()) -> str:
    """Return the columns for a sentence, at most `MAX_NAMED`: first those that look like one of the wanted fields."""
    named = [plain(column) for column in dict.fromkeys([*likely(wanted, columns), *columns]) if column]
    more = f" and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
    return ", ".join(named[:MAX_NAMED]) + more


def table_of(name: str, columns: Sequence[tuple[str, Sequence[object]]]) -> RawTable:
    """Return the rows of columns in memory; nested cells and W&B's charts are read as those of a file.

    Args:
        name: what refusals call the table.
        columns: the name and the cells of each.

    Raises:
        UsageError: the columns are not of one length, two have one name, or there is no row.
    """
    names = [column for column, _ in columns]
    _check_names(name, names)
    for column, cells in columns:
        if len(cells) != len(columns[0][1]):
            raise UsageError(
                f"the column {quote(column)} has {len(cells)} cells and {quote(names[0])} {len(columns[0][1])}; give "
                "every row a cell for each column."
            )
    rows = zip(*(cells for _, cells in columns), strict=True)
    table = _from_records(name, (dict(zip(names, row, strict=True)) for row in rows), tuple(names))
    return replace(table, name=name)


def read_table(path: Path | RawTable) -> RawTable:
    """Return the rows of a file of runs, chosen by its ending, or of a folder of TensorBoard runs; a table as it is.

    Raises:
        UsageError: the ending is not one that can be read, or the rows are not a table.
        FailureError: the file cannot be read, or needs a package that is not installed.
    """
    if isinstance(path, RawTable):
        return path
    name = path.name.lower().removesuffix(".gz")
    try:
        if is_events(path):
            files = event_files(path)
            for file in files:
                # The package opens them by itself.
                open_file(file).close()
            Meter(path).check_bytes(sum(file.stat().st_size for file in files))
            table = _from_records(path, read_events(path, files))
            return replace(table, damaged=tuple(run_of(path, file) for file in files if not is_whole(file)))
        reader = next((reader for ending, reader in _READERS.items() if name.endswith(ending)), None)
        if reader is None:
            raise UsageError(
                f"cannot tell the format of {str(path)!r}; give a file that ends in {', '.join(_READERS)} "
                "(.gz too), or a TensorBoard folder."
            )
        return reader(path)
    except (OSError, EOFError, zlib.error) as error:
        why = reason(error) if isinstance(error, OSError) else str(error).lower() or "it is damaged"
        raise FailureError(f"cannot read {str(path)!r}: {why}.") from None
    except RecursionError:
        raise UsageError(f"{str(path)!r} is nested too deeply to be a table of runs.") from None


def _read_bytes(path: Path) -> bytes:
    meter = Meter(path)
    meter.check_bytes(path.stat().st_size)
    with open_file(path) as file:
        packed = path.name.lower().endswith(".gz")
        content = gzip.GzipFile(fileobj=file).read(limits.MAX_BYTES + 1) if packed else file.read(limits.MAX_BYTES + 1)
    meter.check_bytes(len(content))
    if not content or content.isspace():
        raise EmptyTableError(f"{str(path)!r} is empty; give a table with one row a run.")
    return content


class _Lines:
    """The lines of a text with their ends, of bounded length.

    Attributes:
        taken: characters since it was last set to 0: those of one record, which may go over several lines.
    """

    def __init__(self, path: Path, content: bytes, newline: str = "") -> None:
        self._path = path
        self._meter = Meter(path)
        self._stream = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline=newline)
        self.taken = self._count = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = self._stream.readline(limits.MAX_RECORD + 1)
        except UnicodeDecodeError:
            line = "\0"
        if "\0" in line:
            raise _not_text(self._path)
        self.taken += len(line)
        self._count += 1
        self._meter.check_record(self.taken)
        self._meter.check_lines(self._count)
        if not line:
            raise StopIteration
        return line


def _not_text(path: Path) -> FailureError:
    return FailureError(f"{str(path)!r} is not UTF-8 text; save it as UTF-8.")


def _read_delimited(path: Path) -> RawTable:
    content = _read_bytes(path)
    header = next((line for line in _Lines(path, content) if line.strip()), "")
    delimiter = "\t" if path.name.lower().removesuffix(".gz").endswith(".tsv") else max(",;\t", key=header.count)
    records = _split(path, _Lines(path, content), delimiter)
    columns = tuple(cell.strip() for cell in next(records, []))
    _check_names(path, columns)
    table = _from_records(path, _named(path, columns, records), columns)
    return replace(table, has_decimal_commas=delimiter != ",")


def _split(path: Path, lines: _Lines, delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of each row that is not blank."""
    try:
        for record in csv.reader(lines, delimiter=delimiter, strict=True):
            lines.taken = 0
            if any(cell.strip() for cell in record):
                yield record
    except csv.Error as error:
        raise UsageError(f"{str(path)!r} is not a table: {error}.") from None


def _named(path: Path, columns: Sequence[str], records: Iterable[Sequence[str]]) -> Iterator[dict[str, object]]:
    # Most tables repeat most of their cells: one copy of each is kept.
    seen: dict[str, str] = {}
    for number, record in enumerate(records, 1):
        if len(record) != len(columns):
            raise UsageError(
                f"row {number} of {str(path)!r} has {len(record)} cells and the header {len(columns)}; "
                "give every row a cell for each column."
            )
        cells = map(seen.setdefault, record, record) if len(seen) < _MOST_SEEN else record
        yield dict(zip(columns, cells, strict=True))


def _check_names(path: Path | str, columns: Sequence[str]) -> None:
    Meter(path).check_columns(len(columns))
    seen = set()
    for column in columns:
        if column in seen:
            raise UsageError(f"{str(path)!r} has two columns named {quote(column)}; rename one of them.")
        if column:
            seen.add(column)


def _read_json_lines(path: Path) -> RawTable:
    return _from_records(path, _json_lines(path, _Lines(path, _read_bytes(path), "\n")))


def _json_lines(path: Path, lines: _Lines) -> Iterator[object]:
    for number, line in enumerate(lines, 1):
        lines.taken = 0
        if line.strip():
            yield _parse_json(path, line, f"line {number} of ")


def _read_json(path: Path) -> RawTable:
    content = _parse_json(path, _json_text(path), "")
    records = records_of(path, content)
    if records is None:
        raise UsageError(
            f"{str(path)!r} is not a list of objects; write one object a run, as [{{...}}, {{...}}], or columns of "
            "one length, as pandas does."
        )
    return _from_records(path, records)


def _json_text(path: Path) -> str:
    content = _read_bytes(path)
    # Every value but the first follows one of these, so that more cells than this cannot come out of the text.
    if sum(map(content.count, (b",", b"[", b"{"))) > 2 * limits.MAX_CELLS:
        Meter(path).check_shape(0, limits.MAX_CELLS + 1)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _not_text(path) from None
    if "\0" in text:
        raise _not_text(path)
    return text


def _parse_json(path: Path, text: str, where: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        reason = str(error).partition(":")[0].lower()
        raise UsageError(f"{where}{str(path)!r} is not JSON ({reason}); JSON lines belong in a .jsonl file.") from None


def _read_parquet(path: Path) -> RawTable:
    return _from_records(path, parquet_records(path, _read_bytes(path)))


_READERS: dict[str, Callable[[Path], RawTable]] = {
    ".csv": _read_delimited,
    ".tsv": _read_delimited,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json,
    ".parquet": _read_parquet,
}


def _from_records(path: Path | str, records: Iterable[object], columns: tuple[str, ...] = ()) -> RawTable:
    """Make a table of objects, nested ones flattened to `outer/inner` and W&B's curve exports made long."""
    rows = []
    names = dict.fromkeys(columns)
    meter = Meter(path)
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise UsageError(f"row {number} of {str(path)!r} is not an object with named values.")
        cells = _flatten(record, meter) if _NESTED & set(map(type, record.values())) else record
        meter.add_row(len(cells))
        if number % _TOLD_ROWS == 0:
            tell("reading rows", number)
        if not names.keys() >= cells.keys():
            names |= dict.fromkeys(cells)
            meter.check_columns(len(names))
            for name in cells:
                meter.check_name(name)
        rows.append(RawRow(number, cells))
    if not rows:
        raise EmptyTableError(f"{str(path)!r} holds no runs; give a table with one row a run.")
    return _unpivot(RawTable(tuple(names), tuple(rows)), Meter(path))


# A list is the cell of no field: what is in it is not kept.
_LIST: list[object] = []
_NESTED = {dict, list}


def _flatten(record: Mapping[Any, object], meter: Meter, prefix: str = "") -> dict[str, object]:
    cells: dict[str, object] = {}
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            meter.check_name(name)
            cells.update(_flatten(value, meter, f"{name}/"))
        else:
            cells[name] = _LIST if isinstance(value, list) else value
    return cells


# A chart exported from W&B has an x column, then for each run "NAME - METRIC" with its __MIN and __MAX.
_CURVE = re.compile(r"(?P<run>.+) - (?P<metric>.+)", re.DOTALL)


def _unpivot(table: RawTable, meter: Meter) -> RawTable:
    """Turn a W&B chart with one column a run into one row a run and point; other tables stay as they are."""
    names = set(table.columns)
    curves = {
        column: found
        for column in table.columns
        if {f"{column}__MIN", f"{column}__MAX"} <= names and (found := _CURVE.fullmatch(column))
    }
    if not curves:
        return table
    skipped = {f"{column}{end}" for column in curves for end in ("", "__MIN", "__MAX")}
    shared = [column for column in table.columns if column not in skipped]
    rows = []
    for number, cells in table.rows:
        points: dict[str, dict[str, object]] = {}
        for column, found in curves.items():
            if not is_blank(cells.get(column)):
                points.setdefault(found["run"], {})[found["metric"]] = cells[column]
        for run, point in points.items():
            meter.add_row(len(shared) + 1 + len(point))
            rows.append(RawRow(number, {**{name: cells.get(name) for name in shared}, "run": run, **point}))
    metrics = [found["metric"] for found in curves.values()]
    return replace(table, columns=tuple(dict.fromkeys([*shared, "run", *metrics])), rows=tuple(rows))
