"""Whatever a file holds, reading it ends in runs or in a refusal of one sentence."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.published_runs import RUNS
from tests.sizes import scaled

from budgetscope.core.errors import BudgetscopeError
from budgetscope.store.configs.given import Given
from budgetscope.store.configs.read import read_command, read_runs

SUFFIXES = (".json", ".yaml", ".yml", ".toml", ".py", ".sh", ".txt", "")
FEW = settings(
    max_examples=scaled(120), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
KEYS = (
    "num_layers", "hidden_size", "train_iters", "micro_batch_size", "model_type", "num_hidden_layers", "learning_rate",
    "max_steps", "warmup_steps", "per_device_train_batch_size", "n_layer", "block_size", "max_iters", "batch_size",
    "optimizer", "training", "model", "run", "trainer", "train_batch_size", "scheduler", "t_warmup", "max_duration",
    "d_model", "betas", "value", "steps", "tokens", "seq_len", "decay_ratio", "flavor", "model_config", "train", "lr",
    "max_tokens", "mp", "warmup", "fp16", "bf16", "precision", "data", "devices", "global_train_batch_size",
)  # fmt: skip
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(),
    st.sampled_from(("cosine", "4e12T", "1ep", "auto", "-1", "0", "nan", "inf", "1e400", "llama", "tokens", "2.2B")),
    st.text(max_size=8),
)  # fmt: skip
TREES = st.dictionaries(
    st.sampled_from(KEYS),
    st.recursive(
        VALUES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
        max_leaves=12,
    ),
    max_size=12,
)
SHELL = st.lists(
    st.sampled_from(
        (
            "A=1", "A=$A$A$A$A", "B=(", ")", '"${B[@]}"', "B+=(--lr $A)", "$((A*B))", "$((", "${A:-", "${A:=x}", "}",
            "'", '"', "`date`", "$(rm -rf /)", "\\", "\n", ";", "&&", "|", "#", "if [ $A == 1 ]; then", "fi", "else",
            "<<EOF", "EOF", "--num-layers 12", "--hidden-size $A", "--train-iters 100", "--global-batch-size 8",
            "--lr nan",
            "pretrain_gpt.py", "torchrun", "--nproc-per-node 8", "--depth=20", "train.py", "--batch_size=-1", ">",
            "2>&1",
            "--seq-length 0", "--adam-beta2 2", "for x in 1 2; do", "done", "export", "${#A}", "${A%x}", "$", "${",
            "$'a'",
        )
    ),
    max_size=25,
)  # fmt: skip


def read(path: Path) -> None:
    try:
        for run in read_runs([path], Given(seq_len=2048, vocab_size=50304, n_devices=8)):
            assert run.name
            assert set(run.evidence) <= set(run.__slots__)
    except BudgetscopeError as error:
        text = str(error)
        assert text.isprintable()
        assert text.endswith((".", "?"))


@FEW
@given(st.binary(max_size=300), st.sampled_from(SUFFIXES))
@example(b"\xff\xfe", ".json")
@example(b"a: &a [*a, *a]", ".yaml")
@example(b"? [a]\n: b", ".yaml")
@example(b"a: !!python/object/apply:os.system ['true']", ".yaml")
@example(b"--- a\n--- b", ".yaml")
@example(b"[" * 5000, ".json")
@example(b"[" * 5000, ".yaml")
@example(b"a = " + b"[" * 5000, ".toml")
@example(b"a = " + b"(" * 150 + b")" * 150, ".py")
@example(b"a = " + b"-" * 5000 + b"1", ".py")
@example(b"a = 9" + b"9" * 5000, ".toml")
@example(b"a = 9" + b"9" * 5000, ".py")
@example(b'{"a": ' + b"9" * 5000 + b"}", ".json")
@example(b"x = 9**9**9**9", ".py")
@example(b"x = 1 << 99999999", ".py")
def test_bytes(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"config{suffix}"
    path.write_bytes(content)
    read(path)


@FEW
@given(TREES, st.sampled_from((".json", ".yaml")))
def test_trees(tmp_path: Path, tree: object, suffix: str) -> None:
    path = tmp_path / f"config{suffix}"
    path.write_text(json.dumps(tree), encoding="utf-8")
    read(path)


@FEW
@given(TREES)
def test_wandb(tmp_path: Path, tree: dict[str, object]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps({key: {"desc": None, "value": value} for key, value in tree.items()}), encoding="utf-8")
    read(path)


@FEW
@given(
    st.dictionaries(
        st.sampled_from((*KEYS, "width", "depth", "beta1", "clip")), st.integers() | st.booleans() | st.text(max_size=8)
    )
)
def test_own_toml(tmp_path: Path, table: dict[str, object]) -> None:
    path = tmp_path / "run.toml"
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    path.write_text("[run]\n" + "\n".join(lines), encoding="utf-8")
    read(path)


@FEW
@given(SHELL)
def test_shell(words: list[str]) -> None:
    with contextlib.suppress(BudgetscopeError):
        read_command(" ".join(words))


@settings(max_examples=scaled(60), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.sampled_from(sorted(RUNS)), st.data())
def test_published_runs_with_a_piece_replaced(tmp_path: Path, name: str, data: st.DataObject) -> None:
    for file, text in RUNS[name].files.items():
        place = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(place, min(len(text), place + 30)))
        piece = data.draw(st.text(max_size=6) | st.sampled_from(("0", "-1", "nan", "'", '"', "{", "}", "$(", "\n")))
        (tmp_path / file).write_text(text[:place] + piece + text[end:], encoding="utf-8")
    for file in RUNS[name].files:
        read(tmp_path / file)


@pytest.mark.parametrize("levels", [10, 50, 3000])
def test_deep_nesting(tmp_path: Path, levels: int) -> None:
    for suffix, text in {
        ".json": '{"a": ' * levels + "1" + "}" * levels,
        ".yaml": "".join(f"{' ' * level}a:\n" for level in range(levels)),
        ".toml": "[" + ".".join("a" * levels) + "]\nx = 1",
        ".sh": "x --lr " + "$(" * levels + ")" * levels,
        ".txt": "x --lr " + '"${A:-' * levels + '}"' * levels,
        ".py": "x = " + "f(" * levels + ")" * levels,
    }.items():
        path = tmp_path / f"deep{suffix}"
        path.write_text(text, encoding="utf-8")
        read(path)


def test_alias_bomb(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(BudgetscopeError, match="aliases included"):
        read_runs([path])


def test_shell_bomb() -> None:
    text = "A=xxxxxxxxxx\n" + "A=$A$A$A$A$A$A$A$A\n" * 30 + "python train.py --max_iters $A"
    with pytest.raises(BudgetscopeError, match="characters"):
        read_command(text)
