"""The command line in process: a run costs milliseconds, not a start of Python."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import pytest
import typer.main

from budgetscope.cli.main import main


@dataclass(frozen=True)
class Ran:
    """What a run left behind."""

    code: int
    out: str
    err: str


Cli = Callable[..., Ran]


@pytest.fixture(scope="session", autouse=True)
def _commands_built_once() -> Iterator[None]:
    """Typer builds its tree of commands anew for every run, which takes longer than most runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", cache(typer.main.get_command))
        yield


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run `budgetscope` with the given words."""

    def run(*words: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["budgetscope", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        assert isinstance(stop.value.code, int)
        shown = capsys.readouterr()
        return Ran(stop.value.code, shown.out, shown.err)

    return run
