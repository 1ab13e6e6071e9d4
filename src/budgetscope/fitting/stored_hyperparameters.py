"""From a hyperparameter fit to the laws of a stored fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from budgetscope.core.laws.fit import Draws, Law
from budgetscope.core.laws.forms import BatchStep, Monomial
from budgetscope.fitting.stored_laws import range_of, rounded

if TYPE_CHECKING:
    from budgetscope.fitting.hyperparameters import FittedMonomial, HyperparameterFit


def hyperparameter_laws(fit: HyperparameterFit, note: str = "") -> dict[str, Law]:
    """Return the laws by role: learning_rate, batch_size (tokens) and, where one threshold says it, beta2.

    Args:
        fit: The fit.
        note: What a user of its learning rate and batch laws must know, one sentence.
    """
    optima = fit.optima
    fitted = {
        "n_params": range_of(o.n_params for o in optima),
        "tokens": range_of(o.tokens for o in optima),
        "tokens_per_param": range_of(o.tokens / o.n_params for o in optima),
        "batch_tokens": range_of(o.batch_tokens for o in optima),
    }
    laws = {
        role: Law(_monomial(law), "DER", fitted, _draws(law, fit.variables == "ND"), note)
        for role, law in (("learning_rate", fit.learning_rate), ("batch_size", fit.batch_tokens))
    }
    step = fit.beta2_step
    if step is not None:
        low, high = step.between
        laws["beta2"] = Law(
            BatchStep(step.threshold_tokens, step.below, step.above),
            "DER",
            {"batch_tokens": range_of(row.batch_tokens for row in fit.beta2)},
            note=f"The sweep places the threshold between {low:.3g} and {high:.3g} tokens a batch.",
        )
    return laws


def _monomial(law: FittedMonomial) -> Monomial:
    return Monomial(law.coefficient, n_params_exponent=law.n_params_exponent, tokens_exponent=law.tokens_exponent)


def _draws(law: FittedMonomial, with_tokens: bool) -> Draws:
    columns = ("ln_coefficient", "n_params_exponent", "tokens_exponent")[: 3 if with_tokens else 2]
    return Draws(columns, tuple(tuple(rounded(v) for v in row[: len(columns)]) for row in law.draws.tolist()))
