"""Sentences of known meaning are read as that meaning or refused; damaged ones are refused or read back in full."""

import random

import pytest
from tests.budget_sentences import fault, fault_of_slip, is_refused, sentence, slip
from tests.sizes import scaled

from budgetscope.core.budget.parse import parse_budget
from budgetscope.core.budget.phrases import read_phrases

SEED = 20261130


def test_a_sentence_is_read_as_what_it_means() -> None:
    rng = random.Random(SEED)
    said = [sentence(rng) for _ in range(scaled(3000))]
    assert [found for each in said if (found := fault(each))] == []
    refused = [each.text for each in said if is_refused(each.text)]
    assert len(refused) <= len(said) / 100, refused


def test_a_slip_is_refused_or_read_back_in_full() -> None:
    rng = random.Random(SEED)
    texts = [slip(rng, sentence(rng).text) for _ in range(scaled(3000))]
    assert [found for text in texts if (found := fault_of_slip(text))] == []
    assert 0.1 < sum(map(is_refused, texts)) / len(texts) < 0.9


@pytest.mark.parametrize("text", ["64 H100 14d 500", "$1-2M H100", "64 H100 1,5 weeks", "64 H100 14d 10%"])
def test_the_oracle_finds_what_a_careless_parser_would_take(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fault_of_slip(text) is None
    careless = "64 H100 14d"
    monkeypatch.setattr("tests.budget_sentences.read_phrases", lambda _, names: read_phrases(careless, names))
    monkeypatch.setattr("tests.budget_sentences.parse_budget", lambda _, names: parse_budget(careless, names))
    assert fault_of_slip(text)
