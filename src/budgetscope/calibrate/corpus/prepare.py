"""Prepare a corpus: from what `--data` names to tokens, cached by content."""

import contextlib
import dataclasses
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from budgetscope.calibrate.corpus.build import Plan, RawPlan, TextPlan, changed, check_size
from budgetscope.calibrate.corpus.disk import writing
from budgetscope.calibrate.corpus.model import (
    FORMAT,
    META_NAME,
    TOKENS_NAME,
    Corpus,
    hash_of,
    open_tokens,
    write_meta,
)
from budgetscope.calibrate.corpus.progress import Progress, Report
from budgetscope.calibrate.corpus.sources import (
    FINEWEB_EDU_SAMPLE,
    Source,
    built_in,
    fineweb_edu,
    from_path,
    is_raw_tokens,
)
from budgetscope.calibrate.corpus.tokenizer import choose_tokenizer
from budgetscope.calibrate.corpus.tokens import is_token_file
from budgetscope.calibrate.plan.mixture import DataSource
from budgetscope.core.errors import BudgetscopeError, FailureError, UsageError
from budgetscope.core.language import N_
from budgetscope.core.printable import printable
from budgetscope.store.files import held, open_file, read_text, unreadable, write_atomically
from budgetscope.store.locations import corpora_cache

_HASH_BYTES = 1 << 22
_INDEX_LIMIT_BYTES = 1 << 16


def prepare(
    source: str | None,
    *,
    vocab_size: int | None = None,
    tokenizer: str = "bpe",
    text_field: str = "text",
    cache: Path | None = None,
    progress: Report | None = None,
) -> Corpus:
    """Return the tokens of a text, prepared now or taken from the cache.

    Documents that equal an earlier one up to white space are dropped; about 2% of the text is held out, by document.
    The result depends only on the bytes of the files and the settings, and is cached by their hash. A file with
    unchanged size and modification time is not read again. Cached tokens are checked; damaged ones are prepared again.

    Args:
        source: a file (text, JSONL, Parquet; also as .gz, .xz or .bz2), a folder of these, a token file (budgetscope's,
            or .bin or .npy with `vocab_size`), a prepared folder, "fineweb-edu-sample" for a public sample, or None for
            the text that comes with Python.
        vocab_size: number of ids, with the end-of-document token; None for 4096 byte pairs.
        tokenizer: "bpe" (byte pairs learnt from a sample of the text), "bytes", or the `tokenizer.json` of the user's
            own, or a folder that has one.
        text_field: the field or column with the text, in JSONL and Parquet.
        cache: folder of prepared corpora; None for the user's cache folder.
        progress: called with the progress of slow stages.

    Raises:
        UsageError: the source is missing, empty, binary, malformed or too small, or a setting is out of range.
        FailureError: a library is missing, a download failed, a file cannot be read or written, or the disk is full.
    """
    report = progress or (lambda _: None)
    root = cache or corpora_cache()
    path = None if source in {None, FINEWEB_EDU_SAMPLE} else Path(str(source)).expanduser()
    if path and holds_tokens(path):
        return _opened(path, vocab_size, report)
    if path and is_raw_tokens(path):
        return _cached(RawPlan(path, vocab_size), root, report)
    chosen = choose_tokenizer(tokenizer, vocab_size)
    text = built_in() if source is None else _text(source, root, report)
    return _cached(TextPlan([(text, 1.0)], chosen, text_field), root, report)


def prepare_mix(
    sources: Sequence[DataSource],
    *,
    vocab_size: int | None = None,
    tokenizer: str = "bpe",
    text_field: str = "text",
    cache: Path | None = None,
    progress: Report | None = None,
) -> Corpus:
    """Return the tokens of several texts, for training on a mix of them; see `prepare`.

    The order of the sources does not matter: they are taken by their names. A document that two sources have counts
    for the first. Byte pairs are learnt from the mix.

    Args:
        sources: files or folders of text, or "fineweb-edu-sample", with their shares.
        vocab_size: as in `prepare`.
        tokenizer: as in `prepare`.
        text_field: as in `prepare`; of all sources.
        cache: as in `prepare`.
        progress: as in `prepare`.

    Raises:
        BudgetscopeError: as in `prepare`, or a source holds tokens.
    """
    report = progress or (lambda _: None)
    root = cache or corpora_cache()
    chosen = choose_tokenizer(tokenizer, vocab_size)
    for source in sources:
        path = Path(source.name).expanduser()
        if holds_tokens(path) or is_raw_tokens(path):
            raise UsageError(f"--data {source.name!r} holds tokens, and a mix is made of text; give text, or it alone.")
    texts = [(_text(source.name, root, report), source) for source in sources]
    titles = Counter(text.title for text, _ in texts)
    named = [
        (dataclasses.replace(text, title=_longer_title(source.name)) if titles[text.title] > 1 else text, source.share)
        for text, source in texts
    ]
    return _cached(TextPlan(sorted(named, key=lambda part: part[0].title), chosen, text_field), root, report)


