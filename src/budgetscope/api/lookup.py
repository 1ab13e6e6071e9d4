"""Name resolution: turns a request into a question, with the user's fits, settings and devices."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from budgetscope.api.defaults import (
    DEFAULT_LAW,
    FOR_EVERY_RECIPE,
    RECIPES,
    SPREAD_FITS,
)
from budgetscope.api.fields import BY_NAME, CONSTRAINTS
from budgetscope.api.rates import Probes, probes, rate_of_fit
from budgetscope.api.request import PlanRequest, check
from budgetscope.core.answers.cautions import Caution
from budgetscope.core.answers.law_values import RECIPE_ROLES
from budgetscope.core.answers.question import Question
from budgetscope.core.answers.recipe_choice import PAIR
from budgetscope.core.budget.constraints import Constraints
from budgetscope.core.budget.describe import alternatives, describe
from budgetscope.core.budget.parse import Budget, Fixed, LossTarget, SizeTarget, TokensTarget, parse_budget
from budgetscope.core.budget.quantities import quote
from budgetscope.core.counting.ledger import Convention, parse_convention
from budgetscope.core.counting.shapes import PORIAN_SEQ_LEN, PORIAN_VOCAB_SIZE, ShapeFamily, shape_family
from budgetscope.core.errors import BudgetscopeError, FailureError, UsageError
from budgetscope.core.hardware.devices import Device, DeviceNames
from budgetscope.core.hardware.energy import EnergyOptions
from budgetscope.core.hardware.machine import (
    DEFAULT_DEVICE,
    MachineOptions,
    MeasuredRun,
    device_name,
    machine_for,
    stated_machine,
    stated_once,
)
from budgetscope.core.hardware.mfu import parse_measured
from budgetscope.core.hardware.prices import Catalogue, priced
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.scoreboard import Scoreboard
from budgetscope.core.printable import printable
from budgetscope.store.catalogue import read_catalogue
from budgetscope.store.devices import UserDevices, bundled_devices, user_devices
from budgetscope.store.fit_library import Entry, Library
from budgetscope.store.locations import settings_file
from budgetscope.store.scoreboard import bundled_scoreboard
from budgetscope.store.settings import Settings, read_settings


class Lookup:
    """Turns requests into questions, with a fit library, the user's settings and devices."""

    def __init__(
        self,
        library: Library | None = None,
        settings: Settings | None = None,
        devices: tuple[Device, ...] | None = None,
    ) -> None:
        self._given = (library, settings, devices)

    @cached_property
    def library(self) -> Library:
        """The fit library."""
        return self._given[0] or Library.standard()

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """All files of the library, broken ones included."""
        return tuple(self.library.entries())

    @cached_property
    def fits(self) -> tuple[Fit, ...]:
        """All fits that can be read."""
        return tuple(entry.fit for entry in self.entries if entry.fit is not None)

    @cached_property
    def fit_ids(self) -> tuple[str, ...]:
        """The ids of all stored fits, bundled ones first; no file is read."""
        return self.library.ids()

    @cached_property
    def settings(self) -> Settings:
        """The user's default law and recipe."""
        return self._given[1] or read_settings()

    @cached_property
    def _user_devices(self) -> UserDevices:
        return user_devices() if self._given[2] is None else UserDevices(self._given[2])

    @property
    def devices(self) -> tuple[Device, ...]:
        """The valid devices of the user's device file."""
        return self._user_devices.devices

    @property
    def device_problems(self) -> tuple[str, ...]:
        """For each invalid entry of the user's device file, and for damaged prices, the reason in one sentence."""
        return (*self._user_devices.problems, *self._fetched[1])

    @cached_property
    def _fetched(self) -> tuple[Catalogue | None, tuple[str, ...]]:
        """The fetched prices, and why they cannot be read."""
        try:
            return read_catalogue(), ()
        except FailureError as error:
            return None, (str(error),)

    @property
    def catalogue(self) -> Catalogue | None:
        """The prices that the user fetched; None without them."""
        return self._fetched[0]

    @cached_property
    def all_devices(self) -> tuple[Device, ...]:
        """The user's own devices, then the bundled ones, with the fetched prices where these count."""
        return priced((*self.devices, *bundled_devices().devices), self.catalogue)

    @property
    def device_table_date(self) -> str:
        """The month in which the bundled devices were compiled, such as "2026-11"."""
        return bundled_devices().date

    def question(
        self,
        request: PlanRequest,
        *,
        law: Fit | None = None,
        hyperparameters: Fit | None = None,
        alone: bool = False,
    ) -> Question:
        """Return the question of a request: look up its names and fill in defaults.

        Args:
            request: with its names not yet looked up.
            law: the fit for N, D and the loss, in place of the request's.
            hyperparameters: the fit for the recipe, likewise.
            alone: whether the budget's text must fix no N, D or data beside the budget.

        Raises:
            UsageError: a field is not understood, unknown, contradictory or out of bounds.
            FailureError: a fit or settings file is broken.
        """
        check(request)
        budget = parse_budget(request.budget, self._device_names, devices_counted=request.gpus is not None)
        if alone and (others := alternatives(budget)):
            raise UsageError(
                f"{describe(budget)!r} fixes N, D or data beside its budget, which only a plan answers; ask "
                f"{' or '.join(map(repr, others))}."
            )
        fit = law or (self.active_fit() if request.law is None else self.library.get(request.law))
        check_large_enough(fit)
        named = device_name(budget, request.device)
        device = stated_machine(budget, request.device) or self._device(named or DEFAULT_DEVICE)
        stated_len = round(_once("seq", budget.fixed.seq_len, request.seq_len, "seq_len") or 0)
        seq_len = stated_len or fit.seq_len or PORIAN_SEQ_LEN
        vocab_size = request.vocab or fit.vocab_size or PORIAN_VOCAB_SIZE
        convention = fit.counting if request.counting is None else parse_convention(request.counting)
        constraints = _constraints(request, budget)
        family = shape_family("dense", vocab_size=vocab_size, seq_len=seq_len)
        measured = _measured(request, budget, constraints, convention, family)
        options = MachineOptions(request.gpus, request.mfu, request.price, measured)
        preferred = self._preferred_recipe(request, fit, hyperparameters)
        return Question(
            budget=budget,
            fit=fit,
            hyperparameters=preferred,
            recipes=tuple(map(self.library.get, RECIPES)),
            fallbacks=tuple(map(self.library.get, FOR_EVERY_RECIPE)),
            scoreboard=self._scoreboard,
            spread_fits=tuple(self.library.get(name) for name in SPREAD_FITS),
            machine=machine_for(budget, device, options, device_stated=named is not None),
            convention=convention,
            vocab_size=vocab_size,
            seq_len=seq_len,
            cautions=tuple(self._file_cautions(request, fit, law, hyperparameters)),
            constraints=constraints,
            energy=EnergyOptions(request.watts, request.pue, request.grid),
            rates=(*rate_of_fit(fit, self._device_names), *self._probes.rates),
        )

    @cached_property
    def _probes(self) -> Probes:
        return probes(self.all_devices)

    @cached_property
    def _device_names(self) -> DeviceNames:
        return DeviceNames(self.all_devices, self._user_devices.problems)

    @cached_property
    def _scoreboard(self) -> Scoreboard:
        return bundled_scoreboard()

    def _device(self, name: str) -> Device:
        """Return the device of a name.

        Raises:
            UsageError: there is none; the message adds the problems of the user's device file.
        """
        found = self._device_names.find(name)
        if found is None:
            raise self._device_names.refusal(name)
        return found

    def _file_cautions(self, request: PlanRequest, fit: Fit, *given: Fit | None) -> Iterator[Caution]:
        """Yield the cautions about the user's files behind a question; a given fit that is not stored has none."""
        law, recipe = request.law or self.active_law, request.hyperparameters or self.default_recipe
        recipes = (recipe,) if recipe else RECIPES
        unstored = {each.id for each in given if each is not None and not self._is_stored(each)}
        for name in dict.fromkeys((law, *recipes)):
            fit_id = fit.id if name == law else name
            if fit_id not in unstored:
                yield from (Caution("own-file", f"{fit_id}: {told}", fit_id) for told in self.library.remarks(name))
        yield from (Caution("device-file", problem) for problem in self.device_problems)
        if self._probes.problem:
            yield Caution("probes-file", self._probes.problem)

    def _is_stored(self, fit: Fit) -> bool:
        """Return whether the library has the same fit under its id."""
        try:
            return self.library.get(fit.id) == fit
        except BudgetscopeError:
            return False

    def _preferred_recipe(self, request: PlanRequest, fit: Fit, given: Fit | None) -> tuple[Fit, ...]:
        """Return the fit that the request or the settings name for the recipe, or the law's own; else none."""
        preferred: tuple[Fit, ...] = ()
        if given is not None:
            preferred = (given,)
        elif request.hyperparameters is not None:
            preferred = (self.library.get(request.hyperparameters),)
        elif self.settings.hyperparameters is not None:
            preferred = (self._from_settings(self.settings.hyperparameters, "recipe"),)
        elif {*PAIR} <= fit.laws.keys():
            preferred = (fit,)
        if preferred and not preferred[0].laws.keys() & RECIPE_ROLES:
            raise UsageError(
                f"{preferred[0].id} has no law for the recipe; choose one that `budgetscope fits list` marks lr."
            )
        return preferred

    @property
    def active_law(self) -> str:
        """The id of the fit for N, D and the loss when a request names none."""
        return self.settings.law or DEFAULT_LAW

    @property
    def default_recipe(self) -> str:
        """The id of the fit for the recipe in the settings; empty where the model decides (see `recipe_choice`)."""
        return self.settings.hyperparameters or ""

    def is_default(self, fit_id: str) -> bool:
        """Return whether a fit is the default law or the default recipe."""
        return fit_id in {self.active_law, self.default_recipe}

    def active_fit(self) -> Fit:
        """Return the fit for N, D and the loss when a request names none.

        Raises:
            FailureError: its file is missing or broken.
        """
        law = self.settings.law
        return self.library.get(DEFAULT_LAW) if law is None else self._from_settings(law, "law")

    def _from_settings(self, name: str, what: str) -> Fit:
        """Return the fit that the settings name as the default law or recipe.

        Raises:
            FailureError: its file is missing or broken; the message names the settings file and the remedy.
        """
        try:
            return self.library.get(name)
        except BudgetscopeError as error:
            reason = "there is no such fit" if isinstance(error, UsageError) else str(error).removesuffix(".")
            raise FailureError(
                f"the settings file {str(settings_file())!r} names {name!r} as the default {what}, but {reason}; "
                "choose another with `budgetscope fits use ID`."
            ) from None


