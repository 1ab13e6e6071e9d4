"""The use cases of stored fits: list, show, choose, compare, store and undo."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from budgetscope.api.lookup import Lookup, check_large_enough
from budgetscope.core.answers.fit_difference import BUDGETS, Difference, differ
from budgetscope.core.answers.goodness_of_fit import GoodnessOfFit, goodness_of_fit
from budgetscope.core.budget.quantities import parse_flops, quote, shown
from budgetscope.core.counting.ledger import parse_convention
from budgetscope.core.counting.shapes import PORIAN_SEQ_LEN, PORIAN_VOCAB_SIZE, ShapeFamily, shape_family
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.fit import MAX_STORED_CHARS, Draws, Fit
from budgetscope.store.fit_library import Entry, Layer, check_own_id
from budgetscope.store.locations import expanded
from budgetscope.store.settings import read_settings, write_settings

__all__ = ["Entry", "FitLibrary", "Layer", "Undone", "check_text", "family_of"]

_FEW_DRAWS = 1000
"""A goodness of fit over this many draws takes about ten milliseconds."""


@dataclass(frozen=True, slots=True)
class Undone:
    """The result of undoing the last write of a fit.

    Attributes:
        restored: the earlier version, stored again; None when there was none and the fit was removed.
        was_default: whether the removed fit was a default in the settings, which now have none.
    """

    restored: Fit | None
    was_default: bool


class FitLibrary:
    """The stored fits: reading all of them, and changing the user's own."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._goodness: dict[str, tuple[Fit, GoodnessOfFit]] = {}

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The folders in which fits are looked up, nearest first."""
        return self._lookup.library.layers

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All files of fits, broken ones included, by id."""
        return self._lookup.entries

    def get(self, name: str) -> Fit:
        """Return a fit by its id, or from a file when the name ends in `.json`.

        Raises:
            UsageError: there is no fit of that id.
            FailureError: its file is broken, or a folder cannot be read.
        """
        return self._lookup.library.get(name)

    def path(self, fit_id: str) -> Path:
        """Return the file of a fit.

        Raises:
            UsageError: there is no fit of that id.
            FailureError: a folder cannot be read.
        """
        library = self._lookup.library
        found = library.path(fit_id)
        if found is None:
            raise UsageError(library.unknown(fit_id))
        return found

    def use(self, fit_id: str) -> tuple[Path, str]:
        """Make a fit the default law, or the default recipe if it has no law for N and D.

        Args:
            fit_id: the fit, or the path of a file.

        Returns:
            The settings file, and `law` or `recipe`.

        Raises:
            UsageError: there is no such fit, or its runs are too small to plan by.
            FailureError: the fit is broken or the settings cannot be written.
        """
        fit = self.get(fit_id)
        check_large_enough(fit)
        is_law = fit.allocation is not None
        # The settings need an absolute path.
        name = str(expanded(fit_id).absolute()) if fit_id.endswith(".json") else fit_id
        settings = replace(self._lookup.settings, **{"law" if is_law else "hyperparameters": name})
        return write_settings(settings), "law" if is_law else "recipe"

    def set_back(self, role: str, name: str | None) -> None:
        """Make what was the default before the default again; nothing is checked, since it may be broken by now.

        Args:
            role: `law` or `recipe`, as `use` returns it.
            name: as the settings had it; None for none.

        Raises:
            FailureError: the settings cannot be read or written.
        """
        write_settings(replace(read_settings(), **{"law" if role == "law" else "hyperparameters": name}))

    def difference(
        self, before: str, after: str, budgets: Sequence[str] = (), convention: str | None = None
    ) -> Difference:
        """Return the difference from one fit to another.

        Args:
            before: id of the first fit.
            after: id of the second.
            budgets: FLOPs as text, such as 1e21; by default `BUDGETS`.
            convention: of N and C; by default as in `differ`.

        Raises:
            UsageError: a name or a budget is not understood.
            FailureError: a fit is broken or gives no usable numbers.
        """
        first, second = self.get(before), self.get(after)
        counting = None if convention is None else parse_convention(convention)
        flops = tuple(parse_flops(text) for text in budgets) or BUDGETS
        sizes = None if first.allocation and second.allocation else self._lookup.active_fit()
        return differ(first, second, family_of(first), flops, counting, sizes)

    def goodness_of_fit(self, fit: Fit) -> GoodnessOfFit:
        """Return a fit's law of N*(C) over its own range, with the residuals of its points; cached.

        Raises:
            FailureError: its laws give no usable numbers there.
        """
        if not self._has_goodness(fit):
            self._goodness[fit.id] = (fit, goodness_of_fit(fit, family_of(fit)))
        return self._goodness[fit.id][1]

    def is_quick(self, fit: Fit) -> bool:
        """Return whether `goodness_of_fit` is fast: it is cached, or the fit has few draws."""
        draws = fit.allocation.uncertainty if fit.allocation else None
        return self._has_goodness(fit) or not isinstance(draws, Draws) or len(draws.rows) <= _FEW_DRAWS

    def _has_goodness(self, fit: Fit) -> bool:
        return fit.id in self._goodness and self._goodness[fit.id][0] is fit

    def store(self, fit: Fit, name: str, title: str | None = None) -> Path:
        """Store a fit in the user's folder and return its file; an older fit of that id goes to its history.

        Args:
            fit: to store.
            name: the new id.
            title: the new title; the id when None.

        Raises:
            UsageError: the name is not an id, or a bundled fit has it; or the title is not a text to store.
            FailureError: the folder cannot be written.
        """
        check_text("--title", title)
        return self._lookup.library.save(replace(fit, id=check_own_id(name), title=title or name))

    def undo(self, fit_id: str) -> Undone:
        """Undo the last write of one of the user's own fits.

        If the fit is removed, it is also removed from the settings, since a missing default would stop every plan.

        Raises:
            UsageError: the user's folder has no fit of that id.
            FailureError: the folder or the settings cannot be written.
        """
        library = self._lookup.library
        restored = library.undo(fit_id)
        settings = read_settings()
        named = [name for name in ("law", "hyperparameters") if getattr(settings, name) == fit_id]
        gone = bool(named) and library.path(fit_id) is None
        if gone:
            write_settings(replace(settings, **dict.fromkeys(named)))
        return Undone(restored, gone)


def check_text(option: str, text: str | None) -> None:
    """Check a text that is stored with a fit; None passes.

    Raises:
        UsageError: it is not a text, is too long, or has control characters.
    """
    if text is None or (isinstance(text, str) and text.isprintable() and len(text) <= MAX_STORED_CHARS):
        return
    raise UsageError(
        f"{option} {quote(text) if isinstance(text, str) else shown(text)} is not a text of at most {MAX_STORED_CHARS} "
        "printable characters; write it without control characters and line breaks."
    )


def family_of(fit: Fit) -> ShapeFamily:
    """Return the shape family with a fit's own vocabulary and context."""
    return shape_family("dense", vocab_size=fit.vocab_size or PORIAN_VOCAB_SIZE, seq_len=fit.seq_len or PORIAN_SEQ_LEN)
