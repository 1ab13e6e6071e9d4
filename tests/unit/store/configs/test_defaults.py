"""What trainers have unless told, as their sources have it; each was read in the version that the reader names."""

import json
from pathlib import Path

import pytest

from budgetscope.core.audit.run import ObservedRun
from budgetscope.core.errors import UsageError
from budgetscope.store.configs.given import NOTHING, Given
from budgetscope.store.configs.read import read_command, read_runs


def read(folder: Path, name: str, text: str, given: Given = NOTHING) -> ObservedRun:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    (run,) = read_runs([path], given)
    return run


NANO = "n_layer = 12\nn_head = 12\nn_embd = 768\nblock_size = 1024\nbatch_size = 12\n"
STEP = 12 * 40 * 1024


def test_a_short_run_of_nanogpt_does_not_decay_unless_told(tmp_path: Path) -> None:
    run = read(tmp_path, "short.py", NANO + "max_iters = 5000\n")
    assert run.tokens == 5000 * STEP
    assert run.decay_tokens == (600_000 - 2000) * STEP
    assert run.decay_tokens > run.tokens
    told = read(tmp_path, "told.py", NANO + "max_iters = 5000\nlr_decay_iters = 5000\n")
    assert told.decay_tokens == 3000 * STEP


def test_data_of_characters_have_their_own_vocabulary(tmp_path: Path) -> None:
    run = read(tmp_path, "shakespeare.py", NANO + "dataset = 'shakespeare_char'\nmax_iters = 5000\n")
    assert run.vocab_size is None
    assert any("meta.pkl" in remark for remark in run.remarks)
    assert read(tmp_path, "owt.py", NANO + "max_iters = 5000\n").vocab_size == 50304


def test_the_rate_of_llm_c_ends_at_its_peak_unless_told() -> None:
    command = "mpirun -np 8 ./train_gpt2cu -b 64 -t 1024 -d 524288 -l 0.0006 -u 700 -x 18865 -c 0.1"
    run = read_command(f"{command} -e d12")
    assert (run.min_learning_rate, run.learning_rate) == (0.0006, 0.0006)
    assert read_command(f"{command} -e d12 -q 0.0").min_learning_rate == 0
    large = read_command(f"{command} -e d72")
    assert (large.n_heads, large.head_dim, large.width) == (30, 96, 2880)


def test_the_epochs_of_open_lm_are_32_unless_told() -> None:
    run = read_command("torchrun -m open_lm.main --train-num-samples 1000000 --model m --seq-len 2048")
    assert run.tokens == 32_000_000
    assert (run.learning_rate, run.beta2, run.weight_decay, run.batch_sequences) == (5e-4, 0.95, 0.2, 64)
    assert run.warmup_tokens == 10_000 * 64 * 2048


def test_litgpt_has_the_optimizer_of_torch_unless_told(tmp_path: Path) -> None:
    run = read(tmp_path, "plain.yaml", "model_name: pythia-14m\ntrain: {max_tokens: 1000000, max_seq_length: 512}\n")
    assert (run.learning_rate, run.beta2, run.weight_decay, run.precision) == (1e-3, 0.999, 0.01, "bf16")
    assert run.evidence["beta2"].text == "0.999, the default of torch.optim.AdamW"
    assert (run.batch_sequences, run.warmup_tokens) == (512, 2000 * 512 * 512)


def test_the_vocabulary_of_litgpt_is_padded(tmp_path: Path) -> None:
    text = "model_config: {n_layer: 2, n_embd: 64, n_head: 2, vocab_size: 50254}\ntrain: {max_tokens: 1000000}\n"
    assert read(tmp_path, "a.yaml", text).vocab_size == 50688


def test_a_warmup_that_is_a_share_of_the_data_is_not_one_of_the_run(tmp_path: Path) -> None:
    text = "train: {max_tokens: 1000000, max_seq_length: 512, lr_warmup_steps: null, lr_warmup_fraction: 0.1}\n"
    run = read(tmp_path, "a.yaml", text)
    assert run.warmup_tokens is None
    assert any("lr_warmup_fraction" in remark for remark in run.remarks)


