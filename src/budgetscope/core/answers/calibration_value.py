"""The value of a calibration: how well N* would be known after it, and what that is worth for one budget."""

from dataclasses import dataclass
from typing import Literal

RunsCounted = Literal["shared", "separate"]
"""`shared`: each size is trained once, and every budget is read off that run. `separate`: once for every budget."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """How well N* is known at a target, and what not knowing it better costs.

    Attributes:
        flops: compute of the calibration that the knowledge is from.
        share: the same, as a share of the target's compute.
        n_budgets: number of its IsoFLOP curves.
        largest_budget: its largest budget, FLOPs.
        n_params_low: lower end of the expected 95% interval of N* at the target, around today's N*.
        n_params_high: its upper end.
        wasted_share: deadweight compute to expect at the target, as a share of it: the mean for planning with an N*
            whose log is off by a normal error of that interval; None when the fit has no law of excess loss.
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
    """What calibrations of several sizes are worth for one target.

    Attributes:
        fit_id: the law that plans the target, whose noise is taken as typical.
        target_flops: C to be planned, in that law's counting.
        n_params: N* by that law.
        now: what the fit itself knows.
        calibrations: what the same method would know for each share, the smallest first.
        runs: how the runs of a calibration are counted.
    """

    fit_id: str
    target_flops: float
    n_params: float
    now: Knowledge
    calibrations: tuple[Knowledge, ...]
    runs: RunsCounted
