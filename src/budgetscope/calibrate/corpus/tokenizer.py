"""Tokenizers: bytes, byte pairs learnt from the text itself, or the user's own file."""

import codecs
import hashlib
import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from budgetscope.calibrate.corpus.disk import writing
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.extras import install_command
from budgetscope.core.printable import printable
from budgetscope.store.files import exists, open_file, read_text

DEFAULT_VOCAB_SIZE = 4096
TOKENIZER_NAME = "tokenizer.json"
CONFIG_NAME = "tokenizer_config.json"
"""Beside a tokenizer's file, where Hugging Face's libraries keep which token ends a document."""
_BYTES = 256
_LARGEST_VOCAB_SIZE = 1 << 20
_LIMIT_BYTES = 1 << 28
_HEAD_BYTES = 4096
# The end-of-document tokens of GPT-2 and Qwen, Llama 2 and Mistral, Llama 3, and Gemma, where no file names one.
_ENDS = ("<|endoftext|>", "</s>", "<|end_of_text|>", "<eos>")


class Tokenizer(Protocol):
    """Turns documents into token ids.

    Attributes:
        vocab_size: number of ids, with the end-of-document token.
        end_token: the id that ends a document.
    """

    vocab_size: int
    end_token: int

    def encode(self, documents: list[bytes]) -> npt.NDArray[Any]:
        """Return the ids of UTF-8 documents, 1-D; `end_token` follows each document."""
        ...

    def save(self, path: Path) -> None:
        """Write what decoding needs."""
        ...


@dataclass(frozen=True, slots=True)
class TokenizerFile:
    """A tokenizer of the user, as Hugging Face's `tokenizers` stores it.

    Attributes:
        name: in printable characters.
        text: of the file.
        end: the token that ends a document, if the file beside it names one.
    """

    name: str
    text: str
    end: str | None

    @property
    def sha256(self) -> str:
        """Hash of the file, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Choice:
    """The tokenizer that a corpus takes.

    Attributes:
        name: `bpe`, `bytes`, or the name of the user's own.
        vocab_size: most ids; None for the user's own, whose file says it.
        own: the user's own; None for the others.
    """

    name: str
    vocab_size: int | None
    own: TokenizerFile | None = None

    @property
    def settings(self) -> list[Any]:
        """What tokens depend on, as JSON can hold it: of the user's own, its content and not its name."""
        return [self.name, self.vocab_size] if self.own is None else ["own", self.own.sha256, self.own.end]

    @property
    def library(self) -> str | None:
        """The library that it needs."""
        return None if self.name == "bytes" and self.own is None else "tokenizers"

    def check(self) -> None:
        """Refuse a missing library or a file that is no tokenizer, before the slow steps.

        Raises:
            UsageError: the file is no tokenizer, or has too many ids.
            FailureError: `tokenizers` is not installed.
        """
        if self.own is not None:
            FileTokenizer(self.own)
        elif self.library:
            load_tokenizers()


def choose_tokenizer(tokenizer: str, vocab_size: int | None) -> Choice:
    """Return the tokenizer with this name, or in this file.

    Args:
        tokenizer: "bpe", "bytes", a `tokenizer.json`, or a folder that has one.
        vocab_size: number of ids; None for the default.

    Raises:
        UsageError: there is no such tokenizer, or it cannot have this size.
        FailureError: the file cannot be read.
    """
    if tokenizer == "bytes":
        if vocab_size not in {None, _BYTES + 1}:
            raise UsageError(f"vocabulary size {vocab_size} with bytes: they have {_BYTES + 1}; leave it out.")
        return Choice(tokenizer, _BYTES + 1)
    if tokenizer != "bpe":
        own = _read_own(tokenizer)
        if vocab_size is not None:
            raise UsageError(f"vocabulary size {vocab_size} with {tokenizer!r}: its file says its own; leave it out.")
        return Choice(own.name, None, own)
    size = DEFAULT_VOCAB_SIZE if vocab_size is None else vocab_size
    if not _BYTES + 1 < size <= _LARGEST_VOCAB_SIZE:
        raise UsageError(
            f"vocabulary size {size} is out of range; byte pairs take {_BYTES + 2} to {_LARGEST_VOCAB_SIZE}, "
            "less is --tokenizer bytes."
        )
    return Choice(tokenizer, size)


def _read_own(tokenizer: str) -> TokenizerFile:
    path = Path(tokenizer).expanduser()
    if exists(path / TOKENIZER_NAME):
        path = path / TOKENIZER_NAME
    if not exists(path) or path.is_dir():
        raise UsageError(
            f"{tokenizer!r} is not a tokenizer; choose bpe or bytes, or name a {TOKENIZER_NAME} or a folder with one."
        )
    if _is_binary(path):
        raise UsageError(
            f"{tokenizer!r} is not a {TOKENIZER_NAME}: it is binary, like the models of SentencePiece; give the "
            f"{TOKENIZER_NAME} that `save_pretrained` of Hugging Face's transformers writes for it."
        )
    absolute = path.absolute()
    name = absolute.parent.name if path.name == TOKENIZER_NAME else path.stem
    return TokenizerFile(printable(name) or "tokenizer", read_text(path, _LIMIT_BYTES), _named_end(path))


