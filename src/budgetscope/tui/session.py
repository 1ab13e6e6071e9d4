"""The session: the request and its answer that all screens share."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from budgetscope.api import Advisor, AnsweredRequest, PlanRequest
from budgetscope.api.fields import BY_NAME
from budgetscope.api.form_words import in_form
from budgetscope.api.request import field_at_fault, with_text
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.language import _
from budgetscope.tui.law_letters import letters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from budgetscope.core.answers.plan import Plan


@dataclass(frozen=True, slots=True)
class Problem:
    """The reason why a request has no answer.

    Attributes:
        name: of the field at fault.
        sentence: the error message, with the labels of the form.
    """

    name: str
    sentence: str

    @classmethod
    def of(cls, name: str, error: BudgetscopeError) -> "Problem":
        """Return the problem that an error tells of a field."""
        return cls(name, in_form(str(error), own=BY_NAME[name].option))

    @property
    def field(self) -> str:
        """The label of the field at fault."""
        return _(BY_NAME[self.name].label)


@dataclass(frozen=True, slots=True)
class LawChanged:
    """A change of the law that plans follow.

    Attributes:
        undo: takes it back; raises a `BudgetscopeError` if it cannot.
        undone: what to say then, one sentence.
    """

    undo: "Callable[[], None]"
    undone: str


class Session:
    """The request of the app, its answer, and the advisor that answers it.

    Attributes:
        advisor: computes answers from the stored fits.
        request: the latest request.
        answer: the last good answer, with its own request; None before the first.
        problem: why `answer` does not belong to `request`; None when it does.
        scenario: name of the saved scenario that is open; None for none.
        revision: number of changes so far; a screen compares it with the one that it shows.
        library_read: whether every fit file has been read and the broken ones reported.
        on_change: called after every change.
        law_changes: since the app began, the last one last.
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
        self.law_changes: list[LawChanged] = []
        self._unread: dict[str, Problem] = {}
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
        """The letter of every law, by fit id."""
        return letters(self.fit_ids)

    def edit(self, name: str, text: str) -> None:
        """Set one field of the request from typed text; text that cannot be parsed becomes the problem.

        Text that changes nothing does not compute a new answer.

        Args:
            name: of the field, as in `api.fields.FORM`.
            text: the text of the field.
        """
        before = self.request, dict(self._unread)
        try:
            self.request = with_text(self.request, name, text)
        except BudgetscopeError as error:
            self._unread[name] = Problem.of(name, error)
        else:
            self._unread.pop(name, None)
        if (self.request, self._unread) != before:
            self._answer_request()

    def ask(self, request: PlanRequest) -> None:
        """Replace the request and answer it; typed text that could not be parsed is dropped."""
        self._unread.clear()
        self.request = request
        self._answer_request()

    def open(self, scenario: str | None, request: PlanRequest) -> None:
        """Open a saved scenario: take its name and its request."""
        self.scenario = scenario
        self.ask(request)

    def call(self, scenario: str | None) -> None:
        """Set the name of the scenario; the request does not change."""
        self.scenario = scenario
        self.revision += 1
        self.on_change()

    def follow(self, fit_id: str | None) -> None:
        """Answer the request by another law, None for the default; all other fields keep their text."""
        self._unread.pop("law", None)
        self.request = replace(self.request, law=fit_id)
        self._answer_request()

    def read_library(self) -> list[str]:
        """Read every fit file, which is slow, and return one message for each broken file."""
        self.library_read = True
        try:
            return [entry.problem for entry in self.advisor.entries if entry.problem]
        except BudgetscopeError as error:
            return [str(error)]

    def reread(self) -> None:
        """Read fits, settings and devices again after a file has changed."""
        self.advisor = self.advisor.reread()
        self.library_read = False
        self._answer_request()

    def is_unread(self, name: str) -> bool:
        """Return whether a field holds text that could not be parsed."""
        return name in self._unread

    def _answer_request(self) -> None:
        self.problem = self._new_problem()
        self.revision += 1
        self.on_change()

    def _new_problem(self) -> Problem | None:
        """Answer the request; return the problem, or None after storing the answer."""
        if self._unread:
            return next(iter(self._unread.values()))
        try:
            answer = self.advisor.answer(self.request)
        except BudgetscopeError as error:
            return Problem.of(field_at_fault(self.request, self.advisor.answer), error)
        self.answer = answer
        return None
