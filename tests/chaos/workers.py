"""Workers and drivers that are killed or stopped at any moment: the run goes on and ends as one that nothing ended."""

import os
import random
import signal
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from unittest import mock

from tests.chaos.counts import Counts
from tests.chaos.forks import ended, forked, killed
from tests.planted_run import planted_spec
from tests.unit.calibrate import fake_worker
from tests.unit.calibrate.fake_worker import FakeTrainer, fake_trainer

from budgetscope.calibrate import launch
from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.state import RunState
from budgetscope.calibrate.worker import main

_MOST_WORKERS = 40
_PATIENCE_SECONDS = 60.0
_ENDS = ("SIGKILL", "SIGKILL", "SIGKILL", "SIGTERM", "SIGINT", "stopped", "stop file", "driver")


def campaign(seed: int, deadline: float) -> Counts:
    """End worker after worker of a run until it is done; each end is an attempt."""
    counts = Counts()
    with tempfile.TemporaryDirectory() as scratch:
        first = RunFolder.create(planted_spec(), Path(scratch, "whole"))
        whole = carry_on(first, first.spec(), FakeTrainer(), Stop(first.stop_file))
        folder, started = RunFolder.create(planted_spec(), Path(scratch, "0")), 0
        for rng in counts.attempts(seed, deadline):
            started += 1
            with counts.watched(("worker", started), _PATIENCE_SECONDS):
                _end(folder, rng, counts)
            if folder.state().status != "done" and started < _MOST_WORKERS:
                continue
            _finish(folder, whole, counts)
            folder, started = RunFolder.create(planted_spec(), Path(scratch, str(counts.tried))), 0
        _finish(folder, whole, counts)
    return counts


def _work(folder: RunFolder, step_seconds: float) -> int:
    os.environ["FAKE_STEP_SECONDS"] = str(step_seconds)
    os.dup2(os.open(folder.worker_log, os.O_CREAT | os.O_WRONLY | os.O_APPEND), 2)
    return main([str(folder.path)], fake_trainer)


def _end(folder: RunFolder, rng: random.Random, counts: Counts) -> None:
    """Start a worker and end it in one of many ways."""
    folder.stop_file.unlink(missing_ok=True)
    how, seconds = rng.choice(_ENDS), rng.choice((0.001, 0.004))
    if how == "driver":
        _end_driver(folder, rng, counts)
        return
    pid = forked(lambda: _work(folder, seconds))
    time.sleep(rng.uniform(0, 0.4))
    match how:
        case "stopped":
            # Suspended, it still has the run.
            os.kill(pid, signal.SIGSTOP)
            if folder.owner() is not None and ended(forked(lambda: _work(folder, 0)), _PATIENCE_SECONDS) != 1:
                counts.fault("wrong", "a second worker took the run from a suspended one")
            killed(pid)
            return
        case "stop file":
            launch.ask_to_stop(folder)
        case _:
            os.kill(pid, getattr(signal, how))
    code = ended(pid, _PATIENCE_SECONDS)
    if code is None:
        counts.fault("hangs", f"a worker ignores {how}")
        killed(pid)
    elif code not in (0, -getattr(signal, how, 0)):
        counts.fault("tracebacks", f"exit code {code} after {how}: {folder.worker_log.read_text()[-300:]}")


def _end_driver(folder: RunFolder, rng: random.Random, counts: Counts) -> None:
    """Kill what started and follows a worker; the worker goes on until it is stopped."""
    command = (sys.executable, fake_worker.__file__)
    paths = os.pathsep.join(filter(None, sys.path))
    with (
        mock.patch.object(launch, "WORKER", command),
        mock.patch.dict(os.environ, {"FAKE_STEP_SECONDS": "0.05", "PYTHONPATH": paths}),
    ):
        pid = forked(partial(_drive, folder))
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while folder.owner() is None or not folder.owner().alive:  # type: ignore[union-attr]
        if time.monotonic() > deadline:
            counts.fault("lost", f"no worker has started: {folder.worker_log.read_text()[-300:]}")
            killed(pid)
            return
        time.sleep(0.01)
    time.sleep(rng.uniform(0, 0.2))
    killed(pid)
    owner = folder.owner()
    if owner is None or not owner.alive:
        counts.fault("lost", "the worker ended with its driver")
    elif launch.stop(folder, _PATIENCE_SECONDS) != "stopped":
        counts.fault("hangs", "the worker does not stop")


def _drive(folder: RunFolder) -> None:
    process = launch.start(folder, launch.Options()).process
    assert process is not None
    process.wait()


def _finish(folder: RunFolder, whole: RunState, counts: Counts) -> None:
    folder.stop_file.unlink(missing_ok=True)
    state = folder.state()
    with counts.watched("the last worker", _PATIENCE_SECONDS):
        if state.status != "done":
            state = carry_on(folder, folder.spec(), FakeTrainer(), Stop(folder.stop_file))
    if state.status != "done" or state.unreadable:
        counts.fault("lost", f"the run is {state.status} ({state.reason}), {state.unreadable} lines unreadable")
    for key, cell in whole.cells.items():
        found = state.cells.get(key)
        if found is None or (found.status, found.readings) != (cell.status, cell.readings):
            counts.fault("wrong", f"cell {key} differs from that of a run that nothing ended")
            return
