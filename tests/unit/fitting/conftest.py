"""The truths that runs are planted on."""

import pytest

from budgetscope.core.laws.forms import LossSurface
from budgetscope.fitting.planted import SKEWED, SYMMETRIC


@pytest.fixture(params=[SYMMETRIC, SKEWED], ids=["symmetric", "skewed"])
def surface(request: pytest.FixtureRequest) -> LossSurface:
    """Each of the two."""
    found: LossSurface = request.param
    return found
