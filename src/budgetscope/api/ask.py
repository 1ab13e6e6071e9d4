"""`Advisor`: answers requests, and computes the comparison, curves and other companions of an answer."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from budgetscope.api.lookup import Lookup
from budgetscope.api.request import PlanRequest, command
from budgetscope.core.answers.answer import Answer, answer
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.operating_point import recount

if TYPE_CHECKING:
    from budgetscope.api.charts import Charts
    from budgetscope.api.export import Exported
    from budgetscope.api.fits import FitLibrary
    from budgetscope.api.pictures import Pictures
    from budgetscope.core.answers.calibration_value import Valuation
    from budgetscope.core.answers.comparison import Comparison, Row
    from budgetscope.core.answers.curves import Curve, Place
    from budgetscope.core.answers.explanation import Explanation
    from budgetscope.core.answers.layout import Layouts
    from budgetscope.core.answers.machines import Machines
    from budgetscope.core.answers.plan import Plan
    from budgetscope.core.answers.quantity_curves import QuantityCurve
    from budgetscope.core.answers.recipe_sheet import RecipeSheet
    from budgetscope.core.answers.whatif import IsoFlop, WhatIf
    from budgetscope.report.meeting.facts import Facts
    from budgetscope.report.recipes.page import TrainerRecipe


@dataclass(frozen=True, slots=True)
class AnsweredRequest(Answer):
    """An answer with its request.

    Attributes:
        request: as the user wrote it; requests of the same meaning have equal answers.
    """

    request: PlanRequest = field(compare=False)


class Advisor(Lookup):
    """Answers requests with a fit library, the user's settings and devices.

    Files are read when first needed, and then kept: use one advisor for many requests.
    """

    def reread(self) -> "Advisor":
        """Return an advisor that reads the files again; the arguments of this one are kept."""
        return Advisor(*self._given)

    def answer(
        self,
        request: PlanRequest,
        *,
        law: Fit | None = None,
        hyperparameters: Fit | None = None,
        alone: bool = False,
    ) -> AnsweredRequest:
        """Return the answer to a request: its optimum and its plan.

        Args:
            request: with its names not yet looked up.
            law: the fit for N, D and the loss, stored or not, in place of the request's.
            hyperparameters: the fit for the recipe, likewise.
            alone: whether the budget's text must fix no N, D or data beside the budget, as for a comparison.

        Raises:
            UsageError: a field is not understood, unknown, contradictory or out of bounds.
            FailureError: a fit or settings file is broken, or a fit in use gives no usable numbers.
        """
        found = answer(self.question(request, law=law, hyperparameters=hyperparameters, alone=alone))
        return AnsweredRequest(found.question, found.optimum, found.plan, request)

    def command(self, request: PlanRequest, verb: str = "plan") -> str:
        """Return the shell command of a request, with the user's default fits as options."""
        law, recipe = self.settings.law, self.settings.hyperparameters
        return command(
            replace(request, law=request.law or law, hyperparameters=request.hyperparameters or recipe), verb
        )

    # Companions of an answer

    def compare(self, answer: Answer) -> "Comparison":
        """Return the comparison of all laws at an answer's budget, with the cost of following each by the answer's law.

        Raises:
            FailureError: the answer's law gives no usable numbers.
        """
        from budgetscope.core.answers.comparison import compare  # noqa: PLC0415 - a plan does not need it

        return compare(answer, self._compared(answer))

    def beside(self, answer: Answer, fit: Fit) -> "Row | None":
        """Return the row of one fit in the comparison at an answer's budget; None where it has none.

        Raises:
            FailureError: the answer's law gives no usable numbers.
        """
        from budgetscope.core.answers.comparison import compare  # noqa: PLC0415 - a plan does not need it

        return next((row for row in compare(answer, (answer.question.fit, fit)).rows if row.fit_id == fit.id), None)

    def _compared(self, answer: Answer) -> tuple[Fit, ...]:
        """Return the answer's fit and all others; it replaces a stored fit of the same id."""
        chosen = answer.question.fit
        return (chosen, *(fit for fit in self.fits if fit.id != chosen.id))

    def iso_flop(self, answer: Answer) -> "IsoFlop":
        """Return the model sizes at an answer's budget."""
        from budgetscope.core.answers.whatif import IsoFlop  # noqa: PLC0415 - a plan does not need it

        return IsoFlop(answer)

    def what_if(self, answer: Answer, n_params: float | None = None, served_tokens: float = 0.0) -> "WhatIf":
        """Return a size at an answer's budget beside the optimum and the other laws' sizes.

        Args:
            answer: with the budget.
            n_params: the size, by the plan's convention; None is the optimum.
            served_tokens: that the model will serve in its life.

        Raises:
            FailureError: the answer's law gives no usable numbers.
        """
        from budgetscope.core.answers.whatif import what_if  # noqa: PLC0415 - a plan does not need it
        from budgetscope.report.whatif import picks  # noqa: PLC0415

        others = [(row.fit_id, row.title, row.n_params or 0.0) for row in picks(self.compare(answer))]
        return what_if(answer, others, n_params, served_tokens)

    def best_over_life(self, answer: AnsweredRequest, served_tokens: float) -> "Plan | None":
        """Return the plan that trains and serves for least; None without served tokens, or where there is none."""
        with suppress(BudgetscopeError):
            if served_tokens:
                return self.answer(replace(answer.request, served_tokens=served_tokens)).plan
        return None

    def recipe_sheet(self, answer: Answer) -> "RecipeSheet":
        """Return the recipe of an answer with the values of all laws, other sizes and checkpoints.

        Raises:
            FailureError: the answer's law gives no usable numbers.
        """
        from budgetscope.core.answers.recipe_sheet import recipe_sheet  # noqa: PLC0415 - a plan does not need it

        return recipe_sheet(answer, self._compared(answer))

    def explain(self, answer: Answer) -> "Explanation":
        """Return the steps from Kaplan's experiment to the tuned one at an answer's budget.

        Raises:
            FailureError: a step's fit is broken or gives no usable numbers.
        """
        from budgetscope.core.answers.explanation import explain  # noqa: PLC0415 - a plan does not need it

        return explain(answer, self.library.get)

    def memory(self, answer: Answer) -> "Layouts":
        """Return the layouts of an answer's model and batch on its devices, with the memory of each.

        Raises:
            UsageError: the plan has no shape, or the memory of its machine is not known.
        """
        from budgetscope.core.answers.layout import layouts  # noqa: PLC0415 - a plan does not need it

        plan = answer.plan
        return layouts(answer.question, plan.run.shape, plan.recipe.batch_sequences)

    def machines(self, answer: AnsweredRequest) -> "Machines":
        """Return an answer's training on every device that can hold it.

        Raises:
            UsageError: the plan has no shape.
        """
        from budgetscope.api.machines import machines  # noqa: PLC0415 - a plan does not need it

        return machines(answer, answer.request, self.all_devices)

    def on_device(self, answer: AnsweredRequest, found: "Machines", device: str) -> PlanRequest:
        """Return the request of one of an answer's alternatives, by the id of its device."""
        from budgetscope.api.machines import request_on  # noqa: PLC0415 - a plan does not need it

        return request_on(answer, answer.request, found, device)

    def value(self, answer: Answer, share: float | None = None) -> "Valuation":
        """Return the value of a calibration for an answer.

        Args:
            answer: with the budget.
            share: of the budget's compute for a calibration beside the usual ones, from 0 to 1; None for these alone.

        Raises:
            UsageError: the law has no points with draws, or the share or the budget is too small for a calibration.
            FailureError: the law gives no usable numbers.
        """
        from budgetscope.fitting.calibration_value import value  # noqa: PLC0415 - NumPy, which planning does not need

        question = answer.question
        return value(question.fit, recount(answer.optimum, question.fit.counting, question.family).flops, share)

    def export(self, answer: AnsweredRequest, form: str) -> str:
        """Return an answer as one text; see `exported`."""
        return self.exported(answer, form).text

    def exported(self, answer: AnsweredRequest, form: str, figures: str = "") -> "Exported":
        """Return an answer as one text with its figures: its report as html or md, its numbers as csv or json.

        Args:
            answer: what to export.
            form: one of `EXPORT_FORMATS`.
            figures: of md, the path of the folder of figures to which it links; empty for none.

        Raises:
            UsageError: the format is unknown.
            FailureError: as `compare`.
        """
        from budgetscope.api import export  # noqa: PLC0415 - planning needs no report

        if export.is_report(form):
            pictures = self.pictures(answer) if form == "html" or figures else None
            return export.report_export(form, self.facts(answer), pictures, figures)
        layouts = self.memory(answer) if answer.plan.is_laid_out else None
        return export.data_export(form, answer.plan, self.compare(answer), self.command(answer.request), layouts)

    def facts(self, answer: AnsweredRequest) -> "Facts":
        """Return what the report of an answer is made from.

        Raises:
            FailureError: as `compare`.
        """
        from budgetscope._version import __version__  # noqa: PLC0415 - planning needs no report
        from budgetscope.core.answers.other_budgets import other_budgets  # noqa: PLC0415
        from budgetscope.report.meeting.facts import FACTORS, Facts  # noqa: PLC0415

        has_shape, explanation = answer.plan.run.shape is not None, None
        # A user's fit may stand in the place of a step, and be no power law.
        with suppress(BudgetscopeError):
            explanation = self.explain(answer)
        return Facts(
            answer=answer,
            comparison=self.compare(answer),
            explanation=explanation,
            layouts=self.memory(answer) if answer.plan.is_laid_out else None,
            machines=self.machines(answer) if has_shape else None,
            budgets=other_budgets(answer, FACTORS),
            command=self.command(answer.request),
            machines_command=self.command(answer.request, "machines"),
            export_command=self.command(answer.request, "export"),
            version=__version__,
        )

    def pictures(self, answer: AnsweredRequest) -> "Pictures":
        """Return the figures of an answer's report as data; none without matplotlib, which draws them.

        Raises:
            FailureError: the answer's law gives no usable numbers.
        """
        from budgetscope.api.pictures import pictures  # noqa: PLC0415 - planning draws nothing

        return pictures(answer, self.library.get, self._charts)

    def trainer_recipe(self, answer: AnsweredRequest, name: str) -> "TrainerRecipe":
        """Return the recipe of an answer for a trainer, one of `report.recipes.targets`.

        Raises:
            UsageError: no target has that name, the plan has no shape, or no memory is known.
            FailureError: the answer's law gives no usable numbers.
        """
        from budgetscope.api.recipes import recipe_for  # noqa: PLC0415 - planning does not need it

        return recipe_for(answer, name, self.command(answer.request, "export"))

    # Curves for charts; a curve is cached by law, convention, tokenizer, context and grid

    @cached_property
    def _charts(self) -> "Charts":
        from budgetscope.api.charts import Charts  # noqa: PLC0415 - a plan does not need it

        return Charts()

    def curve(
        self,
        answer: Answer,
        flops_grid: tuple[float, ...],
        *,
        law: str | None = None,
        convention: Convention | None = None,
        band: bool = True,
    ) -> "Curve":
        """Return N*(C) of one law, for the vocabulary and context of an answer.

        Args:
            answer: gives vocabulary and context.
            flops_grid: budgets, growing.
            law: id of the fit; the answer's own when None.
            convention: of N and C; the answer's own when None.
            band: whether to add the law's 95% interval.

        Raises:
            UsageError: there is no such fit.
            FailureError: the fit is broken, has no law for N and D, or gives no usable numbers.
        """
        question = answer.question
        fit = question.fit if law is None else self.library.get(law)
        return self._charts.curve(fit, convention or question.convention, question.family, flops_grid, band=band)

    def curves(self, answer: Answer, ids: Sequence[str], flops_grid: tuple[float, ...]) -> "tuple[Curve, ...]":
        """Return N*(C) of an answer's law with its interval, then of other laws, by the answer's convention.

        Args:
            answer: gives the first law and the convention.
            ids: of the other fits; those that do not load, have no law for N and D or no usable numbers are left out.
            flops_grid: budgets, growing.

        Raises:
            FailureError: the answer's law gives no usable numbers.
        """
        drawn = [self.curve(answer, flops_grid)]
        for fit_id in ids:
            if fit_id != answer.question.fit.id:
                # The comparison and the list of fits report such errors.
                with suppress(BudgetscopeError):
                    drawn.append(self.curve(answer, flops_grid, law=fit_id, band=False))
        return tuple(drawn)

    def quantity_curves(
        self, answer: Answer, quantity: str, ids: Sequence[str], flops_grid: tuple[float, ...]
    ) -> "tuple[QuantityCurve, ...]":
        """Return the loss over C, or learning rate or batch over N, of some fits.

        Args:
            answer: gives the convention, and the law of N and D for learning rate and batch.
            quantity: as in `core.answers.quantity_curves`.
            ids: of the fits; the result is empty if the first has no law for the quantity.
            flops_grid: budgets by the answer's convention, growing.

        Raises:
            FailureError: the first fit gives no usable numbers; others are left out.
        """
        question = answer.question
        # An answer may follow a fit that is not in the library.
        known = {fit.id: fit for fit in (*question.recipe_fits, question.fit)}
        fits = []
        for name in ids:
            with suppress(BudgetscopeError):
                fits.append(known[name] if name in known else self.library.get(name))
        return self._charts.quantity_curves(question, quantity, fits, flops_grid)

    def place(self, answer: Answer, convention: Convention) -> "Place":
        """Return the point of an answer on a chart of N*(C) by a convention."""
        from budgetscope.core.answers.curves import place  # noqa: PLC0415 - a plan does not need it

        return place(answer, convention)

    @cached_property
    def fit_library(self) -> "FitLibrary":
        """The stored fits, for listing and changing."""
        from budgetscope.api.fits import FitLibrary  # noqa: PLC0415 - a plan does not need it

        return FitLibrary(self)
