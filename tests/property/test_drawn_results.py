"""Results of draws by weights of their parameters: the same as those of each draw's own law."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bundled import fit as fit_of

from budgetscope.core.laws.fit import Draws, Law, percentiles
from budgetscope.core.laws.forms import (
    LossSurface,
    Monomial,
    PowerLawFlopsPerToken,
    PowerLawParams,
    PowerLawTokens,
    Predictors,
    TokensPerParam,
)
from budgetscope.core.laws.intervals import LEVEL, params_interval

FLOPS = st.floats(1e15, 1e28)
LAWS = (
    PowerLawParams(0.09, 0.5, 6.0),
    PowerLawTokens(1.9, 0.5),
    PowerLawFlopsPerToken(0.17, 0.52),
    TokensPerParam(20.0, 0.02, 1e21),
)
ROWS = tuple((math.log(0.1) + 0.01 * i, 0.5 + 0.003 * i) for i in range(-5, 6))


@given(FLOPS, st.sampled_from(LAWS))
def test_sizes_of_draws_are_those_of_their_laws(flops: float, law: PowerLawParams | TokensPerParam) -> None:
    name = "ln_ratio" if isinstance(law, TokensPerParam) else "ln_coefficient"
    draws = Draws((name, "exponent"), ROWS)
    found = draws.results(law, law.allocate(flops).n_params, law.size_weights(flops))
    assert found == pytest.approx([each.allocate(flops).n_params for each in draws.laws(law)], rel=1e-12)


@given(st.floats(1e6, 1e12), st.floats(1e8, 1e14), st.floats(1e15, 1e28))
def test_hyperparameters_of_draws_are_those_of_their_laws(n_params: float, tokens: float, flops: float) -> None:
    law, at = Monomial(0.3, -0.25, 1e9, 0.1, 1e9, 0.02, 2048.0), Predictors(n_params, tokens, flops)
    columns = ("ln_coefficient", "n_params_exponent", "tokens_exponent", "flops_exponent")
    draws = Draws(columns, tuple((ln, 0.1 * slope, 0.01 * slope, 0.2 - slope) for ln, slope in ROWS))
    found = draws.results(law, law.predict(at), law.weights(at))
    assert found == pytest.approx([each.predict(at) for each in draws.laws(law)], rel=1e-12)


@given(FLOPS)
def test_the_interval_of_a_surface_is_that_of_its_draws(flops: float) -> None:
    surface = LossSurface(1.8, 480.0, 2100.0, 0.35, 0.37)
    rows = tuple((1.8, 480.0 + 9 * i, 2100.0 - 30 * i, 0.35 + 0.004 * i, 0.37 - 0.003 * i) for i in range(-20, 21))
    draws = Draws(("E", "A", "B", "alpha", "beta"), rows)
    surfaces = replace(fit_of("besiroglu2024/refit"), laws={"surface": Law(surface, "V1", {}, draws)})
    found = params_interval(surfaces, flops)
    sizes = [each.allocate(flops).n_params for each in draws.laws(surface)]
    assert (found.low, found.high) == pytest.approx(percentiles(sizes, LEVEL), rel=1e-9)


def test_draws_of_another_parameter_have_no_results_by_weights() -> None:
    law, draws = PowerLawParams(0.09, 0.5), Draws(("coefficient", "exponent"), ((0.1, 0.5),))
    assert draws.results(law, law.allocate(1e21).n_params, law.size_weights(1e21)) is None
