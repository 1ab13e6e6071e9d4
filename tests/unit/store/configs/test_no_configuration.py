"""What is no configuration: one sentence with the reason and the remedy."""

import json
from pathlib import Path

import pytest

from budgetscope.core.errors import BudgetscopeError, FailureError, UsageError
from budgetscope.store.configs.read import read_command, read_runs
from budgetscope.store.configs.trees import MAX_BYTES, text_of


def refusal(path: Path) -> str:
    with pytest.raises(BudgetscopeError) as caught:
        read_runs([path])
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_no_path() -> None:
    with pytest.raises(UsageError, match="give a file or a folder"):
        read_runs([])


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    assert "does not exist; give the configuration" in refusal(tmp_path / "none.yaml")
    assert "does not exist" in refusal(Path("a\0b"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", b"", "is empty"),
        ("a.json", b"\xff\xfe\x00", "not UTF-8"),
        ("a.bin", b"a\x00b", "is binary"),
        ("a.json", b'{"a": 1,\n "b": }', "is not JSON: line 2"),
        ("a.yaml", b"a: 1\nb: [1\nc: 2", "is not YAML: line 3"),
        ("a.yaml", b"a: \x01", "characters that YAML does not allow"),
        ("a.yaml", b"a: *b", "line 1"),
        ("a.toml", b"a = 1\nb = \n", "is not TOML: line 2"),
        ("a.py", b"a = 1\nb = (", "is not Python: line 2"),
        ("a.json", b"[1, 2]", "no table of keys and values"),
        ("a.yaml", b"just a text", "no table of keys and values"),
        ("a.json", b'{"a": 1}', "is not a configuration that is known; these are: our own TOML"),
        ("a.sh", b"echo hello\nls -l", "is not a configuration that is known"),
        ("notes.txt", b"We train a model.", "is not a configuration that is known"),
        ("a.py", b"import torch\nx = 3", "is not a configuration that is known"),
        ("a.json", b'{"a": ' * 60 + b"1" + b"}" * 60, "nested more than 40 levels"),
        ("a.yaml", b"a: " + b"[" * 60 + b"]" * 60, "nested more than 40 levels"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    text = refusal(tmp_path / name)
    assert said in text
    assert name in text


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(" " * (MAX_BYTES + 1), encoding="utf-8")
    assert "over 1 MiB" in refusal(tmp_path / "a.json")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.json").write_text("{}", encoding="utf-8")

    def refused(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("budgetscope.store.files.open_file", refused)
    with pytest.raises(FailureError, match="permission denied; check its permissions"):
        read_runs([tmp_path / "a.json"])


def test_a_folder_with_nothing_known(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("torchrun x.py", encoding="utf-8")
    (tmp_path / "tokenizer.json").write_text("{broken", encoding="utf-8")
    (tmp_path / "util.py").write_text("x = 1", encoding="utf-8")
    assert "has no file with a configuration that is known" in refusal(tmp_path)


def test_a_malformed_file_of_a_folder_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    (tmp_path / "training_args.json").write_text('{"max_steps": }', encoding="utf-8")
    assert "training_args.json is not JSON: line 1" in refusal(tmp_path)


def test_a_text_beside_a_configuration_may_be_anything(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    (tmp_path / "README.md").write_bytes(b"\xff\x00")
    (tmp_path / "notes.txt").write_text("torchrun " + "$(" * 500, encoding="utf-8")
    (tmp_path / "empty.md").write_text("", encoding="utf-8")
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere.json")
    (tmp_path / "folder.json").mkdir()
    (run,) = read_runs([tmp_path])
    assert run.trainer == "huggingface"


def test_a_folder_of_too_many_files(tmp_path: Path) -> None:
    for number in range(101):
        (tmp_path / f"{number}.json").write_text("{}", encoding="utf-8")
    assert "more than 100 files" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("hidden_size", "wide", "is not a number"),
        ("hidden_size", 0, "must be above zero"),
        ("hidden_size", -1, "must be above zero"),
        ("hidden_size", 12.5, "is not a whole number"),
        ("hidden_size", 1e300, "is not a whole number below 1e15"),
        ("learning_rate", float("nan"), "is not a number"),
        ("learning_rate", float("inf"), "is not a number"),
        ("learning_rate", "1e999", "is not finite"),
        ("learning_rate", [1, 2], "is not a number"),
        ("adam_beta2", 1.5, "at least 0 and below 1"),
        ("weight_decay", -0.1, "is below zero"),
        ("warmup_steps", -5, "is below zero"),
        ("bf16", "perhaps", None),
        ("tie_word_embeddings", "perhaps", "neither true nor false"),
        ("gradient_accumulation_steps", 0, "must be above zero"),
    ],
)
def test_numbers_that_are_none(tmp_path: Path, key: str, value: object, said: str | None) -> None:
    config = {"model_type": "llama", "hidden_size": 64, "per_device_train_batch_size": 4, "max_steps": 10, key: value}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    if said is None:
        assert read_runs([tmp_path / "config.json"])
        return
    text = refusal(tmp_path / "config.json")
    assert said in text
    assert f"'{key}' in config.json is" in text


def test_what_is_left_to_the_trainer_is_not_said(tmp_path: Path) -> None:
    config = {"model_type": "llama", "per_device_train_batch_size": "auto", "max_steps": -1, "intermediate_size": None}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (run,) = read_runs([tmp_path / "config.json"])
    assert run.d_ff is None
    assert run.steps is None


@pytest.mark.parametrize("text", ["", "ls", "python train.py", "rm -rf / --no-preserve-root", "'", "--lr"])
def test_a_command_that_trains_nothing(text: str) -> None:
    with pytest.raises(UsageError, match="the command line is not a configuration that is known"):
        read_command(text)


def test_a_command_that_trains_twice() -> None:
    with pytest.raises(UsageError, match="starts 2 trainings; give one"):
        read_command("python train.py --max_iters=5; python train.py --max_iters=6")


def test_a_control_character_reaches_no_screen(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"model_type": "llama", "hidden_size": "\x1b[31m"}), encoding="utf-8")
    assert "\x1b" not in refusal(tmp_path / "a.json")


def test_of_a_folder_of_data_only_some_texts_are_searched_for_a_launcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    (tmp_path / "config.json").write_text('{"model_type": "llama", "num_hidden_layers": 2}', encoding="utf-8")
    for number in range(200):
        (tmp_path / f"{number:04}.txt").write_text("a text\n", encoding="utf-8")

    def counted(path: Path) -> str:
        opened.append(path)
        return text_of(path)

    monkeypatch.setattr("budgetscope.store.configs.read.text_of", counted)
    (run,) = read_runs([tmp_path])
    assert run.depth == 2
    assert len(opened) == 50


def test_what_lies_beside_a_run_and_is_no_configuration_is_told(tmp_path: Path) -> None:
    (tmp_path / "stages.yaml").write_text("- 1\n- 2\n", encoding="utf-8")
    assert "stages.yaml is no table" in refusal(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama", "num_hidden_layers": 2}', encoding="utf-8")
    (tmp_path / "names.json").write_text('["a", "b"]', encoding="utf-8")
    (run,) = read_runs([tmp_path])
    assert run.depth == 2
    assert [remark.split(" is ")[0] for remark in run.remarks] == ["Not read: names.json", "Not read: stages.yaml"]


def test_a_large_file_is_refused_as_data(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_bytes(b" " * (MAX_BYTES + 1))
    assert "is over 1 MiB; give the configuration of a run" in refusal(path)
