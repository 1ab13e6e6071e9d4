"""The design of a calibration: from a limit of minutes or FLOPs to the cells of both stages.

Stage 1 is a grid of learning rate, batch and beta2 at D = 20 N for a few small sizes. Stage 2 trains sizes around the
expected optimum of several budgets; each run is read at every budget that it passes.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from budgetscope.calibrate.plan.cells import Cell, n_params
from budgetscope.calibrate.plan.ladder import (
    build_cell,
    ladder,
    rule_batch,
    rule_learning_rate,
    whole_batch,
)
from budgetscope.core.counting.ledger import Shape
from budgetscope.core.errors import UsageError

STAGE1_TOKENS_PER_PARAM = 20
STAGE1_SHARE = 0.4
"""Share of the limit for stage 1; the rest is for stage 2."""
BUDGET_FACTOR = 2.0
"""Factor between neighbouring budgets."""
MIN_RATIO, MAX_RATIO = 2.0, 200.0
"""Range of D/N of a reading: a factor ten on each side of 20, so a factor three in N at one budget. Below it a run is
still warming up; above it a run takes much data and adds little about the optimum."""
MIN_BATCH = 2
"""Fewest sequences per optimizer step: fewer leave the device idle."""
MAX_EXTENSIONS = 2
"""Most steps that a grid may grow beyond an edge, on each side."""
MIN_SIZES_BESIDE = 2
"""Fewest sizes on each side of a budget's expected optimum, at least a factor `_BESIDE` away from it."""
MIN_BUDGETS = 4
"""Fewest budgets: a loss curve needs four, an allocation law three."""

# Expected N*(C): the law of Porian et al. 2024 (0.12 C^0.497), 20% lower, as a prototype found at 1e14 to 1e15 FLOPs.
# It only centres the sizes; the fit does not use it.
_EXPECTED = (0.096, 0.497)
_BESIDE = 1.2
# Stage 1 of the calibrations of 2026-11-29 chose 0.25 to 0.5 of the rule's batch for the sizes of stage 2.
_EXPECTED_BATCH_SHARE = 0.375
_GRID_FACTOR = 2.0
_LR_STEPS = {3: (-1, 0, 1), 5: (-2, -1, 0, 1, 2), 6: (-3, -2, -1, 0, 1, 2)}
_BATCH_STEPS = {3: (-1, 0, 1), 4: (-2, -1, 0, 1)}
_SEARCH_STEP = 2**0.25
_SEARCH_STEPS = 120  # a factor 1e9
# Designs grow dearer with their largest budget, except for steps of the ladder: from here on all are too dear.
_HOPELESS = 4.0
# Share of the head in the smallest model above which another tokenizer helps most: bytes have 0.87.
_HEAD_TOO_LARGE = 0.95


@dataclass(frozen=True, slots=True)
class Preset:
    """The sizes of a named design.

    Attributes:
        minutes: the limit if a request states neither minutes nor FLOPs.
        stage1_sizes: number of sizes with a grid.
        learning_rates: number in a grid.
        batches: number in a grid.
        beta2s: values in a grid.
        seeds: number per size of stage 2; they measure the noise.
        budgets: most IsoFLOP curves.
    """

    minutes: float
    stage1_sizes: int
    learning_rates: int
    batches: int
    beta2s: tuple[float, ...]
    seeds: int
    budgets: int


PRESETS = {
    "smoke": Preset(0.85, 3, 3, 3, (0.99,), 2, 4),
    "quick": Preset(5, 3, 5, 3, (0.95, 0.99), 2, 6),
    "standard": Preset(20, 3, 6, 4, (0.95, 0.99, 0.999), 3, 8),
    "deep": Preset(120, 4, 6, 4, (0.95, 0.99, 0.999), 4, 10),
}


