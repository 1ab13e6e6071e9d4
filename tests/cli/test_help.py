"""The help: every command once, in a section, with its whole summary, and examples that parse."""

import inspect
import shlex

import pytest
import typer
from tests.cli.conftest import Cli

from budgetscope.cli.main import app

GROUPS = ((), ("calibrate",), ("fits",), ("prices",))


def tree() -> typer.core.TyperGroup:
    found = typer.main.get_command(app)
    assert isinstance(found, typer.core.TyperGroup)
    return found


def group(words: tuple[str, ...]) -> typer.core.TyperGroup:
    found = tree()
    for word in words:
        found = found.commands[word]  # type: ignore[assignment]
    return found


@pytest.mark.parametrize("words", GROUPS)
def test_a_group_lists_every_command_with_its_whole_summary(cli: Cli, words: tuple[str, ...]) -> None:
    told = " ".join(cli(*words, "--help").out.split())
    assert "..." not in told.replace("[ARGS]...", "").replace("PATH...", "")
    for name, command in group(words).commands.items():
        summary = " ".join(inspect.cleandoc(command.help or "").partition("\n\n")[0].split())
        assert summary.endswith(".")
        assert f"{name} {summary}" in told


def test_the_first_help_is_in_sections(cli: Cli) -> None:
    lines = cli("--help").out.splitlines()
    titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["Options:", "Answer a budget:", "Laws, and where they come from:", "Runs and machines:"]


def test_every_command_of_the_first_help_has_an_example(cli: Cli) -> None:
    for name in tree().commands:
        told = cli(name, "--help").out
        assert f"    budgetscope {name}" in told


def test_examples_are_commands_that_exist() -> None:
    for words in GROUPS:
        found = group(words)
        for command in (found, *found.commands.values()):
            for line in (command.epilog or "").splitlines():
                if line.startswith("  budgetscope "):
                    _parse(shlex.split(line)[1:])


def _parse(words: list[str]) -> None:
    """Parse a command without running it."""
    command = tree()
    while isinstance(command, typer.core.TyperGroup) and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]  # type: ignore[assignment]
    if "--help" not in words:
        command.make_context(command.name, list(words))


def test_a_shell_completes_commands_and_options(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_BUDGETSCOPE_COMPLETE", "complete_bash")
    for words, place, found in (("budgetscope wh", "1", "whatif"), ("budgetscope plan 1e21 --se", "3", "--seq-len")):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", place)
        assert found in cli().out.split()


def test_the_help_says_how_to_install_the_completion(cli: Cli) -> None:
    told = cli("--help").out
    assert "--install-completion" in told
    assert "--show-completion" in told
