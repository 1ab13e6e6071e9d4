"""Each trainer's own ways: names, units, defaults and traps."""

import json
from pathlib import Path

import pytest

from budgetscope.core.audit.run import ObservedRun
from budgetscope.core.errors import UsageError
from budgetscope.store.configs.given import Given
from budgetscope.store.configs.read import read_command, read_runs

NOTHING = Given()


def read(folder: Path, name: str, text: str, given: Given = NOTHING) -> ObservedRun:
    (folder / name).write_text(text, encoding="utf-8")
    (run,) = read_runs([folder / name], given)
    return run


# Hugging Face

LLAMA = {
    "model_type": "llama", "num_hidden_layers": 22, "hidden_size": 2048, "intermediate_size": 5632,
    "num_attention_heads": 32, "num_key_value_heads": 4, "vocab_size": 32000, "max_position_embeddings": 4096,
}  # fmt: skip
ARGUMENTS = {
    "per_device_train_batch_size": 8, "gradient_accumulation_steps": 4, "max_steps": 1000, "learning_rate": 3e-4,
    "warmup_steps": 100, "lr_scheduler_type": "cosine", "bf16": True,
}  # fmt: skip


def test_the_longest_context_of_a_model_is_not_the_sequence_length_of_its_training(tmp_path: Path) -> None:
    run = read(tmp_path, "config.json", json.dumps(LLAMA))
    assert run.seq_len is None
    assert (run.depth, run.width, run.d_ff, run.n_heads, run.n_kv_heads, run.head_dim) == (22, 2048, 5632, 32, 4, 64)
    assert run.gated is True
    assert run.tied is False
    # There are no training arguments, so that none of their defaults is taken.
    assert run.learning_rate is None
    assert run.beta2 is None


def test_what_is_given_completes_the_tokens(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA), encoding="utf-8")
    (tmp_path / "training_args.json").write_text(json.dumps(ARGUMENTS), encoding="utf-8")
    (bare,) = read_runs([tmp_path])
    assert bare.steps == 1000
    assert bare.tokens is None
    assert bare.warmup_tokens is None
    assert bare.batch_sequences is None
    assert any("number of devices" in remark for remark in bare.remarks)
    (run,) = read_runs([tmp_path], Given(seq_len=1024, n_devices=16))
    assert run.batch_sequences == 8 * 4 * 16
    assert run.tokens == 1000 * 512 * 1024
    assert run.warmup_tokens == 100 * 512 * 1024
    assert run.decay_tokens == 900 * 512 * 1024
    assert run.evidence["seq_len"].file == "command"
    assert run.evidence["batch_sequences"].text == "8 x 4 x 16 = 512"


def test_two_halves_may_be_named_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA), encoding="utf-8")
    (tmp_path / "training_args.json").write_text(json.dumps(ARGUMENTS), encoding="utf-8")
    runs = read_runs([tmp_path / "config.json", tmp_path / "training_args.json"])
    assert [(run.depth, run.steps) for run in runs] == [(22, 1000)]


def test_the_trainer_has_defaults_that_matter(tmp_path: Path) -> None:
    run = read(tmp_path, "training_args.json", json.dumps({"max_steps": 10, "per_device_train_batch_size": 4}))
    assert run.beta2 == 0.999
    assert run.schedule == "linear"
    assert run.learning_rate == 5e-5
    assert run.weight_decay == 0
    assert "default of transformers" in run.evidence["beta2"].text


@pytest.mark.parametrize(
    ("arguments", "share"),
    [
        ({"warmup_ratio": 0.1}, 0.1),
        ({"warmup_ratio": 0.1, "warmup_steps": 0}, 0.1),
        ({"warmup_steps": 0.05}, 0.05),
        ({"warmup_ratio": 0.1, "warmup_steps": 20}, 0.02),
        ({}, 0.0),
    ],
)
def test_warmup_in_steps_or_as_a_share(tmp_path: Path, arguments: dict[str, float], share: float) -> None:
    values = {**ARGUMENTS, **arguments}
    if "warmup_steps" not in arguments:
        del values["warmup_steps"]
    run = read(tmp_path, "training_args.json", json.dumps(values), Given(seq_len=128, n_devices=1))
    assert run.warmup_tokens == pytest.approx(share * 1000 * 32 * 128)


