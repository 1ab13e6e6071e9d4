"""Helpers that compile stacks ahead: what they are asked, what the trainer waits for, and when they end."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.sizes import NIGHTLY
from tests.unit.train.conftest import SHAPE

from budgetscope.calibrate.plan.ladder import ladder
from budgetscope.calibrate.run.processes import process_exists
from budgetscope.calibrate.train import ahead
from budgetscope.calibrate.train.ahead import Ahead, Job

PATIENCE_SECONDS = 60.0
ONE, TWO, THREE = (Job(SHAPE, members, 4) for members in (1, 2, 3))

# Writes what it is asked to a file. One member fails, two end the helper, others wait for the file `go`.
HELPER = """
import json, os, sys, time
folder = sys.argv[1]
for line in sys.stdin:
    members = json.loads(line)["members"]
    with open(folder + "/asked", "a") as asked:
        asked.write(f"{members} ")
    if members == 2:
        sys.exit(7)
    while members != 1 and not os.path.exists(folder + "/go"):
        time.sleep(0.02)
    print(json.dumps({"error": "it is ill"} if members == 1 else {"found": 0, "compiled": 7}), flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which helpers that know the answer leave what they were asked."""
    monkeypatch.setattr(ahead, "HELPER", (sys.executable, "-c", HELPER, str(tmp_path)))
    return tmp_path


def asked(folder: Path, number: int) -> list[str]:
    """Return what the helpers were asked, as soon as it is so many jobs."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = (folder / "asked").read_text().split() if (folder / "asked").exists() else []
        if len(found) >= number:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def test_the_trainer_waits_for_the_stack_that_a_helper_compiles(folder: Path) -> None:
    helpers = Ahead("cpu", None, 1)
    four = replace(THREE, members=4)
    helpers.prepare([THREE, four])
    assert asked(folder, 1) == ["3"]
    begun = time.monotonic()
    # Nobody has begun this one: the trainer compiles it itself, at once.
    helpers.settle(four)
    assert time.monotonic() - begun < PATIENCE_SECONDS / 2
    (folder / "go").touch()
    helpers.settle(THREE)
    assert (helpers.has(THREE), helpers.has(four)) == (True, False)
    # What was begun or settled is never asked again.
    helpers.prepare([THREE, four, replace(THREE, members=5)])
    assert asked(folder, 2) == ["3", "5"]
    helpers.close()
    assert helpers.trouble == ""


def test_the_trainer_waits_no_longer_than_its_patience(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_PATIENCE_SECONDS", 0.1)
    helpers = Ahead("cpu", None, 1)
    helpers.prepare([THREE])
    asked(folder, 1)
    helpers.settle(THREE)
    assert THREE in helpers._running
    helpers.close()
    assert helpers.trouble == ""


def test_what_the_trainer_starts_next_is_left_to_it_however_often_it_follows(folder: Path) -> None:
    helpers = Ahead("cpu", None, 1)
    helpers.prepare([THREE, replace(THREE, members=4)], THREE)
    assert asked(folder, 1) == ["4"]
    helpers.settle(THREE)
    helpers.close()
    assert (folder / "asked").read_text().split() == ["4"]


def test_a_helper_that_fails_or_dies_is_noted_once_and_leaves_its_stack(folder: Path) -> None:
    helpers = Ahead("cpu", None, 1)
    helpers.prepare([ONE, TWO, THREE])
    assert asked(folder, 2) == ["1", "2"]
    helpers.settle(TWO)
    assert helpers.trouble == "it is ill"
    helpers.settle(THREE)
    helpers.prepare([replace(THREE, members=5)])
    helpers.close()
    assert (folder / "asked").read_text().split() == ["1", "2"]


def test_a_helper_that_cannot_start_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "HELPER", ("/nowhere/python",))
    helpers = Ahead("cpu", None, 1)
    helpers.prepare([THREE])
    helpers._threads[0].join(PATIENCE_SECONDS)
    helpers.settle(THREE)
    assert helpers.trouble == "No such file or directory"


def test_no_helper_starts_where_stacks_and_helpers_do_not_fit_together() -> None:
    shape = ladder(4096, 512)[-1]
    wide = Job(shape, 3, 64)
    stack, helper = wide.stack_bytes("cuda:0"), wide.helper_bytes("cuda:0")
    assert helper < stack
    tight = Ahead("cuda:0", stack + 2 * helper, 2)
    tight.prepare([wide])
    assert not tight._threads
    assert Ahead("cuda:0", 2 * (stack + 2 * helper), 2)._has_room(wide)


STARTER = """
import sys, time
from budgetscope.calibrate.train.ahead import Ahead, Job
from tests.unit.train.conftest import SHAPE
helpers = Ahead("cpu", None, 1)
helpers.prepare([Job(SHAPE, 2, 4)])
while not helpers._helpers:
    time.sleep(0.01)
print(helpers._helpers[0].pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not NIGHTLY, reason="loads torch and begins to compile; `just nightly` runs it")
def test_a_helper_ends_when_the_trainer_is_killed(tmp_path: Path) -> None:
    environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True, env=environment
    ) as starter:
        assert starter.stdout is not None
        helper = int(starter.stdout.readline())
        # In the midst of a job, as soon as torch has begun one.
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not any(tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert process_exists(helper)
        starter.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process_exists(helper):
        assert time.monotonic() < deadline
        time.sleep(0.05)


COMPILED = """
import time
import numpy as np
import torch
from budgetscope.calibrate.corpus.sampling import Tokens
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.run.train_settings import Mode, TrainSettings
from budgetscope.calibrate.train import ahead
from budgetscope.calibrate.train.stack import train_stack
from tests.unit.train.conftest import SHAPE
from dataclasses import replace
shape = replace(SHAPE, depth=3)
cells = [Cell(shape, 1e-3 * k, 4 * k, 0.95, k, 256, 0, (256,)) for k in (1, 2)]
ahead._PATIENCE_SECONDS = 900
helpers = ahead.Ahead("cpu", None, 1)
job = ahead.Job(shape, 2, 4)
helpers.prepare([job])
while job not in helpers._running:
    time.sleep(0.01)
helpers.settle(job)
events = []
text = np.arange(9000, dtype=np.uint16) % 32
settings = TrainSettings(mode=Mode.COMPILE, eval_sequences=4)
torch.set_num_threads(1)
train_stack(cells, Tokens(text, text, 32), device="cpu", settings=settings, emit=events.append)
print(helpers.trouble, events[0].graphs_found, events[0].graphs_compiled)
"""


@pytest.mark.slow
@pytest.mark.skipif(not NIGHTLY, reason="compiles for minutes; `just nightly` runs it")
def test_the_trainer_finds_every_graph_that_a_helper_compiled(tmp_path: Path) -> None:
    environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", COMPILED], capture_output=True, text=True, check=False, env=environment, timeout=1200
    )
    assert done.returncode == 0, done.stderr
    found, compiled = map(int, done.stdout.split())
    # Forward and backward pass of block and norm, loss and its gradient, and the optimizer.
    assert found >= 7
    assert compiled == 0
