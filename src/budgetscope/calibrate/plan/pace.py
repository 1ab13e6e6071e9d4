"""The pace of stacks: what a micro-step costs, how many a stack needs, and how starts hide behind training."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.memory import choose_micro_sequences
from budgetscope.core.counting.ledger import Shape

EVALUATIONS = 8
"""Most evaluations in a reading."""
EVALUATED_SEQUENCES = 128
"""Held-out sequences of an evaluation."""
# Evaluations cost at most this share of the training; a forward pass costs a third of a training step.
_EVALUATION_SHARE = 0.1
FORWARD_SHARE = 1 / 3


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of the parts of a training on one machine.

    Attributes:
        step: of a micro-step, whatever its size.
        block: of each block in a micro-step, whatever its size.
        logit: of a token and an entry of the vocabulary.
        activation: of a token, a block and a unit of width.
        flop: of a FLOP in matrix products.
        update: of a weight, embeddings counted, in an optimizer step.
    """

    step: float
    block: float
    logit: float
    activation: float
    flop: float
    update: float

    def micro_step(self, shape: Shape, n_tokens: int) -> float:
        """Return the seconds of a micro-step with these tokens of all members together."""
        a_token = (
            self.logit * shape.vocab_size
            + self.activation * shape.depth * shape.width
            + self.flop * 6 * (shape.n_params_blocks + shape.n_params_head)
        )
        return self.step + self.block * shape.depth + n_tokens * a_token

    def optimizer_step(self, shape: Shape, members: int) -> float:
        """Return the seconds of an optimizer step."""
        weights = shape.n_params_blocks + shape.n_params_head + shape.n_params_embedding
        return self.update * members * weights

    def training(self, cells: Sequence[Cell], device: str) -> float:
        """Return the seconds to train a stack, readings included and its start not."""
        shape, members = cells[0].shape, len(cells)
        micro = choose_micro_sequences(cells, device, None)
        micro_steps = max(cell.tokens for cell in cells) / (micro * shape.seq_len)
        updates = micro_steps * micro / min(cell.batch_sequences for cell in cells)
        # Cells of equal readings are evaluated together.
        passes = max(map(_n_evaluations, cells)) * -(-EVALUATED_SEQUENCES // micro) * FORWARD_SHARE
        a_step = self.micro_step(shape, members * micro * shape.seq_len)
        return (micro_steps + passes) * a_step + updates * self.optimizer_step(shape, members)


# Least squares, relative, over the 53 compiled stacks of four calibrations on H200s (2026-11-29, torch 2.11: 3 to 74
# members of width 32 to 352, 257 and 4,096 tokens of vocabulary) and the eleven stacks of a probe and of
# docs/explanation/calibration.md (1 to 32 members, up to width 512). Those of the calibrations err by 3.2% (root mean
# square), at most 7%.
COMPILED = Pace(1.89e-4, 1.32e-4, 4.01e-12, 1.22e-10, 5.71e-16, 1.51e-11)
PROBED_FASTER = 1.08
"""How much faster than `COMPILED` a probe of the same H200 trains, 1.06 at width 64 and 1.09 at 256: it saves no
checkpoints, reads no losses and does not wait for reports."""
# The five uncompiled stacks of the same calibrations, 3 members of width 12 to 80, took 1.0 to 1.3 ms a micro-step;
# what depends on the width could not be told from them and is that of compiled stacks.
CAPTURED = Pace(4.2e-4, 3.7e-4, 2.5e-11, 1.22e-10, 5.71e-16, 1.51e-11)
# Least squares over 78 stacks on one thread (2 and 10 members of width 4 to 64; 11% root mean square error), scaled by
# one factor to the 48 s that the stacks of a smoke run trained on two cores that did nothing else.
PROCESSOR = Pace(2.1e-3, 4.4e-4, 9.5e-9, 3.9e-8, 2.1e-11, 7.2e-9)


def n_evaluations(new_tokens: int, evaluated_tokens: int, most: int = EVALUATIONS) -> int:
    """Return the number of evaluations of a reading, so that they cost no more than their share.

    Args:
        new_tokens: training tokens since the reading before.
        evaluated_tokens: of an evaluation.
        most: at most so many.
    """
    return min(most, max(1, int(_EVALUATION_SHARE / FORWARD_SHARE * new_tokens / evaluated_tokens)))


def _n_evaluations(cell: Cell) -> int:
    evaluated = EVALUATED_SEQUENCES * cell.shape.seq_len
    befores = (0, *cell.readings)
    return sum(n_evaluations(now - then, evaluated) for then, now in zip(befores, cell.readings, strict=False))


@dataclass(frozen=True, slots=True)
class Starts:
    """How long the start of a stack takes, and how much of it helpers take over.

    Attributes:
        first: seconds of the first stack of a process that has to compile it.
        compiled: of a later one that has to be compiled.
        ready: of one whose compiled graphs are found, or that is not compiled.
        helper: seconds that a helper takes for a stack.
        helpers: number of them.
    """

    first: float
    compiled: float
    ready: float
    helper: float
    helpers: int

    def seconds(self, training: Sequence[tuple[float, bool]]) -> float:
        """Return the seconds that the starts add to the training of stacks, one after another.

        Args:
            training: of each stack in turn: its seconds, and whether it is compiled.
        """
        # Each helper takes the next stack that nobody has; the trainer has the first, and waits for what is begun.
        helpers = [self.helper / 2] * self.helpers
        ready: dict[int, float] = {}
        queue = [k for k, (_, compiles) in enumerate(training) if compiles][1:]
        now, total, begun = 0.0, 0.0, False
        for k, (seconds, compiles) in enumerate(training):
            while queue and helpers and helpers[0] <= now:
                ready[queue.pop(0)] = (done := heapq.heappop(helpers) + self.helper)
                heapq.heappush(helpers, done)
            start = self.ready
            if compiles and not begun:
                start, begun = self.first, True
            elif compiles and k in ready:
                start += max(0.0, ready[k] - now)
            elif compiles:
                start = self.compiled
                queue.remove(k)
            total += start
            now += start + seconds
        return total


# H200s on 2026-11-29, 16 cores: the first compiled stack of a process started in 29 s on a machine that had compiled
# nothing and in 8 s on one that had; later ones in 8 to 17 s, on average 12.6, and in 1.1 to 1.8 s with all graphs
# found. Stage 1 begins with the first, stage 2 with one that no helper may have known: on average 20 s.
CUDA_STARTS = Starts(20.0, 12.6, 1.5, 15.0, 2)
UNCOMPILED_STARTS = {"mps": Starts(2.0, 2.0, 2.0, 0.0, 0), "cpu": Starts(0.3, 0.3, 0.3, 0.0, 0)}
