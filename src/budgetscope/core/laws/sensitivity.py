"""What a factor of two in a hyperparameter costs, where somebody has measured it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What was measured of one hyperparameter.

    Attributes:
        role: as in `fit.ROLES`.
        low: least change of the loss, as a share of it, of a factor of two either way; below zero is better.
        high: largest change.
        noise: standard deviation of the loss between seeds, as a share of it.
        smallest_n_params: of the models measured.
        largest_n_params: likewise.
        source: id of the fit whose runs say so.
    """

    role: str
    low: float
    high: float
    noise: float
    smallest_n_params: float
    largest_n_params: float
    source: str


_OWN = {
    "noise": 0.004,
    "smallest_n_params": 182_720.0,
    "largest_n_params": 724_992.0,
    "source": "budgetscope2026/english",
}

MEASURED = (
    Sensitivity("learning_rate", -0.0015, 0.0048, **_OWN),  # type: ignore[arg-type]
    Sensitivity("batch_size", -0.0068, 0.0029, **_OWN),  # type: ignore[arg-type]
)
"""From the 222 cells of our calibration grid (docs/data/english-h200-grid.csv): at each of its three sizes, the cell
nearest to the calibrated law and its neighbours at half and twice the value, at the best beta2 of each. No published
law of `fits` says what a factor of two costs."""

STEP_LAW_TEST = (
    "no factor of two, but the laws' own errors: 3.71 permille by Porian's and 0.94 by Step Law's at Step Law's test "
    "point (Li et al. 2025, read in a transcription)."
)
"""The only published figure at hand of what a learning rate and a batch that are off cost."""


def measured(role: str) -> Sensitivity | None:
    """Return what was measured of a hyperparameter; None when nothing was."""
    return next((each for each in MEASURED if each.role == role), None)
