"""A prepared corpus, and how it is opened."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from budgetscope.calibrate.corpus.tokens import Header, Tokens, map_tokens, read_header
from budgetscope.core.errors import FailureError
from budgetscope.store.files import read_text

FORMAT = 1
TOKENS_NAME = "corpus.tokens"
META_NAME = "meta.json"
TOKENIZER_NAME = "tokenizer.json"
_META_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a preparation is.

    Attributes:
        stage: what goes on, in words.
        done: bytes done in this stage.
        total: bytes in all; 0 if unknown.
    """

    stage: str
    done: int
    total: int


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Meta:
    """What is known of a prepared corpus besides its tokens.

    Attributes:
        title: what to call it, in printable characters.
        description: where it is from and what was done to it, in a sentence or two; names no folder.
        source_sha256: of the files that it was made from.
        tokenizer: "bpe", "bytes" or "unknown".
        n_documents: distinct documents, if known.
        n_duplicates: documents dropped because an earlier one had the same words.
        versions: of what prepared it.
    """

    title: str
    description: str
    source_sha256: str
    tokenizer: str
    n_documents: int | None
    n_duplicates: int | None
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Tokens to train and to validate on.

    Attributes:
        path: what to give `open_tokens` to open it again: the prepared folder, or a token file.
        train: token ids, 1-D uint16 or uint32, memory-mapped and read-only; documents in random order.
        validation: the same, of documents that are not in `train`.
        vocab_size: every token is below it.
        end_token: the token after each document, if there is one.
        bytes_per_token: UTF-8 bytes of text a token, if the text is known: nats a token / (this x ln 2) are
            bits a byte.
        sha256: of all tokens, validation first, little-endian.
        meta: what else is known.
    """

    path: Path
    train: Tokens
    validation: Tokens
    vocab_size: int
    end_token: int | None
    bytes_per_token: float | None
    sha256: str
    meta: Meta

    @property
    def title(self) -> str:
        """What to call it."""
        return self.meta.title

    @property
    def description(self) -> str:
        """Where it is from and what was done to it."""
        return self.meta.description


def open_tokens(path: Path) -> Corpus:
    """Open a prepared corpus, or a token file with our header, without reading it.

    Args:
        path: the folder that `prepare` made (it may have been moved), or a token file.

    Raises:
        FailureError: something is missing, torn, or of a later version.
    """
    if path.is_dir():
        header = read_header(path / TOKENS_NAME)
        meta = read_meta(path / META_NAME, header)
        return _mapped(path, path / TOKENS_NAME, header, meta)
    header = read_header(path)
    title = printable(path.name)
    return _mapped(path, path, header, Meta(title, f"the token file {title}", "", "unknown", None, None, {}))


def _mapped(path: Path, file: Path, header: Header, meta: Meta) -> Corpus:
    train, validation = map_tokens(file, header)
    return Corpus(
        path=path,
        train=train,
        validation=validation,
        vocab_size=header.vocab_size,
        end_token=header.end_token,
        bytes_per_token=header.n_bytes / header.n_tokens if header.n_bytes else None,
        sha256=header.sha256,
        meta=meta,
    )


def write_meta(meta: Meta, header: Header) -> str:
    """Return the text of `meta.json`; the figures of the token file are in it for who reads it, and as a check."""
    figures = dataclasses.asdict(header) | {
        "n_train": header.n_tokens - header.n_validation,
        "bytes_per_token": header.n_bytes / header.n_tokens if header.n_bytes else None,
    }
    return json.dumps({"format": FORMAT, **dataclasses.asdict(meta), "tokens": figures}, indent=2) + "\n"


def read_meta(path: Path, header: Header) -> Meta:
    """Read `meta.json` and hold it to the token file beside it.

    Raises:
        FailureError: it is missing or damaged, of a later version, or belongs to other tokens.
    """
    damaged = FailureError(f"{str(path)!r} is damaged; delete its folder and prepare the text again.")
    try:
        record: dict[str, Any] = json.loads(read_text(path, _META_LIMIT_BYTES))
        if record["format"] != FORMAT:
            raise FailureError(f"{str(path)!r} is of another budgetscope; prepare the text again.")
        fields = {field.name: record[field.name] for field in dataclasses.fields(Meta)}
        same = record["tokens"]["sha256"] == header.sha256
    except (ValueError, KeyError, TypeError, RecursionError):
        raise damaged from None
    if not same or not _plausible(fields):
        raise damaged
    return Meta(**fields | {name: printable(fields[name]) for name in ("title", "description", "tokenizer")})


def _plausible(fields: dict[str, Any]) -> bool:
    texts = ("title", "description", "source_sha256", "tokenizer")
    counts = ("n_documents", "n_duplicates")
    return (
        all(isinstance(fields[name], str) for name in texts)
        and all(fields[name] is None or isinstance(fields[name], int) for name in counts)
        and isinstance(fields["versions"], dict)
        and all(isinstance(value, str) for value in fields["versions"].values())
    )


def printable(text: str) -> str:
    """Return a text from outside with what a terminal might obey replaced."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
