"""A prepared corpus, its metadata file, and how it is opened."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from budgetscope.calibrate.corpus import sampling
from budgetscope.calibrate.corpus.progress import Progress, Report
from budgetscope.calibrate.corpus.tokens import Header, Tokens, check_tokens, map_tokens, read_header
from budgetscope.calibrate.json_records import from_record
from budgetscope.calibrate.plan.mixture import SourceFacts
from budgetscope.core.errors import FailureError
from budgetscope.core.language import N_
from budgetscope.core.printable import printable
from budgetscope.store.files import read_text

FORMAT = 2
TOKENS_NAME = "corpus.tokens"
META_NAME = "meta.json"
_META_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Meta:
    """The metadata of a prepared corpus.

    Attributes:
        title: display name, in printable characters.
        description: its origin and its preparation, in a sentence or two that name no folder.
        source_sha256: hash of its source files.
        tokenizer: "bpe", "bytes", "unknown", or the name of the user's own.
        tokenizer_sha256: hash of the file of the user's own; None for the others.
        n_documents: number of distinct documents; None if unknown.
        n_duplicates: number of dropped documents, which had the same words as an earlier one; None if unknown.
        versions: of the software that prepared it.
        sources: of a mix, in the order of their tokens; empty for one source.
    """

    title: str
    description: str
    source_sha256: str
    tokenizer: str
    tokenizer_sha256: str | None
    n_documents: int | None
    n_duplicates: int | None
    versions: dict[str, str]
    sources: tuple[SourceFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus of training and validation tokens.

    Attributes:
        path: the argument of `open_tokens` that opens it: the prepared folder, or a token file.
        train: token ids, 1-D uint16 or uint32, memory-mapped and read-only; documents in random order.
        validation: likewise, of documents that are not in `train`.
        vocab_size: every token is below it.
        end_token: the token after each document; None if there is none.
        bytes_per_token: UTF-8 bytes of text per token, None if unknown; nats per token / (this x ln 2) = bits per byte.
        sha256: of all tokens, validation first, little-endian; of a mix, with the shares of its sources.
        meta: its metadata.
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
    def tokens(self) -> sampling.Tokens:
        """Its tokens, as a stack takes them."""
        return sampling.Tokens(self.train, self.validation, self.vocab_size, self.meta.sources)

    @property
    def title(self) -> str:
        """Display name."""
        return self.meta.title

    @property
    def description(self) -> str:
        """Its origin and its preparation."""
        return self.meta.description


def open_tokens(path: Path, report: Report = lambda _: None) -> Corpus:
    """Open a prepared corpus or a token file, once all of its tokens match their checksum.

    Args:
        path: the prepared folder, which may have been moved, or a token file.
        report: called with the progress of the check.

    Raises:
        FailureError: a file is missing, damaged, or of a later version.
    """
    if path.is_dir():
        header = read_header(path / TOKENS_NAME)
        meta = read_meta(path / META_NAME, header)
        return _checked(path, path / TOKENS_NAME, header, meta, report)
    header = read_header(path)
    title = printable(path.name)
    meta = Meta(title, f"the token file {title}", "", "unknown", None, None, None, {})
    return _checked(path, path, header, meta, report)


def _checked(path: Path, file: Path, header: Header, meta: Meta, report: Report) -> Corpus:
    check_tokens(file, header, lambda done, total: report(Progress(N_("checking tokens"), done, total)))
    train, validation = map_tokens(file, header)
    return Corpus(
        path=path,
        train=train,
        validation=validation,
        vocab_size=header.vocab_size,
        end_token=header.end_token,
        bytes_per_token=_bytes_per_token(header, meta),
        sha256=hash_of([header.sha256, *map(dataclasses.astuple, meta.sources)]) if meta.sources else header.sha256,
        meta=meta,
    )


def _bytes_per_token(header: Header, meta: Meta) -> float | None:
    if meta.sources:
        return sum(source.share * source.bytes_per_token for source in meta.sources)
    return header.n_bytes / header.n_tokens if header.n_bytes else None


def hash_of(values: list[Any]) -> str:
    """Return the SHA-256 of values that JSON can hold, in hex."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def write_meta(meta: Meta, header: Header) -> str:
    """Return the text of `meta.json`, with the figures of the token file for readers and as a check."""
    figures = dataclasses.asdict(header) | {
        "n_train": header.n_tokens - header.n_validation,
        "bytes_per_token": header.n_bytes / header.n_tokens if header.n_bytes else None,
    }
    return json.dumps({"format": FORMAT, **dataclasses.asdict(meta), "tokens": figures}, indent=2) + "\n"


def read_meta(path: Path, header: Header) -> Meta:
    """Read `meta.json` and check it against the token file beside it.

    Raises:
        FailureError: the file is missing or damaged, of another version, or belongs to other tokens.
    """
    damaged = FailureError(f"{str(path)!r} is damaged; delete its folder and prepare the text again.")
    try:
        record: dict[str, Any] = json.loads(read_text(path, _META_LIMIT_BYTES))
        if record["format"] != FORMAT:
            raise FailureError(f"{str(path)!r} is of another budgetscope; prepare the text again.")
        fields = {field.name: record[field.name] for field in dataclasses.fields(Meta)}
        fields["sources"] = tuple(from_record(SourceFacts, source) for source in fields["sources"])
        same = record["tokens"]["sha256"] == header.sha256 and _adds_up(fields["sources"], header)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise damaged from None
    if not same or not _plausible(fields):
        raise damaged
    return Meta(**fields | {name: printable(fields[name]) for name in ("title", "description", "tokenizer")})


def _adds_up(sources: tuple[SourceFacts, ...], header: Header) -> bool:
    """Whether the tokens of a mix are those of its sources."""
    train, validation = (
        sum(getattr(source, name) for source in sources) for name in ("train_tokens", "validation_tokens")
    )
    return not sources or (
        (validation, train + validation) == (header.n_validation, header.n_tokens)
        and all(source.train_tokens > 0 and source.validation_tokens > 0 and source.share > 0 for source in sources)
        and all(source.title.isprintable() for source in sources)
    )


def _plausible(fields: dict[str, Any]) -> bool:
    texts = ("title", "description", "source_sha256", "tokenizer")
    counts = ("n_documents", "n_duplicates")
    sha256 = fields["tokenizer_sha256"]
    return (
        (sha256 is None or (isinstance(sha256, str) and sha256.isalnum()))
        and all(isinstance(fields[name], str) for name in texts)
        and all(fields[name] is None or isinstance(fields[name], int) for name in counts)
        and isinstance(fields["versions"], dict)
        and all(isinstance(value, str) for value in fields["versions"].values())
    )
