"""The bundled fits, whatever the user's own folders hold."""

from functools import cache

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.forms import Allocation, HyperparameterLaw, Predictors
from budgetscope.core.laws.operating_point import allocation_law
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.locations import bundled_fits


@cache
def bundled() -> dict[str, Fit]:
    """Return every bundled fit by its id."""
    entries = Library((Layer("bundled", bundled_fits()),)).entries()
    problems = [entry.problem for entry in entries if entry.fit is None]
    assert not problems
    return {entry.id: entry.fit for entry in entries if entry.fit is not None}


def fit(fit_id: str) -> Fit:
    return bundled()[fit_id]


def allocate(fit_id: str, flops: float) -> Allocation:
    return allocation_law(fit(fit_id)).allocate(flops)


def predict(
    fit_id: str, role: str, *, n: float = 1.0, d: float = 1.0, c: float = 1.0, loss: float | None = None
) -> float | None:
    """Return what a law says of a hyperparameter, in its own counting."""
    law = fit(fit_id).laws[role].law
    assert isinstance(law, HyperparameterLaw)
    return law.predict(Predictors(n, d, c, loss))


ALLOCATING = sorted(fit_id for fit_id, each in bundled().items() if each.allocation)
WITH_LOSS = sorted(fit_id for fit_id, each in bundled().items() if each.loss_curve or each.surface)
WITH_EXCESS = sorted(fit_id for fit_id, each in bundled().items() if each.excess)
SIX_N = tuple(convention for convention in Convention if convention.counts_six_n)
