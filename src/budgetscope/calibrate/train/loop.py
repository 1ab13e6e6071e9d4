"""The training loop of one stack that fits in memory: micro-steps, evaluations, checkpoints, events."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from budgetscope.calibrate.run import progress
from budgetscope.calibrate.run.progress import TrainEvent
from budgetscope.calibrate.run.readings import Readings
from budgetscope.calibrate.run.train_settings import TrainSettings
from budgetscope.calibrate.train.checkpoint import Checkpoint
from budgetscope.calibrate.train.engine import HOPELESS_NATS, Engine


@dataclass(frozen=True, slots=True)
class StackOutcome:
    """How the cells of a stack ended, by id.

    Attributes:
        finished: reached their last reading.
        diverged: were masked.
        unfinished: were stopped; empty unless the caller asked to stop.
    """

    finished: tuple[str, ...]
    diverged: tuple[str, ...]
    unfinished: tuple[str, ...]


class Loop:
    """Runs one engine to its end.

    The host waits for the device at the end of a span of micro-steps, about every `settings.report_seconds`; in between
    it only launches.
    """

    def __init__(
        self,
        engine: Engine,
        settings: TrainSettings,
        emit: Callable[[TrainEvent], None],
        checkpoint: Checkpoint | None,
        should_stop: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._emit = emit
        self._checkpoint = checkpoint
        self._should_stop = should_stop
        self._shape = engine.cells[0].shape
        self._micro_tokens = engine.micro_sequences * self._shape.seq_len
        self._readings = Readings(engine.cells, settings, self._micro_tokens)
        self._ids = tuple(cell.id for cell in engine.cells)
        self._learning = dict(zip(self._ids, engine.cells, strict=True))
        self._finished: list[str] = []
        self._diverged: list[str] = []
        self._seconds_a_step = math.inf

    def resume(self, evaluations: dict[str, dict[str, float]]) -> None:
        """Continue from a checkpoint, whose tensors the engine has loaded."""
        self._readings.restore(evaluations)

    @property
    def outcome(self) -> StackOutcome:
        """How the cells have ended so far."""
        return StackOutcome(tuple(self._finished), tuple(self._diverged), tuple(self._learning))

    def run(self) -> StackOutcome:
        """Train until every member has finished or diverged, or the caller asks to stop.

        Raises:
            FailureError: a checkpoint cannot be written.
        """
        if self._engine.done:
            # The log may lack events from before the checkpoint; nothing else would report them.
            self._mask_diverged()
            self._report(0)
        while self._learning:
            if self._should_stop():
                self._save()
                break
            # A stack that was saved on a branch goes on where that begins.
            if not self._readings.waiting(self._engine.done):
                stop = self._readings.next_stop(self._engine.done)
                assert stop is not None, "a cell that still learns has a reading to come"  # noqa: S101
                self._train_span(stop)
            if self._readings.waiting(self._engine.done):
                self._evaluate()
            if self._learning and self._checkpoint is not None and self._checkpoint.due():
                self._save()
        return self.outcome

    def _train_span(self, stop: int, *, branch: bool = False) -> None:
        begun, first, engine = time.perf_counter(), self._engine.done, self._engine
        wanted = max(1, int(self._settings.report_seconds / self._seconds_a_step))
        engine.train(min(wanted, stop - self._engine.done))
        sums = engine.loss_sum.tolist()
        engine.loss_sum.zero_()
        seconds = time.perf_counter() - begun
        self._seconds_a_step = seconds / (self._engine.done - first)
        rate = len(self._learning) * self._micro_tokens / self._seconds_a_step
        self._mask_diverged()
        losses = (
            total / (self._engine.done - first) if cell_id in self._learning else None
            for cell_id, total in zip(self._ids, sums, strict=True)
        )
        self._emit(
            progress.Step(
                self._ids,
                self._engine.done * self._micro_tokens,
                tuple(losses),
                rate,
                rate * self._shape.executed_flops_per_token,
                first * self._micro_tokens,
                branch,
            )
        )

    def _mask_diverged(self) -> None:
        alive = self._engine.alive.tolist()
        if all(alive[self._ids.index(cell_id)] for cell_id in self._learning):
            return
        survived, averages = self._engine.alive_steps.tolist(), self._engine.average_loss.tolist()
        for member, cell_id in enumerate(self._ids):
            if alive[member] or cell_id not in self._learning:
                continue
            reason = "its loss or gradient is not a finite number"
            if math.isfinite(averages[member]) and averages[member] > math.log(self._shape.vocab_size):
                reason = f"the loss of its batches stays {HOPELESS_NATS:g} nats above that of knowing nothing"
            del self._learning[cell_id]
            self._diverged.append(cell_id)
            self._emit(progress.Diverged(cell_id, survived[member] * self._micro_tokens, reason))

    def _evaluate(self) -> None:
        done = self._engine.done
        losses = self._after_decay() if self._engine.cells[0].decay else self._engine.evaluate()
        if losses is not None:
            self._readings.record(done, losses)
            self._report(done - 1)

    def _after_decay(self) -> list[float] | None:
        """Return the losses at the end of a branch on which the learning rate decays; the stack then is back.

        None if the caller asked to stop or all members diverged. A resumed stack trains the branch again from its
        beginning, which is what a checkpoint holds.
        """
        engine, begin = self._engine, self._engine.done
        trunk, end, saved = engine.state(copy=True), self._readings.branch_end(begin), False
        engine.decay(end)
        while self._learning and engine.done < end and not self._should_stop():
            self._train_span(end, branch=True)
            if not saved and self._checkpoint is not None and self._checkpoint.due():
                self._save((trunk, begin))
                saved = True
        losses = engine.evaluate() if engine.done == end else None
        alive = engine.alive.clone()
        engine.load(trunk, range(len(self._ids)), begin)
        engine.alive.logical_and_(alive)
        return losses

    def _report(self, after: int) -> None:
        """Report the readings that were completed after this many micro-steps, and the members that have finished."""
        for reading in self._readings.complete(after, self._engine.done, self._learning):
            self._emit(reading)
        if self._readings.waiting(self._engine.done):
            return
        tokens = self._engine.done * self._micro_tokens
        for cell_id in [cell_id for cell_id, cell in self._learning.items() if cell.trunk_tokens <= tokens]:
            del self._learning[cell_id]
            self._finished.append(cell_id)
            self._emit(progress.Finished(cell_id))

    def _save(self, trunk: tuple[dict[str, Any], int] | None = None) -> None:
        """Save the state of the stack, or on a branch the state and the micro-steps where that began."""
        if self._checkpoint is None or not self._engine.done:
            return
        state, done = trunk or (self._engine.state(), self._engine.done)
        micro = (self._engine.micro_sequences, done)
        self._checkpoint.save(state, self._ids, micro, self._readings.values())
        self._emit(progress.Checkpointed(self._ids, done * self._micro_tokens, str(self._checkpoint.folder)))
