"""The price of a design: FLOPs, time, memory and epochs."""

from collections.abc import Sequence
from dataclasses import dataclass

from budgetscope.calibrate.plan.cells import Cell, n_params
from budgetscope.calibrate.plan.design import Design, readings
from budgetscope.calibrate.plan.device import Rate
from budgetscope.calibrate.plan.memory import choose_micro_sequences, memory_estimate, token_bytes
from budgetscope.calibrate.plan.repetition import without_vote
from budgetscope.calibrate.plan.spec import CorpusFacts
from budgetscope.core.language import _
from budgetscope.core.stored_words import stored_text


def law_flops(cells: Sequence[Cell]) -> float:
    """Return the sum of 6 N D over cells, with the tokens of every branch."""
    return sum(c.flops_at(c.trained_tokens) for c in cells)


@dataclass(frozen=True, slots=True)
class StagePrice:
    """The price of one stage.

    Attributes:
        stage: 1 or 2.
        cells: number of models.
        sizes: distinct N, ascending.
        flops: sum of 6 N D.
        tokens: sum over the cells.
        longest_tokens: tokens of the longest cell.
        seconds: expected time on all workers.
        memory_bytes: estimate for the largest stack and the tokens that it reads.
    """

    stage: int
    cells: int
    sizes: tuple[int, ...]
    flops: float
    tokens: int
    longest_tokens: int
    seconds: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a design.

    Attributes:
        stages: stage 1 and stage 2.
        epochs: passes of the longest cell over the data, over the most repeated source of a mix.
        rate: from which the seconds were computed.
        sizes_per_budget: sizes on each IsoFLOP curve, ascending by budget.
        cautions: one sentence each.
    """

    stages: tuple[StagePrice, ...]
    epochs: float
    rate: Rate
    sizes_per_budget: tuple[int, ...]
    cautions: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Expected seconds of both stages."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def flops(self) -> float:
        """6 N D of both stages."""
        return sum(stage.flops for stage in self.stages)


def price(design: Design, rate: Rate, corpus: CorpusFacts, workers: int = 1) -> Price:
    """Price a design.

    Args:
        design: the cells to train.
        rate: of a device.
        corpus: the data.
        workers: number of devices that train.
    """
    stages = tuple(
        _stage(k, cells, rate, corpus.train_tokens, workers) for k, cells in ((1, design.stage1), (2, design.stage2))
    )
    cautions = []
    if repeated := without_vote((*design.stage1, *design.stage2), corpus):
        told = _("{caution} Give more data or spend less.")
        cautions.append(told.format(caution=stored_text(repeated)))
    if not rate.measured:
        cautions.append(_("The minutes come from an assumed rate: smoke measures nothing, the other presets do."))
    return Price(
        stages=stages,
        epochs=corpus.epochs(max(stage.longest_tokens for stage in stages)),
        rate=rate,
        sizes_per_budget=tuple(sum(bool(readings(s, (c,))) for s in design.shapes) for c in design.budgets),
        cautions=tuple(cautions),
    )


def _stage(stage: int, cells: Sequence[Cell], rate: Rate, train_tokens: int, workers: int) -> StagePrice:
    by_shape = {shape: [c for c in cells if c.shape == shape] for shape in {c.shape for c in cells}}
    return StagePrice(
        stage=stage,
        cells=len(cells),
        sizes=tuple(sorted(n_params(shape) for shape in by_shape)),
        flops=law_flops(cells),
        tokens=sum(c.trained_tokens for c in cells),
        longest_tokens=max(c.tokens for c in cells),
        seconds=rate.wall_seconds(cells, workers),
        memory_bytes=max(
            memory_estimate(shape, len(members), choose_micro_sequences(members, rate.device, None), rate.device)
            + token_bytes(members, train_tokens)
            for shape, members in by_shape.items()
        ),
    )
