"""Tokenizers: bytes, or byte pairs learnt from the text itself."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from budgetscope.calibrate.corpus.disk import writing
from budgetscope.core.errors import FailureError, UsageError

TokenizerName = Literal["bpe", "bytes"]

DEFAULT_VOCAB_SIZE = 4096
_BYTES = 256
_LARGEST_VOCAB_SIZE = 1 << 20


class Tokenizer(Protocol):
    """Turns documents into token ids; the last id of the vocabulary ends a document.

    Attributes:
        vocab_size: number of ids, with the end-of-document token.
    """

    vocab_size: int

    def encode(self, documents: list[bytes]) -> npt.NDArray[Any]:
        """Return the ids of UTF-8 documents, 1-D; the last id follows each document."""
        ...

    def save(self, path: Path) -> None:
        """Write what decoding needs."""
        ...


def checked_vocab_size(tokenizer: str, vocab_size: int | None) -> int:
    """Return the vocabulary size of a tokenizer.

    Raises:
        UsageError: there is no such tokenizer, or it cannot have this size.
    """
    if tokenizer == "bytes":
        if vocab_size not in {None, _BYTES + 1}:
            raise UsageError(f"vocabulary size {vocab_size} with bytes: they have {_BYTES + 1}; leave it out.")
        return _BYTES + 1
    if tokenizer != "bpe":
        raise UsageError(f"{tokenizer!r} is not a tokenizer; choose bpe or bytes.")
    size = DEFAULT_VOCAB_SIZE if vocab_size is None else vocab_size
    if not _BYTES + 1 < size <= _LARGEST_VOCAB_SIZE:
        raise UsageError(
            f"vocabulary size {size} is out of range; byte pairs take {_BYTES + 2} to {_LARGEST_VOCAB_SIZE}, "
            "less is --tokenizer bytes."
        )
    return size


class ByteTokenizer:
    """The 256 bytes and an end-of-document token."""

    vocab_size = _BYTES + 1

    def encode(self, documents: list[bytes]) -> npt.NDArray[Any]:
        """Return the documents' bytes."""
        raw = np.frombuffer(b"".join(documents), dtype=np.uint8).astype(np.uint16)
        return np.insert(raw, np.cumsum([len(document) for document in documents]), _BYTES)

    def save(self, path: Path) -> None:
        """Write nothing; bytes need no table."""


class PairTokenizer:
    """Byte-level byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909; on bytes as in GPT-2).

    The end-of-document token is not in the table, so that no text can contain it.

    Args:
        sample: UTF-8 documents from which the merges are learnt.
        vocab_size: most ids, with the end-of-document token; a small sample may give fewer.

    Raises:
        FailureError: `tokenizers` is not installed.
    """

    def __init__(self, sample: Iterator[bytes], vocab_size: int) -> None:
        library = load_tokenizers()
        pieces = library.pre_tokenizers.ByteLevel
        self._table = library.Tokenizer(library.models.BPE())
        self._table.pre_tokenizer = pieces(add_prefix_space=False)
        self._table.decoder = library.decoders.ByteLevel()
        trainer = library.trainers.BpeTrainer(
            vocab_size=vocab_size - 1, initial_alphabet=sorted(pieces.alphabet()), show_progress=False
        )
        self._table.train_from_iterator((raw.decode() for raw in sample), trainer)
        self._end = int(self._table.get_vocab_size())
        self.vocab_size = self._end + 1

    def encode(self, documents: list[bytes]) -> npt.NDArray[Any]:
        """Return the ids of UTF-8 documents; the library uses all cores."""
        encodings = self._table.encode_batch([raw.decode() for raw in documents], add_special_tokens=False)
        parts = [np.array([*encoding.ids, self._end], dtype=np.uint32) for encoding in encodings]
        return np.concatenate(parts)

    def save(self, path: Path) -> None:
        """Write the table in the format of `tokenizers`."""
        with writing(path):
            path.write_text(self._table.to_str(), encoding="utf-8")


def load_tokenizers() -> Any:
    """Return the `tokenizers` library.

    Raises:
        FailureError: it is not installed.
    """
    try:
        return importlib.import_module("tokenizers")
    except ImportError:
        raise FailureError(
            "byte-pair tokenization needs tokenizers: pip install 'budgetscope[calibrate]', or use --tokenizer bytes."
        ) from None
