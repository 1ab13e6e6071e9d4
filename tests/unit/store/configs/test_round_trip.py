"""Every recipe that is written is read back: the values read are those of the training setup."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.asking import ADVISOR

from budgetscope.api import PlanRequest
from budgetscope.core.answers.training_setup import TrainingSetup
from budgetscope.core.audit.run import ObservedRun
from budgetscope.core.counting.ledger import Shape, default_d_ff
from budgetscope.core.hardware.memory import Layout, Regime
from budgetscope.core.trainers import TRAINERS
from budgetscope.report.recipes.page import TrainerRecipe, trainer_recipe
from budgetscope.report.recipes.targets import TARGETS
from budgetscope.store.configs.read import read_command, read_runs

GROUPED = Shape(depth=8, width=512, d_ff=1408, n_heads=8, n_kv_heads=4, vocab_size=50432, seq_len=2048)
SHAPE = ("depth", "width", "d_ff", "n_heads", "n_kv_heads", "vocab_size", "tied", "seq_len")
# What a trainer cannot express, as its recipe says: it is read as the trainer's own, or not at all.
NANOCHAT_LOSES = (
    "d_ff",
    "n_kv_heads",
    "vocab_size",
    "tied",
    "learning_rate",
    "beta1",
    "beta2",
    "eps",
    "weight_decay",
    "clip",
)
LOST = {"nanochat": NANOCHAT_LOSES, "open_lm": ("n_kv_heads", "d_ff", "micro_sequences")}


def setups(name: str) -> dict[str, TrainingSetup]:
    small = ADVISOR.trainer_recipe(ADVISOR.answer(PlanRequest("1e18")), name).setup
    large = ADVISOR.trainer_recipe(ADVISOR.answer(PlanRequest("64xH100 14d")), name).setup
    return {"one device": small, "64 devices": large, "grouped heads": replace(small, shape=GROUPED)}


def written(folder: Path, recipe: TrainerRecipe) -> Path:
    folder.mkdir()
    for file, text in recipe.files:
        (folder / file).write_text(text, encoding="utf-8")
    return folder


def wanted(setup: TrainingSetup, name: str) -> dict[str, Any]:
    layout, batch = setup.layout, setup.batch_tokens
    values: dict[str, Any] = {each: getattr(setup.shape, each) for each in SHAPE}
    values |= {
        "head_dim": setup.shape.width // setup.shape.n_heads,
        "gated": name != "nanochat",
        "batch_sequences": setup.batch_sequences,
        "micro_sequences": layout.micro_sequences,
        "steps": setup.steps,
        "tokens": setup.tokens,
        "warmup_tokens": setup.warmup_steps * batch,
        "decay_tokens": setup.decay_steps * batch,
        "schedule": "wsd",
        "precision": "bf16",
        "min_learning_rate": 0.0,
        **{each: getattr(setup, each) for each in ("learning_rate", "beta1", "beta2", "eps", "weight_decay", "clip")},
    }
    if name == "litgpt":
        # A cosine is all it has.
        values |= {"schedule": "cosine", "decay_tokens": (setup.steps - setup.warmup_steps) * batch}
    if name == "open_lm":
        # It counts in epochs, of which each ends with a checkpoint.
        interval = setup.checkpoint_interval
        steps, decay = round(setup.steps / interval) * interval, round(setup.decay_steps / interval) * interval
        values |= {"steps": steps, "tokens": steps * batch, "decay_tokens": decay * batch}
    if name == "nanochat":
        del values["min_learning_rate"]
    return {key: value for key, value in values.items() if key not in LOST.get(name, ())}


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("case", ["one device", "64 devices", "grouped heads"])
def test_a_recipe_reads_back_as_its_setup(name: str, case: str, tmp_path: Path) -> None:
    setup = setups(name)[case]
    (run,) = read_runs([written(tmp_path / "recipe", trainer_recipe(TARGETS[name], setup, ""))])
    assert run.trainer == name
    expected = wanted(setup, name)
    if name == "nanochat" and case != "64 devices":
        # Its width is a multiple of its depth.
        expected = {key: value for key, value in expected.items() if key not in ("width", "n_heads")}
    assert {key: getattr(run, key) for key in expected} == pytest.approx(expected, rel=1e-9)
    assert {key for key in expected if key not in run.evidence} == set()
    assert run.unread == ()


@pytest.mark.parametrize("name", TARGETS)
def test_a_recipe_has_its_devices(name: str, tmp_path: Path) -> None:
    setup = setups(name)["64 devices"]
    (run,) = read_runs([written(tmp_path / "recipe", trainer_recipe(TARGETS[name], setup, ""))])
    # The command of Levanter names none: it takes all that there are.
    assert run.n_devices == (None if name == "levanter" else setup.layout.n_devices)
    if name != "levanter":
        assert run.accumulation == setup.layout.accumulation


def test_open_lm_computes_its_feed_forward_width(tmp_path: Path) -> None:
    setup = setups("open_lm")["grouped heads"]
    (run,) = read_runs([written(tmp_path / "recipe", trainer_recipe(TARGETS["open_lm"], setup, ""))])
    assert run.d_ff == default_d_ff(512) == 1536
    assert run.n_kv_heads == 8


def test_every_trainer_has_a_target_here() -> None:
    assert sorted(TARGETS) == sorted(trainer.name for trainer in TRAINERS)


def test_tensor_parallel_devices_share_a_micro_batch(tmp_path: Path) -> None:
    setup = setups("megatron")["64 devices"]
    layout = replace(setup.layout, tensor=4, data=setup.layout.n_devices // 4)
    changed = replace(setup, placed=replace(setup.placed, layout=layout))
    (run,) = read_runs([written(tmp_path / "recipe", trainer_recipe(TARGETS["megatron"], changed, ""))])
    assert isinstance(layout, Layout)
    assert run.n_devices == 64
    assert run.accumulation == pytest.approx(run.batch_sequences / run.micro_sequences / 16)  # type: ignore[operator]


def test_a_replicated_layout_reads_back(tmp_path: Path) -> None:
    setup = setups("torchtitan")["64 devices"]
    layout = replace(setup.layout, regime=Regime.DDP)
    changed = replace(setup, placed=replace(setup.placed, layout=layout))
    (run,) = read_runs([written(tmp_path / "recipe", trainer_recipe(TARGETS["torchtitan"], changed, ""))])
    assert run.accumulation == layout.accumulation


def test_a_script_given_as_text_is_the_same_run(tmp_path: Path) -> None:
    recipe = trainer_recipe(TARGETS["megatron"], setups("megatron")["64 devices"], "")
    (of_folder,) = read_runs([written(tmp_path / "recipe", recipe)])
    of_text = read_command(dict(recipe.files)["train.sh"])

    def numbers(run: ObservedRun) -> dict[str, Any]:
        return {each: getattr(run, each) for each in ObservedRun.__slots__ if each not in ("name", "evidence")}

    assert numbers(of_text) == numbers(of_folder)
    assert of_text.evidence["depth"].file == "command"