def check_large_enough(fit: Fit) -> None:
    """Refuse a law whose runs are too small to plan by.

    Raises:
        UsageError: what they lack.
    """
    if fit.too_small:
        raise UsageError(f"{fit.id} gives no plan. {printable(fit.too_small)}")


def _once(name: str, in_budget: float | None, option: float | None, field: str) -> float | None:
    """Return the value of the budget's text or of an option, within the bounds of the option; None without one.

    Raises:
        UsageError: both have one and they differ, or that of the text is out of bounds.
    """
    if in_budget is not None:
        BY_NAME[field].check(in_budget)
    return stated_once(name, in_budget, option, BY_NAME[field].option)


def _measured(
    request: PlanRequest, budget: Budget, constraints: Constraints, convention: Convention, family: ShapeFamily
) -> MeasuredRun | None:
    """Return the run that a request's measured rate is of: the size in its text, or the N that the request fixes.

    Raises:
        UsageError: the text is no rate, or no size is said.
    """
    if request.measured is None:
        return None
    rate = parse_measured(BY_NAME["measured"].parse(request.measured))
    own = budget.n_params if isinstance(budget, SizeTarget) else constraints.n_params
    n_params = own if rate is None or rate.n_params is None else rate.n_params
    if rate is None or n_params is None:
        size = f"{request.measured.strip()} at 7B"
        raise UsageError(
            f"--measured {quote(request.measured)} does not say which model was measured; add its size: {size!r}."
        )
    flops = family.executed_flops_per_token(family.position(n_params, convention))
    return MeasuredRun(rate, n_params, flops, family.shapes[0].seq_len, convention)


