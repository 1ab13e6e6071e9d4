"""The pace of stacks beside the calibrations that were recorded on H200s."""

import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.device import Rate
from budgetscope.calibrate.plan.pace import CAPTURED, COMPILED, CUDA_STARTS
from budgetscope.calibrate.run import events, progress

# What the probe of that day measured (probes.json beside the runs).
PROBED = Rate("cuda", {64: 79.26e12, 256: 186.15e12}, measured=True)


@dataclass
class Trained:
    """A stack as its log tells it."""

    cells: list[Cell]
    mode: str
    started: float
    start_seconds: float
    ended: float
    begun_at: int
    tokens: int

    @property
    def whole(self) -> bool:
        return self.begun_at == 0 and self.tokens >= max(cell.tokens for cell in self.cells)


@pytest.fixture(params=["a", "b", "c", "d"])
def run(request: pytest.FixtureRequest, reference: Path) -> list[Trained]:
    """Return the stacks of a recorded run."""
    archive = reference / "calibration-2026-11-29" / "runs.tar.xz"
    with tarfile.open(archive) as runs:
        log = runs.extractfile(f"./{request.param}/events.jsonl")
        assert log is not None
        records = [events.decode(line, checked=False) for line in log]
    cells = {c.id: c for r in records if isinstance(r.event, events.StagePlanned) for c in r.event.cells}
    stacks: list[Trained] = []
    for record in records:
        match record.event:
            case progress.Started(ids, tokens, mode, _, seconds):
                members = [cells[key] for key in ids]
                stacks.append(Trained(members, mode, record.t, seconds, record.t, tokens, tokens))
            case progress.Step(_, tokens):
                stacks[-1].ended, stacks[-1].tokens = record.t, tokens
            case progress.LossReading() | progress.Finished() | progress.Diverged():
                stacks[-1].ended = record.t
    return stacks


def test_each_stack_is_priced_within_an_eighth_and_all_within_a_tenth(run: list[Trained]) -> None:
    priced, taken = 0.0, 0.0
    for stack in (stack for stack in run if stack.whole):
        compiled = stack.mode == "compile+graph"
        pace = COMPILED if compiled else CAPTURED
        seconds, measured = pace.training(stack.cells, "cuda"), stack.ended - stack.started
        assert seconds == pytest.approx(measured, rel=0.125 if compiled else 0.25, abs=1.0), stack.cells[0].shape
        assert PROBED.training_seconds(stack.cells) < 1.05 * max(seconds, COMPILED.training(stack.cells, "cuda"))
        priced, taken = priced + seconds, taken + measured
    assert priced == pytest.approx(taken, rel=0.1)


def test_starts_took_what_is_priced(run: list[Trained]) -> None:
    starts = [stack.start_seconds for stack in run if stack.mode == "compile+graph"][1:]
    compiled = [seconds for seconds in starts if seconds > 5]
    assert sum(compiled) / len(compiled) == pytest.approx(CUDA_STARTS.compiled, rel=0.12)
    found = [seconds for seconds in starts if seconds <= 5]
    assert all(1.0 < seconds < 2.0 for seconds in found)
    assert 1.0 < CUDA_STARTS.ready < 2.0
