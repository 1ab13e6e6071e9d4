"""Pipes, devices and folders in the place of a file: each is refused at once, and none hangs a command."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from budgetscope.calibrate.launch import Watch
from budgetscope.calibrate.run.claims import Claim, Claims
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import Launch, find_workers, last_launch
from budgetscope.calibrate.run.logs import Reader, Writer
from budgetscope.cli.calibrate import app
from budgetscope.core.errors import BudgetscopeError, FailureError
from budgetscope.store.files import open_file, read_text
from budgetscope.store.locations import user_runs
from budgetscope.store.tables.read import read_runs

SMOKE = ("--preset", "smoke", "--device", "cpu")  # looks at no device, which would load torch

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    """End a test that blocks."""
    import signal  # noqa: PLC0415 - not on every system

    def hangs(*_: object) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def piped(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    return path


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    for path in (piped(tmp_path / "pipe"), Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError):  # noqa: PT011 - which one is the system's
            open_file(path)
        with pytest.raises(FailureError, match="is not a regular file; name a file"):
            read_text(path, 10)


@pytest.mark.parametrize(
    "name", ["runs.csv", "runs.csv.gz", "runs.json", "runs.jsonl", "runs.parquet", "events.out.tfevents.1"]
)
def test_a_table_that_is_a_pipe_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BudgetscopeError, match="it is not a file"):
        read_runs(piped(tmp_path / name))
    with pytest.raises(BudgetscopeError, match="it is not a file"):
        read_runs(piped(tmp_path / "folder" / "events.out.tfevents.1").parent)


def test_a_run_of_pipes_hides_no_other() -> None:
    for run, name in (
        ("one", "workers/0001-0-1.jsonl"),
        ("two", "launches/0001.json"),
        ("two", "claims/slice.1"),
        ("two", "output/0001-0.log"),
        ("two", "stored"),
        ("two", "fit.json"),
        ("two", "stop"),
    ):
        piped(user_runs() / run / name)
        (user_runs() / run / "spec.json").write_text("{}")
    one, folder = RunFolder(user_runs() / "one"), RunFolder(user_runs() / "two")
    log = one.workers / "0001-0-1.jsonl"
    with pytest.raises(FailureError):
        Reader(log).read()
    with pytest.raises(FileExistsError):
        Writer(log)
    assert find_workers(one) == []
    assert not folder.stored
    folder.mark_stored()
    assert last_launch(folder) is None
    claims = Claims(folder, "0001-0-1")
    assert claims.latest() == {"slice": Claim("slice", 1, "")}
    assert not claims.take("slice", 1)
    assert "ended without a word" in Watch(folder, Launch(1, "local", 1)).failure()
    shown = CliRunner().invoke(app, ["list"]).stdout
    assert "two" in shown


def test_a_text_to_train_on_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    path = piped(tmp_path / "text.txt")
    result = subprocess.run(
        [sys.executable, "-m", "budgetscope", "calibrate", *SMOKE, "--dry-run", "--data", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert result.returncode == 2
    assert "is a pipe, and text is read more than once" in result.stderr
