"""Recipes for trainers: what each file says, what is told to be lost, and the traps of each trainer."""

import ast
import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.asking import ADVISOR, answer_where_known
from tests.sizes import examples

from budgetscope.api import PlanRequest
from budgetscope.core.answers.training_setup import INTERVALS, TrainingSetup
from budgetscope.core.counting.ledger import Shape
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.memory import Layout, Recompute, Regime
from budgetscope.core.trainers import TRAINERS, Quantity, amount
from budgetscope.report.recipes import levanter, megatron, nanochat, open_lm
from budgetscope.report.recipes.page import TrainerRecipe, recipe_told, trainer_recipe
from budgetscope.report.recipes.target import as_yaml, interval_lost
from budgetscope.report.recipes.targets import TARGETS, target, target_lines

GROUPED = Shape(depth=8, width=512, d_ff=1408, n_heads=8, n_kv_heads=4, vocab_size=50432, seq_len=2048)


def recipe(name: str, budget: str = "1e18", **options: Any) -> TrainerRecipe:
    return ADVISOR.trainer_recipe(ADVISOR.answer(PlanRequest(budget, **options)), name)


def files(made: TrainerRecipe) -> dict[str, str]:
    return dict(made.files)


def with_layout(setup: TrainingSetup, layout: Layout, **changes: Any) -> TrainingSetup:
    return replace(setup, placed=replace(setup.placed, layout=layout), **changes)


def of(name: str, setup: TrainingSetup) -> dict[str, str]:
    return files(trainer_recipe(target(name), setup, ""))


# Every target


def test_the_targets_are_the_trainers() -> None:
    assert sorted(TARGETS) == sorted(trainer.name for trainer in TRAINERS)
    assert len(target_lines()) == len(TARGETS) == 8


@pytest.mark.parametrize("name", TARGETS)
def test_a_recipe_names_its_version_its_date_and_all_that_it_loses(name: str) -> None:
    made = recipe(name)
    trainer, page = made.target.trainer, files(made)["README.md"].replace("\\", "")
    assert trainer.version in page
    assert trainer.read in page
    assert f"budgetscope export 1e18 --lang en --recipe {name} -o {name}-recipe\n" in page
    told = "\n".join(recipe_told(made))
    assert trainer.version in told
    assert made.lost
    main = " ".join("\n".join(text for other, text in made.files if other != "README.md").replace("#", " ").split())
    for text in made.lost:
        assert f"- {text}" in page
        assert text in told
        assert " ".join(text.split()) in main
    assert trainer.version in main


@pytest.mark.parametrize("name", TARGETS)
def test_the_page_has_every_number_that_the_trainer_has_a_key_for(name: str) -> None:
    made = recipe(name)
    page = files(made)["README.md"].replace("\\", "")
    for name_ in made.target.trainer.names.values():
        assert f"| {name_.key} |" in page


@pytest.mark.parametrize("name", TARGETS)
def test_every_key_of_a_trainer_stands_in_its_files(name: str) -> None:
    made = recipe(name)
    text = "".join(text for other, text in made.files if other != "README.md")
    layout = {Quantity.TENSOR, Quantity.PIPELINE, Quantity.CONTEXT, Quantity.N_KV_HEADS}
    for quantity, key in made.target.trainer.names.items():
        if quantity not in layout:
            last = key.key.removesuffix(".value").rsplit(".", 1)[-1]
            assert re.search(rf"{re.escape(last)}\b", text), key.key


@examples(25)
@given(
    flops=st.floats(15, 25),
    devices=st.sampled_from((1, 7, 8, 24, 64, 1000)),
    device=st.sampled_from(("h100-sxm", "a100-40gb", "t4", "mi300x")),
    name=st.sampled_from(sorted(TARGETS)),
)
def test_every_recipe_is_whole(flops: float, devices: int, device: str, name: str) -> None:
    answer = answer_where_known(f"{10**flops:.3g}", gpus=float(devices), device=device, law="hoffmann2022/approach-2")
    made = ADVISOR.trainer_recipe(answer, name)
    setup = made.setup
    assert setup.layout.batch_sequences == setup.batch_sequences == answer.plan.recipe.batch_sequences
    assert setup.layout.n_devices + setup.placed.idle == devices
    assert made.target.allowed(setup.layout)
    assert 0 <= setup.warmup_steps <= setup.decay_start <= setup.steps == answer.plan.run.steps
    assert (setup.tokens - setup.batch_tokens) < answer.plan.run.tokens <= setup.tokens
    assert setup.learning_rate * setup.weight_decay == pytest.approx(setup.weight_decay_independent, rel=1e-4)
    assert [each.step for each in setup.checkpoints][-1] == setup.steps
    for other, text in made.files:
        assert text.endswith("\n")
        assert "{" not in text or other.endswith((".json", ".py", ".sh", ".yaml", ".md"))
        if other.endswith(".py"):
            ast.parse(text)
        if other.endswith(".json"):
            json.loads(text)


