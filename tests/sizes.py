"""How large statistical and property tests are: small in CI, full with BUDGETSCOPE_NIGHTLY=1 (`just nightly`)."""

import os

from hypothesis import HealthCheck, settings

NIGHTLY = os.environ.get("BUDGETSCOPE_NIGHTLY") == "1"

REPEATS = 200 if NIGHTLY else 40
"""Of an experiment of which the coverage is counted."""
LEAST_COVERED = 0.90 if NIGHTLY else 0.725
"""Intervals that cover 90% cover less than this in 0.15% of cases, at 40 repeats (binomial)."""
MOST_COVERED = 0.98 if NIGHTLY else 1.0
"""Intervals that cover 98% cover all of 40 repeats every other time: the small size has no upper bound."""

_CI_SHARE, _NIGHTLY_FACTOR, _FEWEST = 1 / 3, 3, 8
_DEFAULT_EXAMPLES = 100
_HIDDEN = [HealthCheck.too_slow]


def scaled(full: int) -> int:
    """Return how many examples a property that deserves `full` of them gets at this size."""
    return full * _NIGHTLY_FACTOR if NIGHTLY else max(_FEWEST, round(full * _CI_SHARE))


def examples(full: int) -> settings:
    """Return the settings of a property that deserves so many examples."""
    return settings(max_examples=scaled(full))


def load_profile() -> None:
    """Load the Hypothesis profile of this size, `ci` or `nightly`, without deadlines: machines differ in speed."""
    name = "nightly" if NIGHTLY else "ci"
    settings.register_profile(
        name, deadline=None, suppress_health_check=_HIDDEN, max_examples=scaled(_DEFAULT_EXAMPLES)
    )
    settings.load_profile(name)
