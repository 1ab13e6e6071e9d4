"""The advisor: answers requests from one library of fits, the user's settings and devices."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from budgetscope.api import runs as _runs
from budgetscope.api.charts import Charts
from budgetscope.api.export import export_text
from budgetscope.api.lookup import Lookup
from budgetscope.api.request import PlanRequest, command
from budgetscope.api.runs import FitChoices, Fitted, Reading, Scored, family_of
from budgetscope.api.shelf import Shelf
from budgetscope.core.answers import comparison as _compare
from budgetscope.core.answers import curves as _curves
from budgetscope.core.answers import explanation as _explain
from budgetscope.core.answers import plan as _plan
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.curves import Curve, Place
from budgetscope.core.answers.explanation import Explanation
from budgetscope.core.answers.fit_difference import BUDGETS, Difference, differ
from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.quantity_curves import Trace
from budgetscope.core.answers.question import locate
from budgetscope.core.answers.recipe_sheet import RecipeSheet, recipe_sheet
from budgetscope.core.answers.whatif import IsoFlop, iso_flop
from budgetscope.core.budget.quantities import parse_flops
from budgetscope.core.counting.ledger import Convention, parse_convention
from budgetscope.core.errors import FailureError
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.guard import sound
from budgetscope.core.laws.operating_point import recount
from budgetscope.store.fit_library import Entry
from budgetscope.store.locations import expanded
from budgetscope.store.settings import write_settings

if TYPE_CHECKING:
    from budgetscope.fitting.calibration_value import Valuation
    from budgetscope.store.tables import Intake


class Advisor(Lookup):
    """Answers requests with one library of fits, the user's settings and devices.

    A face that answers many requests keeps one; files are read when first needed.
    """

    def reread(self) -> "Advisor":
        """Return an advisor that reads the files anew; what was handed to this one stays."""
        return Advisor(*self._given)

    @cached_property
    def _charts(self) -> Charts:
        return Charts()

    @cached_property
    def shelf(self) -> Shelf:
        """The stored fits, to look at and to change."""
        return Shelf(self.library)

    def use(self, fit_id: str) -> tuple[Path, str]:
        """Make a fit the default, for what it has laws for.

        Returns:
            The settings file, and `law` or `recipe`: what the fit is now the default of.

        Raises:
            UsageError: there is no such fit.
            FailureError: the fit is broken or the settings cannot be written.
        """
        fit = self.library.get(fit_id)
        what = "recipe" if fit.allocation is None else "law"
        field = "hyperparameters" if fit.allocation is None else "law"
        # A path must mean the same file from every folder.
        name = str(expanded(fit_id).absolute()) if fit_id.endswith(".json") else fit_id
        path = write_settings(replace(self.settings, **{field: name}))
        return path, what

    def command(self, request: PlanRequest, verb: str = "plan") -> str:
        """Return the shell command that asks the same question, also of somebody who chose other defaults."""
        law, recipe = self.settings.law, self.settings.hyperparameters
        return command(
            replace(request, law=request.law or law, hyperparameters=request.hyperparameters or recipe), verb
        )

    def plan(self, request: PlanRequest) -> Plan:
        """Return the plan for a budget.

        Raises:
            UsageError: naming what is not understood, unknown, contradictory or out of bounds.
            FailureError: a fit or settings file is broken.
        """
        return _plan.plan(self.question(request))

    def compare(self, request: PlanRequest, plan: Plan | None = None) -> Comparison:
        """Return every law's answer to a budget, and what following it would cost by the chosen law.

        Args:
            request: the question.
            plan: the answer to it, where it is at hand.

        Raises: as `plan`.
        """
        question = self.question(request)
        return _compare.compare(question, plan or _plan.plan(question), self._asked(question.fit))

    def _asked(self, chosen: Fit) -> tuple[Fit, ...]:
        """Return the fits to compare: a chosen one from a file stands in for the library's of that id."""
        return (chosen, *(fit for fit in self.fits if fit.id != chosen.id))

    def iso_flop(self, request: PlanRequest, plan: Plan) -> IsoFlop:
        """Return all sizes at the budget of a request, `plan` being its answer. Raises: as `plan`."""
        return iso_flop(self.question(request), plan)

    def recipe_sheet(self, request: PlanRequest, plan: Plan) -> RecipeSheet:
        """Return all that is known of the recipe of `plan`, the answer to a request. Raises: as `plan`."""
        question = self.question(request)
        return recipe_sheet(question, plan, self._asked(question.fit))

    def explain(self, request: PlanRequest) -> Explanation:
        """Return the steps from Kaplan's experiment to the tuned one at a budget.

        Raises: as `plan`.
        """
        question = self.question(request)
        return _explain.explain(question, _plan.plan(question), self.library.get)

    def read(self, reading: Reading) -> "Intake":
        """Return the runs of a table, with an account of every row.

        Raises:
            UsageError: something has to be asked for, contradicts itself or leaves no run.
            FailureError: a file cannot be read, or needs an extra that is not installed.
        """
        return _runs.read(reading)

    def fit(self, reading: Reading, choices: FitChoices) -> Fitted:
        """Fit laws to a table of runs and store them, if a name is given.

        Raises:
            UsageError: the runs cannot be read or cannot carry the law, with the reason and the remedy.
            FailureError: a file cannot be read or written.
        """
        active = None
        # Settings that name a fit which is gone must not keep its successor from being made.
        with suppress(FailureError):
            active = self.active_fit()
        return _runs.fit(reading, choices, self.library, active)

    def score(self, reading: Reading, law: str, vocab_size: int | None = None) -> Scored:
        """Score a fit's learning rate and batch against a table of runs that vary both.

        Args:
            reading: the runs.
            law: id of the fit.
            vocab_size: of the runs' tokenizer, through which counting conventions convert.

        Raises:
            UsageError: the runs cannot be read or hold no grid, or the fit has no such laws.
            FailureError: a file cannot be read.
        """
        return _runs.score(reading, self.library.get(law), vocab_size)

    def value(self, request: PlanRequest, calibration: float) -> "tuple[Plan, Valuation]":
        """Return the plan for a budget, and what a calibration would be worth for it.

        Args:
            request: the question.
            calibration: share of the budget's compute to spend on it, from 0 to 1.

        Raises:
            UsageError: as `plan`; or the law keeps no points with draws, or the share pays for too little.
            FailureError: as `plan`.
        """
        from budgetscope.fitting.calibration_value import value  # noqa: PLC0415 - NumPy, which planning does without

        question = self.question(request)
        own = recount(locate(question), question.fit.counting, question.family)
        return _plan.plan(question), sound(question.fit.id, value, question.fit, own.flops, calibration)

    def differ(self, before: str, after: str, budgets: Sequence[str] = (), convention: str | None = None) -> Difference:
        """Return what changes from one fit to another.

        Args:
            before: id of the first fit.
            after: id of the second.
            budgets: FLOPs as text, such as 1e21; a few decades by default.
            convention: who counts N and C.

        Raises:
            UsageError: a name or a budget is not understood.
            FailureError: a fit is broken.
        """
        first, second = self.library.get(before), self.library.get(after)
        family = family_of(first)
        counting = None if convention is None else parse_convention(convention)
        flops = tuple(parse_flops(text) for text in budgets) or BUDGETS
        sizes = None if first.allocation and second.allocation else self.active_fit()
        return differ(first, second, family, flops, counting, sizes)

    def export(self, request: PlanRequest, form: str) -> str:
        """Return the plan, the comparison and the command that reproduces them, as one text.

        Args:
            request: the question.
            form: one of `EXPORT_FORMATS`.

        Raises: as `plan`.
        """
        question = self.question(request)
        answer = _plan.plan(question)
        comparison = _compare.compare(question, answer, self._asked(question.fit))
        return export_text(form, answer, comparison, self.command(request))

    def curves(self, request: PlanRequest, ids: Sequence[str], flops_grid: tuple[float, ...]) -> tuple[Curve, ...]:
        """Return N*(C) of the request's law, with its interval, and then of other laws, by the request's convention.

        Kept between calls: only another law, convention, tokenizer, context or grid costs time.

        Args:
            request: the question.
            ids: of the other laws; those that do not load, give no N and D or no usable numbers are left out.
            flops_grid: budgets, growing.

        Raises: as `plan`.
        """
        question = self.question(request)
        others = [fit for fit in self.fits if fit.id in ids and fit.id != question.fit.id and fit.allocation]
        others.sort(key=lambda fit: ids.index(fit.id))
        chosen, drawn = self._charts.curve(question.fit, question, flops_grid), []
        for fit in others:
            # Its row of the comparison, or the library, says what is wrong with it.
            with suppress(FailureError):
                drawn.append(self._charts.curve(fit, question, flops_grid))
        return (chosen, *drawn)

    def place(self, request: PlanRequest, plan: Plan, convention: Convention) -> Place:
        """Return where a plan stands on a chart of N*(C) that is drawn by some convention.

        Args:
            request: the question.
            plan: the answer to it.
            convention: who counts on the chart.

        Raises: as `plan`.
        """
        return _curves.place(self.question(request), plan, convention)

    def traces(
        self, request: PlanRequest, quantity: str, ids: Sequence[str], flops_grid: tuple[float, ...]
    ) -> tuple[Trace, ...]:
        """Return the loss over C, or learning rate or batch over N, of some fits; kept between calls as `curves`.

        The first of `ids` is the one of interest: nothing is drawn where it is silent. `quantity` is one of
        `core.traces`, `flops_grid` budgets by the request's convention.

        Raises: as `plan`.
        """
        question = self.question(request)
        known = (*reversed(self.fits), *question.opinions, *question.hyperparameters, question.fit)
        fits = {fit.id: fit for fit in known}
        return self._charts.traces(question, quantity, [fits[name] for name in ids if name in fits], flops_grid)

    @cached_property
    def fits(self) -> tuple[Fit, ...]:
        """Every fit that loads."""
        return tuple(entry.fit for entry in self.entries if entry.fit is not None)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Every file of the library, the broken ones too."""
        return tuple(self.library.entries())
