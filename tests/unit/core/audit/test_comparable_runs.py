"""Whether runs can be compared: what is not said is never taken to be equal."""

from typing import Any

import pytest
from tests.audited_runs import counted

from budgetscope.core.audit.comparable import Aspect, Checklist, Standing, checklist

SAID: dict[str, Any] = {
    "tokenizer": "gpt2",
    "dataset": "refinedweb",
    "loss_unit": "nats/token",
    "tuned_per_size": True,
}
LARGER: dict[str, Any] = {"depth": 24, "width": 1024, "d_ff": 4096, "n_heads": 16, "n_kv_heads": 16}


def compared(first: dict[str, Any], second: dict[str, Any]) -> Checklist:
    return checklist([counted(**{**SAID, **first}), counted(**{**SAID, **second})])


def aspect(found: Checklist, code: str) -> Aspect:
    return next(each for each in found.aspects if each.code == code)


def test_runs_that_say_all_and_agree_can_be_compared() -> None:
    found = compared({}, {"name": "again"})
    assert found.comparable is True
    assert found.names == ("good", "again")
    assert found.of(Standing.ALIKE) == found.aspects


def test_two_sizes_each_tuned_can_be_compared_though_their_recipes_differ() -> None:
    larger = {**LARGER, "learning_rate": 2e-3, "batch_sequences": 512.0, "tokens": 6e9, "warmup_tokens": 3e8}
    found = compared({}, {**larger, "decay_tokens": 5.7e9, "weight_decay": 0.03})
    assert found.comparable is True


@pytest.mark.parametrize(
    ("code", "name", "other"),
    [
        ("counting", "counts_head", False),
        ("tuning", "tuned_per_size", False),
        ("decay", "schedule", "constant"),
        ("tokenizer", "tokenizer", "llama"),
        ("data", "dataset", "c4"),
        ("loss-unit", "loss_unit", "bits/byte"),
        ("seq-len", "seq_len", 4096),
        ("warmup", "warmup_tokens", 4e8),
        ("weight-decay", "weight_decay", 1.0),
    ],
)
def test_each_aspect_is_compared_and_what_is_not_said_is_not_equal(code: str, name: str, other: object) -> None:
    different = compared({}, {name: other})
    assert aspect(different, code).standing == Standing.DIFFERENT
    assert aspect(different, code).remedy
    assert different.comparable is False
    assert different.aspects[0].standing == Standing.DIFFERENT
    for unsaid in (compared({}, {name: None}), compared({name: None}, {name: None})):
        standing = aspect(unsaid, code).standing
        # Vocabularies of one size do not say that the tokenizers are one.
        assert standing == Standing.NOT_SAID
        assert unsaid.comparable is None


def test_short_warmups_are_alike_whatever_their_shares() -> None:
    found = compared({"warmup_tokens": 1e6}, {"warmup_tokens": 9e7})
    assert aspect(found, "warmup").standing == Standing.ALIKE


def test_one_learning_rate_for_two_sizes_is_no_tuning() -> None:
    unsaid = {"tuned_per_size": None}
    found = compared(unsaid, {**unsaid, **LARGER})
    assert aspect(found, "tuning").standing == Standing.DIFFERENT
    assert all(value.startswith("one for all sizes: lr ") for value in aspect(found, "tuning").values)
    same_size = compared(unsaid, unsaid)
    assert aspect(same_size, "tuning").standing == Standing.NOT_SAID


def test_decays_over_other_shares_of_the_run_differ() -> None:
    wsd = {"schedule": "wsd", "decay_tokens": 4e8}
    assert aspect(compared(wsd, {**wsd, "decay_tokens": 2e8}), "decay").standing == Standing.DIFFERENT
    assert aspect(compared(wsd, {**wsd, "decay_tokens": 4.2e8}), "decay").standing == Standing.ALIKE
    assert aspect(compared(wsd, {**wsd, "decay_tokens": None}), "decay").standing == Standing.NOT_SAID


def test_a_decay_to_another_end_differs() -> None:
    found = compared({"min_learning_rate": 0.0}, {"min_learning_rate": 3e-4})
    assert aspect(found, "decay").standing == Standing.DIFFERENT


def test_vocabularies_of_other_sizes_are_other_tokenizers_even_unnamed() -> None:
    unnamed = {"tokenizer": None}
    assert aspect(compared(unnamed, {**unnamed, "vocab_size": 128256}), "tokenizer").standing == Standing.DIFFERENT
    padded = compared(unnamed, {**unnamed, "vocab_size": 50304})
    assert aspect(padded, "tokenizer").standing == Standing.NOT_SAID
    assert aspect(compared({}, {"vocab_size": 50304}), "tokenizer").standing == Standing.ALIKE


def test_of_three_runs_one_that_differs_is_enough() -> None:
    runs = [counted(**SAID), counted(**{**SAID, "dataset": None}), counted(**{**SAID, "dataset": "c4"})]
    found = checklist(runs)
    assert aspect(found, "data").standing == Standing.DIFFERENT
    assert aspect(found, "data").values == ("refinedweb", "", "c4")


@pytest.mark.parametrize(
    ("first", "second", "standing"),
    [
        (("tokenizer.model", 32_000), ("tokenizer.model", 100_352), Standing.DIFFERENT),
        (("tokenizer.model", 50_257), ("tokenizer.model", 50_304), Standing.ALIKE),
        (("gpt2", 50_257), ("neox", 50_257), Standing.DIFFERENT),
        ((None, 50_257), (None, 50_257), Standing.NOT_SAID),
        ((None, 50_257), (None, 100_352), Standing.DIFFERENT),
    ],
)
def test_files_of_one_name_with_other_vocabularies_are_other_tokenizers(
    first: tuple[str | None, int], second: tuple[str | None, int], standing: Standing
) -> None:
    found = compared(*({"tokenizer": name, "vocab_size": size} for name, size in (first, second)))
    assert aspect(found, "tokenizer").standing == standing
