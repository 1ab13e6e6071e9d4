"""The value of a calibration: the interval of N* after it, and the compute that it saves at one budget."""

from dataclasses import dataclass
from typing import Literal

from budgetscope.core.laws.intervals import Estimate

RunsCounted = Literal["shared", "separate"]
"""`shared`: each size is trained once, and its loss is read at all budgets. `separate`: once for each budget."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The uncertainty of N* at a target after a calibration, and its cost.

    Attributes:
        flops: compute of the calibration.
        share: the same, as a share of the target's compute.
        n_budgets: number of IsoFLOP curves.
        largest_budget: in FLOPs.
        n_params_low: lower end of the expected 95% interval of N* at the target, around today's N*.
        n_params_high: upper end.
        wasted_share: expected deadweight compute at the target, as a share of it: the mean over a normal error of
            ln N* with that interval; None when the fit has no law of the loss above the optimum.
    """

    flops: float
    share: float
    n_budgets: int
    largest_budget: float
    n_params_low: float
    n_params_high: float
    wasted_share: float | None


@dataclass(frozen=True, slots=True)
class Valuation:
    """The value of calibrations of several sizes for one target.

    Attributes:
        fit_id: the fit that plans the target; its noise is taken as typical.
        target_flops: C to be planned, by that fit's counting convention.
        n_params: N* at the target by that fit.
        now: the knowledge by the fit as it is.
        calibrations: the knowledge after a calibration by the same method, by growing share.
        runs: how the compute of a calibration is counted.
    """

    fit_id: str
    target_flops: float
    n_params: float
    now: Knowledge
    calibrations: tuple[Knowledge, ...]
    runs: RunsCounted


@dataclass(frozen=True, slots=True)
class Foretold:
    """How well N* at a budget is known today, and would be after the run of a design.

    Attributes:
        budget: as its plan calls it.
        law: id of the law in use.
        today: N* by that law.
        factor: of the interval after the run, from its middle to either end, 95%; None if the design is too small to
            plan by.
        typical: id of the calibration whose noise is taken as typical.
    """

    budget: str
    law: str
    today: Estimate
    factor: float | None
    typical: str