@dataclass(frozen=True, slots=True)
class Design:
    """The cells of a calibration, before stage 1 has results.

    Attributes:
        preset: a key of `PRESETS`.
        vocab_size: of the tokenizer.
        seq_len: training context in tokens.
        stage1: cells of the grids.
        budgets: C of each IsoFLOP curve, standard count, ascending.
        shapes: of stage 2, by ascending size.
        seeds: of each size of stage 2.
        beta2s: of the grids.
        decay: of the cells of stage 2.
    """

    preset: str
    vocab_size: int
    seq_len: int
    stage1: tuple[Cell, ...]
    budgets: tuple[float, ...]
    shapes: tuple[Shape, ...]
    seeds: tuple[int, ...]
    beta2s: tuple[float, ...]
    decay: float = 0.0

    @property
    def stage2(self) -> tuple[Cell, ...]:
        """Stage 2 as it is priced before stage 1 has results: the rule's learning rate and part of its batch."""
        return tuple(
            build_cell(
                shape,
                rule_learning_rate(n_params(shape)),
                max(MIN_BATCH, whole_batch(_EXPECTED_BATCH_SHARE * rule_batch(n_params(shape), self.seq_len))),
                self.beta2s[len(self.beta2s) // 2],
                seed,
                readings(shape, self.budgets),
                self.decay,
            )
            for shape in self.shapes
            for seed in self.seeds
        )


def expected_optimum(flops: float) -> float:
    """Return the N* around which the sizes of a budget are chosen."""
    coefficient, exponent = _EXPECTED
    return float(coefficient * flops**exponent)


def readings(shape: Shape, budgets: Sequence[float]) -> tuple[float, ...]:
    """Return the tokens at which a size is read, ascending: one per budget that it passes within the range of D/N."""
    n = n_params(shape)
    tokens = [flops / (6 * n) for flops in sorted(budgets)]
    return tuple(d for d in tokens if MIN_RATIO <= d / n <= MAX_RATIO)


def design(
    preset: str,
    limit: float,
    cost: Callable[[Sequence[Cell]], float],
    vocab_size: int,
    seq_len: int,
    amount: Callable[[float], str] = "{:.3g}".format,
    decay: float = 0.0,
    most: float = math.inf,
) -> Design:
    """Return the largest design of a preset within a limit.

    Args:
        preset: a key of `PRESETS`.
        limit: in the unit of `cost`.
        cost: seconds or FLOPs to train cells.
        vocab_size: of the tokenizer.
        seq_len: training context in tokens.
        amount: formats a limit or a cost.
        decay: of the cells of stage 2.
        most: limit that can be given.

    Raises:
        UsageError: the preset is unknown, or the limit is too low for `MIN_BUDGETS` budgets.
    """
    chosen = PRESETS.get(preset)
    if chosen is None:
        raise UsageError(f"{preset!r} is not a preset; choose one of {', '.join(PRESETS)}.")
    shapes = ladder(vocab_size, seq_len)
    smallest = _stage1(chosen, shapes, chosen.stage1_sizes - 1)
    empty = Design(preset, vocab_size, seq_len, smallest, (), (), tuple(range(chosen.seeds)), chosen.beta2s, decay)
    lowest = _first_budgets(empty, shapes)
    least = cost(smallest) + cost(lowest.stage2)
    if least > limit:
        share = "less than 1%" if limit < least / 100 else f"{limit / least:.0%}"
        remedies = [f"at least {amount(1.01 * least)}"] if 1.01 * least <= most else []
        remedies += ["another preset", *_fewer_tokens(shapes[0])]
        listed = ", or ".join(filter(None, (", ".join(remedies[:-1]), remedies[-1])))
        raise UsageError(f"{amount(limit)} pay for {share} of the smallest {preset} calibration here; give {listed}.")
    top = chosen.stage1_sizes - 1
    while top + 1 < len(shapes) and cost(_stage1(chosen, shapes, top + 1)) <= STAGE1_SHARE * limit:
        top += 1
    stage1 = _stage1(chosen, shapes, top)
    best = replace(lowest, stage1=stage1 if cost(stage1) + cost(lowest.stage2) <= limit else smallest)
    left = limit - cost(best.stage1)
    tops = (lowest.budgets[-1] * _SEARCH_STEP**k for k in range(1, _SEARCH_STEPS))
    tried = (_with_budgets(best, shapes, top_flops, chosen.budgets) for top_flops in tops)
    affordable = []
    for other in tried:
        spent = 0.0 if other is None else cost(other.stage2)
        if other is not None and spent <= left:
            affordable.append(other)
        elif spent > _HOPELESS * limit:
            break
    # The ladder is uneven: a budget between its steps may lack sizes that a larger budget has.
    return max([best, *affordable], key=lambda other: (other.budgets[-1], len(other.budgets)))


def _fewer_tokens(smallest: Shape) -> list[str]:
    """Return the remedy of a vocabulary that makes up nearly all of the smallest model; none for a smaller one."""
    share = smallest.n_params_head / (smallest.n_params_blocks + smallest.n_params_head)
    if share < _HEAD_TOO_LARGE:
        return []
    return [f"a tokenizer with fewer entries than {smallest.vocab_size}, nearly all of its smallest model"]


def _first_budgets(base: Design, shapes: Sequence[Shape]) -> Design:
    """Return the design with the cheapest stage 2 that the ladder allows."""
    flops = (n_params(shapes[0]) / _EXPECTED[0]) ** (1 / _EXPECTED[1])
    while (found := _with_budgets(base, shapes, flops, MIN_BUDGETS)) is None:
        flops *= _SEARCH_STEP
    return found


def _with_budgets(base: Design, shapes: Sequence[Shape], top: float, wanted: int) -> Design | None:
    """Return the design with budgets up to `top`; None if fewer than `MIN_BUDGETS` have sizes on both sides."""
    ladder_of_budgets = [top / BUDGET_FACTOR**k for k in reversed(range(wanted))]
    budgets = tuple(float(f"{flops:.4g}") for flops in ladder_of_budgets if _surrounded(flops, shapes))
    if len(budgets) < MIN_BUDGETS:
        return None
    return replace(base, budgets=budgets, shapes=tuple(s for s in shapes if readings(s, budgets)))


def _surrounded(flops: float, shapes: Sequence[Shape]) -> bool:
    """Whether enough sizes lie on both sides of the expected optimum of a budget."""
    offsets = [n_params(shape) / expected_optimum(flops) for shape in shapes if readings(shape, (flops,))]
    below, above = sum(u <= 1 / _BESIDE for u in offsets), sum(u >= _BESIDE for u in offsets)
    return min(below, above) >= MIN_SIZES_BESIDE


def _stage1(preset: Preset, shapes: Sequence[Shape], top: int) -> tuple[Cell, ...]:
    """Return the grids of the size at index `top` and of smaller sizes, each about half of the one before."""
    chosen = [top]
    while len(chosen) < preset.stage1_sizes:
        left = preset.stage1_sizes - len(chosen) - 1
        below = range(left, chosen[-1])
        target = n_params(shapes[chosen[-1]]) / 2
        chosen.append(min(below, key=lambda k: abs(math.log(n_params(shapes[k]) / target))))
    return tuple(cell for k in sorted(chosen) for cell in _grid(preset, shapes[k]))


def _grid(preset: Preset, shape: Shape) -> tuple[Cell, ...]:
    """Return one size's grid, and its centre with the other seeds, which measure the noise."""
    centre_lr, centre_batch = rule_learning_rate(n_params(shape)), _centre_batch(shape)
    grid = [
        grid_cell(shape, centre_lr * _GRID_FACTOR**i, round(centre_batch * _GRID_FACTOR**j), beta2, 0)
        for i in _LR_STEPS[preset.learning_rates]
        for j in _BATCH_STEPS[preset.batches]
        for beta2 in preset.beta2s
    ]
    middle = preset.beta2s[len(preset.beta2s) // 2]
    repeats = [grid_cell(shape, centre_lr, centre_batch, middle, seed) for seed in range(1, preset.seeds)]
    return (*grid, *repeats)


def _centre_batch(shape: Shape) -> int:
    """Return the batch that a grid is centred on: at least four sequences, so that the grid stays above one."""
    return max(4, rule_batch(n_params(shape), shape.seq_len))


def grid_cell(shape: Shape, learning_rate: float, batch: int, beta2: float, seed: int) -> Cell:
    """Return a cell of stage 1: D = 20 N, with one reading at its end."""
    tokens = STAGE1_TOKENS_PER_PARAM * n_params(shape)
    return build_cell(shape, learning_rate, batch, beta2, seed, (tokens,))


def extended(preset: str, cells: Sequence[Cell], lr_edge: int, batch_edge: int) -> tuple[Cell, ...]:
    """Return the cells that extend one size's grid by a step beyond an edge.

    Args:
        preset: a key of `PRESETS`, of the first grid.
        cells: of one size, at present.
        lr_edge: 1 beyond the largest learning rate, -1 below the smallest, 0 neither.
        batch_edge: likewise for the batch, which stays at `MIN_BATCH` or more.

    Returns:
        New cells; none if the grid has already grown by `MAX_EXTENSIONS` steps that way.
    """
    n, shape = cells[0].n_params, cells[0].shape
    known = {(c.learning_rate, c.batch_sequences, c.beta2, c.seed) for c in cells}
    lrs, batches = sorted({c.learning_rate for c in cells}), sorted({float(c.batch_sequences) for c in cells})
    new_lrs = _beyond(lrs, lr_edge, rule_learning_rate(n), _LR_STEPS[PRESETS[preset].learning_rates])
    steps = _BATCH_STEPS[PRESETS[preset].batches]
    new_batches = [b for b in _beyond(batches, batch_edge, _centre_batch(shape), steps) if b >= MIN_BATCH]
    pairs = [(lr, b) for lr in new_lrs for b in batches] + [(lr, b) for lr in (*lrs, *new_lrs) for b in new_batches]
    new = [grid_cell(shape, lr, round(b), beta2, 0) for lr, b in pairs for beta2 in sorted({c.beta2 for c in cells})]
    return tuple(c for c in new if (c.learning_rate, c.batch_sequences, c.beta2, c.seed) not in known)


def _beyond(axis: Sequence[float], edge: int, centre: float, steps: Sequence[int]) -> list[float]:
    """Return the next value beyond an edge, as a list of one; empty if there is none."""
    if edge == 0:
        return []
    value = axis[-1] * _GRID_FACTOR if edge > 0 else axis[0] / _GRID_FACTOR
    step = round(math.log(value / centre) / math.log(_GRID_FACTOR))
    inside = min(steps) - MAX_EXTENSIONS <= step <= max(steps) + MAX_EXTENSIONS
    return [value] if inside else []
