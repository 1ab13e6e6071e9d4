"""What lies on the table while people plan: one request and its answer, shared by every screen."""

from dataclasses import replace
from typing import TYPE_CHECKING

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.errors import BudgetscopeError
from budgetscope.tui import fields
from budgetscope.tui.fields import Problem
from budgetscope.tui.law_letters import fit_ids, signs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from budgetscope.core.answers.plan import Plan


class Session:
    """One request and its answer.

    Attributes:
        advisor: answers.
        request: what was asked last.
        plan: the last good plan; None before the first.
        answered: the request that `plan` answers.
        problem: why `plan` is not the answer to what was asked last; None when it is.
        scenario: name of the saved scenario that was opened; None for none.
        revision: grows with every change, so that a screen knows whether it shows the present state.
        library_read: whether every fit file has been read, and the broken ones told.
        on_change: called after every change.
    """

    def __init__(self, advisor: Advisor, request: PlanRequest) -> None:
        self.advisor = advisor
        self.request = request
        self.plan: Plan | None = None
        self.answered: PlanRequest | None = None
        self.problem: Problem | None = None
        self.scenario: str | None = None
        self.revision = 0
        self.library_read = False
        self.on_change: Callable[[], None] = lambda: None
        self._unread: dict[str, str] = {}
        self._ids: tuple[Advisor, tuple[str, ...]] | None = None
        self._answer()

    @property
    def fit_ids(self) -> tuple[str, ...]:
        """The ids of all stored fits, read or not."""
        if self._ids is None or self._ids[0] is not self.advisor:
            self._ids = (self.advisor, fit_ids(self.advisor.library))
        return self._ids[1]

    @property
    def signs(self) -> "Mapping[str, str]":
        """The sign of every law, by its id."""
        return signs(self.fit_ids)

    def edit(self, name: str, text: str) -> None:
        """Take what a person typed into one field, if it is new; text that cannot be read becomes the problem.

        Args:
            name: of the field, as in `fields.FIELDS`.
            text: what it holds now.
        """
        before = self.request, dict(self._unread)
        try:
            self.request = fields.read(self.request, name, text)
        except BudgetscopeError as error:
            self._unread[name] = str(error)
        else:
            self._unread.pop(name, None)
        if (self.request, self._unread) != before:
            self._answer()

    def ask(self, request: PlanRequest) -> None:
        """Take a whole new request; what was typed and could not be read is forgotten."""
        self._unread.clear()
        self.request = request
        self._answer()

    def open(self, scenario: str | None, request: PlanRequest) -> None:
        """Take the request of a saved scenario."""
        self.scenario = scenario
        self.ask(request)

    def call(self, scenario: str | None) -> None:
        """Give what lies on the desk the name of a saved scenario, or none; the request stays."""
        self.scenario = scenario
        self.revision += 1
        self.on_change()

    def follow(self, fit_id: str) -> None:
        """Follow another law; the rest of the request, and what could not be read of it, stays."""
        self._unread.pop("law", None)
        self.request = replace(self.request, law=fit_id)
        self._answer()

    def read_library(self) -> list[str]:
        """Read every fit file, which takes a while, and return what is wrong with those that are broken."""
        self.library_read = True
        try:
            return [entry.problem for entry in self.advisor.entries if entry.problem]
        except BudgetscopeError as error:
            return [str(error)]

    def reread(self) -> None:
        """Read fits, settings and devices anew, since a file was changed."""
        self.advisor = self.advisor.reread()
        self.library_read = False
        self._answer()

    def is_unread(self, name: str) -> bool:
        """Return whether a field holds text that could not be read."""
        return name in self._unread

    def _answer(self) -> None:
        self.problem = self._tried()
        self.revision += 1
        self.on_change()

    def _tried(self) -> Problem | None:
        """Plan, and return why not."""
        if self._unread:
            return Problem(*next(iter(self._unread.items())))
        try:
            plan = self.advisor.plan(self.request)
        except BudgetscopeError as error:
            return Problem(fields.field_at_fault(self.advisor, self.request), str(error))
        self.plan, self.answered = plan, self.request
        return None