def test_torchtitan_decays_to_zero_and_knows_its_small_llamas(tmp_path: Path) -> None:
    text = '[model]\nname = "llama3"\nflavor = "1B"\n[training]\nsteps = 1000\nglobal_batch_size = 64\nseq_len = 1024\n'
    run = read(tmp_path, "a.toml", text)
    assert (run.depth, run.width, run.d_ff, run.tied) == (16, 2048, 8192, True)
    assert run.min_learning_rate == 0
    assert run.decay_tokens == 800 * 64 * 1024
    longer = read(tmp_path, "b.toml", text + "[lr_scheduler]\ntotal_steps = 5000\n")
    assert longer.decay_tokens == 4800 * 64 * 1024
    assert longer.schedule == "linear"


def test_olmo_core_decays_a_tenth_at_the_end(tmp_path: Path) -> None:
    tree = {
        "model": {"d_model": 64, "n_layers": 2, "vocab_size": 100},
        "dataset": {"sequence_length": 128},
        "data_loader": {"global_batch_size": 1280},
        "train_module": {
            "optim": {"_CLASS_": "olmo_core.optim.AdamWConfig", "lr": 1e-3},
            "scheduler": {"_CLASS_": "olmo_core.optim.WSD", "units": "tokens", "warmup": 2560},
        },
        "trainer": {"max_duration": {"value": 100, "unit": "steps"}},
    }
    run = read(tmp_path, "a.json", json.dumps(tree))
    assert (run.beta2, run.weight_decay, run.min_learning_rate) == (0.999, 0.01, 0)
    assert (run.warmup_tokens, run.decay_tokens) == (2560, 12_800)


def test_olmo_ties_its_embeddings_and_ends_at_a_tenth_unless_told(tmp_path: Path) -> None:
    text = (
        "model: {d_model: 64, n_heads: 2, n_layers: 2, mlp_ratio: 8, embedding_size: 128, max_sequence_length: 32}\n"
        "optimizer: {name: adamw, learning_rate: 4e-4}\nscheduler: {name: cosine_with_warmup, t_warmup: 10}\n"
        "max_duration: 100\nglobal_train_batch_size: 4\n"
    )
    run = read(tmp_path, "a.yaml", text)
    assert (run.tied, run.eps, run.beta2) == (True, 1e-5, 0.95)
    assert run.min_learning_rate == pytest.approx(4e-5)


def test_levanter_has_a_length_and_a_batch_unless_told(tmp_path: Path) -> None:
    text = "model: {type: llama, hidden_dim: 64, num_layers: 2, max_seq_len: 512}\ntrainer: {mp: f32}\n"
    run = read(tmp_path, "a.yaml", text)
    assert (run.steps, run.batch_sequences, run.warmup_tokens) == (400_000, 512, 4000 * 512 * 512)
    old = "model: {hidden_dim: 64, num_layers: 2}\ntrainer: {learning_rate: 3E-4, per_device_train_batch_size: 2}\n"
    assert read(tmp_path, "b.yaml", old).learning_rate == 3e-4
    assert read(tmp_path, "c.yaml", old).batch_sequences is None


def test_neox_warms_up_for_one_percent_and_splits_a_gated_width(tmp_path: Path) -> None:
    tree = {
        "num_layers": 32, "hidden_size": 4096, "num_attention_heads": 32, "num_kv_heads": 8, "seq_length": 8192,
        "pipe_parallel_size": 1, "activation": "swiglu", "intermediate_size": 43008, "train_batch_size": 8,
        "train_iters": 1000,
    }  # fmt: skip
    run = read(tmp_path, "a.yml", json.dumps(tree))
    assert (run.d_ff, run.schedule, run.min_learning_rate) == (14336, "linear", 0)
    assert run.warmup_tokens == 10 * 8 * 8192
    assert read(tmp_path, "b.yml", json.dumps({**tree, "intermediate_size": 14336})).d_ff == 14336


