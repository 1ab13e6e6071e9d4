"""Answers: a question with its optimum and its plan."""

from dataclasses import dataclass

from budgetscope.core.answers.mfu_range import settle
from budgetscope.core.answers.plan import Plan, plan
from budgetscope.core.answers.question import Question
from budgetscope.core.laws.operating_point import OperatingPoint


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question. The comparison, what-if, the recipe and the other companions take an answer.

    Attributes:
        question: with the MFU that is expected for its model, where none is said.
        optimum: the compute-optimal operating point, by the question's convention.
    """

    question: Question
    optimum: OperatingPoint
    plan: Plan

    @property
    def point(self) -> OperatingPoint:
        """The run to train: the optimum, or what the constraints allow."""
        return self.optimum if self.plan.choice is None else self.plan.choice.point


def answer(question: Question) -> Answer:
    """Answer a question.

    Raises:
        UsageError: no budget within bounds reaches the target of the question.
        FailureError: the fit has no law for N and D, or a fit in use gives no usable numbers.
    """
    question, optimum = settle(question)
    return Answer(question, optimum, plan(question, optimum))
