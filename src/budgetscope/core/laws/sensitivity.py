"""Measured change of the loss for a factor of two in a hyperparameter."""

from dataclasses import dataclass

from budgetscope.core.language import N_


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The sensitivity of the loss to one hyperparameter.

    Attributes:
        role: one of `fit.ROLES`.
        low: smallest relative change of the loss at half or twice the value; negative is a lower loss.
        high: largest relative change.
        noise: relative standard deviation of the loss between seeds.
        smallest_n_params: of the models measured.
        largest_n_params: of the models measured.
        source: id of the fit with the runs.
    """

    role: str
    low: float
    high: float
    noise: float
    smallest_n_params: float
    largest_n_params: float
    source: str


_ENGLISH_GRID = {
    "noise": 0.013,
    "smallest_n_params": 356_352.0,
    "largest_n_params": 1_327_104.0,
    "source": "budgetscope2026/english",
}

MEASURED = (
    Sensitivity("learning_rate", 0.0007, 0.0188, **_ENGLISH_GRID),  # type: ignore[arg-type]
    Sensitivity("batch_size", -0.0069, 0.0153, **_ENGLISH_GRID),  # type: ignore[arg-type]
)
"""From the 444 cells of our calibration's grids, two seeds each (`tools/own_fit.py`): at each of their three sizes, the
cell nearest to the calibrated law is compared with its neighbours at half and twice the value, each at its best beta2.
No bundled law publishes the cost of a factor of two."""

STEP_LAW_TEST = N_(
    "no factor of two, but the laws' own errors: 0.37% by Porian's and 0.09% by Step Law's at Step Law's test "
    "point (Li et al. 2025, read in a transcription)."
)
"""The only published figure of the cost of a wrong learning rate and batch; whoever shows it translates it."""


def measured(role: str) -> Sensitivity | None:
    """Return the measured sensitivity to a hyperparameter; None without one."""
    return next((each for each in MEASURED if each.role == role), None)
