"""Runs with published results, read from the files of their trainers."""

from pathlib import Path

import pytest
from tests.published_runs import RUNS, Published

from budgetscope.core.audit.run import ObservedRun
from budgetscope.store.configs.read import read_runs


def written(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def read_one(folder: Path, published: Published) -> ObservedRun:
    main = next(iter(published.files))
    path = written(folder, published.files)
    (run,) = read_runs([path if main == "config.json" else path / main])
    return run


def n_params(run: ObservedRun) -> float:
    """Weights of blocks and head."""
    assert run.depth
    assert run.width
    assert run.d_ff
    assert run.n_heads
    assert run.n_kv_heads
    assert run.head_dim
    assert run.vocab_size
    attention = 2 * run.width * run.head_dim * (run.n_heads + run.n_kv_heads)
    return run.depth * (attention + (3 if run.gated else 2) * run.width * run.d_ff) + run.vocab_size * run.width


@pytest.mark.parametrize("name", RUNS)
def test_a_published_run_is_read_as_it_was_published(name: str, tmp_path: Path) -> None:
    published = RUNS[name]
    run = read_one(tmp_path, published)
    assert run.trainer == published.trainer
    assert n_params(run) == pytest.approx(published.n_params, rel=0.01)
    assert run.tokens == pytest.approx(published.tokens, rel=0.005)
    assert run.batch_tokens == pytest.approx(published.batch_tokens, rel=0.005)
    assert run.learning_rate == published.learning_rate
    assert run.warmup_tokens is not None
    assert run.tokens is not None
    assert run.warmup_tokens == pytest.approx(published.warmup_tokens, rel=0.01)
    assert run.warmup_tokens / run.tokens == pytest.approx(published.share, rel=0.05)
    assert run.steps == pytest.approx(published.tokens / published.batch_tokens, rel=0.01)


@pytest.mark.parametrize("name", RUNS)
def test_each_value_has_its_evidence(name: str, tmp_path: Path) -> None:
    run = read_one(tmp_path, RUNS[name])
    from_files = {*RUNS[name].files}
    for attribute, evidence in run.evidence.items():
        assert getattr(run, attribute) is not None
        # What follows from values of several files is of none.
        assert evidence.file in from_files or (evidence.file == "" and len(from_files) > 1)
        assert evidence.text
        assert evidence.text.isprintable()


def test_what_a_script_only_knows_when_it_runs_is_not_known(tmp_path: Path) -> None:
    run = read_one(tmp_path, RUNS["llm-jp-3-1.8b"])
    # MIN_LR comes from a command, which is not executed; a default of the trainer would be false.
    assert run.min_learning_rate is None
    assert run.n_devices == 128
    assert run.tokenizer == "code10k.model"
    # 99487 to a multiple of 128.
    assert run.vocab_size == 99584
    assert run.evidence["vocab_size"].text == "128 x ceil(99487 / 128)"
    assert any("99584" in remark for remark in run.remarks)


def test_the_decay_of_megatron_ends_at_lr_decay_iters_which_include_warmup(tmp_path: Path) -> None:
    run = read_one(tmp_path, RUNS["llm-jp-3-1.8b"])
    assert run.decay_tokens == (988240 - 2000) * 512 * 4096


def test_arithmetic_of_several_steps_is_shown_whole(tmp_path: Path) -> None:
    run = read_one(tmp_path, RUNS["pythia-410m"])
    assert run.evidence["warmup_tokens"].key == "warmup"
    assert run.evidence["warmup_tokens"].text == "0.01 x 143000 = 1430; 1430 x 1024 x 2048"
    assert run.evidence["batch_sequences"].text == "32 x 1 x 32 = 1024"


def test_the_feed_forward_width_of_olmo_is_half_of_what_is_written(tmp_path: Path) -> None:
    run = read_one(tmp_path, RUNS["olmo2-1b"])
    assert run.d_ff == 8192
    assert run.evidence["d_ff"].text == "8 x 2048 / 2"
    assert run.vocab_size == 100352
    assert run.tokens == 4e12
    assert run.decay_tokens == 5e12 - 8388608000
    assert "somebody" not in repr(run)
