"""What a configuration says of people and machines is never kept, nor echoed in a refusal."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from budgetscope.core.audit.run import ObservedRun
from budgetscope.core.errors import BudgetscopeError
from budgetscope.store.configs.cells import is_secret_key, is_secret_value, without_secrets
from budgetscope.store.configs.read import read_command, read_runs

API = "0123456789abcdef0123456789abcdef01234567"
HF = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz"
SECRETS = ("alice@example.org", "gpu-node-17", API, HF, "hunter2", "alice", "10.0.0.7", "sk-proj-abcdefgh12345678")
VALUES = {
    "num_layers": 12,
    "hidden_size": 768,
    "num_attention_heads": 12,
    "num_key_value_heads": 4,
    "seq_length": 2048,
    "global_batch_size": 64,
    "train_iters": 1000,
    "lr": 6e-4,
    "vocab_size": 50257,
    "hub_token": HF,
    "wandb_api_key": API,
    "openai": {"apiKey": "sk-proj-abcdefgh12345678"},
    "password": "hunter2",
    "email": "alice@example.org",
    "host": "gpu-node-17",
    "master_addr_ip": "10.0.0.7",
    "username": "alice",
    "some_layer_token": "hunter2",
    "layer_of_hf_AbCdEfGhIjKlMnOpQrStUvWxYz": 3,
    "data_path": ["https://alice:hunter2@example.org/data"],
    "tokenizer_model": "/home/alice/tokenizer.model",
    "run_name": "alice@example.org",
    "wandb_exp_name": HF,
}


def wandb_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run-20261130_101010-abc" / "files"
    folder.mkdir(parents=True)
    own = {
        "_wandb": {
            "value": {"email": "alice@example.org", "host": "gpu-node-17", "cli_version": "0.19", "e": {"k": API}}
        },
        "wandb_version": 1,
    }
    config = {**own, **{key: {"desc": None, "value": value} for key, value in VALUES.items()}}
    (folder / "config.yaml").write_text(json.dumps(config, indent=1), encoding="utf-8")
    metadata = {"email": "alice@example.org", "host": "gpu-node-17", "username": "alice", "args": ["--lr", "1"]}
    (folder / "wandb-metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    (folder / "wandb-summary.json").write_text(json.dumps({"loss": 2.5}), encoding="utf-8")
    return folder


def assert_clean(run: ObservedRun) -> None:
    for secret in SECRETS:
        assert secret not in repr(run)


def test_nothing_of_people_and_machines_is_in_a_run(tmp_path: Path) -> None:
    folder = wandb_folder(tmp_path)
    (of_file,) = read_runs([folder / "config.yaml"])
    (of_folder,) = read_runs([folder.parent])
    assert of_folder == replace(of_file, name=of_folder.name)
    assert_clean(of_file)
    assert (of_file.depth, of_file.n_kv_heads, of_file.steps, of_file.tokenizer) == (12, 12, 1000, "tokenizer.model")
    assert of_file.tokens == 1000 * 64 * 2048
    assert of_file.name == "run-20261130_101010-abc"


def test_nothing_of_people_and_machines_is_in_a_run_of_a_command() -> None:
    command = "python pretrain_gpt.py " + " ".join(
        f"--{key.replace('_', '-')} {value if not isinstance(value, list) else value[0]}"
        for key, value in VALUES.items()
        if not isinstance(value, dict)
    )
    run = read_command("export WANDB_API_KEY=" + API + "\n" + command)
    assert run.steps == 1000
    assert_clean(run)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", f"learning_rate: {HF}\nmodel_type: llama\nmax_steps: 10\nhidden_size: 1\n"),
        ("a.yaml", f"hub_token: {HF}\n  bad: [\n{API}"),
        ("a.json", f'{{"hub_token": "{HF}", "learning_rate": {API}x}}'),
        ("a.toml", f'[run]\nhub_token = "{HF}"\n'),
        ("a.toml", f"key = {HF}\n"),
        ("a.py", f"key = {HF} {API}\n"),
        ("a.py", f"token = '{HF}\nimport torchtitan"),
        ("a.sh", f"pretrain_gpt.py --num-layers {API} --hidden-size 3 --train-iters 3"),
        ("a.toml", f'[run]\ntokens = "{HF}"\n'),
    ],
)
def test_a_refusal_quotes_no_secret(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BudgetscopeError) as caught:
        read_runs([path])
    for secret in SECRETS:
        assert secret not in str(caught.value)


def test_keys_of_models_are_no_secrets() -> None:
    for key in ("num_key_value_heads", "tokenizer", "max_tokens", "train.max_tokens", "trainer.tokens", "n_kv_heads"):
        assert not is_secret_key(key)
    for key in ("hub_token", "api_key", "apiKey", "WANDB_API_KEY", "host", "user.email", "auth"):
        assert is_secret_key(key)


def test_names_of_data_and_tokenizers_are_no_secrets() -> None:
    for text in (
        "HuggingFaceFW/fineweb-edu",
        "meta-llama/Llama-2-7b-hf",
        "use_hf_tokenizer_config",
        "1 x 17 x 64 = 1088",
        "code10k.model",
    ):
        assert not is_secret_value(text)
    for text in (HF, API, "alice@example.org", "https://a:b@c"):
        assert is_secret_value(text)


@pytest.mark.parametrize(
    "text",
    [
        "--api_key=s3cr3t",
        "Bearer s3cr3t",
        "AdamW(token='s3cr3t')",
        "https://s3cr3t.example.org/data?sig=s3cr3t",
        "password: s3cr3t",
        "git@s3cr3t.example.org:group/s3cr3t.git",
        "/home/s3cr3t/data",
        "10.20.30.40",
        "gpu17.s3cr3t.example.org",
        "https://hooks.slack.com/services/T0/B0/s3cr3t",
        "AIza" + "s3cr3t" * 5,
        "npm_" + "Ab3" * 8,
    ],
)
@pytest.mark.parametrize("key", ["lr", "train_iters", "optimizer", "fp8_format", "tokenizer_model", "wandb_exp_name"])
def test_a_secret_within_a_value_of_any_key_is_not_kept(tmp_path: Path, key: str, text: str) -> None:
    (tmp_path / "config.yaml").write_text(json.dumps({**VALUES, key: text}), encoding="utf-8")
    try:
        told = repr(read_runs([tmp_path / "config.yaml"]))
    except BudgetscopeError as error:
        told = str(error)
    for secret in ("s3cr3t", "10.20.30.40", "npm_Ab3"):
        assert secret not in told


def test_a_command_line_is_shown_without_its_secrets() -> None:
    line = (
        "WANDB_API_KEY=s3cr3t HOST=s3cr3t torchrun train.py --hub-token s3cr3t --password 's3 cr3t' --api_key=s3cr3t "
        f"--data https://me:s3cr3t@example.org/a --id {HF} --num-key-value-heads 4 --tokens 3 --lr 3e-4 --min-lr -1"
    )
    shown = without_secrets(line)
    for secret in ("s3cr3t", "s3 cr3t", HF):
        assert secret not in shown
    for part in ("torchrun train.py", "--num-key-value-heads 4", "--tokens 3", "--lr 3e-4 --min-lr -1"):
        assert part in shown


def test_sizes_of_keys_are_no_secrets() -> None:
    for key in ("--num-key-value-heads", "numKeyValueHeads", "model.key_dim", "key_size"):
        assert not is_secret_key(key)
    run = read_command("python pretrain_gpt.py --num-layers 2 --hidden-size 64 --train-iters 3 --num-key-value-heads 1")
    assert run.depth == 2
