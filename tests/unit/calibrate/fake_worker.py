"""A worker whose trainer knows the answer: run as `python fake_worker.py RUN_FOLDER [--time-limit M]`.

FAKE_STEP_SECONDS slows it down, so that it can be killed in the middle. FAKE_HOLD names a file: while it exists no
step ends, so that a run cannot be over before a test has disturbed it. FAKE_LARGE lets its small models plan.
FAKE_SILENT_SECONDS is the silence after which it takes a worker for dead.
"""

import argparse
import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from budgetscope.calibrate import orchestrate, reach
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.ladder import rule_batch, rule_learning_rate
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run import claims, events, progress
from budgetscope.calibrate.run.events import Event
from budgetscope.calibrate.worker import main
from budgetscope.core.errors import FailureError
from budgetscope.store.files import write_atomically

STEPS = 24
DIVERGES_ABOVE = 0.2


def planted_loss(cell: Cell, tokens: int, lr_shift: float = 1.0, noise: float = 0.003) -> float:
    """Loss of a model that follows E + A/N^a + B/D^b, a bowl in lr and batch, and noise of its own."""
    n = cell.n_params
    # alpha = beta: N* grows as C^0.5; A and B put D/N near 20.
    surface = 1.7 + 20 * math.pow(n, -0.3) + 20 * math.pow(tokens / 20, -0.3)
    lr = math.log(cell.learning_rate / (lr_shift * rule_learning_rate(n)))
    batch = math.log(cell.batch_sequences / max(4, rule_batch(n, cell.shape.seq_len)))
    beta = 0.05 * abs(cell.beta2 - 0.99)
    digest = hashlib.sha256(f"{cell.id} {tokens}".encode()).digest()
    luck = sum(digest[:12]) / 12 / 255 - 0.5
    return max(0.6, surface + 0.05 * lr**2 + 0.03 * batch**2 + beta + noise * luck * 12)


class FakeTrainer:
    """Trains in a few steps, with checkpoints and readings."""

    def __init__(
        self, step_seconds: float = 0.0, lr_shift: float = 1.0, noise: float = 0.003, hold: Path | None = None
    ) -> None:
        self.step_seconds, self.lr_shift, self.noise, self.hold = step_seconds, lr_shift, noise, hold
        self.trained: list[str] = []
        self.prepared: list[list[tuple[str, ...]]] = []

    def started(self, spec_sha256: str) -> events.RunStarted:
        return events.RunStarted(spec_sha256, "fake", {"python": "3"}, 1e12, {"mode": "fake"})

    def prepare(self, now: Sequence[Cell], upcoming: Sequence[Sequence[Cell]]) -> None:
        assert now
        self.prepared.append([tuple(cell.id for cell in cells) for cells in upcoming])

    def ready(self, cells: Sequence[Cell]) -> bool:
        return bool(cells)

    def train(
        self, cells: Sequence[Cell], checkpoint: Path, emit: Callable[[Event], None], should_stop: Callable[[], bool]
    ) -> None:
        ids = tuple(cell.id for cell in cells)
        self.trained += ids
        saved = checkpoint / "state.json"
        begin = json.loads(saved.read_text()) if saved.exists() else 0
        total = max(cell.tokens for cell in cells)
        share = max(1, math.ceil(total / STEPS))
        done: set[str] = set()
        emit(progress.Started(ids, begin, "fake", 1, 0.0))
        for tokens in range(begin + share, total + share, share):
            time.sleep(self.step_seconds)
            while self.hold is not None and self.hold.exists() and not should_stop():
                time.sleep(0.05)
            for cell in cells:
                if cell.id in done:
                    continue
                if cell.learning_rate > DIVERGES_ABOVE:
                    emit(progress.Diverged(cell.id, tokens, "the loss ran away"))
                    done.add(cell.id)
                    continue
                for reading in (r for r in cell.readings if tokens - share < r <= tokens):
                    loss = planted_loss(cell, reading, self.lr_shift, self.noise)
                    emit(progress.LossReading(cell.id, reading, loss, 0.01, 4))
            losses = tuple(None if c.id in done else planted_loss(c, min(tokens, c.tokens)) for c in cells)
            emit(progress.Step(ids, tokens, losses, 1e6, 1e6 * cells[0].shape.executed_flops_per_token))
            ended = {cell.id for cell in cells if cell.tokens <= tokens} - done
            for key in sorted(ended):
                emit(progress.Finished(key))
            done |= ended
            if (tokens // share) % 4 == 0 or should_stop():
                save(saved, tokens)
                emit(progress.Checkpointed(ids, tokens, str(checkpoint)))
            if should_stop():
                return


def save(path: Path, tokens: int) -> None:
    """Write a state as the real trainer does: it does not bring a deleted run back."""
    if not path.parents[2].exists():
        raise FailureError("the checkpoint cannot be written.")
    write_atomically(path, json.dumps(tokens))


def fake_trainer(_: Spec, __: argparse.Namespace) -> FakeTrainer:
    hold = os.environ.get("FAKE_HOLD")
    return FakeTrainer(float(os.environ.get("FAKE_STEP_SECONDS", "0")), hold=None if hold is None else Path(hold))


def call_it_large(patch: Callable[[str, object], None]) -> None:
    """Let a smoke run's law plan: the planted loss has no head, and its exponents hold at every size."""
    for name, value in (("MIN_BUDGETS", 3), ("MIN_DEPTH", 0), ("MAX_HEAD", 1.0)):
        patch(f"budgetscope.calibrate.reach.{name}", value)


if __name__ == "__main__":
    if "FAKE_LARGE" in os.environ:
        call_it_large(lambda path, value: setattr(reach, path.rpartition(".")[2], value))
    if "FAKE_SILENT_SECONDS" in os.environ:
        claims.SILENT_SECONDS = float(os.environ["FAKE_SILENT_SECONDS"])
        orchestrate.HEARTBEAT_SECONDS = claims.SILENT_SECONDS / 10
    sys.exit(main(sys.argv[1:], fake_trainer))