def _text(source: str, root: Path, report: Report) -> Source:
    if source == FINEWEB_EDU_SAMPLE:
        return fineweb_edu(root / "downloads", report)
    return from_path(Path(source).expanduser())


def _longer_title(name: str) -> str:
    """Return the name of a source with that of its folder, where two sources have the same name."""
    path = Path(name).expanduser().absolute()
    return printable(f"{path.parent.name}/{path.name}")


def holds_tokens(path: Path) -> bool:
    """Return whether a path is a token file of budgetscope or a prepared folder."""
    return is_token_file(path) or is_token_file(path / TOKENS_NAME)


def _opened(path: Path, vocab_size: int | None, report: Report) -> Corpus:
    """Open prepared tokens, perhaps from another machine."""
    corpus = open_tokens(path, report)
    if vocab_size not in {None, corpus.vocab_size}:
        raise UsageError(
            f"{str(path)!r} was prepared with a vocabulary of {corpus.vocab_size}, not {vocab_size}; leave it out."
        )
    check_size(corpus.title, len(corpus.train))
    return corpus


def _cached(plan: Plan, root: Path, report: Report) -> Corpus:
    """Return the cached result of a plan, found by the stamps or the content of its files, or build it."""
    stamps = _stamps(plan.files)
    key = hash_of([plan.settings, stamps])
    if known := _remembered(root, key, report):
        return _titled(known, plan)
    plan.check()
    digests = _hash_files(plan.files, report)
    folder = root / hash_of([FORMAT, plan.settings, hash_of(digests)])[:32]
    lock = folder.with_suffix(".lock")
    with held(lock, lambda: report(Progress(N_("waiting for another budgetscope that prepares this text"), 0, 0))):
        corpus = _whole(folder, report)
        if corpus is None:
            _build(plan, folder, digests, stamps, report)
            corpus = open_tokens(folder, report)
    _remember(root, key, folder)
    return _titled(corpus, plan)


def _titled(corpus: Corpus, plan: Plan) -> Corpus:
    return dataclasses.replace(corpus, meta=dataclasses.replace(corpus.meta, title=plan.title))


def _build(plan: Plan, folder: Path, digests: list[str], stamps: list[Any], report: Report) -> None:
    """Fill a folder, `meta.json` last; delete it on failure."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with writing(folder):
            folder.mkdir(parents=True)
        try:
            meta, header = plan.build(folder, digests, report)
        except (BudgetscopeError, OSError):
            # Of a file that was cut meanwhile anything may be said.
            _check_unchanged(plan, stamps)
            raise
        _check_unchanged(plan, stamps)
        write_atomically(folder / META_NAME, write_meta(meta, header))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _check_unchanged(plan: Plan, stamps: list[Any]) -> None:
    for before, after in zip(stamps, _stamps(plan.files), strict=True):
        if before != after:
            raise changed(before[0])


def _whole(folder: Path, report: Report) -> Corpus | None:
    """Return a prepared corpus, or None if it is missing, incomplete or damaged."""
    with contextlib.suppress(FailureError):
        return open_tokens(folder, report)
    return None


def _stamps(files: tuple[Path, ...]) -> list[Any]:
    """Return path, size and modification time of each file: equal stamps mean unchanged files."""
    try:
        found = [(file, file.stat()) for file in files]
    except OSError as error:
        raise unreadable(Path(error.filename), error) from None
    return [[str(file.absolute()), stat.st_size, stat.st_mtime_ns] for file, stat in found]


def _hash_files(files: tuple[Path, ...], report: Report) -> list[str]:
    """Return the SHA-256 of each file."""
    digests, done = [], 0
    total = sum(size for _, size, _ in _stamps(files))
    for path in files:
        digest = hashlib.sha256()
        try:
            with open_file(path) as file:
                while block := file.read(_HASH_BYTES):
                    digest.update(block)
                    done += len(block)
                    report(Progress(N_("hashing"), done, total))
        except OSError as error:
            raise unreadable(path, error) from None
        digests.append(digest.hexdigest())
    return digests


def _index(root: Path, key: str) -> Path:
    return root / "index" / f"{key}.json"


def _remembered(root: Path, key: str, report: Report) -> Corpus | None:
    try:
        return _whole(Path(json.loads(read_text(_index(root, key), _INDEX_LIMIT_BYTES))), report)
    except (FailureError, ValueError, TypeError):
        return None


def _remember(root: Path, key: str, path: Path) -> None:
    write_atomically(_index(root, key), json.dumps(str(path)) + "\n")
