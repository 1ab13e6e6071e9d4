"""Workers and drivers that are killed, stopped or suspended at any moment, one to three on a run: it ends as if alone.

Each cell is finished once, but where a suspended worker was taken for dead.
"""

import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock

from tests.chaos.counts import Counts
from tests.chaos.forks import ended, forked, killed
from tests.planted_run import planted_spec
from tests.unit.calibrate import fake_worker
from tests.unit.calibrate.fake_worker import FakeTrainer, fake_trainer

from budgetscope.calibrate import launch
from budgetscope.calibrate.engines import base
from budgetscope.calibrate.engines.base import AGAIN
from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.run import claims, events, progress
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import Launch, live_workers, new_launch
from budgetscope.calibrate.run.logs import RunReader
from budgetscope.calibrate.run.state import RunState
from budgetscope.calibrate.worker import main
from budgetscope.core.errors import BudgetscopeError
from budgetscope.store.files import listed, read_text

_MOST_LAUNCHES = 20
_MOST_WORKERS = 3
_PATIENCE_SECONDS = 60.0
_ACTS = ("SIGKILL", "SIGKILL", "SIGTERM", "SIGINT", "suspended", "suspended", "stop file")
_ENDS = (progress.Finished, progress.Diverged, events.CellFailed)


def campaign(seed: int, deadline: float) -> Counts:
    """End workers of a run, launch after launch, until it is done; each launch is an attempt."""
    counts = Counts()
    spec = replace(planted_spec(), workers=_MOST_WORKERS)
    with tempfile.TemporaryDirectory() as scratch:
        first = RunFolder.create(spec, Path(scratch, "whole"))
        whole = carry_on(first, spec, FakeTrainer(), Stop(first.stop_file))
        run, launched = 0, 0
        folder = RunFolder.create(spec, Path(scratch, str(run)))
        for rng in counts.attempts(seed, deadline):
            launched += 1
            # In every third run, who is suspended may be taken for dead.
            silent = 0.1 if run % 3 == 2 else claims.SILENT_SECONDS
            with counts.watched(("launch", launched), _PATIENCE_SECONDS):
                folder.stop_file.unlink(missing_ok=True)
                if rng.random() < 0.1:
                    _end_drivers(folder, rng, counts)
                else:
                    _end_workers(folder, rng, silent, counts)
            if folder.state().status != "done" and launched < _MOST_LAUNCHES:
                continue
            _finish(folder, whole, counts, once=run % 3 != 2)
            run, launched = run + 1, 0
            folder = RunFolder.create(spec, Path(scratch, str(run)))
        _finish(folder, whole, counts, once=run % 3 != 2)
    return counts


