"""Fixed runs to look at: planned by the real design, trained by the fake trainer, at fixed times."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest
from tests.unit.calibrate.fake_worker import FakeTrainer, call_it_large

from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.plan.design import PRESETS, design
from budgetscope.calibrate.plan.device import Rate
from budgetscope.calibrate.plan.spec import CorpusFacts, Spec
from budgetscope.calibrate.run import events
from budgetscope.calibrate.run.events import Event, Record, RunDone, encode
from budgetscope.calibrate.run.fold import fold
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import new_launch
from budgetscope.calibrate.run.logs import Reader, log_files, named
from budgetscope.calibrate.run.processes import here, identity, process_started
from budgetscope.calibrate.run.state import RunState, combine

EPOCH = 1_767_323_045.0
NAME = "20260102-030405-smoke-beef"
FIT = "mine/planted"
KEY = "0001-0-1"
"""Name of the log of a planted run's only worker."""
_STEP_SECONDS = 0.25


def planted_spec(name: str = NAME) -> Spec:
    """Return a smoke run over bytes."""
    return Spec(
        v=1,
        run=name,
        created="2026-01-02T03:04:05Z",
        fit_id=FIT,
        device="cpu",
        device_index=None,
        corpus=CorpusFacts("planted text", "/nowhere", "0" * 64, "bytes", 257, 1.0, 10_000_000, 200_000),
        design=design("smoke", PRESETS["smoke"].minutes * 60, Rate.assumed("cpu").seconds, 257, 64),
        expected_seconds=30.0,
        version="0",
    )


def begun(folder: RunFolder, *, alive: bool = True, host: str = "node", gpu: str = "") -> events.WorkerStarted:
    """Return the first event of a worker of a run: this process poses as it, or one of its id that has ended."""
    process = process_started(os.getpid()) if alive else "ended"
    return events.WorkerStarted(os.getpid(), host, here(), process, identity(folder.path), gpu)


