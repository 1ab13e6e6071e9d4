"""The token file: a small header and one little-endian array, validation tokens first.

The header is 128 bytes, little-endian: the magic; as 32-bit numbers the version, bytes a token (2 or 4), vocabulary
size and end-of-document token (0xFFFFFFFF: none); as 64-bit numbers tokens, validation tokens among them and UTF-8
bytes of the text (0: unknown); the array's SHA-256. It is written after the array, so a torn file has no magic.
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
    """What a token file says about itself.

    Attributes:
        vocab_size: every token is below it.
        end_token: the end-of-document token, if the file has one.
        n_tokens: all tokens.
        n_validation: how many of them, the first ones, are held out.
        n_bytes: UTF-8 bytes of the text that was tokenized, if known.
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
        """Bytes a token: the fewest that hold the vocabulary."""
        return itemsize_for(self.vocab_size)


def itemsize_for(vocab_size: int) -> int:
    """Return the bytes a token takes."""
    return 2 if vocab_size <= 1 << 16 else 4


def is_token_file(path: Path) -> bool:
    """Return whether a file begins like a token file of ours."""
    try:
        if not path.is_file():  # a pipe would wait
            return False
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except (OSError, ValueError):  # no path holds a NUL
        return False


def read_header(path: Path) -> Header:
    """Return a token file's header.

    Raises:
        FailureError: the file cannot be read, is not one of ours, is of a later version, or is cut short.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_HEADER_BYTES)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise FailureError(f"cannot read {str(path)!r}: {(error.strerror or 'the system refused').lower()}.") from None
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
    """Read a token file that came from elsewhere and hold it to its header.

    Args:
        path: the token file.
        header: its header.
        read: called with bytes read and bytes in all.

    Raises:
        FailureError: a token is not in the vocabulary, or the array is not the one that was written.
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
            digest.update(block.tobytes())
            done += block.nbytes
            read(done, header.n_tokens * header.itemsize)
    if digest.hexdigest() != header.sha256:
        raise FailureError(f"{str(path)!r} is damaged (its checksum differs); copy it or prepare the text again.")


class TokenWriter:
    """Writes a token file; without `finish` it stays one that nobody opens.

    Args:
        path: the file to write.
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
        """Append tokens, all of them below the vocabulary size.

        Raises:
            FailureError: the disk is full.
        """
        raw = ids.astype(self._dtype).tobytes()
        with writing(self._path):
            self._file.write(raw)
        self._digest.update(raw)
        self.count += len(ids)

    def finish(self, *, n_validation: int, end_token: int | None, n_bytes: int | None) -> Header:
        """Write the header, which makes it a token file.

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
