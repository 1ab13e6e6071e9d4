"""Store the fit of a run among the user's fits, or accept it as the default."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from budgetscope.api.ask import Advisor
from budgetscope.api.lookup import check_large_enough
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.fit import Fit
from budgetscope.core.printable import printable
from budgetscope.store.fit_library import is_bundled, load


class Outcome(StrEnum):
    """The outcome of storing the fit of a run among the user's fits.

    =============  =====================================================================================
    accepted       the fit is stored, and is now the default
    in use         the same fit is already the default
    waiting        another fit of its id is the default; the fit stays in the run folder until accepted
    stored before  the fit was stored before, and is not stored again over a newer fit of its id
    stored         the fit is stored, and is not the default
    =============  =====================================================================================
    """

    ACCEPTED = "accepted"
    IN_USE = "in use"
    WAITING = "waiting"
    STORED_BEFORE = "stored before"
    STORED = "stored"


@dataclass(frozen=True, slots=True)
class Stored:
    """The result of `store` or `accept`.

    Attributes:
        fit: of the run.
        path: of its file among the user's fits; None if not written.
        role: `law` or `recipe` if the fit is now its default; empty unless accepted.
    """

    fit: Fit
    outcome: Outcome
    path: Path | None = None
    role: str = ""


def store(advisor: Advisor, folder: RunFolder, *, again: bool = False) -> Stored:
    """Store the fit of a run among the user's fits; the default fits are not changed.

    Args:
        advisor: with the default fits.
        folder: of the run.
        again: whether to store a fit that was stored before, over the present fit of its id.

    Raises:
        UsageError: a bundled fit has its id.
        FailureError: the fit cannot be read or stored.
    """
    fit = _own_fit(folder, load(folder.fit_file))
    if advisor.is_default(fit.id):
        in_use = advisor.library.get(fit.id) == fit
        return Stored(fit, Outcome.IN_USE if in_use else Outcome.WAITING)
    if folder.stored and not again:
        return Stored(fit, Outcome.STORED_BEFORE)
    return Stored(fit, Outcome.STORED, _save(advisor, folder, fit))


def accept(advisor: Advisor, folder: RunFolder, fit: Fit | None = None) -> Stored:
    """Store the fit of a run among the user's fits, and make it the default.

    Args:
        advisor: with the fits and settings to change.
        folder: of the run.
        fit: the fit that was judged; None reads it from the folder.

    Raises:
        UsageError: a bundled fit has its id, or the run is too small to plan by; nothing is stored then.
        FailureError: the fit cannot be read or stored, or the settings cannot be written.
    """
    fit = check_acceptable(folder, fit)
    path = _save(advisor, folder, fit)
    _, role = advisor.fit_library.use(fit.id)
    return Stored(fit, Outcome.ACCEPTED, path, role)


def check_acceptable(folder: RunFolder, fit: Fit | None = None) -> Fit:
    """Return the fit of a run, which may be made the default; arguments and errors as of `accept`."""
    fit = _own_fit(folder, fit or load(folder.fit_file))
    check_large_enough(fit)
    return fit


def _own_fit(folder: RunFolder, fit: Fit) -> Fit:
    if is_bundled(fit.id):
        path = printable(str(folder.fit_file))
        raise UsageError(
            f"{fit.id} ships with budgetscope and stays as it is; the fit is kept in {path}, which "
            "`budgetscope fits use` takes."
        )
    return fit


def _save(advisor: Advisor, folder: RunFolder, fit: Fit) -> Path:
    path = advisor.fit_library.store(fit, fit.id, fit.title)
    folder.mark_stored()
    return path