def _constraints(request: PlanRequest, budget: Budget) -> Constraints:
    """Return what a request fixes or bounds, by its options and the text of its budget.

    Raises:
        UsageError: the two contradict each other, a value is out of bounds, or epochs lack the unique tokens.
    """
    fixed = budget.fixed
    n_params, tokens = fixed.n_params, fixed.tokens
    stated = [BY_NAME[name].option for name in CONSTRAINTS if getattr(request, name) is not None]
    constrained = bool(stated) or fixed != replace(Fixed(), seq_len=fixed.seq_len, precision=fixed.precision)
    if constrained and isinstance(budget, LossTarget):
        raise UsageError(
            f"{describe(budget)!r} asks for the least compute that reaches the loss, and what is fixed or bounded "
            "beside it would miss it; ask with a budget of compute, time or money."
        )
    # What is asked for is then fixed, too.
    if constrained and isinstance(budget, SizeTarget):
        n_params = budget.n_params
    if constrained and isinstance(budget, TokensTarget):
        tokens = budget.tokens
    unique = _once("unique tokens", fixed.unique_tokens, request.unique_tokens, "unique_tokens")
    if fixed.epochs is not None:
        if unique is None:
            raise UsageError(
                f"{describe(budget)!r} says epochs and not of how many tokens; write 4 epochs of 100B unique tokens."
            )
        tokens = stated_once("D", tokens, fixed.epochs * unique, "epochs x unique tokens")
    return Constraints(
        deadline_hours=request.deadline,
        n_params=_once("N", n_params, request.params, "params"),
        tokens=_once("D", tokens, request.tokens, "tokens"),
        max_params=_once("the largest N", fixed.max_params, request.max_params, "max_params"),
        unique_tokens=unique,
        served_tokens=request.served_tokens,
    )
