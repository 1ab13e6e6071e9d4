"""The answer to a question: where its law puts the budget, and the plan. Everything else about a budget takes one."""

from dataclasses import dataclass

from budgetscope.core.answers.plan import Plan, plan
from budgetscope.core.answers.question import Question, locate
from budgetscope.core.laws.operating_point import OperatingPoint


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    Attributes:
        question: what was asked.
        optimum: where its law puts the budget, by the question's convention.
        plan: what to train.
    """

    question: Question
    optimum: OperatingPoint
    plan: Plan


def answer(question: Question) -> Answer:
    """Answer a question.

    Raises:
        UsageError: no budget within bounds does what the question asks.
        FailureError: the fit has no law for N and D, or a fit in use gives no usable numbers.
    """
    optimum = locate(question)
    return Answer(question, optimum, plan(question, optimum))