def _is_binary(path: Path) -> bool:
    """Return whether a file begins with what is no text; False for one that cannot be read."""
    try:
        with open_file(path) as file:
            head = file.read(_HEAD_BYTES)
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < _HEAD_BYTES)
    except UnicodeDecodeError:
        return True
    except OSError:
        return False
    return b"\x00" in head


def _named_end(path: Path) -> str | None:
    """Return the end-of-document token that the configuration beside a tokenizer names; None without."""
    try:
        named = json.loads(read_text(path.with_name(CONFIG_NAME), _LIMIT_BYTES)).get("eos_token")
    except (FailureError, ValueError, AttributeError, RecursionError):
        return None
    found = named.get("content") if isinstance(named, dict) else named
    return found if isinstance(found, str) else None


class ByteTokenizer:
    """The 256 bytes and an end-of-document token."""

    vocab_size = _BYTES + 1
    end_token = _BYTES

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
        self.end_token = int(self._table.get_vocab_size())
        self.vocab_size = self.end_token + 1

    def encode(self, documents: list[bytes]) -> npt.NDArray[Any]:
        """Return the ids of UTF-8 documents; the library uses all cores."""
        return _encoded(self._table, documents, self.end_token)

    def save(self, path: Path) -> None:
        """Write the table in the format of `tokenizers`."""
        with writing(path):
            path.write_text(self._table.to_str(), encoding="utf-8")


class FileTokenizer:
    """A tokenizer of the user.

    Its padding, truncation and added start or end are left out. A document ends with the token that the configuration
    beside the file names, else with a usual one that the vocabulary has, else with one more id.

    Args:
        own: its file.

    Raises:
        UsageError: the file is no tokenizer, or has too many ids.
        FailureError: `tokenizers` is not installed.
    """

    def __init__(self, own: TokenizerFile) -> None:
        library = load_tokenizers()
        self._own = own
        try:
            self._table = library.Tokenizer.from_str(own.text)
        except Exception as error:  # the library raises nothing narrower
            raise UsageError(
                f"the tokenizer {own.name!r} cannot be read ({printable(str(error))[:100]}); give the {TOKENIZER_NAME} "
                "that Hugging Face's tokenizers writes."
            ) from error
        self._table.no_padding()
        self._table.no_truncation()
        ids: dict[str, int] = self._table.get_vocab(with_added_tokens=True)
        self.vocab_size = max(ids.values(), default=-1) + 1
        self._end = next((end for end in (own.end, *_ENDS) if end in ids), None)
        self.end_token = self.vocab_size if self._end is None else ids[self._end]
        self.vocab_size = max(self.vocab_size, self.end_token + 1)
        if not 2 < self.vocab_size <= _LARGEST_VOCAB_SIZE:
            raise UsageError(
                f"the tokenizer {own.name!r} needs {self.vocab_size} ids, and a calibration takes 3 to "
                f"{_LARGEST_VOCAB_SIZE}; give another one."
            )

    def encode(self, documents: list[bytes]) -> npt.NDArray[Any]:
        """Return the ids of UTF-8 documents; the library uses all cores.

        Raises:
            UsageError: the tokenizer has no id for a part of the text.
        """
        try:
            return _encoded(self._table, documents, self.end_token)
        except Exception as error:  # the library raises nothing narrower
            raise UsageError(
                f"the tokenizer {self._own.name!r} cannot encode the text ({printable(str(error))[:100]}); give one "
                "that covers it."
            ) from error

    def save(self, path: Path) -> None:
        """Write the file as it was, and beside it which token ends a document."""
        with writing(path):
            path.write_bytes(self._own.text.encode())
            if self._own.end is not None:
                path.with_name(CONFIG_NAME).write_text(json.dumps({"eos_token": self._own.end}), encoding="utf-8")


def _encoded(table: Any, documents: list[bytes], end: int) -> npt.NDArray[Any]:
    encodings = table.encode_batch([raw.decode() for raw in documents], add_special_tokens=False)
    return np.concatenate([np.array([*encoding.ids, end], dtype=np.uint32) for encoding in encodings])


def load_tokenizers() -> Any:
    """Return the `tokenizers` library.

    Raises:
        FailureError: it is not installed.
    """
    try:
        return importlib.import_module("tokenizers")
    except ImportError:
        raise FailureError(
            f"tokenization needs tokenizers: use --tokenizer bytes, or {install_command('calibrate')}"
        ) from None