def _work(folder: RunFolder, started: Launch, slot: int, step_seconds: float, silent_seconds: float) -> int:
    os.environ["FAKE_STEP_SECONDS"] = str(step_seconds)
    claims.SILENT_SECONDS = silent_seconds
    folder.output.mkdir(exist_ok=True)
    os.dup2(os.open(folder.output / f"{started.number:04d}-{slot}.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND), 2)
    return main([str(folder.path), "--launch", str(started.number), "--slot", str(slot)], fake_trainer)


def _end_workers(folder: RunFolder, rng: random.Random, silent: float, counts: Counts) -> None:
    """Start workers, and end or suspend some."""
    seconds = rng.choice((0.001, 0.004))
    started = new_launch(folder, "local", rng.choice((1, 2, 2, 3, 3)))
    pids = [forked(partial(_work, folder, started, slot, seconds, silent)) for slot in range(started.workers)]
    with _reaped(pids):
        did = [_act(folder, pids, rng) for _ in range(rng.randint(0, 3))]
        is_left = "stop file" in did or rng.random() < 0.5
        for slot, pid in enumerate(pids):
            if not is_left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            code = ended(pid, _PATIENCE_SECONDS)
            if code is None:
                counts.fault("hangs", f"worker {slot} of {started.workers} after {did}")
            elif code not in (0, AGAIN, -signal.SIGTERM, -signal.SIGINT, -signal.SIGKILL):
                counts.fault("tracebacks", f"exit code {code} after {did}: {_said(folder)}")


@contextlib.contextmanager
def _reaped(pids: list[int]) -> Iterator[None]:
    """Kill at the end what has not been waited for."""
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                killed(pid)


def _act(folder: RunFolder, pids: list[int], rng: random.Random) -> str:
    """Wait a moment, and do something to one worker, or to all."""
    time.sleep(rng.uniform(0, 0.2))
    how, pid = rng.choice(_ACTS), rng.choice(pids)
    if how == "stop file":
        launch.ask_to_stop(folder)
    elif how == "suspended":
        os.kill(pid, signal.SIGSTOP)
        time.sleep(rng.uniform(0, 0.6))
        os.kill(pid, signal.SIGCONT)
    else:
        os.kill(pid, getattr(signal, how))
    return how


def _end_drivers(folder: RunFolder, rng: random.Random, counts: Counts) -> None:
    """Kill one or two drivers that start workers at once; the workers go on until they are stopped."""
    paths = os.pathsep.join(filter(None, sys.path))
    with (
        mock.patch.object(base, "WORKER", (sys.executable, fake_worker.__file__)),
        mock.patch.dict(os.environ, {"FAKE_STEP_SECONDS": "0.05", "PYTHONPATH": paths}),
    ):
        options = launch.Options(workers=rng.randint(1, 2))
        before = {path.name for path in listed(folder.launches)}
        pids = [forked(partial(_drive, folder, options)) for _ in range(rng.randint(1, 2))]
    with _reaped(pids):
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not (wanted := _expected(folder, before, options)) or not wanted <= _logged(folder):
            if time.monotonic() > deadline:
                counts.fault("lost", f"no worker has started: {_said(folder)}")
                return
            time.sleep(0.05)
        time.sleep(rng.uniform(0, 0.2))
    if {worker.key for worker in live_workers(folder)} < wanted:
        counts.fault("lost", f"a worker ended with its driver: {_said(folder)}")
    elif launch.stop(folder, _PATIENCE_SECONDS) != "stopped":
        counts.fault("hangs", "a worker does not stop")


def _expected(folder: RunFolder, before: set[str], options: launch.Options) -> set[str]:
    """Return the names of the logs of all workers that new launches start."""
    new = [path.stem for path in listed(folder.launches) if path.suffix == ".json" and path.name not in before]
    return {f"{number}-{slot}-1" for number in new for slot in range(options.workers or 1)}


def _logged(folder: RunFolder) -> set[str]:
    return {path.stem for path in listed(folder.workers) if path.stat().st_size}


def _said(folder: RunFolder) -> str:
    return " ".join(read_text(path, 2**20)[-300:] for path in listed(folder.output)[-_MOST_WORKERS:])


def _drive(folder: RunFolder, options: launch.Options) -> int:
    try:
        watch = launch.start(folder, options)
    except BudgetscopeError:
        # The other driver was faster.
        return 1
    for process in watch.processes:
        process.wait()
    return 0


def _finish(folder: RunFolder, whole: RunState, counts: Counts, *, once: bool) -> None:
    """Do what is left of a run, and hold it to the one that nothing ended."""
    folder.stop_file.unlink(missing_ok=True)
    with counts.watched("the last worker", _PATIENCE_SECONDS):
        if folder.state().status != "done":
            carry_on(folder, folder.spec(), FakeTrainer(), Stop(folder.stop_file))
    state = folder.state()
    if state.status != "done" or state.unreadable:
        counts.fault("lost", f"the run is {state.status} ({state.reason}), {state.unreadable} lines unreadable")
    for key, cell in whole.cells.items():
        found = state.cells.get(key)
        if found is None or (found.status, found.readings) != (cell.status, cell.readings):
            counts.fault("wrong", f"cell {key} differs from that of a run that nothing ended")
            return
    twice = [key for key, times in _finishes(folder).items() if times > 1]
    if once and twice:
        counts.fault("wrong", f"finished more than once: {twice[:3]} and {len(twice)} in all")


def _finishes(folder: RunFolder) -> Counter[str]:
    """Return how often each cell was finished."""
    reader, found = RunReader(folder.path), Counter[str]()
    while records := reader.read():
        for record in records:
            if isinstance(record.event, _ENDS):
                found[getattr(record.event, "cell_id", "") or getattr(record.event, "cell", "")] += 1
    return found
