"""What repeated data is worth: the data-constrained law of Muennighoff et al. 2023 (arXiv 2305.16264).

A token read again teaches less. D tokens of which U are unique count as U + U R* (1 - exp(-R/R*)) with R = D/U - 1
repetitions. Parameters above the optimum of the unique tokens count less likewise. The constants are of the authors'
repository (huggingface/datablations). Its losses are for their data; other laws take the effective numbers alone.
"""

import math
from dataclasses import dataclass

TOKENS_DECAY = 15.387756
"""R*_D: repetitions of the data after which more teach little."""
PARAMS_DECAY = 5.309743
"""R*_N: the same of parameters above the optimum of the unique tokens."""

WORTHWHILE_EPOCHS = 4.0
"""Up to so many epochs, repeated tokens are nearly as good as new ones (Muennighoff et al. 2023, abstract)."""
MAX_EPOCHS = 15.0
"""Beyond about R*_D repetitions the law gives almost nothing for more compute, and later work finds harm (Lovelace et
al. 2026, arXiv 2605.01640): such plans are refused."""


def effective(amount: float, unique: float, decay: float) -> float:
    """Return what an amount is worth of which only a part is unique; the amount itself up to that part.

    Args:
        amount: tokens, or parameters.
        unique: unique tokens, or the parameters that they can use.
        decay: repetitions after which more count little.
    """
    if amount <= unique:
        return amount
    return unique + unique * decay * -math.expm1(-(amount / unique - 1) / decay)


@dataclass(frozen=True, slots=True)
class RepetitionLaw:
    """L = E + A / N'^alpha + B / D'^beta over effective parameters and tokens; nats a token on C4."""

    ln_a: float = 6.255414
    ln_b: float = 7.3049974
    ln_e: float = 0.6254804
    alpha: float = 0.3526596
    beta: float = 0.3526596

    def params_for(self, tokens: float) -> float:
        """Return the compute-optimal parameters for a number of tokens."""
        ratio = self.alpha * math.exp(self.ln_a) / (self.beta * math.exp(self.ln_b))
        g = math.pow(ratio, 1 / (self.alpha + self.beta))
        return math.pow(tokens * g, self.beta / self.alpha) * g

    def loss(self, n_params: float, tokens: float, unique_tokens: float) -> float:
        """Return the loss of a model on repeated data."""
        n = effective(n_params, min(n_params, self.params_for(min(tokens, unique_tokens))), PARAMS_DECAY)
        d = effective(tokens, unique_tokens, TOKENS_DECAY)
        falls = math.exp(self.ln_a - self.alpha * math.log(n)) + math.exp(self.ln_b - self.beta * math.log(d))
        return math.exp(self.ln_e) + falls
