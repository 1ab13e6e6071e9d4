"""What the fit of a calibration would change, before it is accepted."""

from dataclasses import dataclass, replace

from budgetscope.api.ask import Advisor, AnsweredRequest
from budgetscope.api.defaults import DEFAULT_LAW
from budgetscope.api.request import PlanRequest
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.core.answers.comparison import Row, compare
from budgetscope.core.answers.fit_difference import Difference
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.laws.fit import Fit
from budgetscope.store.fit_library import load

_OTHER = "the other law"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The fit of a run, compared with the law in use.

    Attributes:
        fit: of the run.
        before: the law that it is compared with: the active law, or the default law if the fit is active.
        active: whether the fit is already the active law.
        answers: to the user's request, by `before` and by the fit; None without a request, or if one is refused.
        refusal: why the request has no answer by the fit; empty if it has one.
        difference: from `before` to the fit.
        costs: at the user's request, of following the fit if `before` is right, and of keeping `before` if the fit is;
            None where the law that is right does not tell, or without answers.
    """

    fit: Fit
    before: Fit
    active: bool
    answers: tuple[AnsweredRequest, AnsweredRequest] | None
    refusal: str
    difference: Difference
    costs: tuple[Row | None, Row | None]


def judge(advisor: Advisor, folder: RunFolder, request: PlanRequest | None) -> Judgement:
    """Compare the fit of a run with the law in use; slow.

    Args:
        advisor: with the active law.
        folder: of the run.
        request: the user's; its law is ignored. None compares the laws only.

    Raises:
        BudgetscopeError: a fit cannot be read or compared.
    """
    path = str(folder.fit_file)
    fit = load(folder.fit_file)
    active = advisor.active_law == fit.id and advisor.library.get(fit.id) == fit
    before = DEFAULT_LAW if active else advisor.active_law
    found = [_answer(advisor, request, law) for law in (before, path)] if request is not None else []
    given = [each for each in found if isinstance(each, AnsweredRequest)]
    answers = (given[0], given[1]) if len(given) == 2 else None
    return Judgement(
        fit=fit,
        before=advisor.library.get(before),
        active=active,
        answers=answers,
        refusal=found[1] if found and isinstance(found[1], str) else "",
        difference=advisor.fit_library.difference(before, path),
        costs=(None, None) if answers is None else (_cost(answers[0], fit), _cost(answers[1], answers[0].question.fit)),
    )


def _answer(advisor: Advisor, request: PlanRequest, law: str) -> AnsweredRequest | str:
    """Return the answer by a law, or the error message."""
    try:
        return advisor.answer(replace(request, law=law))
    except BudgetscopeError as error:
        return str(error)


def _cost(answer: AnsweredRequest, other: Fit) -> Row | None:
    """Return what following another law costs by the law of an answer; None where that does not tell."""
    try:
        # A newer fit of a run may have the id of the one in use.
        rows = compare(answer, (answer.question.fit, replace(other, id=_OTHER))).rows
    except BudgetscopeError:
        return None
    return next((row for row in rows if row.fit_id == _OTHER and row.loss_difference is not None), None)