@pytest.mark.parametrize(
    ("more", "heads"),
    [
        ({"multi_query": True, "num_kv_heads": 71}, 1),
        ({"multi_query": True, "new_decoder_architecture": True, "num_kv_heads": 8}, 8),
        ({"multi_query": False}, 71),
    ],
)
def test_falcon_has_one_key_head_where_it_says_multi_query(tmp_path: Path, more: dict[str, object], heads: int) -> None:
    tree = {"model_type": "falcon", "num_hidden_layers": 32, "hidden_size": 4544, "num_attention_heads": 71, **more}
    run = read(tmp_path, "config.json", json.dumps(tree))
    assert (run.n_kv_heads, run.d_ff, run.tied) == (heads, 4 * 4544, True)


def test_a_polynomial_schedule_of_hugging_face_is_a_line(tmp_path: Path) -> None:
    tree = {"learning_rate": 1e-3, "max_steps": 100, "max_grad_norm": 1.0, "lr_scheduler_type": "polynomial"}
    run = read(tmp_path, "a.json", json.dumps(tree))
    assert (run.schedule, run.min_learning_rate) == ("linear", 1e-7)
    wsd = {**tree, "lr_scheduler_type": "warmup_stable_decay", "lr_scheduler_kwargs": {"num_decay_steps": 20}}
    assert read(tmp_path, "b.json", json.dumps(wsd)).min_learning_rate == 0


# LLM Foundry, nanotron, the scripts of lit_gpt

MPT = """max_seq_len: 2048
model: {name: mpt_causal_lm, d_model: 768, n_heads: 12, n_layers: 12, expansion_ratio: 4, vocab_size: 50368}
train_loader: {name: text, dataset: {remote: s3://bucket/c4}}
scheduler: {name: cosine_with_warmup, t_warmup: 100ba, alpha_f: 0.1}
optimizer: {name: decoupled_adamw, lr: 6.0e-4, betas: [0.9, 0.95], weight_decay: 6.0e-5}
max_duration: %s
global_train_batch_size: 256
device_train_microbatch_size: auto
precision: amp_bf16
"""


def test_llm_foundry_counts_batches_and_decouples_its_decay(tmp_path: Path) -> None:
    run = read(tmp_path, "mpt-125m.yaml", MPT % "4800ba")
    assert run.trainer == "llm-foundry"
    assert (run.d_ff, run.gated, run.tied, run.steps, run.dataset) == (3072, False, True, 4800, "c4")
    assert run.tokens == 4800 * 256 * 2048
    assert run.warmup_tokens == 100 * 256 * 2048
    assert run.weight_decay == pytest.approx(0.1)
    assert run.min_learning_rate == pytest.approx(6e-5)
    assert run.optimizer == "adamw"
    assert read(tmp_path, "b.yaml", MPT % "3e9tok").tokens == 3e9
    assert read(tmp_path, "c.yaml", MPT % "1ep").tokens is None
    with pytest.raises(UsageError, match="write steps as 4800ba"):
        read(tmp_path, "d.yaml", MPT % "4800 batches")


def test_two_mixtures_that_begin_alike_have_not_the_same_name() -> None:
    def data(paths: str) -> str | None:
        command = "python pretrain_gpt.py --num-layers 2 --hidden-size 64 --train-iters 3 --data-path"
        return read_command(f"{command} {paths}").dataset

    names = [data(paths) for paths in ("/a/x", "0.5 /a/x 0.5 /a/y", "0.5 /a/x 0.5 /a/z", "0.4 /a/x 0.6 /a/y")]
    assert names[0] == "x"
    assert all(name is not None and name.startswith("x + 1 (") for name in names[1:])
    assert len(set(names)) == 4
    assert data("0.5 /b/x 0.5 /b/y") == names[1]


NANOTRON = """general: {run: smollm-135M}
data_stages:
- data: {dataset: {dataset_folder: [datasets/a, datasets/b], dataset_weights: [0.7, 0.3]}}
model:
  dtype: bfloat16
  make_vocab_size_divisible_by: 1
  model_config: {hidden_size: 576, intermediate_size: 1536, num_attention_heads: 9, num_hidden_layers: 30,
    num_key_value_heads: 3, tie_word_embeddings: true, vocab_size: 49152, hidden_act: silu}
optimizer:
  clip_grad: 1.0
  learning_rate_scheduler: {learning_rate: 0.003, lr_decay_style: linear, lr_warmup_steps: 2000, %s}
  optimizer_factory: {adam_beta1: 0.9, adam_beta2: 0.95, adam_eps: 1.0e-08, name: adamW}
  weight_decay: 0.01
parallelism: {dp: 64, pp: 1, tp: 1}
tokens: {batch_accumulation_per_replica: 1, micro_batch_size: 8, sequence_length: 2048, train_steps: 2000000}
"""