@pytest.mark.parametrize("name", ["megatron", "nanochat", "open_lm"])
def test_a_script_is_one_that_bash_reads(name: str) -> None:
    script = files(recipe(name, "64 x H100 for 14 days"))["train.sh"]
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False, capture_output=True).stderr == ""


def test_a_model_that_fits_no_layout_of_the_trainer_is_told() -> None:
    made = recipe("litgpt", "N=400B", device="h100-sxm", gpus=8.0)
    assert not made.setup.fits
    assert any("No layout of this trainer leaves 10% of the memory free" in line for line in recipe_told(made))


def test_equal_intervals_meet_the_plans_checkpoints() -> None:
    setup = recipe("torchtitan").setup
    even = replace(setup, steps=INTERVALS * 50, checkpoints=tuple(
        replace(each, step=int(INTERVALS * 50 * share))
        for each, share in zip(setup.checkpoints, (1 / 8, 1 / 4, 1 / 2, 4 / 5, 1), strict=True)
    ))  # fmt: skip
    assert even.checkpoint_interval == 50
    assert interval_lost(even) == ()
    assert "miss them by 0.17% at most" in interval_lost(setup)[0]


def test_a_recipe_of_no_such_trainer_is_refused() -> None:
    with pytest.raises(UsageError, match=r"'keras' is not a recipe; choose one of huggingface, torchtitan, megatron"):
        target("keras")


def test_a_model_without_a_shape_has_no_recipe() -> None:
    with pytest.raises(UsageError, match="no shape is given"):
        recipe("torchtitan", "1e32", law="hoffmann2022/approach-2")


# The names and units of trainers


def test_an_amount_is_in_the_unit_that_is_asked() -> None:
    setup = recipe("megatron").setup
    for trainer in TRAINERS:
        for quantity, name in trainer.names.items():
            amount(setup, quantity, name.unit)
    assert amount(setup, Quantity.BATCH, TRAINERS[5].names[Quantity.BATCH].unit) == setup.batch_tokens


def test_yaml_has_no_number_that_a_reader_takes_for_a_text() -> None:
    assert as_yaml({"eps": 1e-08, "lr": 0.001, "n": 2, "deep": {"on": True, "of": [1, 2]}}) == (
        "eps: 1.0e-08\nlr: 0.001\nn: 2\ndeep:\n  on: true\n  of: [1, 2]\n"
    )  # fmt: skip


# Traps


def test_hugging_face_keeps_fp32_weights_and_decays_linearly() -> None:
    made = files(recipe("huggingface"))
    config, arguments = json.loads(made["config.json"]), json.loads(made["training_args.json"])
    assert config["dtype"] == "float32", "bfloat16 would leave no fp32 masters"
    assert arguments["bf16"] is True
    assert "warmup_ratio" not in arguments
    assert isinstance(arguments["warmup_steps"], int), "below 1 it is a share"
    assert arguments["lr_scheduler_kwargs"]["decay_type"] == "linear", "a cosine unless told"
    assert "SEQ_LEN = 2048" in made["train.py"], "no file of Transformers has it"
    assert arguments["save_strategy"] == "no"
    assert "SAVE_AFTER = (579, 1159, 2317, 3707, 4635)" in made["train.py"]
    assert "N_PARAMS = 143666208" in made["train.py"], "config.json takes typing errors without a word"


def test_hugging_face_trains_in_fp16_where_the_device_has_no_bf16() -> None:
    arguments = json.loads(files(recipe("huggingface", "1e17", device="t4"))["training_args.json"])
    assert (arguments["bf16"], arguments["fp16"]) == (False, True)


@pytest.mark.parametrize("name", TARGETS)
def test_a_plan_in_fp8_trains_in_bf16_and_says_so(name: str) -> None:
    made = recipe(name, "64 H100 at 25% MFU in fp8 for 1 day")
    assert "fp8: the recipe trains in bf16" in made.lost
    text = "".join(text for other, text in made.files if other != "README.md")
    assert "fp8" not in text.replace("fp8: the recipe trains in", "").replace("fp8 for 1", "").replace("in fp8", "")


def test_torchtitan_saves_and_keeps() -> None:
    module = files(recipe("torchtitan"))["recipe.py"]
    assert "enable=True" in module, "it saves nothing unless told"
    assert "keep_latest_k=0" in module, "it keeps ten unless told"
    assert "decay_ratio=928 / 4635" in module
    assert "fp16: the recipe trains in bf16" in recipe("torchtitan", "1e17", device="t4").lost


