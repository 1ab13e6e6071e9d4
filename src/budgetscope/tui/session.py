"""The session: the request and its answer that all screens share."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from budgetscope.api import Advisor, AnsweredRequest, PlanRequest
from budgetscope.api.request import field_at_fault, with_text
from budgetscope.core.errors import BudgetscopeError
from budgetscope.tui.law_letters import letters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from budgetscope.core.answers.plan import Plan


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request has no answer.

    Attributes:
        field: name of the field at fault.
        sentence: the refusal.
    """

    field: str
    sentence: str


class Session:
    """One request and its answer.

    Attributes:
        advisor: answers.
        request: what was asked last.
        answer: the last good answer, with the request that it answers; None before the first.
        problem: why `answer` does not answer `request`; None when it does.
        scenario: name of the saved scenario that was opened; None for none.
        revision: grows with every change, so that a screen knows whether it shows the present state.
        library_read: whether every fit file has been read, and the broken ones told.
        on_change: called after every change.
    """

    def __init__(self, advisor: Advisor, request: PlanRequest) -> None:
        self.advisor = advisor
        self.request = request
        self.answer: AnsweredRequest | None = None
        self.problem: Problem | None = None
        self.scenario: str | None = None
        self.revision = 0
        self.library_read = False
        self.on_change: Callable[[], None] = lambda: None
        self._unread: dict[str, str] = {}
        self._answer_request()

    @property
    def plan(self) -> "Plan | None":
        """The plan of the last good answer; None before the first."""
        return None if self.answer is None else self.answer.plan

    @property
    def fit_ids(self) -> tuple[str, ...]:
        """The ids of all stored fits, read or not."""
        return self.advisor.fit_ids

    @property
    def letters(self) -> "Mapping[str, str]":
        """The letter of every law, by its id."""
        return letters(self.fit_ids)

    def edit(self, name: str, text: str) -> None:
        """Take what a person typed into one field, if it is new; text that cannot be read becomes the problem.

        Args:
            name: of the field, as in `api.fields.FORM`.
            text: what it holds now.
        """
        before = self.request, dict(self._unread)
        try:
            self.request = with_text(self.request, name, text)
        except BudgetscopeError as error:
            self._unread[name] = str(error)
        else:
            self._unread.pop(name, None)
        if (self.request, self._unread) != before:
            self._answer_request()

    def ask(self, request: PlanRequest) -> None:
        """Take a whole new request; what was typed and could not be read is forgotten."""
        self._unread.clear()
        self.request = request
        self._answer_request()

    def open(self, scenario: str | None, request: PlanRequest) -> None:
        """Take the request of a saved scenario."""
        self.scenario = scenario
        self.ask(request)

    def call(self, scenario: str | None) -> None:
        """Give the request the name of a saved scenario, or none; it stays as it is."""
        self.scenario = scenario
        self.revision += 1
        self.on_change()

    def follow(self, fit_id: str) -> None:
        """Follow another law; the rest of the request, and what could not be read of it, stays."""
        self._unread.pop("law", None)
        self.request = replace(self.request, law=fit_id)
        self._answer_request()

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
        self._answer_request()

    def is_unread(self, name: str) -> bool:
        """Return whether a field holds text that could not be read."""
        return name in self._unread

    def _answer_request(self) -> None:
        self.problem = self._tried()
        self.revision += 1
        self.on_change()

    def _tried(self) -> Problem | None:
        """Plan, and return why not."""
        if self._unread:
            return Problem(*next(iter(self._unread.items())))
        try:
            answer = self.advisor.answer(self.request)
        except BudgetscopeError as error:
            return Problem(field_at_fault(self.request, self.advisor.answer), str(error))
        self.answer = answer
        return None
