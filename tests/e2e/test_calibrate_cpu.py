"""The real command with the real trainer on a processor: from nothing to a stored fit, and through a SIGKILL.

At night the losses are also compared with those of a run that nothing killed.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.sizes import NIGHTLY

pytest.importorskip("torch")
pytest.importorskip("tokenizers")

pytestmark = pytest.mark.slow

COMMAND = (sys.executable, "-m", "budgetscope", "calibrate")
# The least time that the preset takes is least with long sequences, which make the fewest steps.
SMOKE = ("--preset", "smoke", "--device", "cpu", "--seq-len", "128", "--minutes", "0.63")
PATIENCE_SECONDS = 300.0


def calibrate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)


def started(name: str) -> Path:
    """Start a run that goes on by itself; return its folder."""
    detached = calibrate(*SMOKE, "--name", name, "--detach")
    assert detached.returncode == 0, detached.stderr
    return max(Path(os.environ["XDG_DATA_HOME"]).glob("budgetscope/runs/*"))


def wait(run: Path, reached: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """Wait until the log of its worker says something; return the log."""
    deadline, log = time.monotonic() + PATIENCE_SECONDS, run / "workers" / "0001-0-1.jsonl"
    while True:
        lines = log.read_text().splitlines(keepends=True) if log.exists() else []
        records = [json.loads(line) for line in lines if line.endswith("\n")]
        if reached(records):
            return records
        assert time.monotonic() < deadline, lines[-1:]
        time.sleep(0.05)


def done(records: list[dict[str, Any]]) -> set[str]:
    return {record["cell_id"] for record in records if record["kind"] == "cell_done"}


def saved(records: list[dict[str, Any]]) -> set[str]:
    """Return the cells of the last checkpoint."""
    held = [record["cell_ids"] for record in records if record["kind"] == "checkpoint"]
    return set(held[-1]) if held else set()


def status(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(calibrate("status", run.name, "--json").stdout)
    return found


def losses(state: dict[str, Any]) -> dict[tuple[str, int], float]:
    return {
        (key, reading["tokens"]): reading["loss"]
        for key, cell in state["cells"].items()
        for reading in cell["readings"]
    }


def test_from_nothing_through_a_kill_to_a_stored_fit() -> None:
    killed = started("mine/killed")
    # In the midst of the second stack.
    log = wait(killed, lambda records: bool(done(records)) and bool(saved(records) - done(records)))
    os.kill(log[0]["pid"], signal.SIGKILL)
    held, before = saved(log), done(log)
    resumed = calibrate("--resume", killed.name)
    assert resumed.returncode == 0, resumed.stderr
    assert "porian2024/refinedweb-tuned -> mine/killed" in resumed.stdout
    reached = status(killed)
    assert (reached["status"], reached["starts"]) == ("done", 2)
    fit = json.loads((killed / "fit.json").read_text())
    assert {"allocation", "warmup", "weight_decay"} <= set(fit["laws"])
    assert 0.1 < fit["laws"]["allocation"]["parameters"]["exponent"] < 0.9
    assert fit["provenance"]["version_torch"]
    assert "repeated runs" in fit["provenance"]["seed_noise"]

    if not NIGHTLY:
        # The same of stacks: test_a_resumed_stack_goes_on_bit_by_bit; of a worker:
        # test_killed_worker_loses_no_finished_cell_and_the_run_ends_the_same.
        return
    whole = started("mine/whole")
    wait(whole, lambda records: done(records) >= held | before)
    assert calibrate("stop", whole.name).returncode == 0
    expected = losses(status(whole))
    assert {cell for cell, _ in expected} >= held | before
    found = losses(reached)
    assert {place: found[place] for place in expected} == pytest.approx(expected, rel=1e-5)
