"""Names of files and folders that hold what a terminal obeys are shown harmless, wherever they are shown."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from budgetscope.api import Advisor
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.cli.main import main
from budgetscope.core.printable import printable
from budgetscope.report.fits import list_cells
from budgetscope.store.locations import bundled_fits, user_fits, user_runs
from budgetscope.tui.screens.fits.import_form import PathSuggester

NewRun = Callable[[], RunFolder]
Told = Callable[..., str]
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\n\udcff"
ESCAPED = r"\x1b]0;owned\x07\x1b[2J\x9b31m\r\n\udcff"


def said(*arguments: str) -> str:
    """Return everything that a command prints."""
    result = subprocess.run(
        [sys.executable, "-m", "budgetscope", *arguments], capture_output=True, check=False, errors="surrogateescape"
    )
    assert "internal error" not in result.stderr
    return result.stdout + result.stderr


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Told:
    """As `said`, in this process, which has loaded everything."""

    def make(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["budgetscope", *arguments])
        with pytest.raises(SystemExit):
            main()
        shown = "".join(capfd.readouterr())
        assert "internal error" not in shown
        return shown

    return make


def harmless(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize("name", ["plain", "größer", "两 words", ""])
def test_a_printable_name_stays(name: str) -> None:
    assert printable(name) == name


def test_what_a_terminal_obeys_is_escaped() -> None:
    assert printable(EVIL) == ESCAPED


def test_fits(told: Told) -> None:
    bundled = next(path for path in bundled_fits().rglob("*.json"))
    for target in (user_fits() / "mine" / f"{EVIL}.json", user_fits() / f"mine{EVIL}" / "fit.json"):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(bundled, target)
    entries = Advisor().library.entries()
    assert all(text.isprintable() for entry in entries for text in (*list_cells(entry, ""), entry.problem))
    assert all(each.isprintable() for each in Advisor().library.ids())
    for command in (
        ("fits", "list"),
        ("plan", "1e21", "--law", f"mine/{ESCAPED[:20]}"),
        ("fits", "show", "mine/owned"),
    ):
        assert harmless(told(*command)), command


def test_runs(new_run: NewRun, tmp_path: Path, told: Told) -> None:
    folder = new_run()
    evil = user_runs() / f"20990101{EVIL}"
    folder.path.rename(evil)
    elsewhere = tmp_path / EVIL
    shutil.copytree(evil, elsewhere)
    shown = told("calibrate", "list")
    assert harmless(shown)
    assert "20990101" in shown
    for name in ("20990101", RunFolder(evil).name, str(elsewhere)):
        for command in ("status", "stop", "fit"):
            shown = told("calibrate", command, name)
            assert harmless(shown), (command, name)
            assert "there is no run" not in shown
    assert "there is no run" not in said("calibrate", "--resume", "20990101", "--accept", "--detach")


async def test_paths_are_not_completed_by_a_name_that_cannot_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"runs{EVIL}.csv").touch()
    assert await PathSuggester().get_suggestion("ru") is None
    (tmp_path / "runs.csv").touch()
    assert await PathSuggester().get_suggestion("ru") == "runs.csv"