def test_a_length_in_epochs_is_told_and_not_guessed(tmp_path: Path) -> None:
    values = {**ARGUMENTS, "max_steps": -1, "num_train_epochs": 3.0}
    run = read(tmp_path, "training_args.json", json.dumps(values), Given(seq_len=128, n_devices=1))
    assert run.steps is None
    assert run.tokens is None
    assert any("num_train_epochs = 3.0" in remark for remark in run.remarks)


def test_given_tokens_are_the_length_where_none_is_said(tmp_path: Path) -> None:
    values = {**ARGUMENTS, "max_steps": -1, "num_train_epochs": 3.0, "warmup_steps": 0.1}
    given = Given(seq_len=128, n_devices=1, tokens=4_096_000)
    run = read(tmp_path, "training_args.json", json.dumps(values), given)
    assert run.steps == 1000
    assert run.warmup_tokens == 409_600
    said = read(tmp_path, "training_args.json", json.dumps(ARGUMENTS), Given(seq_len=128, n_devices=1, tokens=1.0))
    assert said.tokens == 1000 * 32 * 128


@pytest.mark.parametrize(
    ("config", "d_ff", "gated", "tied"),
    [
        ({"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_head": 12, "n_inner": None}, 3072, False, True),
        ({"model_type": "gpt_neox", "num_hidden_layers": 6, "hidden_size": 8, "intermediate_size": 9}, 9, False, False),
        ({"model_type": "opt", "num_hidden_layers": 12, "hidden_size": 768, "ffn_dim": 3072}, 3072, False, True),
        ({"model_type": "gemma", "num_hidden_layers": 6, "hidden_size": 512, "intermediate_size": 9}, 9, True, True),
    ],
)  # fmt: skip
def test_names_of_older_models(tmp_path: Path, config: dict[str, object], d_ff: int, gated: bool, tied: bool) -> None:
    run = read(tmp_path, "config.json", json.dumps(config))
    assert (run.d_ff, run.gated, run.tied) == (d_ff, gated, tied)
    assert run.width == config.get("n_embd", config.get("hidden_size"))


def test_training_arguments_as_yaml(tmp_path: Path) -> None:
    text = "learning_rate: 1e-3\nmax_steps: 5_000\nper_device_train_batch_size: 2\nmax_seq_length: 512\nbf16: true\n"
    run = read(tmp_path, "training_args.yaml", text, Given(n_devices=4))
    assert run.learning_rate == 1e-3
    assert run.steps == 5000
    assert run.tokens == 5000 * 8 * 512
    assert run.precision == "bf16"


def test_a_command_line_of_its_scripts() -> None:
    run = read_command(
        "accelerate launch --num_processes 4 run_clm.py --model_type gpt2 --block_size 1024 --learning_rate 6e-4 "
        "--per_device_train_batch_size 16 --max_steps 100 --warmup_steps 10 --bf16 --dataset_name HuggingFaceFW/fineweb"
    )
    assert run.trainer == "huggingface"
    assert run.tokens == 100 * 64 * 1024
    assert run.dataset == "HuggingFaceFW/fineweb"
    assert run.n_devices == 4


