"""The truths that runs are planted on."""

import pytest
from tests.planted_surfaces import SKEWED, SYMMETRIC

from budgetscope.core.laws.forms import LossSurface


@pytest.fixture(params=[SYMMETRIC, SKEWED], ids=["symmetric", "skewed"])
def surface(request: pytest.FixtureRequest) -> LossSurface:
    """Each of the two."""
    found: LossSurface = request.param
    return found
