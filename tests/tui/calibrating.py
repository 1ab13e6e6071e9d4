"""Fixed runs to look at: planned by the real design, trained by the fake trainer, at fixed times."""

import json
import os
import platform
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.unit.calibrate.fake_worker import FakeTrainer, call_it_large

from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.plan.design import PRESETS, design
from budgetscope.calibrate.plan.device import Rate
from budgetscope.calibrate.plan.spec import CorpusFacts, Spec
from budgetscope.calibrate.run.events import Record, RunDone, encode
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.logs import Reader
from budgetscope.calibrate.run.state import RunState, fold

EPOCH = 1_767_323_045.0
NAME = "20260102-030405-smoke-beef"
FIT = "mine/planted"


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


@dataclass(frozen=True)
class Planted:
    """A run that is done: its records at fixed times, and its fit."""

    records: tuple[Record, ...]
    fit: str

    def at(self, name: str = NAME, share: float = 1.0, *, alive: bool = False) -> RunFolder:
        """Write a run as it was when a share of its records had been written.

        Args:
            name: of the run.
            share: of the records.
            alive: whether this process poses as its worker.
        """
        folder = RunFolder.create(planted_spec(name))
        folder.events.write_bytes(b"".join(encode(record) for record in self.part(share)))
        if share == 1.0:
            (folder.path / "fit.json").write_text(self.fit, encoding="utf-8")
        if alive:
            self.keep_alive(folder)
        return folder

    def keep_alive(self, folder: RunFolder) -> None:
        """Hold a run's lock."""
        text = json.dumps({"pid": os.getpid(), "host": platform.node()})
        (folder.path / "lock").write_text(text, encoding="utf-8")

    def part(self, share: float) -> tuple[Record, ...]:
        """Return the first of its records."""
        return self.records[: round(share * len(self.records))]

    def state(self, share: float = 1.0) -> RunState:
        """Return the state that they fold to."""
        return fold(self.part(share))

    def stopped(self, name: str, share: float) -> RunFolder:
        """Write a run that was stopped after a share of its records."""
        folder = self.at(name, share)
        last = self.part(share)[-1]
        with folder.events.open("ab") as log:
            log.write(encode(replace(last, seq=last.seq + 1, event=RunDone("stopped", "asked to stop"))))
        return folder


def plant(root: Path) -> Planted:
    """Do the run once."""
    folder = RunFolder.create(planted_spec(), root)
    with pytest.MonkeyPatch.context() as patch:
        call_it_large(patch.setattr)
        state = carry_on(folder, planted_spec(), FakeTrainer(), Stop(folder.stop_file))
    assert state.status == "done"
    reader, records = Reader(folder.events), list[Record]()
    while new := reader.read():
        records += [replace(record, t=EPOCH + 0.25 * record.seq) for record in new]
    return Planted(tuple(records), folder.fit_file.read_text(encoding="utf-8"))
