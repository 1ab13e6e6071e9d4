from collections.abc import Callable

import numpy as np
import pytest
from scipy.interpolate import Akima1DInterpolator

from budgetscope.fitting.curve_minimum import akima_at, akima_minimum, parabola_minimum

Find = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def test_the_akima_minimum_is_that_of_scipys_interpolant() -> None:
    rng = np.random.default_rng(3)
    x = np.sort(rng.normal(size=9))
    y = rng.normal(size=(100, 9))
    where, lowest = akima_minimum(x, y)
    grid = np.linspace(x[0], x[-1], 200001)
    values = Akima1DInterpolator(x, y.T)(grid)
    assert lowest == pytest.approx(values.min(axis=0), abs=1e-5)
    interior = np.isfinite(where)
    assert 0.5 < interior.mean() < 1
    at = grid[values.argmin(axis=0)]
    assert where[interior] == pytest.approx(at[interior], abs=1e-3)
    assert np.isin(y[~interior].argmin(axis=1), [0, 8]).all()
    at = rng.uniform(x[0], x[-1], 100)
    assert akima_at(x, y, at) == pytest.approx(np.diag(Akima1DInterpolator(x, y.T)(at)), abs=1e-12)


@pytest.mark.parametrize("find", [akima_minimum, parabola_minimum])
def test_an_exact_parabola_has_its_vertex_found(find: Find) -> None:
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    where, lowest = find(x, ((x - 0.3) ** 2 + 2)[None])
    assert where[0] == pytest.approx(0.3, abs=1e-12)
    assert lowest[0] == pytest.approx(2.0, abs=1e-12)


@pytest.mark.parametrize("find", [akima_minimum, parabola_minimum])
def test_no_interior_minimum_is_nan(find: Find) -> None:
    x = np.array([0.0, 1.0, 2.0, 3.0])
    where, lowest = find(x, np.array([-x, x, -((x - 1.5) ** 2)]))
    assert np.isnan(where).all()
    assert np.isfinite(lowest).all()


def test_collinear_and_two_knots_do_not_divide_by_zero() -> None:
    assert np.isnan(akima_minimum(np.arange(5.0), np.arange(5.0)[None])[0][0])
    assert np.isnan(akima_minimum(np.arange(2.0), np.array([[1.0, 2.0]]))[0][0])
    assert np.isnan(akima_minimum(np.arange(4.0), np.ones((1, 4)))[0][0])
