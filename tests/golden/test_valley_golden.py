"""Why the level of the loss comes from the loss curve and not from the surface."""

import pytest

from budgetscope.core.solve import allocation_law
from budgetscope.store.library import Library


@pytest.mark.parametrize("name", ["porian2024/refinedweb-tuned", "porian2024/openwebtext2-tuned"])
def test_the_loss_curve_meets_the_measured_optima_where_the_surface_does_not(name: str) -> None:
    fit = Library.standard().get(name)
    curve, surface, points = fit.loss_curve, fit.surface, fit.points
    assert curve is not None
    assert surface is not None
    assert points is not None
    measured = [(row[0], row[3]) for row in points.rows]
    curve_miss = max(abs(curve.best_loss(flops) / loss - 1) for flops, loss in measured)
    surface_miss = max(abs(surface.best_loss(flops) / loss - 1) for flops, loss in measured)
    assert curve_miss < 0.003
    assert 0.01 < surface_miss < 0.02


def test_the_law_passes_through_its_own_optima() -> None:
    fit = Library.standard().get("porian2024/refinedweb-tuned")
    assert fit.points is not None
    for flops, n_params, _, _, sd in fit.points.rows:
        predicted = allocation_law(fit).allocate(flops).n_params
        assert predicted == pytest.approx(n_params, rel=max(0.1, 3 * sd))