def test_pickled_arguments_are_not_opened_and_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA), encoding="utf-8")
    (tmp_path / "training_args.bin").write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR.")
    (tmp_path / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    (run,) = read_runs([tmp_path])
    assert run.depth == 22
    assert any("training_args.bin is a pickle" in remark for remark in run.remarks)


# torchtitan

TOML = """
[job]
dump_folder = "./outputs"
[model]
name = "llama3"
flavor = "8B"
tokenizer_path = "./assets/tokenizer/tokenizer.model"
[optimizer]
name = "AdamW"
lr = 3e-4
eps = 1e-8
[training]
batch_size = 1
seq_len = 8192
warmup_steps = 200
max_norm = 1.0
steps = 1000
data_parallel_shard_degree = 64
dataset = "c4"
[lr_scheduler]
"""


def test_toml_of_torchtitan_tells_its_version_and_knows_published_shapes(tmp_path: Path) -> None:
    run = read(tmp_path, "llama3_8b.toml", TOML)
    assert run.trainer == "torchtitan"
    assert any("torchtitan 0.2.2 or before" in remark for remark in run.remarks)
    assert (run.depth, run.width, run.vocab_size) == (32, 4096, 128256)
    assert run.batch_sequences == 64
    assert run.warmup_tokens == 200 * 64 * 8192
    assert run.schedule == "linear"
    assert run.decay_tokens == 800 * 64 * 8192
    assert run.tokenizer == "tokenizer.model"
    assert run.unread == ()


def test_a_decay_of_part_of_the_run_is_wsd(tmp_path: Path) -> None:
    run = read(tmp_path, "a.toml", TOML + 'decay_ratio = 0.2\ndecay_type = "sqrt"\n')
    assert run.schedule == "wsd"
    assert run.decay_tokens == 200 * 64 * 8192


def test_an_unknown_flavor_has_no_shape_and_says_so(tmp_path: Path) -> None:
    run = read(tmp_path, "a.toml", TOML.replace("8B", "debugmodel"))
    assert run.depth is None
    assert run.vocab_size is None
    assert any("torchtitan's code" in remark for remark in run.remarks)


REGISTRY = """
from torchtitan.models.llama3 import model_registry
from torchtitan.config import TrainingConfig
from torchtitan.trainer import Trainer

GLOBAL = 4 * 16

def llama3_8b():
    return Trainer.Config(
        model_spec=model_registry("8B"),
        optimizer=default_adamw(lr=3e-4),
        training=TrainingConfig(local_batch_size=4, global_batch_size=GLOBAL, seq_len=8192, steps=1000),
    )
"""


def test_the_registry_of_torchtitan_is_read_by_its_calls(tmp_path: Path) -> None:
    run = read(tmp_path, "config_registry.py", REGISTRY)
    assert (run.depth, run.vocab_size, run.batch_sequences, run.learning_rate) == (32, 128256, 64, 3e-4)
    assert run.remarks == ()
    # Of the version that it is written for.
    assert "torchtitan 0.3.0" in run.evidence["beta2"].text


def test_a_module_of_several_configurations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has 2 configurations, llama3_8b, other; give a copy"):
        read(tmp_path, "config_registry.py", REGISTRY + "\ndef other():\n    return Trainer.Config()\n")


# Megatron

MEGATRON = (
    "pretrain_gpt.py --num-layers 4 --hidden-size 256 --num-attention-heads 4 --seq-length 512 --micro-batch-size 2 "
    "--global-batch-size 16 --lr 1e-3 "
)


def test_megatron_counts_samples_or_steps() -> None:
    run = read_command(MEGATRON + "--train-samples 16000 --lr-warmup-samples 1600 --lr-decay-samples 16000")
    assert run.steps == 1000
    assert run.tokens == 16000 * 512
    assert run.warmup_tokens == 1600 * 512
    assert run.decay_tokens == 14400 * 512


def test_the_warmup_fraction_of_megatron_is_of_the_decay() -> None:
    run = read_command(MEGATRON + "--train-iters 1000 --lr-decay-iters 2000 --lr-warmup-fraction 0.01")
    assert run.warmup_tokens == 20 * 16 * 512
    assert run.decay_tokens == 1980 * 16 * 512


@pytest.mark.parametrize(("flags", "d_ff"), [("", 1024), ("--swiglu", 640), ("--ffn-hidden-size 700", 700)])
def test_the_feed_forward_width_of_megatron(flags: str, d_ff: int) -> None:
    assert read_command(MEGATRON + "--train-iters 10 " + flags).d_ff == d_ff


def test_the_vocabulary_of_megatron_is_often_the_tokenizers_alone() -> None:
    command = MEGATRON + "--train-iters 10 --tokenizer-model meta-llama/Llama-2-7b"
    assert read_command(command).vocab_size is None
    assert read_command(command, Given(vocab_size=32000)).vocab_size == 32000
    padded = read_command(command + " --vocab-size 50257 --tensor-model-parallel-size 2")
    assert padded.vocab_size == 50432
    assert padded.evidence["vocab_size"].text == "256 x ceil(50257 / 256)"


def test_query_groups_count_with_their_switch_alone() -> None:
    command = MEGATRON + "--train-iters 10 --num-query-groups 2"
    assert read_command(command).n_kv_heads == 4
    assert read_command(command + " --group-query-attention").n_kv_heads == 2


SLURM = """#!/bin/bash
#SBATCH --nodes=48
GPUS=8
NNODES=$SLURM_NNODES
TRAIN_SAMPLES=2_000_000  # of 2048 tokens
ARGS=" \\
    --num-layers 70 --hidden-size 1024 --num-attention-heads 16 --seq-length 2048 \\
    --pp-partition-method 'type:transformer|embedding' \\
    --micro-batch-size 2 --rampup-batch-size 192 16 9_765_625 --global-batch-size 2048 \\
    --train-samples $TRAIN_SAMPLES --lr-decay-samples 1_800_000 --lr-warmup-samples 200_000 \\
    --lr-decay-style cosine --lr 6e-5 --pad-vocab-size-to 250880 \\
    --data-path 0.3 /data/one_text_document 0.7 /data/two_text_document \\
    "
cat <<EOT > ds_config.json
{"it's": "not a quote", "train_batch_size": 3}
EOT
LAUNCHER="python -u -m torch.distributed.run --nproc_per_node $GPUS --nnodes $NNODES --rdzv_endpoint $(hostname):1"
CMD=" `pwd`/pretrain_gpt.py --tensor-model-parallel-size 4 --pipeline-model-parallel-size 12 $ARGS"
clear; srun --jobid $SLURM_JOB_ID bash -c "$LAUNCHER --node_rank \\$SLURM_PROCID $CMD" 2>&1 | tee -a log.txt
"""


def test_a_job_of_slurm(tmp_path: Path) -> None:
    run = read(tmp_path, "train.slurm", SLURM)
    assert run.trainer == "megatron"
    assert (run.n_devices, run.accumulation, run.vocab_size) == (384, 128, 250880)
    assert run.tokens == 2_000_000 * 2048
    assert run.warmup_tokens == 200_000 * 2048
    assert run.decay_tokens == 1_600_000 * 2048
    assert run.dataset is not None
    assert run.dataset.startswith("one_text_document + 1 (")
    assert run.unread == ()
    assert [remark for remark in run.remarks if "branches" in remark] == []
    assert any("--rampup-batch-size" in remark for remark in run.remarks)


def test_tokens_of_megatron_deepspeed_end_the_run() -> None:
    run = read_command(MEGATRON + "--train-tokens 1000000 --train-samples 9999 --lr-warmup-tokens 100000")
    assert run.tokens == 1_000_000
    assert run.warmup_tokens == 100_000


@pytest.mark.parametrize(("experts", "told"), [(1, False), (8, True)])
def test_a_mixture_of_experts_is_told(experts: int, told: bool) -> None:
    run = read_command(MEGATRON + f"--train-iters 10 --num-experts {experts}")
    assert any("mixture of experts" in remark for remark in run.remarks) == told
    assert run.unread == ()


def test_defaults_of_megatron() -> None:
    run = read_command(MEGATRON + "--train-iters 10")
    assert (run.beta2, run.weight_decay, run.clip, run.schedule, run.tied) == (0.999, 0.01, 1.0, "linear", True)


# LitGPT, nanochat, nanoGPT


def test_litgpt_on_the_command_line() -> None:
    run = read_command(
        "litgpt pretrain pythia-160m --train.max_tokens 1000000000 --train.global_batch_size 64 "
        "--train.max_seq_length 1024 --optimizer.init_args.lr 1e-3"
    )
    assert run.trainer == "litgpt"
    assert run.tokens == 1e9
    assert run.learning_rate == 1e-3
    assert run.schedule == "cosine"


def test_older_litgpt_had_the_model_elsewhere(tmp_path: Path) -> None:
    text = """
model: {name: tiny, block_size: 512, n_layer: 4, n_embd: 64, n_head: 4, padded_vocab_size: 512, n_expert: 0}
train: {global_batch_size: 8, micro_batch_size: 4, max_tokens: 4096000, max_seq_length: null, learning_rate: 4e-4}
devices: auto
"""
    run = read(tmp_path, "old.yaml", text)
    assert (run.trainer, run.name, run.depth, run.seq_len, run.learning_rate) == ("litgpt", "tiny", 4, 512, 4e-4)
    assert (run.gated, run.d_ff, run.steps, run.beta2) == (False, 256, 1000, None)
    assert run.unread == ()


def test_the_model_of_nanochat_follows_from_its_depth() -> None:
    run = read_command(
        "torchrun --standalone --nproc_per_node=8 -m scripts.base_train -- --depth=20 --device-batch-size=16"
    )
    assert (run.trainer, run.depth, run.width, run.d_ff, run.n_heads) == ("nanochat", 20, 1280, 5120, 10)
    assert run.gated is False
    assert run.n_devices == 8
    assert run.batch_sequences == 128
    assert run.vocab_size is None
    assert run.tokens is None
    assert any("tokens per parameter" in remark for remark in run.remarks)


NANO = """
# GPT-2, 124M
wandb_log = True
wandb_run_name = 'gpt2-124M'
batch_size = 12
block_size = 1024
gradient_accumulation_steps = 5 * 8
max_iters = 600_000
lr_decay_iters = 600000
weight_decay = 1e-1
print(__import__('os').system('touch executed'))
"""


def test_the_configuration_of_nanogpt_is_constants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = read(tmp_path, "train_gpt2.py", NANO)
    assert run.trainer == "nanogpt"
    assert run.name == "gpt2-124M"
    assert run.batch_tokens == 480 * 1024
    assert run.tokens == 600_000 * 480 * 1024
    assert run.warmup_tokens == 2000 * 480 * 1024
    assert run.evidence["batch_sequences"].text == "12 x 40"
    assert (run.depth, run.width, run.tied, run.schedule) == (12, 768, True, "cosine")
    assert not (tmp_path / "executed").exists()


def test_a_command_line_of_nanogpt_comes_before_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text("n_layer = 6\nn_embd = 384\nn_head = 6\nmax_iters = 100\n", encoding="utf-8")
    run = read(tmp_path, "run.sh", "python train.py config/small.py --max_iters=50 --compile=False")
    assert (run.depth, run.steps, run.width) == (6, 50, 384)
    assert run.evidence["steps"].key == "--max_iters"
    assert run.evidence["depth"].file == "small.py"
    assert run.remarks == ()


def test_a_configuration_that_was_not_found_is_told() -> None:
    run = read_command("python train.py config/small.py --max_iters=50")
    assert any("not read" in remark for remark in run.remarks)


def test_without_decay_the_rate_is_constant(tmp_path: Path) -> None:
    run = read(tmp_path, "a.py", NANO + "decay_lr = False\n")
    assert run.schedule == "constant"
    assert run.decay_tokens is None


# OLMo


OLMO = {
    "model": {"d_model": 512, "n_layers": 8, "n_heads": 8, "vocab_size": 50280, "mlp_hidden_size": 3072},
    "optimizer": {"name": "adamw", "learning_rate": 4e-4, "betas": [0.9, 0.95]},
    "scheduler": {"name": "linear_with_warmup", "t_warmup": 1000, "alpha_f": 0.1},
    "max_duration": "1ep",
    "global_train_batch_size": 256,
}


@pytest.mark.parametrize(
    ("duration", "steps", "tokens"),
    [
        ("4e9T", round(4e9 / 256 / 2048), 4e9),
        ("1ep", None, None),
        (1000, 1000, 1000 * 256 * 2048),
        ("2e3", 2000, 2e3 * 256 * 2048),
    ],
)
def test_durations_of_olmo(tmp_path: Path, duration: object, steps: int | None, tokens: float | None) -> None:
    run = read(tmp_path, "olmo.yaml", json.dumps({**OLMO, "max_duration": duration}), Given(seq_len=2048))
    assert run.steps == steps
    assert run.tokens == tokens
    assert any("epochs" in remark for remark in run.remarks) == (duration == "1ep")


def test_the_hidden_size_of_olmo_counts_gate_and_up(tmp_path: Path) -> None:
    run = read(tmp_path, "olmo.yaml", json.dumps(OLMO), Given(seq_len=2048))
    assert run.d_ff == 1536
    assert run.gated is True
    assert run.min_learning_rate == pytest.approx(4e-5)
    plain = {**OLMO, "model": {**OLMO["model"], "activation_type": "gelu"}}  # type: ignore[dict-item]
    other = read(tmp_path, "olmo.yaml", json.dumps(plain))
    assert (other.d_ff, other.gated) == (3072, False)


def test_the_json_that_olmo_core_saves(tmp_path: Path) -> None:
    config = {
        "run_name": "OLMo3-tiny",
        "model": {
            "d_model": 512, "n_layers": 8, "vocab_size": 100352,
            "block": {"attention": {"n_heads": 8, "n_kv_heads": 4}, "feed_forward": {"hidden_size": 1408}},
        },
        "dataset": {"sequence_length": 2048, "mix": "OLMo-mix-0625", "tokenizer": {"identifier": "allenai/dolma2"}},
        "data_loader": {"global_batch_size": 524288},
        "train_module": {
            "rank_microbatch_size": 16384,
            "optim": {"_CLASS_": "olmo_core.optim.SkipStepAdamWConfig", "lr": 1e-3, "betas": [0.9, 0.95]},
            "scheduler": {"_CLASS_": "olmo_core.optim.scheduler.CosWithWarmup", "warmup_steps": 100, "alpha_f": 0.1},
        },
        "trainer": {"max_duration": {"value": 10_000_000_000, "unit": "tokens"}},
    }  # fmt: skip
    run = read(tmp_path, "config.json", json.dumps(config))
    assert run.trainer == "olmo-core"
    assert (run.name, run.n_heads, run.n_kv_heads, run.d_ff) == ("OLMo3-tiny", 8, 4, 1408)
    assert run.batch_sequences == 256
    assert run.micro_sequences == 8
    assert run.steps == round(1e10 / 524288)
    assert (run.optimizer, run.schedule, run.tokenizer) == ("adamw", "cosine", "allenai/dolma2")
    assert run.warmup_tokens == 100 * 524288


def test_a_named_model_of_olmo_core_has_its_shape_in_code(tmp_path: Path) -> None:
    text = """
from olmo_core.nn.transformer import TransformerConfig
model = TransformerConfig.olmo2_190M(vocab_size=100352)
loader = NumpyDataLoaderConfig(global_batch_size=256 * 1024)
trainer = TrainerConfig(max_duration=Duration.tokens(int(10e9)))
"""
    run = read(tmp_path, "official.py", text)
    assert (run.depth, run.vocab_size, run.tokens) == (None, 100352, 1e10)
    assert any("OLMo-core's code" in remark for remark in run.remarks)


# Levanter

LEVANTER = """
data: {{tokenizer: gpt2, id: openwebtext}}
model: {{type: gpt2, hidden_dim: 768, num_heads: 12, num_layers: 12, seq_len: 1024}}
trainer: {{mp: "p=f32,c=bfloat16", train_batch_size: 512, num_train_steps: 20000}}
optimizer: {{learning_rate: 6e-4, warmup: {warmup}, decay: {decay}, lr_schedule: {schedule}, min_lr_ratio: 0.1}}
"""


@pytest.mark.parametrize(
    ("warmup", "decay", "schedule", "warmup_steps", "decay_steps", "said"),
    [
        ("0.01", "null", "cosine", 200, 19800, "cosine"),
        ("1000", "0.2", "linear", 1000, 4000, "wsd"),
        ("0.00005", "null", "constant", 1, None, "constant"),
    ],
)
def test_phases_of_levanter(
    tmp_path: Path, warmup: str, decay: str, schedule: str, warmup_steps: int, decay_steps: int | None, said: str
) -> None:
    run = read(tmp_path, "gpt2.yaml", LEVANTER.format(warmup=warmup, decay=decay, schedule=schedule))
    assert run.trainer == "levanter"
    assert run.warmup_tokens == warmup_steps * 512 * 1024
    assert run.decay_tokens == (None if decay_steps is None else decay_steps * 512 * 1024)
    assert run.schedule == said
    assert (run.d_ff, run.dataset, run.precision) == (3072, "openwebtext", "bf16")
    assert run.min_learning_rate == pytest.approx(6e-5)


def test_defaults_of_levanter(tmp_path: Path) -> None:
    text = "model: {type: gpt2, hidden_dim: 32, num_heads: 4, num_layers: 2, seq_len: 512}\ntrainer: {mp: f32, "
    run = read(tmp_path, "nano.yaml", text + "num_train_steps: 1000, train_batch_size: 32}\noptimizer: {type: adam}\n")
    assert (run.beta2, run.weight_decay, run.schedule, run.optimizer, run.precision) == (
        0.95,
        0.1,
        "cosine",
        "adamw",
        "fp32",
    )
    assert run.warmup_tokens == 10 * 32 * 512
    assert run.decay_tokens == 990 * 32 * 512
    assert run.min_learning_rate == pytest.approx(6e-5)


# GPT-NeoX, open_lm


def test_neox_with_trailing_commas_and_comments(tmp_path: Path) -> None:
    text = (
        '{\n # a comment\n "num-layers": 12, "hidden-size": 768, "num-attention-heads": 12, "seq-length": 2048,\n'
        ' "pipe-parallel-size": 0,\n "optimizer": {"type": "Adam", "params": {"lr": 6e-4,}},\n'
        ' "train_batch_size": 64, "train-iters": 320000, "lr-decay-iters": 320000, "warmup": 0.01,\n}\n'
    )
    run = read(tmp_path, "125M.yml", text)
    assert run.trainer == "gpt-neox"
    assert (run.d_ff, run.gated, run.tied, run.learning_rate) == (3072, False, True, 6e-4)
    assert run.warmup_tokens == 3200 * 64 * 2048


def test_the_samples_of_open_lm_are_tokens() -> None:
    run = read_command(
        "torchrun --nproc-per-node 4 -m open_lm.main --train-num-samples 1000000 --epochs 5 --warmup 20 --lr 3e-3 "
        "--global-batch-size 32 --model open_lm_160m --seq-len 2048",
    )
    assert run.tokens == 5_000_000
    assert run.warmup_tokens == 20 * 32 * 2048
    assert run.depth is None


# Weights & Biases


def wrapped(values: dict[str, object]) -> str:
    tree = {"wandb_version": 1, "_wandb": {"value": {"cli_version": "0.19.1"}}}
    return json.dumps({**tree, **{key: {"desc": None, "value": value} for key, value in values.items()}})


@pytest.mark.parametrize(
    ("values", "trainer"),
    [
        ({**LLAMA, **ARGUMENTS, "world_size": 2, "max_seq_length": 512}, "huggingface"),
        (
            {
                "num_layers": 22, "hidden_size": 2048, "num_attention_heads": 32, "seq_length": 512,
                "micro_batch_size": 8, "global_batch_size": 64, "train_iters": 1000, "lr_warmup_iters": 100,
                "swiglu": True,
                "untie_embeddings_and_output_weights": True, "padded_vocab_size": 32000, "ffn_hidden_size": 5632,
            },
            "megatron",
        ),
        (
            {"n_layer": 22, "n_embd": 2048, "n_head": 32, "block_size": 512, "batch_size": 8,
             "gradient_accumulation_steps": 8, "max_iters": 1000, "warmup_iters": 100, "vocab_size": 32000},
            "nanogpt",
        ),
        (
            {"model": {"d_model": 2048, "n_layers": 22, "n_heads": 32}, "lr": 1e-3, "batch_size": 64,
             "context_length": 512, "max_steps": 1000, "warmup_steps": 100, "vocab_size": 32000},
            "unknown",
        ),
    ],
)  # fmt: skip
def test_a_configuration_of_wandb_is_that_of_its_trainer(
    tmp_path: Path, values: dict[str, object], trainer: str
) -> None:
    run = read(tmp_path, "config.yaml", wrapped(values))
    assert run.trainer == trainer
    assert (run.depth, run.width, run.vocab_size, run.steps) == (22, 2048, 32000, 1000)
    assert run.tokens == 1000 * 64 * 512
    assert run.warmup_tokens == 100 * 64 * 512


def test_keys_of_no_trainer_are_told_as_such(tmp_path: Path) -> None:
    text = "d_model: 512\nn_layers: 6\nlr: 0.001\nbatch_size: 32\nseq_len: 256\nsteps: 100\nmlp_expansion_layers: 3\n"
    run = read(tmp_path, "mine.yml", text)
    assert run.trainer == "unknown"
    assert run.tokens == 100 * 32 * 256
    assert any("No trainer was recognised" in remark for remark in run.remarks)
    assert any("batch_size is taken as sequences" in remark for remark in run.remarks)
    assert run.unread == ("mlp_expansion_layers",)


def test_yaml_may_refer_to_another_key(tmp_path: Path) -> None:
    text = "size: 512\nmodel: {hidden_dim: '${size}', num_layers: 4, num_heads: '${nowhere}'}\n"
    run = read(tmp_path, "a.yaml", text)
    assert (run.width, run.n_heads) == (512, None)


def test_yaml_has_anchors_and_merges(tmp_path: Path) -> None:
    text = (
        "base: &base {hidden_dim: 512, num_layers: 4, num_heads: 8, type: llama}\n"
        "model: {<<: *base, num_layers: 6}\ntrainer: {train_batch_size: 8, num_train_steps: 10}\n"
    )
    run = read(tmp_path, "a.yaml", text)
    assert (run.depth, run.width, run.gated) == (6, 512, True)
