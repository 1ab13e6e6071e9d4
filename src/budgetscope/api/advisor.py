"""The advisor: answers requests from one library of fits, the user's settings and devices."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from budgetscope.api import runs as _runs
from budgetscope.api.charts import Charts
from budgetscope.api.defaults import (
    CRITICAL_BATCH,
    DEFAULT_HYPERPARAMETERS,
    DEFAULT_LAW,
    OPINIONS,
    RECIPE_ROLES,
)
from budgetscope.api.export import export_text
from budgetscope.api.request import PlanRequest, command
from budgetscope.api.runs import FitChoices, Fitted, Reading, Scored, family_of
from budgetscope.api.shelf import Shelf
from budgetscope.core import compare as _compare
from budgetscope.core import curves as _curves
from budgetscope.core import explain as _explain
from budgetscope.core import plan as _plan
from budgetscope.core.budget import parse_budget
from budgetscope.core.cautions import Caution
from budgetscope.core.compare import Comparison
from budgetscope.core.curves import Curve, Place
from budgetscope.core.device_table import DEVICES
from budgetscope.core.devices import Device, find_device
from budgetscope.core.difference import BUDGETS, Difference, differ
from budgetscope.core.errors import BudgetscopeError, FailureError, UsageError
from budgetscope.core.explain import Explanation
from budgetscope.core.fit import Fit
from budgetscope.core.ledger import Convention, parse_convention
from budgetscope.core.machine import DEFAULT_DEVICE, MachineOptions, device_name, machine_for
from budgetscope.core.plan import Plan
from budgetscope.core.quantities import parse_flops, whole
from budgetscope.core.question import Question, locate
from budgetscope.core.recipe_sheet import RecipeSheet, recipe_sheet
from budgetscope.core.shapes import PORIAN_SEQ_LEN, PORIAN_VOCAB_SIZE
from budgetscope.core.solve import recount
from budgetscope.core.soundness import sound
from budgetscope.core.traces import Trace
from budgetscope.core.whatif import IsoFlop, iso_flop
from budgetscope.store.devices import UserDevices, user_devices
from budgetscope.store.library import Entry, Library
from budgetscope.store.locations import expanded, settings_file
from budgetscope.store.schema import MAX_COUNT
from budgetscope.store.settings import Settings, read_settings, write_settings

if TYPE_CHECKING:
    from budgetscope.fitting.value import Valuation
    from budgetscope.store.runs import Intake


class Advisor:
    """Answers requests with one library of fits, the user's settings and devices.

    A face that answers many requests keeps one; files are read when first needed.
    """

    def __init__(
        self,
        library: Library | None = None,
        settings: Settings | None = None,
        devices: tuple[Device, ...] | None = None,
    ) -> None:
        self._given = (library, settings, devices)
        self._charts = Charts()

    def reread(self) -> "Advisor":
        """Return an advisor that reads the files anew; what was handed to this one stays."""
        return Advisor(*self._given)

    @cached_property
    def library(self) -> Library:
        """The fits."""
        return self._given[0] or Library.standard()

    @cached_property
    def settings(self) -> Settings:
        """The user's choices."""
        return self._given[1] or read_settings()

    @cached_property
    def _user_devices(self) -> UserDevices:
        return user_devices() if self._given[2] is None else UserDevices(self._given[2])

    @property
    def devices(self) -> tuple[Device, ...]:
        """The user's own devices, those that can be used."""
        return self._user_devices.devices

    @property
    def device_problems(self) -> tuple[str, ...]:
        """Why entries of the user's device file are left out, one sentence each."""
        return self._user_devices.problems

    @cached_property
    def shelf(self) -> Shelf:
        """The stored fits, to look at and to change."""
        return Shelf(self.library)

    @property
    def all_devices(self) -> tuple[Device, ...]:
        """The user's own devices, then the bundled ones."""
        return (*self.devices, *DEVICES)

    def question(self, request: PlanRequest) -> Question:
        """Look up every name in a request.

        Raises:
            UsageError: naming what is not understood, unknown or contradictory.
            FailureError: a fit or settings file is broken.
        """
        for option in fields(PlanRequest):
            if option.name != "budget" and getattr(request, option.name) == "":
                raise UsageError(f"--{option.name.replace('_', '-')} is empty; give it a value or leave it out.")
        budget = parse_budget(request.budget, self._device, devices_counted=request.gpus is not None)
        fit = self._active_fit() if request.law is None else self.library.get(request.law)
        named = device_name(budget, request.device)
        device = self._device(named or DEFAULT_DEVICE)
        options = MachineOptions(request.gpus, request.mfu, request.price)
        return Question(
            budget=budget,
            fit=fit,
            hyperparameters=self._hyperparameters(request, fit),
            opinions=tuple(self.library.get(name) for name in OPINIONS),
            machine=machine_for(budget, device, options, device_stated=named is not None),
            convention=fit.counting if request.convention is None else parse_convention(request.convention),
            vocab_size=whole("--vocab", request.vocab, fit.vocab_size or PORIAN_VOCAB_SIZE, 2, MAX_COUNT),
            seq_len=whole("--seq-len", request.seq_len, fit.seq_len or PORIAN_SEQ_LEN, 1, MAX_COUNT),
            cautions=tuple(self._of_files(request, fit)),
        )

    def _device(self, name: str) -> Device:
        """Return the device of a name.

        Raises:
            UsageError: there is none, which may be because its entry was left out.
        """
        try:
            return find_device(name, self.devices)
        except UsageError as error:
            raise UsageError(" ".join((str(error), *self.device_problems))) from None

    def _of_files(self, request: PlanRequest, fit: Fit) -> Iterator[Caution]:
        """Yield what to know of the user's own files behind an answer."""
        law, recipe = request.law or self.active_law, request.hyperparameters or self.default_recipe
        for name in dict.fromkeys((law, recipe)):
            fit_id = fit.id if name == law else name
            yield from (Caution("own-file", f"{fit_id}: {told}", fit_id) for told in self.library.remarks(name))
        yield from (Caution("device-file", problem) for problem in self.device_problems)

    def _hyperparameters(self, request: PlanRequest, fit: Fit) -> tuple[Fit, ...]:
        """Return the fits to follow, by preference: the one asked for, the law's own, the default."""
        preferred: tuple[Fit, ...] = ()
        if request.hyperparameters is not None:
            preferred = (self.library.get(request.hyperparameters),)
        elif self.settings.hyperparameters is not None:
            preferred = (self._from_settings(self.settings.hyperparameters, "recipe"),)
        elif {"learning_rate", "batch_size"} <= fit.laws.keys():
            preferred = (fit,)
        if preferred and not RECIPE_ROLES & preferred[0].laws.keys():
            raise UsageError(
                f"{preferred[0].id} has no law for the recipe; `budgetscope fits list` shows the fits that say lr."
            )
        defaults = (self.library.get(DEFAULT_HYPERPARAMETERS), self.library.get(CRITICAL_BATCH))
        return (*preferred, *defaults)

    @property
    def active_law(self) -> str:
        """The id of the law that answers when a request names none."""
        return self.settings.law or DEFAULT_LAW

    @property
    def default_recipe(self) -> str:
        """The id of the fit for the recipe when neither a request names one nor the law has its own."""
        return self.settings.hyperparameters or DEFAULT_HYPERPARAMETERS

    def is_default(self, fit_id: str) -> bool:
        """Return whether a fit answers, for the law or the recipe, when a request names none."""
        return fit_id in {self.active_law, self.default_recipe}

    def _active_fit(self) -> Fit:
        law = self.settings.law
        return self.library.get(DEFAULT_LAW) if law is None else self._from_settings(law, "law")

    def _from_settings(self, name: str, what: str) -> Fit:
        """Return the fit that the settings name as the default law or recipe.

        Raises:
            FailureError: it is gone or broken, with where the choice stands and how to change it.
        """
        try:
            return self.library.get(name)
        except BudgetscopeError as error:
            reason = "there is no such fit" if isinstance(error, UsageError) else str(error).removesuffix(".")
            raise FailureError(
                f"the settings file {str(settings_file())!r} names {name!r} as the default {what}, but {reason}; "
                "choose another with `budgetscope fits use ID`."
            ) from None

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
            active = self._active_fit()
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
        from budgetscope.fitting.value import value  # noqa: PLC0415 - NumPy, which planning does without

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
        sizes = None if first.allocation and second.allocation else self._active_fit()
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
