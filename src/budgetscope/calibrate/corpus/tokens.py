"""The token file: a header and one little-endian array, validation tokens first.

The header has 128 bytes, little-endian: the magic; as 32-bit numbers the version, bytes per token (2 or 4), vocabulary
size and end-of-document token (0xFFFFFFFF: none); as 64-bit numbers all tokens, validation tokens, and UTF-8 bytes of
the text (0: unknown); the SHA-256 of the array. It is written after the array, so an incomplete file has no magic.
"""

import hashlib
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from budgetscope.calibrate.corpus.disk import writing
from budgetscope.core.errors import FailureError
from budgetscope.store.files import open_file, unreadable

type_of: dict[int, np.dtype[Any]] = {2: np.dtype("<u2"), 4: np.dtype("<u4")}

Tokens = npt.NDArray[np.unsignedinteger[Any]]
"""Token ids, 1-D, uint16 or uint32."""

_MAGIC = b"BSTOKENS"
_VERSION = 1
_LAYOUT = struct.Struct("<8sIIIIQQQ32s")
_HEADER_BYTES = 128
_NO_END = 0xFFFFFFFF
_SCAN_TOKENS = 1 << 22


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a token file.

    Attributes:
        vocab_size: every token is below it.
        end_token: the end-of-document token; None if there is none.
        n_tokens: number of all tokens.
        n_validation: number of held-out tokens, which come first.
        n_bytes: UTF-8 bytes of the text; None if unknown.
        sha256: of the array, in hex.
    """

    vocab_size: int
    end_token: int | None
    n_tokens: int
    n_validation: int
    n_bytes: int | None
    sha256: str

    @property
    def itemsize(self) -> int:
        """Bytes per token: the fewest that hold the vocabulary."""
        return itemsize_for(self.vocab_size)


def itemsize_for(vocab_size: int) -> int:
    """Return the bytes per token."""
    return 2 if vocab_size <= 1 << 16 else 4


def is_token_file(path: Path) -> bool:
    """Return whether a file begins with the magic of a token file."""
    try:
        with open_file(path) as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except (OSError, ValueError):  # a NUL in the path
        return False


def read_header(path: Path) -> Header:
    """Return the header of a token file.

    Raises:
        FailureError: the file cannot be read, is no token file, is of a later version, or is cut short.
    """
    try:
        with open_file(path) as file:
            raw = file.read(_HEADER_BYTES)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise unreadable(path, error) from None
    damaged = FailureError(f"{str(path)!r} is not a whole token file of budgetscope; prepare the text again.")
    if len(raw) < _HEADER_BYTES:
        raise damaged
    magic, version, itemsize, vocab_size, end, n_tokens, n_validation, n_bytes, digest = _LAYOUT.unpack_from(raw)
    if magic == _MAGIC and version > _VERSION:
        raise FailureError(f"{str(path)!r} is of a later budgetscope (format {version}); upgrade budgetscope.")
    header = Header(
        vocab_size, None if end == _NO_END else end, n_tokens, n_validation, n_bytes or None, bytes(digest).hex()
    )
    if (
        magic != _MAGIC
        or version != _VERSION
        or itemsize != header.itemsize
        or not 0 < n_validation < n_tokens
        or size != _HEADER_BYTES + n_tokens * itemsize
    ):
        raise damaged
    return header


def map_tokens(path: Path, header: Header) -> tuple[Tokens, Tokens]:
    """Return the training and the validation tokens, memory-mapped and read-only."""
    array: Tokens = np.memmap(
        path, dtype=type_of[header.itemsize], mode="r", offset=_HEADER_BYTES, shape=(header.n_tokens,)
    )
    return array[header.n_validation :], array[: header.n_validation]


def check_tokens(path: Path, header: Header, read: Callable[[int, int], None]) -> None:
    """Read all of a token file and check it against its header: on 2026-11-30, half a second a GB.

    Args:
        path: of the token file.
        header: of the token file.
        read: called with the bytes read and the total.

    Raises:
        FailureError: a token is not in the vocabulary, or the checksum differs.
    """
    train, validation = map_tokens(path, header)
    digest, done = hashlib.sha256(), 0
    for part in (validation, train):
        for start in range(0, len(part), _SCAN_TOKENS):
            block = part[start : start + _SCAN_TOKENS]
            if int(block.max()) >= header.vocab_size:
                raise FailureError(
                    f"{str(path)!r} holds token {int(block.max())}, but says that its vocabulary is "
                    f"{header.vocab_size}; prepare the text again."
                )
            digest.update(block.data)
            done += block.nbytes
            read(done, header.n_tokens * header.itemsize)
    if digest.hexdigest() != header.sha256:
        raise FailureError(f"{str(path)!r} is damaged (its checksum differs); copy it or prepare the text again.")


class TokenWriter:
    """Writes a token file; before `finish` it has no header and cannot be opened.

    Args:
        path: of the file.
        vocab_size: every token is below it.
    """

    def __init__(self, path: Path, vocab_size: int) -> None:
        self.count = 0
        self._path = path
        self._vocab_size = vocab_size
        self._dtype = type_of[itemsize_for(vocab_size)]
        self._digest = hashlib.sha256()
        with writing(path):
            self._file = path.open("wb")
            self._file.write(bytes(_HEADER_BYTES))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with writing(self._path):
            self._file.close()

    def write(self, ids: npt.NDArray[Any]) -> None:
        """Append tokens below the vocabulary size.

        Raises:
            FailureError: the disk is full.
        """
        raw = ids.astype(self._dtype).tobytes()
        with writing(self._path):
            self._file.write(raw)
        self._digest.update(raw)
        self.count += len(ids)

    def finish(self, *, n_validation: int, end_token: int | None, n_bytes: int | None) -> Header:
        """Write the header, which completes the file.

        Raises:
            FailureError: the disk is full.
        """
        header = Header(self._vocab_size, end_token, self.count, n_validation, n_bytes, self._digest.hexdigest())
        packed = _LAYOUT.pack(
            _MAGIC,
            _VERSION,
            header.itemsize,
            header.vocab_size,
            _NO_END if end_token is None else end_token,
            header.n_tokens,
            header.n_validation,
            n_bytes or 0,
            self._digest.digest(),
        )
        with writing(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.seek(0)
            self._file.write(packed)
            self._file.flush()
            os.fsync(self._file.fileno())
        return header
