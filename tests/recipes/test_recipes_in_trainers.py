"""Recipes read by their trainers' own parsers: the model that they build, their schedule, and what they understood.

They run by `just recipes` and skip elsewhere.
"""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.recipes.probing import probe, recipe

from budgetscope.core.answers.training_setup import TrainingSetup
from budgetscope.core.counting.ledger import Shape
from budgetscope.report.recipes.page import TrainerRecipe, trainer_recipe

GOLDEN = Shape(depth=8, width=512, d_ff=1408, n_heads=8, n_kv_heads=4, vocab_size=50432, seq_len=2048)
"""The shape of the facts that this project was given: 75,244,032 parameters with norms."""


def of_shape(name: str, shape: Shape, **options: Any) -> TrainerRecipe:
    """Return the recipe of a plan whose model is replaced; batch, steps and rate stay the plan's."""
    made = recipe(name, "1e18", **options)
    return trainer_recipe(made.target, replace(made.setup, shape=shape), "")


def ask(setup: TrainingSetup) -> str:
    """Return the steps at which a schedule is compared."""
    middle = (setup.warmup_steps + setup.decay_start) // 2
    late = setup.decay_start + setup.decay_steps // 2
    return json.dumps([0, setup.warmup_steps // 2, setup.warmup_steps, middle, setup.decay_start, late, setup.steps])


def wanted_rate(setup: TrainingSetup, step: int) -> float:
    if step < setup.warmup_steps:
        return setup.learning_rate * step / setup.warmup_steps
    return setup.learning_rate * min(1.0, (setup.steps - step) / setup.decay_steps)


def check_rates(setup: TrainingSetup, rates: dict[str, float], *, first: int) -> None:
    """Compare a schedule with the plan's; trainers differ by the step that they call the first one.

    Args:
        setup: of the plan.
        rates: by step.
        first: the steps of warmup that the rate of step 0 stands for.
    """
    assert rates["0"] == pytest.approx(setup.learning_rate * first / setup.warmup_steps)
    slack = 1.01 * setup.learning_rate / min(setup.warmup_steps, setup.decay_steps)
    for step, rate in rates.items():
        assert rate == pytest.approx(wanted_rate(setup, int(step)), abs=slack), step


def test_hugging_face(tmp_path: Path) -> None:
    made = of_shape("huggingface", GOLDEN)
    setup = made.setup
    found = probe("huggingface", made, tmp_path, stdin=ask(setup))
    assert found["n_params"] == 75_244_032 == setup.n_params + setup.n_params_norms
    assert found["dtypes"] == ["torch.float32"]
    assert found["arguments"]["bf16"] is True
    check_rates(setup, found["rates"], first=0)
    assert found["arguments"]["weight_decay"] == setup.weight_decay
    assert found["arguments"]["adam_beta2"] == setup.beta2
    assert found["arguments"]["max_grad_norm"] == setup.clip
    assert found["arguments"]["max_steps"] == setup.steps


def test_hugging_face_takes_the_sharded_layout(tmp_path: Path) -> None:
    made = recipe("huggingface", "64 x H100 for 14 days")
    found = probe("huggingface", made, tmp_path, stdin=ask(made.setup))
    assert found["arguments"]["fsdp"] is True
    assert found["n_params"] == made.setup.n_params + made.setup.n_params_norms


def test_hugging_face_trains_three_steps_and_keeps_a_checkpoint(tmp_path: Path) -> None:
    made = recipe("huggingface", "1e13", vocab=512, seq_len=128)
    found = probe("huggingface", made, tmp_path, "train", stdin=ask(made.setup))
    assert found["n_params"] == made.setup.n_params + made.setup.n_params_norms
    assert len(found["losses"]) == 2
    assert all(5.5 < loss < 7 for loss in found["losses"]), "ln 512 is 6.24"


def test_torchtitan(tmp_path: Path) -> None:
    made = of_shape("torchtitan", GOLDEN)
    setup = made.setup
    found = probe("torchtitan", made, tmp_path, stdin=ask(setup))
    assert found["n_params"] == 75_244_032
    check_rates(setup, found["rates"], first=1)
    pattern, optimizer, options = found["optimizer"]
    assert (pattern, optimizer) == (".*", "AdamW")
    assert options["betas"] == [setup.beta1, setup.beta2]
    assert options["weight_decay"] == setup.weight_decay
    assert options["eps"] == setup.eps
    assert found["training"] == {
        "seq_len": 2048, "global_batch_size": setup.batch_sequences, "local_batch_size": setup.layout.micro_sequences,
        "steps": setup.steps, "max_norm": setup.clip, "dtype": "float32",
    }  # fmt: skip
    assert found["degrees"][0] * found["degrees"][1] == setup.layout.data
    assert found["checkpoint"] == [True, setup.checkpoint_interval, 0, False]


def test_olmo_core(tmp_path: Path) -> None:
    made = of_shape("olmo-core", GOLDEN)
    setup = made.setup
    found = probe("olmo_core", made, tmp_path, stdin=ask(setup))
    assert found["n_params"] == found["built"] == 75_244_032
    assert found["dtypes"] == ["torch.float32"]
    check_rates(setup, found["rates"], first=0)
    assert found["optim"] == [[setup.beta1, setup.beta2], setup.eps, setup.weight_decay]
    assert found["batch"] == [setup.batch_tokens, setup.layout.micro_sequences * 2048, 2048]
    assert found["clip"] == setup.clip
    assert found["steps"] == [setup.steps, "steps"]
    assert found["checkpoints"] == [[each.step for each in setup.checkpoints], None]


def test_megatron(tmp_path: Path) -> None:
    made = of_shape("megatron", GOLDEN, gpus=1.0)
    setup = made.setup
    wheel = Path(os.environ.get("BUDGETSCOPE_RECIPES", "")) / "megatron"
    if os.environ.get("BUDGETSCOPE_RECIPES") and not wheel.exists():
        pytest.skip("Megatron-LM's wheel could not be had")
    found = probe("megatron", made, tmp_path, str(wheel), stdin=ask(setup))
    assert found["n_params"] == 75_244_032
    assert found["padded"] == GOLDEN.vocab_size
    check_rates(setup, found["rates"], first=0)
    assert found["arguments"] == {
        "micro_batch_size": setup.layout.micro_sequences, "global_batch_size": setup.batch_sequences,
        "train_iters": setup.steps, "adam_beta1": setup.beta1, "adam_beta2": setup.beta2, "adam_eps": setup.eps,
        "weight_decay": setup.weight_decay, "clip_grad": setup.clip, "bf16": True, "seq_length": 2048,
        "save_interval": setup.checkpoint_interval, "tensor_model_parallel_size": 1,
        "pipeline_model_parallel_size": 1, "use_distributed_optimizer": True, "sequence_parallel": False,
        "decoupled_lr": None,
    }  # fmt: skip


def test_litgpt(tmp_path: Path) -> None:
    made = of_shape("litgpt", GOLDEN)
    setup = made.setup
    found = probe("litgpt", made, tmp_path, stdin=ask(setup), home="litgpt")
    assert found["n_params"] == 75_244_032
    assert found["vocab"] == GOLDEN.vocab_size
    assert found["rotary"] == 64
    assert found["steps"] == setup.steps
    assert found["accumulation"] == setup.layout.accumulation
    assert found["optimizer"] == {
        "lr": setup.learning_rate, "betas": [setup.beta1, setup.beta2], "eps": setup.eps,
        "weight_decay": setup.weight_decay,
    }  # fmt: skip
    assert found["precision"] == "bf16-mixed"
    # A cosine to zero: half the rate in the middle of what follows the warmup.
    assert found["rates"]["0"] == 0
    assert found["rates"][str(setup.warmup_steps)] == pytest.approx(setup.learning_rate)
    assert found["rates"][str(setup.steps)] == pytest.approx(0, abs=1e-9)
    assert found["rates"][str(setup.decay_start)] < 0.2 * setup.learning_rate


def test_levanter(tmp_path: Path) -> None:
    made = of_shape("levanter", GOLDEN)
    setup = made.setup
    found = probe("levanter", made, tmp_path, stdin=ask(setup), home="levanter")
    assert found["n_params"] == 75_244_032
    check_rates(setup, found["rates"], first=0)
    assert found["optimizer"]["weight_decay"] == setup.weight_decay
    assert found["optimizer"]["beta2"] == setup.beta2
    assert found["optimizer"]["epsilon"] == setup.eps
    assert found["optimizer"]["max_grad_norm"] == setup.clip
    assert found["batch"] == [setup.batch_sequences, setup.layout.micro_sequences, 2048]
    assert found["keep"] == [{"every": each.step, "until": each.step} for each in setup.checkpoints]
    assert found["all_decay"] is True
