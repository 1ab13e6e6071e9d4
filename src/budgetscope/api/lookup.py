"""Names looked up: which fits and which device a request means, by the user's files and choices."""

from collections.abc import Iterator
from dataclasses import fields
from functools import cached_property

from budgetscope.api.defaults import (
    CRITICAL_BATCH,
    DEFAULT_HYPERPARAMETERS,
    DEFAULT_LAW,
    OPINIONS,
    RECIPE_ROLES,
)
from budgetscope.api.request import PlanRequest
from budgetscope.core.answers.cautions import Caution
from budgetscope.core.answers.question import Question
from budgetscope.core.budget.parse import parse_budget
from budgetscope.core.budget.quantities import whole
from budgetscope.core.counting.ledger import parse_convention
from budgetscope.core.counting.shapes import PORIAN_SEQ_LEN, PORIAN_VOCAB_SIZE
from budgetscope.core.errors import BudgetscopeError, FailureError, UsageError
from budgetscope.core.hardware.device_table import DEVICES
from budgetscope.core.hardware.devices import Device, find_device
from budgetscope.core.hardware.machine import DEFAULT_DEVICE, MachineOptions, device_name, machine_for
from budgetscope.core.laws.fit import Fit
from budgetscope.store.devices import UserDevices, user_devices
from budgetscope.store.fit_library import Library
from budgetscope.store.fit_schema import MAX_COUNT
from budgetscope.store.locations import settings_file
from budgetscope.store.settings import Settings, read_settings


class Lookup:
    """Turns a request into a question, with one library of fits, the user's settings and devices."""

    def __init__(
        self,
        library: Library | None = None,
        settings: Settings | None = None,
        devices: tuple[Device, ...] | None = None,
    ) -> None:
        self._given = (library, settings, devices)

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
        fit = self.active_fit() if request.law is None else self.library.get(request.law)
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

    def active_fit(self) -> Fit:
        """Return the law that answers when a request names none.

        Raises:
            FailureError: it is gone or broken.
        """
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
