"""`export --recipe`: the list, the files, and every refusal."""

import json
import shlex
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

from budgetscope.report.recipes.targets import TARGETS


def test_the_list_needs_no_budget(cli: Cli) -> None:
    ran = cli("export", "--recipe", "list")
    assert ran.code == 0
    for name, target in TARGETS.items():
        assert name in ran.out
        assert target.trainer.version.split()[-1] in ran.out.replace("\n", "")


def test_a_recipe_is_written_and_what_it_loses_is_told(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    ran = cli("export", "1e18", "--recipe", "litgpt", "-o", str(folder))
    assert ran.code == 0
    assert ran.out == ""
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "pretrain.yaml"]
    assert "written for litgpt 0.5.13" in ran.err
    assert "not expressed: the constant rate and its linear decay (WSD)" in ran.err
    assert f"wrote {folder / 'pretrain.yaml'}" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["new"], "nothing is left beside it"


def test_the_command_of_a_recipe_writes_it_again_wherever_it_is_pasted(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("export", "$50k on H100", "--recipe", "litgpt", "-o", "mine").code == 0
    page = (tmp_path / "mine" / "README.md").read_text()
    (command,) = [line for line in page.splitlines() if line.startswith("budgetscope export ")]
    monkeypatch.chdir(tmp_path / "mine")
    for _ in range(2):
        assert cli(*shlex.split(command)[1:]).code == 0
        assert (tmp_path / "mine" / "litgpt-recipe" / "README.md").read_text() == page


def test_the_command_of_a_recipe_pasted_again_keeps_what_was_changed_since(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = ("export", "1e18", "--recipe", "litgpt", "-o", "litgpt-recipe")
    assert cli(*first).code == 0
    folder = tmp_path / "litgpt-recipe"
    page = (folder / "README.md").read_text()
    (command,) = [shlex.split(line)[1:] for line in page.splitlines() if line.startswith("budgetscope export ")]
    (folder / "out").mkdir()
    written = folder / "pretrain.yaml"
    text = written.read_text()
    written.write_text(text + "# mine\n")
    ran = cli(*command)
    assert (ran.code, ran.out) == (2, "")
    assert "'litgpt-recipe/pretrain.yaml' was changed since it was written; name another folder, or add" in ran.err
    assert written.read_text() == text + "# mine\n"
    assert cli(*command, "--force").code == 0
    assert written.read_text() == text
    written.unlink()
    assert cli(*command).code == 0
    assert written.read_text() == text


def test_an_empty_folder_is_filled_and_another_is_not(cli: Cli, tmp_path: Path) -> None:
    assert cli("export", "1e18", "--recipe", "huggingface", "-o", str(tmp_path)).code == 0
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["hidden_size"] == 672
    (tmp_path / "notes.txt").write_text("kept")
    again = cli("export", "1e17", "--recipe", "huggingface", "-o", str(tmp_path))
    assert (again.code, again.out) == (2, "")
    assert "is not empty; name another folder or add --force." in again.err
    assert cli("export", "1e17", "--recipe", "huggingface", "-o", str(tmp_path), "--force").code == 0
    assert json.loads((tmp_path / "config.json").read_text())["hidden_size"] != 672
    assert (tmp_path / "notes.txt").read_text() == "kept"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--recipe", "keras", "-o", "{new}"], "'keras' is not a recipe; choose one of huggingface, torchtitan"),
        (["--recipe", "litgpt"], "a recipe is a folder of files; name it with -o, such as -o litgpt."),
        (["--recipe", "litgpt", "-o", "-"], "a recipe is a folder of files; name it with -o"),
        (["--recipe", "litgpt", "-o", "{file}"], "is a file, and a recipe is a folder of files; name a folder."),
        (["--recipe", "litgpt", "-o", "{new}", "--format", "md"], "the files of its trainer, and no --format"),
        (["--recipe", "", "-o", "{new}"], "'' is not a recipe"),
    ],
    ids=["no target", "no folder", "stdout", "a file", "a format", "empty"],
)  # fmt: skip
def test_a_refusal_is_one_sentence_and_writes_nothing(cli: Cli, tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "file").write_text("kept")
    named = {"new": str(tmp_path / "new"), "file": str(tmp_path / "file")}
    ran = cli("export", "1e18", *(word.format(**named) for word in words))
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.err.strip().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
    assert (tmp_path / "file").read_text() == "kept"


def test_a_folder_below_a_file_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    ran = cli("export", "1e18", "--recipe", "litgpt", "-o", str(tmp_path / "file" / "new"))
    assert ran.code == 1
    assert "choose a folder that you can write to" in ran.err
    assert (tmp_path / "file").read_text() == "kept"
