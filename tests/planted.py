"""Fits that tests plant."""

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.laws.fit import Fit
from budgetscope.fitting.calibration_value import TypicalCalibration, typical_calibration
from budgetscope.fitting.isoflop import IsoFlopFit
from budgetscope.fitting.stored_laws import isoflop_laws, isoflop_points


def learned(fit: IsoFlopFit, schedule: str = "constant") -> TypicalCalibration:
    """Return what a fit would teach about calibrations once it is stored."""
    return typical_calibration(
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