def append(path: Path, chosen: Sequence[Event], begin: float = EPOCH) -> None:
    """Append events to a log, at equal steps of time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log:
        first = len(path.read_bytes().splitlines())
        log.writelines(
            encode(Record(first + number, begin + _STEP_SECONDS * number, 1, event))
            for number, event in enumerate(chosen)
        )


@dataclass(frozen=True)
class Planted:
    """A run that is done: its plans and the log of its worker, at fixed times, and its fit.

    Attributes:
        plans: records of each plan.
        records: of the worker; the first waits for a folder.
        fit: text of `fit.json`.
    """

    plans: tuple[tuple[Record, ...], ...]
    records: tuple[Record, ...]
    fit: str

    def at(self, name: str = NAME, share: float = 1.0, *, alive: bool = False) -> RunFolder:
        """Write a run as it was when a share of its worker's records had been written.

        Args:
            name: of the run.
            share: of the records.
            alive: whether this process poses as its worker.
        """
        folder = RunFolder.create(planted_spec(name))
        new_launch(folder, "local", 1)
        part = self.part(share)
        if part:
            first = replace(part[0], event=begun(folder, alive=alive))
            self._write(folder, (first, *part[1:]))
        if share == 1.0:
            folder.fit_file.write_text(self.fit, encoding="utf-8")
        return folder

    def grow(self, folder: RunFolder, share: float) -> None:
        """Write what the worker wrote next, up to a share of its records."""
        written = len(log_of(folder).read_bytes().splitlines())
        self._write(folder, self.part(share)[written:])

    def _write(self, folder: RunFolder, part: Sequence[Record]) -> None:
        self._write_plans(folder, part[-1].t)
        folder.workers.mkdir(exist_ok=True)
        with log_of(folder).open("ab") as log:
            log.writelines(map(encode, part))

    def _write_plans(self, folder: RunFolder, until: float) -> None:
        folder.plans.mkdir(exist_ok=True)
        for number, plan in self._plans(until):
            (folder.plans / f"{number:04d}.jsonl").write_bytes(b"".join(map(encode, plan)))

    def _plans(self, until: float) -> list[tuple[int, tuple[Record, ...]]]:
        return [(number, plan) for number, plan in enumerate(self.plans) if plan[0].t < until]

    def part(self, share: float) -> tuple[Record, ...]:
        """Return the first of its worker's records."""
        return self.records[: round(share * len(self.records))]

    def state(self, share: float = 1.0) -> RunState:
        """Return the state that they fold to."""
        part = self.part(share)
        empty = named(Path(f"{KEY}.jsonl"))
        return combine([fold(part, empty), *(fold(plan) for _, plan in self._plans(part[-1].t))])

    def several(self, share: float) -> RunFolder:
        """Write a run that lives, each slice of whose first plan has a worker, and one more worker waits.

        Args:
            share: of each worker's records.
        """
        taken = [n for n, record in enumerate(self.records) if isinstance(record.event, events.SliceTaken)]
        slices = {record.event.slice for record in self.plans[0] if isinstance(record.event, events.StagePlanned)}
        parts = [self.records[a:b] for a, b in pairwise([*taken, len(self.records)])][: len(slices)]
        folder = RunFolder.create(replace(planted_spec(), workers=len(parts) + 1))
        new_launch(folder, "local", len(parts) + 1, range(len(parts) + 1))
        self._write_plans(folder, EPOCH + 1.0)
        for slot, part in enumerate([*parts, ()]):
            path = folder.workers / f"0001-{slot}-1.jsonl"
            told = [_event(record) for record in part[: round(share * len(part))]]
            first = [begun(folder, host=f"node{slot // 2}", gpu=str(slot % 2)), _event(self.records[1])]
            append(path, [*first, *(told or [events.Waiting()])])
            # The clock of the disk, by which a worker is silent, stands still at that of the log.
            os.utime(path, (2 * EPOCH, 2 * EPOCH))
        return folder

    def stopped(self, name: str, share: float) -> RunFolder:
        """Write a run that was stopped after a share of its records."""
        folder = self.at(name, share)
        append(log_of(folder), [RunDone("stopped", "asked to stop")], self.part(share)[-1].t)
        return folder


def log_of(folder: RunFolder) -> Path:
    """Return the path of the log of a planted run's only worker."""
    return folder.workers / f"{KEY}.jsonl"


def plant(root: Path) -> Planted:
    """Do the run once."""
    folder = RunFolder.create(planted_spec(), root)
    with pytest.MonkeyPatch.context() as patch:
        call_it_large(patch.setattr)
        state = carry_on(folder, planted_spec(), FakeTrainer(), Stop(folder.stop_file))
    assert state.status == "done"
    plans, told = [], list[Event]()
    for path, empty in log_files(folder.path):
        records = _records(path)
        if empty.launch:
            # How often it beats depends on the machine.
            told = [r.event for r in records if r.event and not isinstance(r.event, events.Heartbeat)]
            told[0] = begun(folder)
        else:
            plans += [records] if records else []
    times = [EPOCH + _STEP_SECONDS * seq for seq in range(len(told))]
    return Planted(
        # A plan is written just before the first of its slices is taken.
        tuple(tuple(replace(r, t=_first_taken(plan, told, times) - _STEP_SECONDS / 2) for r in plan) for plan in plans),
        tuple(Record(seq, t, 1, event) for seq, (t, event) in enumerate(zip(times, told, strict=True))),
        folder.fit_file.read_text(encoding="utf-8"),
    )


def _event(record: Record) -> Event:
    assert record.event is not None
    return record.event


def _records(path: Path) -> list[Record]:
    reader, records = Reader(path), list[Record]()
    while new := reader.read():
        records += new
    return records


def _first_taken(plan: Sequence[Record], told: Sequence[Event], times: Sequence[float]) -> float:
    slices = {record.event.slice for record in plan if isinstance(record.event, events.StagePlanned)}
    taken = (
        t
        for event, t in zip(told, times, strict=True)
        if isinstance(event, events.SliceTaken) and event.slice in slices
    )
    return next(taken)
