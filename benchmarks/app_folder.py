"""Fill the user folders of the timed app: scenarios, fits, and runs, of which one may be live."""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from types import TracebackType
from typing import Self

from budgetscope.api import PlanRequest, to_record
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.design import PRESETS, design
from budgetscope.calibrate.plan.device import Rate
from budgetscope.calibrate.plan.spec import CorpusFacts, Spec
from budgetscope.calibrate.run import events, progress
from budgetscope.calibrate.run.events import CELLS_A_RECORD, Event, Record, encode
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.logs import Writer
from budgetscope.store.app_state import AppState, write_state
from budgetscope.store.files import write_atomically
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.fit_schema import dump
from budgetscope.store.locations import bundled_fits, user_fits
from budgetscope.store.scenarios import Scenario, save_scenario

N_CELLS = 200
EVENTS_A_SECOND = 2
_PRESET = "standard"
_STEPS = 77
_EVENTS_A_CELL = _STEPS + 3
"""Start, steps, reading and end; at two events a second the second half of the cells takes 67 minutes."""


def move_in(home: Path) -> None:
    """Make a new folder the home of this process and of its children."""
    os.environ["HOME"] = str(home)
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        os.environ[f"XDG_{name}_HOME"] = str(home / name.lower())
    os.environ.pop("BUDGETSCOPE_FITS", None)


def leave_request(budget: str) -> None:
    """Make the next app open on the first screen with a budget, without the tour."""
    write_state(AppState(request=to_record(PlanRequest(budget)), toured=True))


def save_scenarios(number: int) -> None:
    """Save scenarios with different budgets."""
    for index in range(number):
        request = PlanRequest(f"{8 * (index + 1)} H100 for {7 + index} days")
        save_scenario(Scenario(f"scenario {index + 1}", to_record(request)))


def store_fits(number: int) -> None:
    """Store copies of the bundled fits under new ids."""
    bundled = Library((Layer("bundled", bundled_fits()),)).entries()
    fits = [entry.fit for entry in bundled if entry.fit is not None]
    for index, fit in enumerate(islice(cycle(fits), number)):
        name = f"mine/fit-{index:04d}"
        write_atomically(user_fits() / f"{name}.json", dump(replace(fit, id=name)))


def plan_run(name: str) -> RunFolder:
    """Make a run of `N_CELLS` cells whose first half has been trained; it has no worker."""
    spec = _spec(name)
    folder, cells = RunFolder.create(spec), spec.design.stage1
    done = [event for cell in cells[: N_CELLS // 2] for event in _life(cell)]
    begun = time.time() - len(done) / EVENTS_A_SECOND
    parts = [cells[start : start + CELLS_A_RECORD] for start in range(0, len(cells), CELLS_A_RECORD)]
    head: list[Event] = [events.RunStarted(spec.sha256, "a fake", {"python": "3"}, 1e12, {"mode": "fake"})]
    head += [events.StagePlanned(1, part, complete=part is parts[-1]) for part in parts]
    records = (Record(seq, begun + seq / EVENTS_A_SECOND, 1, event) for seq, event in enumerate([*head, *done]))
    folder.events.write_bytes(b"".join(encode(record) for record in records))
    return folder


def _spec(name: str) -> Spec:
    corpus = CorpusFacts("a planted text", "/nowhere", "0" * 64, "bytes", 257, 1.0, 10_000_000, 200_000)
    seconds = PRESETS[_PRESET].minutes * 60.0
    planned = design(_PRESET, seconds, Rate.assumed("cpu").seconds, corpus.vocab_size, 64)
    planned = replace(planned, stage1=planned.stage1[:N_CELLS])
    return Spec(1, name, "2026-01-02T03:04:05Z", "mine/fake", "cpu", None, corpus, planned, seconds, "0")


def _life(cell: Cell) -> Iterator[Event]:
    """Yield the events of a cell that trains alone."""
    yield progress.Started((cell.id,), 0, "fake", 1, 0.0)
    for step in range(1, _STEPS + 1):
        loss = 2.0 + 6.0 / step**0.5 + 0.05 * abs(cell.learning_rate - 0.003)
        yield progress.Step((cell.id,), cell.tokens * step // _STEPS, (loss,), 1e6, 1e9)
    yield progress.LossReading(cell.id, cell.tokens, loss, 0.01, 4)
    yield progress.Finished(cell.id)


class Worker:
    """A fake worker of a run: writes `EVENTS_A_SECOND` until all cells are trained or the context is left."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        self._folder.lock.take()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._left.set()
        self._thread.join()
        self._folder.lock.release()

    def _work(self) -> None:
        writer = Writer(self._folder.events, N_CELLS // 2 * _EVENTS_A_CELL + 10, 1)
        cells = self._folder.spec().design.stage1[N_CELLS // 2 :]
        for event in (event for cell in cells for event in _life(cell)):
            if self._left.wait(1 / EVENTS_A_SECOND):
                break
            writer.append(event)
            self._folder.lock.beat()
        writer.close()
