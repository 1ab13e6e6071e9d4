"""Everything that is known of a recipe: every law's word, what half and twice cost, what to keep of the run."""

from collections.abc import Sequence
from dataclasses import dataclass

from budgetscope.core.answers.checkpoints import Checkpoint, checkpoints
from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.question import Question
from budgetscope.core.answers.recipe_by_law import Opinion, opinions
from budgetscope.core.answers.whatif import Candidate, iso_flop
from budgetscope.core.laws.fit import Fit


@dataclass(frozen=True, slots=True)
class RecipeSheet:
    """A recipe among all that is said of it.

    Attributes:
        plan: whose recipe.
        opinions: every law's word, by role.
        half: a model of half the optimal N at the same budget.
        twice: a model of twice the optimal N.
        checkpoints: to keep, by growing tokens.
    """

    plan: Plan
    opinions: tuple[Opinion, ...]
    half: Candidate
    twice: Candidate
    checkpoints: tuple[Checkpoint, ...]


def recipe_sheet(question: Question, plan: Plan, fits: Sequence[Fit]) -> RecipeSheet:
    """Return everything that is known of a plan's recipe.

    Args:
        question: what was asked.
        plan: the answer to it.
        fits: all fits to ask.

    Raises:
        UsageError: no budget within bounds does what the question asks.
        FailureError: the question's law gives no usable numbers.
    """
    sizes = iso_flop(question, plan)
    return RecipeSheet(
        plan=plan,
        opinions=opinions(question, plan, fits),
        half=sizes.at(plan.n_params.value / 2),
        twice=sizes.at(plan.n_params.value * 2),
        checkpoints=checkpoints(question, plan),
    )
