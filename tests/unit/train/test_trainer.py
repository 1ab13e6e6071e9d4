"""The trainer of a worker: where it finds the data of its run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.unit.train.conftest import SHAPE

from budgetscope.calibrate.corpus.model import TOKENS_NAME, Corpus
from budgetscope.calibrate.corpus.prepare import prepare
from budgetscope.calibrate.plan.design import Design
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.prepare import corpus_facts, prepare_data_again
from budgetscope.calibrate.train import trainer as trainer_module
from budgetscope.calibrate.train.trainer import StackTrainer
from budgetscope.core.errors import FailureError


def prepared(tmp_path: Path, seed: int = 0) -> Corpus:
    letters = np.random.default_rng(seed).integers(97, 123, 400_000).astype(np.uint8)
    letters[::400] = 10
    letters[1::400] = 10
    path = tmp_path / f"{seed}.txt"
    path.write_bytes(letters.tobytes())
    return prepare(str(path), tokenizer="bytes")


def spec_of(corpus: Corpus, *, built_in: bool) -> Spec:
    facts = replace(corpus_facts(corpus, built_in=built_in), path="/gone")
    design = Design("smoke", 257, SHAPE.seq_len, (), (), (), (0,), (0.99,))
    return Spec(1, "a-run", "", "mine/a", "cpu", None, facts, design, 1.0, "0")


def test_built_in_text_is_prepared_again_when_its_cache_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = prepared(tmp_path)
    spec = spec_of(corpus, built_in=True)
    monkeypatch.setattr(trainer_module, "prepare", lambda source, **_: corpus if source is None else None)
    trainer = StackTrainer(spec, "cpu", None)
    assert len(trainer._tokens.train) == len(corpus.train)
    other = prepared(tmp_path, 1)
    monkeypatch.setattr(trainer_module, "prepare", lambda *_, **__: other)
    with pytest.raises(FailureError, match="is not what run 'a-run' began with: they have changed since"):
        StackTrainer(spec, "cpu", None)


def test_data_of_the_users_that_is_gone_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(FailureError, match=r"cannot be used .*'/gone'.* name its text again with --data"):
        StackTrainer(spec_of(prepared(tmp_path), built_in=False), "cpu", None)


def test_damaged_tokens_are_refused_until_their_text_is_named_again(tmp_path: Path) -> None:
    corpus = prepared(tmp_path)
    facts = corpus_facts(corpus)
    spec = replace(spec_of(corpus, built_in=False), corpus=facts)
    file = corpus.path / TOKENS_NAME
    with file.open("rb+") as tokens:
        tokens.seek(file.stat().st_size // 2)
        tokens.write(bytes(file.stat().st_size // 2))
    with pytest.raises(FailureError, match=r"corpus\.tokens' is damaged \(its checksum differs\)\); name its text"):
        StackTrainer(spec, "cpu", None)
    again = prepare_data_again(spec, (str(tmp_path / "0.txt"),), None, on_corpus=lambda _: None)
    assert len(StackTrainer(spec, "cpu", str(again.path))._tokens.train) == facts.train_tokens
