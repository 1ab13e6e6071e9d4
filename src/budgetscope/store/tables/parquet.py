"""Reads Parquet files with the `pyarrow` package (an extra), in batches of bounded size."""

import importlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from budgetscope.core.errors import FailureError
from budgetscope.core.extras import install_command
from budgetscope.store.tables.limits import Meter

_BATCH_CELLS = 2**20
_MOST_ROWS = 2**16
# Longer values are no numbers of any kind: decimals take 32 bytes at most.
_LONGEST_FIXED = 32


def parquet_records(path: Path, content: bytes) -> Iterator[dict[str, object]]:
    """Yield one object a row, without lists: a list is the cell of no field.

    A few kilobytes of Parquet can stand for billions of cells, so the file's own account of its size is checked first.
    Texts are read by their dictionary, so that a long one that is repeated is kept once.

    Raises:
        FailureError: the file is damaged or above a limit, or `pyarrow` is not installed.
    """
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
        arrow: Any = importlib.import_module("pyarrow")
    except ImportError:
        raise FailureError(
            f"{str(path)!r} is a Parquet file, which needs pyarrow: {install_command('parquet')}"
        ) from None
    try:
        file = parquet.ParquetFile(io.BytesIO(content))
        columns = _columns(file)
        _check(file.metadata, columns, Meter(path))
        texts = [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]
        file = parquet.ParquetFile(io.BytesIO(content), read_dictionary=texts)
        size = max(1, min(_MOST_ROWS, _BATCH_CELLS // max(len(columns), 1)))
        kept: dict[object, object] = {}
        for batch in file.iter_batches(size, columns=[column.path for column in columns]):
            cells = [_cells(arrow, column, kept) for column in batch.columns]
            for row in zip(*cells, strict=True):
                yield dict(zip(batch.schema.names, row, strict=True))
    except (arrow.ArrowException, OSError, ValueError):
        raise FailureError(f"{str(path)!r} is not a Parquet file, or is damaged.") from None


def _columns(file: Any) -> list[Any]:
    """Return the leaves that hold one value a row, of a size that a number or a text can have."""
    leaves = [file.schema.column(number) for number in range(len(file.schema))]
    return [
        leaf
        for leaf in leaves
        if leaf.max_repetition_level == 0
        and (leaf.physical_type != "FIXED_LEN_BYTE_ARRAY" or leaf.length <= _LONGEST_FIXED)
    ]


def _check(metadata: Any, columns: list[Any], meter: Meter) -> None:
    meter.check_columns(metadata.num_columns)
    meter.check_shape(metadata.num_rows, metadata.num_rows * len(columns))
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    meter.check_bytes(sum(group.total_byte_size for group in groups))


def _cells(arrow: Any, column: Any, kept: dict[object, object]) -> list[object]:
    """Return the values of a column; equal texts are one object, from `kept`."""
    if arrow.types.is_struct(column.type):
        names = [column.type.field(number).name for number in range(column.type.num_fields)]
        parts = [_cells(arrow, column.field(number), kept) for number in range(len(names))]
        inside = zip(*parts, strict=True)
        return [
            dict(zip(names, row, strict=True)) if valid else None
            for row, valid in zip(inside, column.is_valid().to_pylist(), strict=True)
        ]
    if not arrow.types.is_dictionary(column.type):
        values: list[object] = column.to_pylist()
        return values
    found: dict[int | None, object] = {None: None}
    for number in column.indices.unique().to_pylist():
        if number is not None:
            value = column.dictionary[number].as_py()
            found[number] = kept.setdefault(value, value)
    return [found[number] for number in column.indices.to_pylist()]
