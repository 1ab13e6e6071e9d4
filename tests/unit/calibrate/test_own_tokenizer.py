"""A tokenizer of the user: its ids, its cache, its refusals, and a run that is resumed with it."""

import json
import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.planted_run import planted_spec

from budgetscope.calibrate.corpus.model import Corpus
from budgetscope.calibrate.corpus.prepare import prepare
from budgetscope.calibrate.corpus.tokenizer import CONFIG_NAME, TOKENIZER_NAME
from budgetscope.calibrate.prepare import corpus_facts, prepare_data_again
from budgetscope.core.errors import FailureError, UsageError

library = pytest.importorskip("tokenizers")

WORDS = ["alpha", "beta", "gamma", "delta", "epsilon"]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = random.Random(0)
    path = tmp_path_factory.mktemp("text") / "words.jsonl"
    lines = (json.dumps({"text": f"{n} " + " ".join(rng.choices(WORDS, k=400))}) for n in range(250))
    path.write_text("\n".join(lines))
    return path


def words(folder: Path, *added: str, truncated: bool = False) -> Path:
    """Write a tokenizer with an id a word, one for the rest, and added tokens; return its folder."""
    table = library.Tokenizer(
        library.models.WordLevel({word: k for k, word in enumerate([*WORDS, "?"])}, unk_token="?")  # noqa: S106
    )
    table.pre_tokenizer = library.pre_tokenizers.Whitespace()
    table.add_special_tokens(list(added))
    if truncated:
        table.enable_truncation(8)
        table.enable_padding(length=16)
    folder.mkdir()
    table.save(str(folder / TOKENIZER_NAME))
    return folder


def by(tokenizer: Path, text: Path, cache: Path) -> Corpus:
    return prepare(str(text), tokenizer=str(tokenizer), cache=cache)


def test_vocabulary_counts_added_tokens_and_a_usual_end_ends_documents(text: Path, tmp_path: Path) -> None:
    own = words(tmp_path / "lab", "<pad>", "</s>", truncated=True)
    corpus = by(own, text, tmp_path / "cache")
    assert (corpus.vocab_size, corpus.end_token) == (8, 7)
    assert corpus.meta.tokenizer == "lab"
    everything = np.concatenate([corpus.validation, corpus.train])
    assert (everything == 7).sum() == 250
    assert not (everything == 6).any()
    # The number that begins a document, its 400 words, and its end: nothing is padded or truncated.
    assert np.diff(np.flatnonzero(everything == 7)).tolist() == [402] * 249


def test_end_of_document_is_the_named_one_or_one_more(text: Path, tmp_path: Path) -> None:
    own = words(tmp_path / "named", "</s>", "<stop>")
    (own / CONFIG_NAME).write_text(json.dumps({"eos_token": {"content": "<stop>"}}))
    named = by(own, text, tmp_path / "cache")
    assert (named.vocab_size, named.end_token) == (8, 7)
    without = by(words(tmp_path / "without"), text, tmp_path / "cache")
    assert (without.vocab_size, without.end_token) == (7, 6)
    # The copy beside the tokens gives the same tokens again.
    assert by(named.path, text, tmp_path / "other").sha256 == named.sha256


def test_cache_goes_by_the_content_of_the_file(text: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = by(words(tmp_path / "first", "</s>"), text, cache)
    again = by(words(tmp_path / "again", "</s>") / TOKENIZER_NAME, text, cache)
    other = by(words(tmp_path / "other", "</s>", "<x>"), text, cache)
    assert again.path == first.path
    assert other.path != first.path
    assert other.vocab_size == first.vocab_size + 1
    assert other.meta.tokenizer_sha256 != first.meta.tokenizer_sha256


def test_run_is_resumed_with_the_copy_or_the_named_file(text: Path, tmp_path: Path) -> None:
    own = words(tmp_path / "lab", "</s>")
    corpus = by(own, text, tmp_path / "cache")
    spec = replace(planted_spec(), corpus=corpus_facts(corpus))
    assert spec.corpus.tokenizer_sha256 == corpus.meta.tokenizer_sha256

    def again(spec: Any, tokenizer: Path | None = None) -> Corpus:
        return prepare_data_again(
            spec, (str(text),), None, None if tokenizer is None else str(tokenizer), on_corpus=lambda _: None
        )

    assert again(spec).sha256 == corpus.sha256
    elsewhere = replace(spec, corpus=replace(spec.corpus, path=str(tmp_path / "gone")))
    with pytest.raises(UsageError, match=r"began with the tokenizer lab; name its tokenizer\.json with --tokenizer"):
        again(elsewhere)
    assert again(elsewhere, own).sha256 == corpus.sha256
    with pytest.raises(UsageError, match=r"is not the data and .* its tokenizer that run"):
        again(elsewhere, words(tmp_path / "other", "<x>", "</s>"))
    with pytest.raises(UsageError, match="began with no tokenizer of your own; leave --tokenizer out"):
        again(planted_spec(), own)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "'bad' cannot be read .* give the tokenizer.json that Hugging Face's tokenizers writes"),
        ("no JSON", "'bad' cannot be read"),
        ("", "'bad' cannot be read"),
    ],
)
def test_file_that_is_no_tokenizer_is_refused(content: str, message: str, text: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=message):
        by(path, text, tmp_path / "cache")
    for none in (tmp_path / "none.json", text.parent):
        with pytest.raises(UsageError, match=r"is not a tokenizer; choose bpe or bytes, or name a tokenizer\.json"):
            by(none, text, tmp_path / "cache")


@pytest.mark.parametrize("content", [b"\n\x0e\n\x05<unk>\x15\x00\x00", b"\xff\xfe" + bytes(9000)])
def test_tokenizer_of_another_format_is_told_how_to_convert(content: bytes, text: Path, tmp_path: Path) -> None:
    path = tmp_path / "sp.model"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"sp\.model' is not a tokenizer\.json: it is binary, like the models of Sent"):
        by(path, text, tmp_path / "cache")


def test_vocabulary_that_tokens_cannot_hold_is_refused(text: Path, tmp_path: Path) -> None:
    own = words(tmp_path / "wide", "</s>")
    path = own / TOKENIZER_NAME
    record = json.loads(path.read_text())
    record["model"]["vocab"]["far"] = 1 << 20
    path.write_text(json.dumps(record))
    with pytest.raises(UsageError, match="'wide' needs 1048577 ids, and a calibration takes 3 to 1048576"):
        by(own, text, tmp_path / "cache")


def test_text_that_the_tokenizer_does_not_cover_is_refused(text: Path, tmp_path: Path) -> None:
    own = words(tmp_path / "narrow", "</s>")
    path = own / TOKENIZER_NAME
    record = json.loads(path.read_text())
    record["model"]["unk_token"] = "gone"  # noqa: S105
    path.write_text(json.dumps(record))
    with pytest.raises(UsageError, match=r"'narrow' cannot encode the text .* give one that covers it"):
        by(own, text, tmp_path / "cache")


def test_size_beside_a_file_and_a_missing_library_are_refused(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = words(tmp_path / "lab", "</s>")
    with pytest.raises(UsageError, match=r"vocabulary size 300 with .*: its file says its own; leave it out"):
        prepare(str(text), tokenizer=str(own), vocab_size=300, cache=tmp_path / "cache")

    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(FailureError, match=r"needs tokenizers: use --tokenizer bytes, or .* -m pip install "):
        by(own, text, tmp_path / "cache")
