"""Whether a run is large enough to plan by, and what a larger one takes."""

from functools import lru_cache

from budgetscope.calibrate.plan.cells import n_params
from budgetscope.calibrate.plan.design import PRESETS, Design, design, expected_optimum
from budgetscope.calibrate.plan.device import Rate
from budgetscope.calibrate.plan.ladder import ladder
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run.state import RunState
from budgetscope.core.budget.quantities import english_count, format_flops
from budgetscope.core.errors import UsageError
from budgetscope.fitting.joint import JointFit

MIN_BUDGETS = 5
"""Fewest budgets to plan by. The lowest four of the calibrations of 2026-11-29 leave N* at their own largest budget
uncertain by 23 to 58%, by noise alone with 95%, the lowest five by 14 to 28% (docs/explanation/calibration.md)."""
MIN_DEPTH = 2
"""Fewest layers of the best size of the largest budget: the smallest models all have one, and depth does not grow."""
MAX_HEAD = 0.5
"""Largest share of the output head in N of that size."""

_PRESET = "quick"
_MARGIN = 1.3
"""The optimum of the design that is told lies so far above the smallest size."""
_STEP = 1.25
_STEPS = 60


def unlike_size(vocab_size: int, seq_len: int) -> int:
    """Return N of the largest model with fewer than `MIN_DEPTH` layers or a head above `MAX_HEAD` of it; 0 without."""
    unlike = [
        n_params(shape)
        for shape in ladder(vocab_size, seq_len)
        if shape.depth < MIN_DEPTH or shape.vocab_size * shape.width > MAX_HEAD * n_params(shape)
    ]
    return unlike[-1] if unlike else 0


def too_small(fit: JointFit, spec: Spec, state: RunState) -> str:
    """Return why a run's law is not to be planned by, and what would be, in one sentence; empty where it is.

    Args:
        fit: N*(C) of the run.
        spec: of the run.
        state: of the run, which gives the speed of its device.
    """
    top, used = fit.flops_range[1], len(fit.flops)
    least = unlike_size(spec.design.vocab_size, spec.design.seq_len)
    lacking = []
    if used < MIN_BUDGETS:
        lacking.append(f"{used} budgets have a best size and {MIN_BUDGETS} are needed")
    if fit.at(top) <= least:
        lacking.append(
            f"at its largest budget, {format_flops(top)} FLOPs, the best size is {english_count(fit.at(top))} "
            f"parameters, and models up to {english_count(least)} are one layer or mostly output head"
        )
    return f"Too small to plan by: {'; '.join(lacking)}; {_remedy(spec, state, least)}." if lacking else ""


def reaches(design: Design) -> bool:
    """Return whether the run of a design is to be planned by, if its optima lie where they are expected."""
    least = unlike_size(design.vocab_size, design.seq_len)
    return len(design.budgets) >= MIN_BUDGETS and expected_optimum(design.budgets[-1]) > least


def _remedy(spec: Spec, state: RunState, least: int) -> str:
    """Return what to do: finish the run if its design is large enough, else how long a larger one takes."""
    if reaches(spec.design) and not (state.planned and all(s.finished for s in state.cells.values())):
        return f"go on with `budgetscope calibrate --resume {spec.run}`"
    design = spec.design
    minutes = _minutes(spec.device, design.vocab_size, design.seq_len, _slowness(spec, state), least, design.decay)
    if minutes is None:
        return "train on a faster device"
    return f"about {minutes:.2g} minutes of this device are enough (`--preset {_PRESET} --minutes {minutes:.2g}`)"


def _slowness(spec: Spec, state: RunState) -> float:
    """Return how many times as long the run took as the assumed rate of its device says."""
    finished = [s.cell for s in state.cells.values() if s.status == "done"]
    assumed = Rate.assumed(spec.device).seconds(finished) if finished else 0.0
    taken = state.trained_seconds + state.startup_seconds
    return taken / assumed if taken and assumed else 1.0


@lru_cache(maxsize=16)
def _minutes(device: str, vocab_size: int, seq_len: int, slowness: float, least: int, decay: float) -> float | None:
    """Return the least minutes, in steps of a quarter, whose design reaches far enough; None if none does."""
    rate = Rate.assumed(device)
    for step in range(_STEPS):
        minutes = float(f"{PRESETS[_PRESET].minutes * _STEP**step:.2g}")
        try:
            found = design(
                _PRESET, minutes * 60, lambda cells: slowness * rate.seconds(cells), vocab_size, seq_len, decay=decay
            )
        except UsageError:
            continue
        if len(found.budgets) >= MIN_BUDGETS and expected_optimum(found.budgets[-1]) >= _MARGIN * least:
            return minutes
    return None
