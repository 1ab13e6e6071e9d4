"""Read documents from files: plain text, JSON lines and Parquet, compressed or not."""

import bz2
import contextlib
import gzip
import importlib
import io
import json
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.extras import install_command
from budgetscope.store.files import open_file, unreadable

Kind = Literal["text", "jsonl", "parquet"]

DOCUMENT_CHARS = 8192
"""Plain text is cut into documents of about this many characters, at the ends of paragraphs."""

_LONGEST_CHARS = 32 * DOCUMENT_CHARS
_PIECE_CHARS = 1 << 16
_ROWS = 256
_UNPACKERS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda raw: gzip.GzipFile(fileobj=raw),
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"BZh": bz2.BZ2File,
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file, and its kind."""

    path: Path
    kind: Kind


def read_documents(file: SourceFile, text_field: str, read: Callable[[int], None]) -> Iterator[str]:
    """Yield the documents of a file: JSON lines, Parquet rows, or chunks of paragraphs of plain text.

    A line or row of over 256 k characters is cut like plain text.

    Args:
        file: to read.
        text_field: the field or column with the text.
        read: called from time to time with the bytes of the file read so far.

    Raises:
        UsageError: the file is binary, not UTF-8 or damaged, or a line or column has the wrong type.
        FailureError: the file cannot be read, or is Parquet and pyarrow is not installed.
    """
    if file.kind == "parquet":
        whole: Iterable[str] = _parquet_rows(file.path, text_field, read)
    elif file.kind == "jsonl":
        whole = _json_lines(file.path, text_field, read)
    else:
        yield from cut(_text_pieces(file.path, read))
        return
    for text in whole:
        if len(text) > _LONGEST_CHARS:
            yield from cut([text])
        else:
            yield text


def cut(pieces: Iterable[str]) -> Iterator[str]:
    """Cut running text into documents of about `DOCUMENT_CHARS`, at a blank line if there is one."""
    buffer = ""
    for piece in pieces:
        buffer += piece
        start = 0
        while len(buffer) - start >= 2 * DOCUMENT_CHARS:
            end = _end_of_document(buffer, start)
            yield buffer[start:end].strip("\n")
            start = end
        buffer = buffer[start:]
    while len(buffer) > DOCUMENT_CHARS:
        end = _end_of_document(buffer, 0)
        yield buffer[:end].strip("\n")
        buffer = buffer[end:]
    yield buffer.strip("\n")


def _end_of_document(text: str, start: int) -> int:
    half, full, double = (start + n for n in (DOCUMENT_CHARS // 2, DOCUMENT_CHARS, 2 * DOCUMENT_CHARS))
    for end in (
        text.rfind("\n\n", half, full),
        text.find("\n\n", full, double),
        text.rfind("\n", half, full),
        text.rfind(" ", half, full),
    ):
        if end >= 0:
            return end
    return full


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError:
        raise _binary(path, "it is not UTF-8") from None
    except (EOFError, lzma.LZMAError, zlib.error):
        raise _damaged(path) from None
    except OSError as error:
        if error.errno is None:  # gzip and bz2 raise this for a damaged stream
            raise _damaged(path) from None
        raise unreadable(path, error) from None


def _binary(path: Path, reason: str) -> UsageError:
    return UsageError(
        f"{str(path)!r} is not text: {reason}; give UTF-8 text, JSONL or Parquet, unpacked or as .gz, .xz or .bz2."
    )


def _damaged(path: Path) -> UsageError:
    return UsageError(f"{str(path)!r} is damaged or cut short and cannot be decompressed; copy it again.")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[str], IO[bytes]]]:
    """Open a file as text, decompressed if its first bytes say so; yield it and the raw file, for its position."""
    with _reading(path), open_file(path) as raw:
        head = raw.read(6)
        raw.seek(0)
        unpacker = next((unpacker for magic, unpacker in _UNPACKERS.items() if head.startswith(magic)), None)
        with io.TextIOWrapper(unpacker(raw) if unpacker else raw, encoding="utf-8-sig") as text:
            yield text, raw


def _text_pieces(path: Path, read: Callable[[int], None]) -> Iterator[str]:
    with _opened(path) as (text, raw):
        while piece := text.read(_PIECE_CHARS):
            if "\x00" in piece:
                raise _binary(path, "it holds NUL bytes")
            yield piece
            read(raw.tell())


def _json_lines(path: Path, text_field: str, read: Callable[[int], None]) -> Iterator[str]:
    with _opened(path) as (text, raw):
        for number, line in enumerate(text, start=1):
            if "\x00" in line:
                raise _binary(path, "it holds NUL bytes")
            if not line.strip():
                continue
            yield _field_of(path, number, line, text_field)
            if number % _ROWS == 0:
                read(raw.tell())


def _field_of(path: Path, number: int, line: str, text_field: str) -> str:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    where = f"line {number} of {str(path)!r}"
    if not isinstance(record, dict):
        raise UsageError(f"{where} is not a JSON object; give one object a line, or plain text as .txt.")
    if text_field not in record:
        names = ", ".join(repr(name[:40]) for name in list(record)[:6]) or "none"
        raise UsageError(f"{where} has no field {text_field!r} (it has {names}); name the text's with --text-field.")
    value = record[text_field]
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{where} has no text in {text_field!r}; name the text's field with --text-field.")
    return value or ""


def load_parquet() -> Any:
    """Return `pyarrow.parquet`.

    Raises:
        FailureError: pyarrow is not installed.
    """
    try:
        return importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise FailureError(f"Parquet files need pyarrow: {install_command('parquet')}") from None


def _parquet_rows(path: Path, text_field: str, read: Callable[[int], None]) -> Iterator[str]:
    parquet = load_parquet()
    try:
        with _reading(path), parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            if text_field not in schema.names:
                names = ", ".join(repr(name[:40]) for name in schema.names[:12])
                raise UsageError(
                    f"{str(path)!r} has no column {text_field!r} (it has {names}); name the text's with --text-field."
                )
            if str(schema.field(text_field).type) not in {"string", "large_string", "string_view"}:
                raise UsageError(
                    f"column {text_field!r} of {str(path)!r} is not text; name the text's column with --text-field."
                )
            done, size = 0, path.stat().st_size
            for batch in file.iter_batches(batch_size=_ROWS, columns=[text_field]):
                yield from (value or "" for value in batch.column(0).to_pylist())
                done += batch.num_rows
                read(size * done // max(file.metadata.num_rows, 1))
    except ValueError:  # ArrowInvalid is a ValueError
        raise UsageError(f"{str(path)!r} is not a whole Parquet file; copy it again.") from None
