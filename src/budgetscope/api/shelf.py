"""The stored fits as somebody looks through them, and tables on their way to become one."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from budgetscope.api.runs import Reading, family_of
from budgetscope.core.answers.goodness_of_fit import Examination, examine
from budgetscope.core.counting.ledger import parse_convention
from budgetscope.core.laws.fit import Draws, Fit
from budgetscope.core.laws.guard import sound
from budgetscope.store.fit_library import Library
from budgetscope.store.fit_schema import check_id
from budgetscope.store.settings import Settings, read_settings, write_settings

if TYPE_CHECKING:
    from budgetscope.store.tables import Preview

_FEW_DRAWS = 1000
"""They take some ten milliseconds."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What taking back the last write of a fit did.

    Attributes:
        restored: what is stored now; None when there was no earlier version, and the fit is set aside.
        was_default: whether the settings named the fit, which is gone: they name none now.
    """

    restored: Fit | None
    was_default: bool


class Shelf:
    """A library of fits, to look at and to change."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._examined: dict[str, tuple[Fit, Examination]] = {}

    def examine(self, fit: Fit) -> Examination:
        """Return a fit's law of N*(C) over its own range, and how far its points lie from it; kept once it is made.

        Raises:
            FailureError: its laws give no usable numbers there.
        """
        if not self._has_examined(fit):
            self._examined[fit.id] = (fit, sound(fit.id, examine, fit, family_of(fit)))
        return self._examined[fit.id][1]

    def examines_at_once(self, fit: Fit) -> bool:
        """Return whether a fit's examination takes no longer than a frame: it is at hand, or of few draws."""
        draws = fit.allocation.uncertainty if fit.allocation else None
        return self._has_examined(fit) or not isinstance(draws, Draws) or len(draws.rows) <= _FEW_DRAWS

    def _has_examined(self, fit: Fit) -> bool:
        return fit.id in self._examined and self._examined[fit.id][0] is fit

    def look(self, reading: Reading) -> "Preview":
        """Return the columns of a table of runs and what they would be taken for, without reading its runs.

        Raises:
            UsageError: the file is not a table, or the convention is none.
            FailureError: the file cannot be read, or needs an extra that is not installed.
        """
        from budgetscope.store.tables import preview  # noqa: PLC0415 - not every question is of runs

        counting = None if reading.counting is None else parse_convention(reading.counting)
        return preview(reading.path, reading.mapping, counting)

    def store(self, fit: Fit, name: str, title: str | None = None) -> Path:
        """Write a fit to the user's folder; an older one of the same id goes to its history.

        Args:
            fit: what to store.
            name: under which id.
            title: what people will call it; the id when None.

        Raises:
            FailureError: it is no id, or the folder cannot be written.
        """
        return self._library.save(replace(fit, id=check_id(name), title=title or name))

    def undo(self, fit_id: str) -> Undone:
        """Put back what the last write of one of the user's own fits replaced.

        A default that is gone would stop every plan, so that the settings forget it.

        Raises:
            UsageError: the user's folder has no fit of that id.
            FailureError: the folder or the settings cannot be written.
        """
        restored = self._library.undo(fit_id)
        settings = read_settings()
        named = [each.name for each in fields(Settings) if getattr(settings, each.name) == fit_id]
        gone = bool(named) and self._library.path(fit_id) is None
        if gone:
            write_settings(replace(settings, **dict.fromkeys(named)))
        return Undone(restored, gone)