def test_nanotron_holds_its_rate_until_the_decay_starts(tmp_path: Path) -> None:
    decay = "lr_decay_starting_step: 1600000, lr_decay_steps: 400000, min_decay_lr: 0"
    run = read(tmp_path, "smollm.yaml", NANOTRON % decay)
    assert (run.trainer, run.name, run.n_devices, run.batch_sequences) == ("nanotron", "smollm-135M", 64, 512)
    assert (run.schedule, run.min_learning_rate, run.beta2, run.gated) == ("wsd", 0, 0.95, True)
    assert run.decay_tokens == 400_000 * 512 * 2048
    assert run.tokens == pytest.approx(2.1e12, rel=0.01)
    assert run.unread == ()
    plain = read(tmp_path, "plain.yaml", NANOTRON % "lr_warmup_style: linear")
    assert (plain.schedule, plain.min_learning_rate) == ("linear", 0.003)
    assert plain.decay_tokens == (2_000_000 - 2000) * 512 * 2048


LIT_GPT = """from lit_gpt.model import GPT
name = "tinyllama_1b"
num_of_devices = 8
global_batch_size = 512
learning_rate = 4e-4
micro_batch_size = 8
max_step = 715256 * 2
warmup_steps = 2000
min_lr = 4e-5
grad_clip = 1.0
decay_lr = True
batch_size = global_batch_size // num_of_devices
gradient_accumulation_steps = batch_size // micro_batch_size
warmup_iters = warmup_steps * gradient_accumulation_steps
max_iters = max_step * gradient_accumulation_steps
lr_decay_iters = max_iters
def main(): pass
"""


def test_a_script_of_lit_gpt_is_no_nanogpt(tmp_path: Path) -> None:
    run = read(tmp_path, "tinyllama.py", LIT_GPT, Given(seq_len=2048, n_devices=16))
    assert (run.trainer, run.depth, run.steps) == ("litgpt", None, 1_430_512)
    assert run.tokens == pytest.approx(3.0e12, rel=0.001)
    assert run.warmup_tokens == 2000 * 1024 * 2048


LLAMA = {"model_type": "llama", "num_hidden_layers": 22, "hidden_size": 2048, "intermediate_size": 5632,
         "num_attention_heads": 32, "num_key_value_heads": 4, "vocab_size": 32000}  # fmt: skip


@pytest.mark.parametrize("as_folder", [True, False])
def test_the_models_own_configuration_gives_the_shape_that_a_training_lacks(tmp_path: Path, as_folder: bool) -> None:
    (tmp_path / "tinyllama.py").write_text(LIT_GPT, encoding="utf-8")
    (tmp_path / "config.json").write_text(json.dumps(LLAMA), encoding="utf-8")
    paths = [tmp_path] if as_folder else [tmp_path / "tinyllama.py", tmp_path / "config.json"]
    (run,) = read_runs(paths)
    assert (run.trainer, run.depth, run.d_ff, run.vocab_size, run.n_kv_heads) == ("litgpt", 22, 5632, 32000, 4)
    assert run.evidence["depth"].file == "config.json"


def test_a_script_of_nobody_in_a_folder_is_read_with_the_model_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "llama_130m.json").write_text(json.dumps(LLAMA), encoding="utf-8")
    (tmp_path / "llama_130m.sh").write_text(
        "torchrun --nproc_per_node 1 torchrun_main.py --model_config configs/llama_130m.json --lr 0.01 "
        "--batch_size 256 --total_batch_size 512 --num_training_steps 20000 --warmup_steps 2000\n",
        encoding="utf-8",
    )
    (run,) = read_runs([tmp_path], Given(seq_len=256))
    assert (run.depth, run.learning_rate, run.batch_sequences, run.steps) == (22, 0.01, 512, 20_000)
    assert run.warmup_tokens == 2000 * 512 * 256
