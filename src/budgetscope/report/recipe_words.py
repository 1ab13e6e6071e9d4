"""Why a recipe follows its law, and the runs that confirm its learning rate, in words."""

import math
import shlex

from budgetscope.core.answers.confirmation import Confirmation
from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.recipe_choice import RecipeChoice
from budgetscope.core.budget.quantities import format_count, format_factor, format_usd
from budgetscope.core.language import _, ngettext
from budgetscope.report.words import listed, noted

DEFAULT_RECIPE = "porian2024/rounded-rule"
"""The recipe of the runs behind the default law, with which every other one is compared."""


def choice_text(choice: RecipeChoice) -> str:
    """Return why a recipe follows its law, and what that is worth against the others."""
    own = choice.of(choice.law)
    reach = _("its data cover this model")
    if choice.beyond > _COVERED:
        reach = _("its data reach nearest to this model, {factor} times beyond them")
        if choice.alike > 1:
            # Another law may lie a little nearer.
            reach = _(
                "{n} laws have data about as near to this model, which lies {factor} times beyond those of this law"
            )
            if own is not None:
                reach = _(
                    "{n} laws have data about as near to this model, which lies {factor} times beyond those of this "
                    "law; scores on grids that they were not fitted on decide"
                )
        reach = reach.format(n=choice.alike, factor=format_factor(math.exp(choice.beyond), 2))
    if own is None:
        return noted((reach, _("on no public grid was it scored near it")))
    others = [each for each in choice.evidence if each.law != choice.law]
    seed = [each for each in others[1:] if each.law == DEFAULT_RECIPE]
    near = _("near it ({place}) it needs {factor} times the compute of the best recipe")
    told = near.format(place=choice.place, factor=f"{own.compute_factor:.2f}")
    return noted((reach, listed((told, *(f"{each.law} {each.compute_factor:.2f}" for each in (*others[:1], *seed))))))


def confirmation_text(runs: Confirmation) -> tuple[str, str]:
    """Return how many runs confirm a learning rate, and their rates and size."""
    number = len(runs.learning_rates)
    told = _("lr {rates}: {n_params} parameters on {tokens} tokens").format(
        rates=listed(map(two_digits, runs.learning_rates)),
        n_params=format_count(runs.n_params),
        tokens=format_count(runs.tokens),
    )
    cost = "" if runs.usd is None else _("{cost} together").format(cost=format_usd(runs.usd))
    return ngettext("{n} run", "{n} runs", number).format(n=number), listed((told, cost))


def confirmation_command(plan: Plan) -> str:
    """Return the command that gives the recipe of the runs that confirm a plan's learning rate; empty without them."""
    runs = plan.recipe.confirmation
    if runs is None:
        return ""
    own = plan.machine.device.by_rate
    size = f"N={runs.n_params:.4g} D={runs.tokens:.4g}"
    return shlex.join(
        (
            "budgetscope", "plan", f"{size} at {plan.machine.device.sustained}" if own else size, "--law", plan.law_id,
            "--hyperparameters", runs.law, "--counting", str(plan.convention), "--vocab", str(plan.vocab_size),
            "--seq-len", str(plan.seq_len), *([] if own else ["--device", plan.machine.device.id]),
        )
    )  # fmt: skip


_COVERED = math.log(1.05)
"""Ranges are stored rounded, and nothing is told to be "1 times beyond" its data."""


def two_digits(value: float) -> str:
    """Return a number in two significant digits."""
    return f"{value:.2g}"
