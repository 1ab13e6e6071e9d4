"""What following another law would change, before it is made the default."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from budgetscope.api.ask import Advisor, AnsweredRequest
from budgetscope.api.defaults import DEFAULT_LAW
from budgetscope.api.lookup import check_large_enough
from budgetscope.api.request import PlanRequest
from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.comparison import Row, compare
from budgetscope.core.answers.fit_difference import Difference, Tokenizer, tokenizers_apart
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.laws.fit import Fit
from budgetscope.store.fit_library import is_bundled

_OTHER = "the other law"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A fit, compared with the law in use.

    Attributes:
        fit: the fit.
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


@dataclass(frozen=True, slots=True)
class LawChange:
    """What another law or recipe changes in the answer to a request.

    Attributes:
        fit: the other law, or the recipe where it has no law for N and D.
        before: the answer without it; None if the request has none.
        after: the answer by it; None if it gives none.
        refusal: why it gives no answer; empty if it gives one.
        costs: as in `Judgement`.
        tokenizers: of both laws, where their losses do not compare; else None.
    """

    fit: Fit
    before: AnsweredRequest | None
    after: AnsweredRequest | None
    refusal: str
    costs: tuple[Row | None, Row | None]
    tokenizers: tuple[Tokenizer, Tokenizer] | None


def role_of(fit: Fit) -> str:
    """Return the field of a request that names a fit: `law`, or `hyperparameters` if it has no law for N and D."""
    return "hyperparameters" if fit.allocation is None else "law"


def law_change(advisor: Advisor, law: str, request: PlanRequest, *, default: bool = False) -> LawChange:
    """Return what following a stored fit changes; fast enough for a key.

    Args:
        advisor: with the fits.
        law: id of the fit, or the path of its file.
        request: the user's.
        default: whether to compare with the default fit in place of the one that the request names.

    Raises:
        BudgetscopeError: the fit cannot be read, or its runs are too small to plan by.
    """
    fit = advisor.fit_library.get(law)
    check_large_enough(fit)
    role = role_of(fit)
    unnamed: dict[str, None] = {role: None} if default else {}
    named: dict[str, Any] = {role: law}
    found = [_answered(advisor, replace(request, **names)) for names in (unnamed, named)]
    before, after = (each if isinstance(each, AnsweredRequest) else None for each in found)
    change = LawChange(fit, before, after, found[1] if isinstance(found[1], str) else "", (None, None), None)
    if before is None or after is None or role != "law":
        return change
    old = before.question.fit
    losses = before.plan.loss is not None and after.plan.loss is not None
    return replace(
        change,
        costs=(_cost(before, fit), _cost(after, old)),
        tokenizers=tokenizers_apart(old, fit) if losses else None,
    )


def asks_before_use(advisor: Advisor, law: str) -> bool:
    """Return whether a law is a calibration of the user's own, whose change is shown before it becomes the default.

    Args:
        advisor: with the fits.
        law: id of a fit, or the path of a file.

    Raises:
        UsageError: there is no such fit, or its runs are too small to plan by.
        FailureError: it is broken.
    """
    fit = advisor.fit_library.get(law)
    check_large_enough(fit)
    return fit.calibrated and (law.endswith(".json") or not is_bundled(law)) and not _in_use(advisor, fit)


def judge(advisor: Advisor, law: str, request: PlanRequest | None) -> Judgement:
    """Compare a fit with the law in use; slow.

    Args:
        advisor: with the active law.
        law: id of the fit, or the path of its file.
        request: the user's; its law is ignored. None compares the laws only.

    Raises:
        BudgetscopeError: a fit cannot be read or compared.
    """
    fit = advisor.fit_library.get(law)
    active = _in_use(advisor, fit)
    before = DEFAULT_LAW if active else advisor.active_law
    found = [_answered(advisor, replace(request, law=each)) for each in (before, law)] if request is not None else []
    given = [each for each in found if isinstance(each, AnsweredRequest)]
    answers = (given[0], given[1]) if len(given) == 2 else None
    return Judgement(
        fit=fit,
        before=advisor.library.get(before),
        active=active,
        answers=answers,
        refusal=found[1] if found and isinstance(found[1], str) else "",
        difference=advisor.fit_library.difference(before, law),
        costs=(None, None) if answers is None else (_cost(answers[0], fit), _cost(answers[1], answers[0].question.fit)),
    )


def _in_use(advisor: Advisor, fit: Fit) -> bool:
    return advisor.active_law == fit.id and advisor.library.get(fit.id) == fit


def _answered(advisor: Advisor, request: PlanRequest) -> AnsweredRequest | str:
    """Return the answer to a request, or the error message."""
    try:
        return advisor.answer(request)
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


def losses_compare(answers: Sequence[Answer]) -> bool:
    """Return whether the losses of answers are of the same tokens."""
    return all(tokenizers_apart(answers[0].question.fit, answer.question.fit) is None for answer in answers[1:])
