"""The return on tuning the recipe: the compute that an untuned one wastes, what tuning costs, and the balance.

Two sources. Within the budgets of Porian et al. 2024 (arXiv 2406.19146): their stage with one setting of the optimizer
for all sizes ("Shorten the warmup") against their tuned stage. Elsewhere: how far published recipes are apart on the
nearest public grid (`core.laws.scoreboard`), since to follow a rule beyond its data is not to tune.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.confirmation import SHARE


@dataclass(frozen=True, slots=True)
class TuningReturn:
    """What tuning is worth at one budget, in shares of its compute.

    Attributes:
        lost: smallest and largest share that an untuned recipe wastes; None where no source says anything.
        source: of `lost`: "stages" or "grid"; empty without any.
        place: of the grid, a phrase; empty for the stages.
        cost_share: of three runs that confirm the learning rate; None where they would say nothing.
        cost_usd: of the same; None without a price.
        balance: `lost` less `cost_share`; None when either is.
        balance_usd: the same in US dollars; None without a price.
    """

    lost: tuple[float, float] | None
    source: str
    place: str
    cost_share: float | None
    cost_usd: float | None
    balance: tuple[float, float] | None
    balance_usd: tuple[float, float] | None


def tuning_return(answer: Answer, needed: Iterable[float | None]) -> TuningReturn:
    """Return what tuning is worth at an answer's budget.

    Args:
        answer: for its recipe and cost.
        needed: by dataset, the share of the untuned stage's compute with which the tuned runs reach its loss; None
            outside the measured budgets.
    """
    recipe, usd = answer.plan.recipe, answer.plan.budget_usd
    shares = [1 - share for share in needed if share is not None]
    lost, source, place = None, "", ""
    if shares:
        lost, source = (min(shares), max(shares)), "stages"
    elif recipe.choice is not None and recipe.choice.evidence:
        factors = [each.compute_factor for each in recipe.choice.evidence]
        lost, source, place = (1 - 1 / min(factors), 1 - 1 / max(factors)), "grid", recipe.choice.place
    runs = recipe.confirmation
    balance = None if lost is None or runs is None else (lost[0] - SHARE, lost[1] - SHARE)
    return TuningReturn(
        lost=lost,
        source=source,
        place=place,
        cost_share=None if runs is None else SHARE,
        cost_usd=None if runs is None else runs.usd,
        balance=balance,
        balance_usd=None if balance is None or usd is None else (balance[0] * usd, balance[1] * usd),
    )