def test_megatron_decays_linearly_and_pads_the_vocabulary_least() -> None:
    made = recipe("megatron")
    script = files(made)["train.sh"]
    assert "--lr-wsd-decay-style linear" in script, "exponential unless told"
    assert "--decoupled-lr" not in script, "that is the rate of the embeddings, and no decay"
    assert f"--lr-decay-iters {made.setup.steps}\n" in script, "it includes the warmup"
    four = with_layout(made.setup, Layout(Regime.MEGATRON, 2, 4, sequence_parallel=True))
    assert megatron.padding(four) == 64, "50,432 = 394 x 128 and is no multiple of 512"
    assert not [text for text in trainer_recipe(target("megatron"), four, "").lost if "vocabulary" in text]
    odd = replace(four, shape=replace(four.shape, vocab_size=50_257))
    assert any("50,257: 4 devices share 50,260 rows" in t for t in trainer_recipe(target("megatron"), odd, "").lost)
    assert "--num-query-groups 4" in of("megatron", replace(four, shape=GROUPED))["train.sh"]


def test_litgpt_has_a_cosine_and_its_own_rounding() -> None:
    made = recipe("litgpt")
    text = files(made)["pretrain.yaml"]
    assert any("WSD" in lost for lost in made.lost)
    assert "padded_vocab_size: 50432" in text, "rounded up to 50,688 unless told"
    assert "model_name:" in text, "required beside model_config"
    assert "rotary_percentage: 1.0" in text, "a quarter unless told"
    assert f"max_tokens: {made.setup.tokens}\n" in text


def test_litgpt_tells_that_it_shards_within_a_node() -> None:
    assert any("the 8 devices of one" in lost for lost in recipe("litgpt", "64 x H100 for 14 days").lost)
    assert not any("devices of one" in lost for lost in recipe("litgpt").lost)


def test_the_page_tells_to_start_on_every_node() -> None:
    page = files(recipe("torchtitan", "64 x H100 for 14 days"))["README.md"]
    assert "torchrun --nnodes 8 --nproc-per-node 8" in page
    assert "Start it on each of the 8 nodes" in page


def test_the_how_to_shows_a_recipe_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs/howto/recipes.md").read_text(encoding="utf-8")
    assert f"```yaml\n{files(recipe('litgpt'))['pretrain.yaml']}```" in page


def test_nanochat_loses_what_its_depth_sets() -> None:
    made = recipe("nanochat")
    lost = " ".join(made.lost)
    for word in ("learning rate", "betas", "weight decay", "feed-forward", "vocabulary"):
        assert word in lost
    script = files(made)["train.sh"]
    assert not re.search(r"--(matrix|embedding|unembedding|scalar)-lr|--weight-decay", script)
    assert "--window-pattern=L" in script, "sliding windows unless told"
    assert f"--total-batch-size={made.setup.batch_tokens} " in script
    assert nanochat.model_width(made.setup) == made.setup.shape.width


def test_nanochat_tells_a_width_that_it_cannot_have() -> None:
    setup = recipe("nanochat").setup
    deep = replace(setup, shape=replace(setup.shape, depth=50, width=96, n_heads=6, n_kv_heads=6))
    width = nanochat.model_width(deep)
    assert width != 96
    assert any(f"the width 96: with 50 layers and heads of 16 it is {width}" in text
               for text in trainer_recipe(target("nanochat"), deep, "").lost)  # fmt: skip


def test_olmo_core_counts_tokens_and_keeps_all_checkpoints() -> None:
    script = files(recipe("olmo-core"))["train.py"]
    assert "global_batch_size=160 * SEQ_LEN" in script
    assert "rank_microbatch_size=4 * SEQ_LEN" in script
    assert "decay_fraction=928 / 4635" in script
    assert "max_checkpoints=None" in script, "three unless told"
    assert "hidden_size=1792" in script, "of gate and up each"


def test_levanter_takes_a_phase_of_one_step_for_the_whole_run() -> None:
    assert levanter.phase(336, 4635) == 336
    share = levanter.phase(1, 4635)
    assert 0 < share < 1
    assert int(share * 4635) == 1
    assert levanter.phase(0, 4635) == 0
    text = files(recipe("levanter"))["train_lm.yaml"]
    assert 'weight_decay_modules: ".*"' in text, "norms and embeddings are spared unless told"


def test_open_lm_runs_whole_epochs_with_a_feed_forward_width_of_its_own() -> None:
    made = recipe("open_lm")
    assert open_lm.epochs(made.setup) == (80, 16)
    assert "4,635 steps: whole epochs have 4,640" in made.lost
    other = trainer_recipe(made.target, replace(made.setup, shape=replace(GROUPED, d_ff=1400)), "")
    assert "the feed-forward width 1,400: it is 1,536" in other.lost
    assert "4 key-value heads: it has 8" in other.lost
    lean = with_layout(made.setup, Layout(Regime.FSDP2, 8, recompute=Recompute.FULL))
    assert "--fsdp-amp" in of("open_lm", lean)["train.sh"]
    assert "--grad-checkpointing" in of("open_lm", lean)["train.sh"]
