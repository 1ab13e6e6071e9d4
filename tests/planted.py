"""Fits that tests plant."""

from budgetscope.core.fit import Fit
from budgetscope.core.ledger import Convention
from budgetscope.fitting.isoflop import IsoFlopFit
from budgetscope.fitting.stored import isoflop_laws, isoflop_points
from budgetscope.fitting.value import Experience, experience


def learned(fit: IsoFlopFit, schedule: str = "constant") -> Experience:
    """Return what a fit would teach about calibrations once it is stored."""
    return experience(
        Fit(
            id="planted/isoflop",
            title="planted",
            counting=Convention.STANDARD,
            laws=isoflop_laws(fit),
            citation="",
            url="",
            method="",
            points=isoflop_points(fit),
            schedule=schedule,
        )
    )
