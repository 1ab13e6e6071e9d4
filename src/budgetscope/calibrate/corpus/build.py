"""Build the token file and the metadata of a source."""

import importlib.metadata
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from budgetscope.calibrate.corpus.documents import read_documents
from budgetscope.calibrate.corpus.model import TOKENS_NAME, Meta, hash_of
from budgetscope.calibrate.corpus.progress import Progress, Report
from budgetscope.calibrate.corpus.sources import Source
from budgetscope.calibrate.corpus.spool import Spool, held_out
from budgetscope.calibrate.corpus.tokenizer import (
    TOKENIZER_NAME,
    ByteTokenizer,
    Choice,
    FileTokenizer,
    PairTokenizer,
    Tokenizer,
)
from budgetscope.calibrate.corpus.tokens import Header, TokenWriter, itemsize_for, type_of
from budgetscope.calibrate.plan.mixture import SourceFacts, mix_title
from budgetscope.core.errors import BudgetscopeError, FailureError, UsageError
from budgetscope.core.language import N_
from budgetscope.core.printable import printable
from budgetscope.store.files import open_file, unreadable

FEWEST_TRAINING_TOKENS = 1 << 16

_ENOUGH_VALIDATION_TOKENS = 1 << 18
_MOST_VALIDATION_TOKENS = 1 << 20
# Low estimates, to size the held-out text before there is a tokenizer.
_BYTES_PER_TOKEN, _BYTES_PER_BYTE_TOKEN = 3, 1
_LEAST_SHARE_HELD_OUT = 1 / 16  # of the usual held-out text, for a source with a smaller share of a mix
_SAMPLE_BYTES = 16 << 20
_BATCH_BYTES = 4 << 20
_SCAN_TOKENS = 1 << 22


