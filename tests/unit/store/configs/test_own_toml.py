"""Our own TOML of a run: its keys, its numbers, and what the page about it says."""

import re
from pathlib import Path

import pytest

from budgetscope.core.audit.run import QUANTITIES
from budgetscope.core.errors import UsageError
from budgetscope.store.configs.own import KEYS
from budgetscope.store.configs.read import read_runs

PAGE = Path(__file__).parents[4] / "docs/reference/audit-toml.md"


def refusal(tmp_path: Path, lines: str) -> str:
    path = tmp_path / "run.toml"
    path.write_text(f"[run]\n{lines}\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_runs([path])
    return str(caught.value)


def test_the_example_of_the_page_is_read(tmp_path: Path) -> None:
    found = re.search(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    path = tmp_path / "run.toml"
    path.write_text(found[1], encoding="utf-8")
    (run,) = read_runs([path])
    assert (run.name, run.trainer, run.depth, run.loss_unit) == ("Cerebras-GPT-111M", "toml", 10, "nats/token")
    assert run.tokens == 2.22e9
    assert run.warmup_tokens == 375e6
    assert run.batch_tokens == 120 * 2048
    assert run.steps == round(2.22e9 / (120 * 2048))
    assert run.decay_tokens == 2.22e9 - 375e6
    assert (run.counts_head, run.tuned_per_size, run.gated) == (True, False, False)
    assert run.evidence["tokens"].key == "run.tokens"
    assert run.evidence["tokens"].text == "2.22B"


def test_the_page_has_every_key() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [key for key in KEYS if f"`{key}`" not in text] == []
    assert set(QUANTITIES) <= set(KEYS)


def test_both_tokens_and_steps_stay_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('[run]\nsteps = 1000\ntokens = "1B"\nbatch_tokens = 524288\nseq_len = 1024', encoding="utf-8")
    (run,) = read_runs([path])
    assert (run.steps, run.tokens, run.batch_sequences) == (1000, 1e9, 512)


def test_several_runs_of_one_file(tmp_path: Path) -> None:
    path = tmp_path / "pair.toml"
    path.write_text('[[run]]\nname = "small"\nlearning_rate = 1e-3\n[[run]]\nlearning_rate = 2e-3', encoding="utf-8")
    runs = read_runs([path])
    assert [(run.name, run.learning_rate) for run in runs] == [("small", 1e-3), ("pair 2", 2e-3)]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("wdith = 3", "did you mean 'width'?"),
        ("zzz = 3", "its keys are name, trainer, depth"),
        ("width = 0", "must be above zero"),
        ("width = 3.5", "whole number"),
        ("width = -3", "must be above zero"),
        ("tokens = -1", "below zero"),
        ("tokens = 0", "must be above zero"),
        ("learning_rate = nan", "is not a number"),
        ("learning_rate = inf", "is not a number"),
        ('tokens = "many"', "is not a number"),
        ("beta2 = 1.0", "below 1"),
        ("gated = 3", "neither true nor false"),
        ("width = [1, 2]", "a table or a list"),
        ("warmup_tokens = -5", "below zero"),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(tmp_path: Path, lines: str, said: str) -> None:
    text = refusal(tmp_path, lines)
    assert said in text
    assert lines.split(" ", maxsplit=1)[0] in text
    assert "run.toml" in text


def test_malformed_toml_has_its_line(tmp_path: Path) -> None:
    assert "line 3" in refusal(tmp_path, "width = 3\nwidth = 4")
