"""The real command with the real trainer on a processor: from nothing to a stored fit, and through a SIGKILL."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")

pytestmark = pytest.mark.slow

COMMAND = (sys.executable, "-m", "budgetscope", "calibrate")
SMOKE = ("--preset", "smoke", "--device", "cpu")
PATIENCE_SECONDS = 300.0


def calibrate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)


def runs() -> list[Path]:
    return sorted(Path(os.environ["XDG_DATA_HOME"]).glob("budgetscope/runs/*"))


def status(run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(calibrate("status", run, "--json").stdout)
    return found


def losses(state: dict[str, Any], stage: int) -> dict[tuple[str, int], float]:
    return {
        (key, reading["tokens"]): reading["loss"]
        for key, cell in state["cells"].items()
        if cell["stage"] == stage
        for reading in cell["readings"]
    }


def test_from_nothing_to_a_stored_fit_and_through_a_kill_to_the_same_losses() -> None:
    whole = calibrate(*SMOKE, "--name", "mine/whole")
    assert whole.returncode == 0, whole.stderr
    assert "porian2024/refinedweb-tuned -> mine/whole" in whole.stdout
    (folder,) = runs()
    fit = json.loads((folder / "fit.json").read_text())
    assert {"allocation", "warmup", "weight_decay"} <= set(fit["laws"])
    assert 0.1 < fit["laws"]["allocation"]["parameters"]["exponent"] < 0.9
    assert fit["provenance"]["version_torch"]
    assert "repeated runs" in fit["provenance"]["noise"]
    expected = status(folder.name)

    detached = calibrate(*SMOKE, "--name", "mine/killed", "--detach")
    assert detached.returncode == 0, detached.stderr
    second = runs()[-1]
    deadline = time.monotonic() + PATIENCE_SECONDS
    log = second / "events.jsonl"
    while not log.exists() or b'"kind":"checkpoint"' not in log.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(json.loads((second / "lock").read_text())["pid"], signal.SIGKILL)
    resumed = calibrate("--resume", second.name)
    assert resumed.returncode == 0, resumed.stderr
    reached = status(second.name)
    assert (reached["status"], reached["generation"]) == ("done", 2)
    for stage in (1, 2):
        assert losses(reached, stage) == pytest.approx(losses(expected, stage), rel=1e-5)
    again = json.loads((second / "fit.json").read_text())["laws"]["allocation"]["parameters"]
    assert again == pytest.approx(fit["laws"]["allocation"]["parameters"], rel=1e-3)