class Plan(Protocol):
    """A plan for building a token file."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it reads."""
        ...

    @property
    def title(self) -> str:
        """Display name of the result; a cached result of the same content may have another."""
        ...

    @property
    def settings(self) -> list[Any]:
        """What the result depends on besides the bytes of the files, as JSON can hold it."""
        ...

    def check(self) -> None:
        """Refuse a missing library or a tokenizer that is none, before the slow steps."""
        ...

    def build(self, folder: Path, digests: list[str], report: Report) -> tuple[Meta, Header]:
        """Write the token file, and the tokenizer if there is one, to a folder.

        Args:
            folder: of the result.
            digests: SHA-256 of each of `files`, in hex.
            report: called with the progress.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Part:
    """The documents of one source, and how they are split."""

    title: str
    share: float
    sha256: str
    spool: Spool
    validation: list[int]
    training: list[int]


class TextPlan:
    """Text: read, deduplicated, split and tokenized.

    The training tokens of a mix are those of its sources, one after another, and so are the held-out ones; training
    and evaluation draw from each by its share (`sampling.Tokens`).

    Args:
        sources: of the text, each with its share of the training tokens; the shares add up to 1.
        tokenizer: which.
        text_field: in JSON and Parquet.
    """

    def __init__(self, sources: Sequence[tuple[Source, float]], tokenizer: Choice, text_field: str) -> None:
        self._sources = tuple(sources)
        self._tokenizer = tokenizer
        self._text_field = text_field

    @property
    def files(self) -> tuple[Path, ...]:
        """The text files."""
        return tuple(file.path for source, _ in self._sources for file in source.files)

    @property
    def title(self) -> str:
        """Title of the source, or of the mix."""
        if len(self._sources) == 1:
            return self._sources[0][0].title
        return mix_title([(source.title, share) for source, share in self._sources])

    @property
    def settings(self) -> list[Any]:
        """The tokenizer, how each file is read, and the shares."""
        parts = [[share, source.lenient, [file.kind for file in source.files]] for source, share in self._sources]
        return ["text", self._tokenizer.settings, self._text_field, parts]

    def check(self) -> None:
        """Refuse a tokenizer that cannot be made."""
        self._tokenizer.check()

    def build(self, folder: Path, digests: list[str], report: Report) -> tuple[Meta, Header]:
        """Write the token file and the tokenizer.

        Raises:
            UsageError: a source is not text, or too small.
            FailureError: the disk is full.
        """
        parts = self._parts(folder, digests, report)
        tokenizer = self._trained(parts, report)
        n_bytes, done = sum(part.spool.n_bytes for part in parts), 0
        counts: list[list[int]] = []
        with TokenWriter(folder / TOKENS_NAME, tokenizer.vocab_size) as writer:
            for documents in ([part.validation for part in parts], [part.training for part in parts]):
                counts.append([])
                n_validation = writer.count
                for part, some in zip(parts, documents, strict=True):
                    first = writer.count
                    for batch in part.spool.read_batches(some, _BATCH_BYTES):
                        writer.write(tokenizer.encode(batch))
                        done += sum(map(len, batch))
                        report(Progress(N_("tokenizing"), done, n_bytes))
                    counts[-1].append(writer.count - first)
            check_size(self.title, writer.count - n_validation, _dropped([part.spool for part in parts]))
            header = writer.finish(n_validation=n_validation, end_token=tokenizer.end_token, n_bytes=n_bytes)
        tokenizer.save(folder / TOKENIZER_NAME)
        for part in parts:
            part.spool.path.unlink()
        return self._meta(parts, counts, digests), header

    def _parts(self, folder: Path, digests: list[str], report: Report) -> list[_Part]:
        """Read and split every source; a document that an earlier source has is dropped."""
        sizes = [sum(file.path.stat().st_size for file in source.files) for source, _ in self._sources]
        per_token = _BYTES_PER_TOKEN if self._tokenizer.library else _BYTES_PER_BYTE_TOKEN
        parts, before, first = list[_Part](), 0, 0
        for number, ((source, share), size) in enumerate(zip(self._sources, sizes, strict=True)):
            documents = self._documents(source, before, sum(sizes), report)
            spool = Spool(folder / f"documents-{number}.tmp", documents, [part.spool for part in parts])
            if spool.n_documents < 2:
                raise _too_few(source.title, spool, [part.title for part in parts])
            enough, most = (
                int(n * per_token * max(share, _LEAST_SHARE_HELD_OUT))
                for n in (_ENOUGH_VALIDATION_TOKENS, _MOST_VALIDATION_TOKENS)
            )
            validation = spool.held_out(held_out(spool.n_bytes, enough, most))
            own = digests[first : first + len(source.files)]
            sha256 = own[0] if len(own) == 1 else hash_of(own)
            parts.append(_Part(source.title, share, sha256, spool, validation, spool.all_but(validation)))
            before, first = before + size, first + len(source.files)
        return parts

    def _documents(self, source: Source, before: int, total: int, report: Report) -> Iterator[str]:
        def read(done: int) -> None:
            report(Progress(N_("reading"), before + done, total))

        for file in source.files:
            size = file.path.stat().st_size
            try:
                yield from read_documents(file, self._text_field, read)
            except BudgetscopeError:
                if not source.lenient:
                    raise
            before += size
            read(0)

    def _trained(self, parts: Sequence[_Part], report: Report) -> Tokenizer:
        chosen = self._tokenizer
        if chosen.own is not None:
            return FileTokenizer(chosen.own)
        if chosen.library is None or chosen.vocab_size is None:
            return ByteTokenizer()
        samples = [part.spool.first(part.training, int(_SAMPLE_BYTES * part.share)) for part in parts]
        total = sum(part.spool.size(sample) for part, sample in zip(parts, samples, strict=True))

        def counted() -> Iterator[bytes]:
            done = 0
            for part, sample in zip(parts, samples, strict=True):
                for raw in part.spool.read(sample):
                    done += len(raw)
                    report(Progress(N_("learning byte pairs"), done, total))
                    yield raw

        return PairTokenizer(counted(), chosen.vocab_size)

    def _meta(self, parts: Sequence[_Part], counts: list[list[int]], digests: list[str]) -> Meta:
        mixed = tuple(
            SourceFacts(
                part.title, part.share, part.sha256, train, validation, part.spool.n_bytes / (train + validation)
            )
            for part, validation, train in zip(parts, *counts, strict=True)
        )
        n_documents, n_duplicates = (
            sum(getattr(p.spool, name) for p in parts) for name in ("n_documents", "n_duplicates")
        )
        origin = "; ".join(source.description for source, _ in self._sources)
        return Meta(
            title=self.title,
            description=f"{origin}; {n_documents} distinct documents, {n_duplicates} repeats dropped",
            source_sha256=hash_of(digests),
            tokenizer=self._tokenizer.name,
            tokenizer_sha256=None if self._tokenizer.own is None else self._tokenizer.own.sha256,
            n_documents=n_documents,
            n_duplicates=n_duplicates,
            versions=_versions(self._tokenizer.library),
            sources=mixed if len(mixed) > 1 else (),
        )


class RawPlan:
    """Tokens without a header: .bin (little-endian, as wide as the vocabulary needs) or .npy.

    The ends of documents are unknown, so the tail of the array is held out.

    Args:
        path: of the array.
        vocab_size: of the tokenizer that made it; every token must be below it.
    """

    def __init__(self, path: Path, vocab_size: int | None) -> None:
        if vocab_size is None:
            raise UsageError(f"{str(path)!r} holds bare tokens; give their vocabulary's size with --vocab-size.")
        if not 2 <= vocab_size <= 1 << 31:
            raise UsageError(f"vocabulary size {vocab_size} is out of range; give the size that the tokens have.")
        self._path = path
        self._title = printable(path.name)
        self._vocab_size = vocab_size

    @property
    def files(self) -> tuple[Path, ...]:
        """The file of the array."""
        return (self._path,)

    @property
    def title(self) -> str:
        """Name of the file."""
        return self._title

    @property
    def settings(self) -> list[Any]:
        """The vocabulary size and the format."""
        return ["raw", self._vocab_size, self._path.suffix]

    def check(self) -> None:
        """Do nothing; no library is needed."""

    def build(self, folder: Path, digests: list[str], report: Report) -> tuple[Meta, Header]:
        """Write the tokens with a header, the tail first.

        Raises:
            UsageError: the file is no such array, a token is not in the vocabulary, or there are too few tokens.
            FailureError: the disk is full.
        """
        array = self._array()
        n_validation = held_out(array.count, _ENOUGH_VALIDATION_TOKENS, _MOST_VALIDATION_TOKENS)
        n_train = array.count - n_validation
        check_size(self._title, n_train)
        with TokenWriter(folder / TOKENS_NAME, self._vocab_size) as writer:
            for first, end in ((n_train, array.count), (0, n_train)):
                for start in range(first, end, _SCAN_TOKENS):
                    block = array.read(start, min(start + _SCAN_TOKENS, end))
                    low, high = int(block.min()), int(block.max())
                    if low < 0 or high >= self._vocab_size:
                        raise UsageError(
                            f"{str(self._path)!r} holds token {low if low < 0 else high}, which a vocabulary of "
                            f"{self._vocab_size} has not; correct --vocab-size."
                        )
                    writer.write(block)
                    report(Progress(N_("copying tokens"), writer.count, array.count))
            header = writer.finish(n_validation=n_validation, end_token=None, n_bytes=None)
        about = f"the tokens in {self._title}; where documents end is not known, so the tail is held out"
        return Meta(self._title, about, hash_of(digests), "unknown", None, None, None, _versions(None)), header

    def _array(self) -> "_Array":
        name = repr(str(self._path))
        if self._path.suffix == ".npy":
            try:
                # A map only reads the header here. What it reads of a file that was cut since would end this process.
                found: npt.NDArray[Any] = np.load(self._path, mmap_mode="r", allow_pickle=False)
            except (ValueError, EOFError):
                raise UsageError(f"{name} is not an array that numpy can map; save it again with numpy.save.") from None
            if found.ndim != 1 or found.dtype.kind not in "iu":
                raise UsageError(f"{name} holds {found.dtype} in {found.ndim} dimensions; save 1-D integers.")
            return _Array(self._path, found.dtype, getattr(found, "offset", 0), len(found))
        itemsize, size = itemsize_for(self._vocab_size), self._path.stat().st_size
        if size % itemsize:
            raise UsageError(
                f"{name} is not a whole number of {itemsize}-byte tokens; copy it again or save it as .npy."
            )
        if not size:
            raise UsageError(f"{name} is empty; give tokens to train on.")
        array = _Array(self._path, type_of[itemsize], 0, size // itemsize)
        if itemsize == 2 and not array.read(0, min(1 << 12, array.count))[1::2].any():
            raise UsageError(
                f"every second 16-bit token of {name} is 0, as if they were 32 bits wide; save it as .npy, which says."
            )
        return array


@dataclass(frozen=True, slots=True)
class _Array:
    """Numbers in a file: `count` of them, from a byte on."""

    path: Path
    dtype: np.dtype[Any]
    offset: int
    count: int

    def read(self, start: int, end: int) -> npt.NDArray[Any]:
        """Return numbers from one index to another.

        Raises:
            FailureError: the file is shorter than it was, or cannot be read.
        """
        try:
            with open_file(self.path) as file:
                file.seek(self.offset + start * self.dtype.itemsize)
                raw = file.read((end - start) * self.dtype.itemsize)
        except OSError as error:
            raise unreadable(self.path, error) from None
        if len(raw) < (end - start) * self.dtype.itemsize:
            raise changed(self.path)
        return np.frombuffer(raw, self.dtype)


def changed(path: Path | str) -> FailureError:
    """Return the refusal of a file that was written while it was read."""
    return FailureError(f"{str(path)!r} changed while it was read; run again when nothing writes to it.")


def check_size(title: str, n_train: int, dropped: str = "") -> None:
    """Raise UsageError if there are too few training tokens; `dropped` is a clause on what was left out."""
    if n_train < FEWEST_TRAINING_TOKENS:
        raise too_small(title, f"{n_train} training tokens{dropped}")


def _too_few(title: str, spool: Spool, before: Sequence[str]) -> UsageError:
    """Return the refusal of a source with fewer than two documents of its own; `before` are the titles before it."""
    shared = max(spool.n_shared, default=0)
    if not shared:
        what = f"{spool.n_bytes} bytes of text in {spool.n_documents} documents{_dropped([spool])}"
        return too_small(title, what)
    other, total = before[spool.n_shared.index(shared)], spool.n_documents + spool.n_duplicates
    return UsageError(
        f"{title!r} holds the same text as {other!r}: of its {total} documents {shared} are in {other!r} too, and a "
        "document counts once; leave one of the two out, or name other text."
    )


def _dropped(spools: Sequence[Spool]) -> str:
    """Return a clause on the repeats that were dropped; empty if there were none."""
    repeats = sum(spool.n_duplicates for spool in spools)
    return f", after {repeats} repeats of a document were dropped" if repeats else ""


def too_small(title: str, what: str) -> UsageError:
    """Return the refusal of a corpus that is too small."""
    return UsageError(
        f"{title!r} holds {what}; a calibration needs at least {FEWEST_TRAINING_TOKENS} training tokens "
        "(some 300 kB of text), and many times that to mean anything: give more text."
    )


def _versions(library: str | None) -> dict[str, str]:
    names = ["budgetscope", "numpy", *([library] if library else [])]
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in names}
