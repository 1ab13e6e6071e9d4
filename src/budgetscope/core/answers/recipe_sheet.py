"""The recipe sheet: the hyperparameters by every law, the cost of half and twice the size, checkpoints to keep."""

from collections.abc import Sequence
from dataclasses import dataclass

from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.checkpoints import Checkpoint, checkpoints
from budgetscope.core.answers.law_values import LawValue, law_values
from budgetscope.core.answers.whatif import Candidate, IsoFlop
from budgetscope.core.laws.fit import Fit


@dataclass(frozen=True, slots=True)
class RecipeSheet:
    """An answer with the recipe values of all laws, and with other sizes and checkpoints.

    Attributes:
        law_values: the value of every law, by role.
        half: a model of half the optimal N at the same budget.
        twice: a model of twice the optimal N.
        checkpoints: to keep, by growing tokens.
    """

    answer: Answer
    law_values: tuple[LawValue, ...]
    half: Candidate
    twice: Candidate
    checkpoints: tuple[Checkpoint, ...]


def recipe_sheet(answer: Answer, fits: Sequence[Fit]) -> RecipeSheet:
    """Return the recipe sheet of an answer.

    Args:
        answer: with the recipe.
        fits: all fits with laws to include.

    Raises:
        FailureError: the answer's law gives no usable numbers.
    """
    sizes, n_params = IsoFlop(answer), answer.plan.n_params.value
    return RecipeSheet(
        answer=answer,
        law_values=law_values(answer, fits),
        half=sizes.at(n_params / 2),
        twice=sizes.at(n_params * 2),
        checkpoints=checkpoints(answer),
    )
