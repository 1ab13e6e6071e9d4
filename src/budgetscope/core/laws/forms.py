"""The forms of published scaling laws, each with its parameters and its formula.

A stored fit names a form of `FORMS` and its parameters. A form uses the counting convention of its fit. Logarithms are
natural. Powers are computed by `math.pow`: a draw may have a negative base, of which `**` returns a complex number.
"""

import math
from dataclasses import dataclass, fields
from typing import ClassVar

from budgetscope.core.errors import FailureError

PF_DAY = 8.64e19
"""FLOPs in a petaflop/s-day: 1e15 x 86400."""

Weights = dict[str, float]
"""Of parameters in the logarithm of a result, which is linear in them; the name `ln_p` stands for ln p."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """The parameters and tokens of a budget, in the law's own convention."""

    n_params: float
    tokens: float


@dataclass(frozen=True, slots=True)
class PowerLawParams:
    """N* = coefficient · (C / flops_unit)^exponent, with D = C / 6N."""

    form: ClassVar[str] = "power-law-params"
    coefficient: float
    exponent: float
    flops_unit: float = 1.0

    def allocate(self, flops: float) -> Allocation:
        """Return N* and C / 6N*."""
        n_params = self.coefficient * math.pow(flops / self.flops_unit, self.exponent)
        return Allocation(n_params, flops / (6 * n_params))

    def size_weights(self, flops: float) -> Weights:
        """Return the weights of the parameters in ln N*."""
        return {"ln_coefficient": 1.0, "exponent": math.log(flops / self.flops_unit)}


@dataclass(frozen=True, slots=True)
class PowerLawTokens:
    """D* = coefficient · C^exponent, with N = C / 6D."""

    form: ClassVar[str] = "power-law-tokens"
    coefficient: float
    exponent: float

    def allocate(self, flops: float) -> Allocation:
        """Return C / 6D* and D*."""
        tokens = self.coefficient * math.pow(flops, self.exponent)
        return Allocation(flops / (6 * tokens), tokens)

    def size_weights(self, flops: float) -> Weights:
        """Return the weights of the parameters in ln N*."""
        return {"ln_coefficient": -1.0, "exponent": -math.log(flops)}


@dataclass(frozen=True, slots=True)
class PowerLawFlopsPerToken:
    """M* = coefficient · C^exponent FLOPs a token, with D = C / M (DeepSeek's form).

    The form gives no N. `allocate` returns M / 6 in its place; N is read off the shape with M FLOPs a token.
    """

    form: ClassVar[str] = "power-law-flops-per-token"
    coefficient: float
    exponent: float

    def allocate(self, flops: float) -> Allocation:
        """Return M* / 6 and C / M*."""
        flops_per_token = self.coefficient * math.pow(flops, self.exponent)
        return Allocation(flops_per_token / 6, flops / flops_per_token)

    def size_weights(self, flops: float) -> Weights:
        """Return the weights of the parameters in ln N*."""
        return {"ln_coefficient": 1.0, "exponent": math.log(flops)}


@dataclass(frozen=True, slots=True)
class TokensPerParam:
    """D / N = ratio · (C / flops_unit)^exponent, with C = 6 N D."""

    form: ClassVar[str] = "tokens-per-param"
    ratio: float
    exponent: float
    flops_unit: float

    def allocate(self, flops: float) -> Allocation:
        """Return sqrt(C / 6 rho) and sqrt(C rho / 6)."""
        ratio = self.ratio * math.pow(flops / self.flops_unit, self.exponent)
        return Allocation(math.sqrt(flops / (6 * ratio)), math.sqrt(flops * ratio / 6))

    def size_weights(self, flops: float) -> Weights:
        """Return the weights of the parameters in ln N*."""
        return {"ln_ratio": -0.5, "exponent": -0.5 * math.log(flops / self.flops_unit)}


@dataclass(frozen=True, slots=True)
class LossSurface:
    """L(N, D) = E + A / N^alpha + B / D^beta, in the loss unit of its fit (Hoffmann et al. 2022, eq. 10)."""

    form: ClassVar[str] = "chinchilla"
    E: float
    A: float
    B: float
    alpha: float
    beta: float

    def loss(self, n_params: float, tokens: float) -> float:
        """Return the loss of a model of `n_params` after `tokens`."""
        return self.E + self.A * math.pow(n_params, -self.alpha) + self.B * math.pow(tokens, -self.beta)

    @property
    def optimal_exponent(self) -> float:
        """Exponent a of N*(C): beta / (alpha + beta)."""
        return self.beta / (self.alpha + self.beta)

    @property
    def optimum(self) -> PowerLawParams:
        """N*(C) at the lowest loss along C = 6 N D (Hoffmann et al. 2022, eq. 4)."""
        scale = math.pow(self.alpha * self.A / (self.beta * self.B), 1 / (self.alpha + self.beta))
        return PowerLawParams(scale, self.optimal_exponent, 6.0)

    def allocate(self, flops: float) -> Allocation:
        """Return N and D at the lowest loss along C = 6 N D."""
        return self.optimum.allocate(flops)

    def excess(self, flops: float, ratio: float) -> float:
        """Return the loss above the optimum of a model `ratio` times the optimal size."""
        best = self.allocate(flops)
        shift = math.log(ratio)
        too_large = self.A * math.pow(best.n_params, -self.alpha) * math.expm1(-self.alpha * shift)
        too_few_tokens = self.B * math.pow(best.tokens, -self.beta) * math.expm1(self.beta * shift)
        return max(too_large + too_few_tokens, 0.0)

    def best_loss(self, flops: float) -> float:
        """Return the lowest loss that `flops` can reach."""
        best = self.allocate(flops)
        return self.loss(best.n_params, best.tokens)


@dataclass(frozen=True, slots=True)
class LossCurve:
    """L*(C) = floor + coefficient · (C / flops_unit)^-exponent."""

    form: ClassVar[str] = "saturating-power-law"
    coefficient: float
    exponent: float
    floor: float = 0.0
    flops_unit: float = 1.0

    def best_loss(self, flops: float) -> float:
        """Return the loss of the compute-optimal model."""
        return self.floor + self.coefficient * math.pow(flops / self.flops_unit, -self.exponent)


@dataclass(frozen=True, slots=True)
class ExcessLaw:
    """Loss above the optimum: coefficient · C^-exponent · (u² + skew · u³), with u = ln(N / N*(C)).

    The law is fitted for |u| <= window. Beyond, it continues as a parabola through the edge of the window, which is
    less than the measured loss of models that are far too large; of those far too small `LossModel` knows more.
    """

    form: ClassVar[str] = "excess-power-law"
    coefficient: float
    exponent: float
    skew: float
    window: float

    def excess(self, flops: float, ratio: float) -> float:
        """Return the loss above the optimum of a model `ratio` times the optimal size."""
        u = math.log(ratio)
        edge = min(max(u, -self.window), self.window)
        inside = edge**2 + self.skew * edge**3
        beyond = (u / edge) ** 2 if edge else 1.0
        return self.coefficient * math.pow(flops, -self.exponent) * inside * beyond


@dataclass(frozen=True, slots=True)
class Predictors:
    """The predictors of a hyperparameter law, in the law's own convention."""

    n_params: float
    tokens: float
    flops: float
    loss: float | None = None


@dataclass(frozen=True, slots=True)
class Monomial:
    """scale · coefficient · (N/n_params_unit)^a · (D/tokens_unit)^b · C^c.

    `scale` converts the published unit into ours, such as 2048 for a batch in sequences of 2048 tokens.
    """

    form: ClassVar[str] = "monomial"
    coefficient: float
    n_params_exponent: float = 0.0
    n_params_unit: float = 1.0
    tokens_exponent: float = 0.0
    tokens_unit: float = 1.0
    flops_exponent: float = 0.0
    scale: float = 1.0

    def predict(self, at: Predictors) -> float:
        """Return the hyperparameter at these predictors."""
        return (
            self.scale
            * self.coefficient
            * math.pow(at.n_params / self.n_params_unit, self.n_params_exponent)
            * math.pow(at.tokens / self.tokens_unit, self.tokens_exponent)
            * math.pow(at.flops, self.flops_exponent)
        )

    def weights(self, at: Predictors) -> Weights:
        """Return the weights of the parameters in the logarithm of `predict`."""
        return {
            "ln_coefficient": 1.0,
            "n_params_exponent": math.log(at.n_params / self.n_params_unit),
            "tokens_exponent": math.log(at.tokens / self.tokens_unit),
            "flops_exponent": math.log(at.flops),
        }


@dataclass(frozen=True, slots=True)
class LogLinear:
    """intercept + slope · ln N; None where that is not positive (Kaplan et al. 2020, eq. D.1)."""

    form: ClassVar[str] = "log-linear"
    intercept: float
    slope: float

    def predict(self, at: Predictors) -> float | None:
        """Return the hyperparameter; None where the formula is not positive."""
        value = self.intercept + self.slope * math.log(at.n_params)
        return value if value > 0 else None


@dataclass(frozen=True, slots=True)
class LossPower:
    """coefficient / L^exponent with the loss L in nats a token (the batch law of MiniCPM)."""

    form: ClassVar[str] = "loss-power"
    coefficient: float
    exponent: float

    def predict(self, at: Predictors) -> float | None:
        """Return the hyperparameter; None without a loss."""
        return None if at.loss is None else self.coefficient * math.pow(at.loss, -self.exponent)


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant value."""

    form: ClassVar[str] = "constant"
    value: float

    def predict(self, at: Predictors) -> float:  # noqa: ARG002 - one signature for all forms
        """Return the value."""
        return self.value

    def weight_decay(self, at: Predictors, batch_tokens: float) -> float:  # noqa: ARG002 - as `Timescale`
        """Return the value as the independent weight decay a step."""
        return self.value


@dataclass(frozen=True, slots=True)
class Timescale:
    """The timescale of AdamW's weights, as a share of the run: B / (lr · lambda · D) = coefficient · (D/N)^exponent.

    Weights forget over so many tokens (Wang and Aitchison 2024); Bergsma et al. 2025 found the best share.
    """

    form: ClassVar[str] = "adamw-timescale"
    coefficient: float
    exponent: float

    def weight_decay(self, at: Predictors, batch_tokens: float) -> float:
        """Return the independent weight decay a step, lr · lambda at peak learning rate, for a batch in tokens."""
        share = self.coefficient * math.pow(at.tokens / at.n_params, self.exponent)
        return batch_tokens / (share * at.tokens)


@dataclass(frozen=True, slots=True)
class BatchStep:
    """AdamW beta2: `below` for batches under `threshold_tokens`, else `above`."""

    form: ClassVar[str] = "batch-step"
    threshold_tokens: float
    below: float
    above: float

    def at_batch(self, batch_tokens: float) -> float:
        """Return beta2 for a batch in tokens."""
        return self.below if batch_tokens < self.threshold_tokens else self.above


@dataclass(frozen=True, slots=True)
class TokenHalfLife:
    """AdamW beta2 whose second moment halves every `half_life_tokens`: 2^(-B / half-life)."""

    form: ClassVar[str] = "token-half-life"
    half_life_tokens: float

    def at_batch(self, batch_tokens: float) -> float:
        """Return beta2 for a batch in tokens."""
        return math.pow(0.5, batch_tokens / self.half_life_tokens)


@dataclass(frozen=True, slots=True)
class WarmupParams:
    """Linear warmup over multiple · N tokens, at most `max_share` of D."""

    form: ClassVar[str] = "tokens-equal-params"
    multiple: float
    max_share: float

    def warmup_tokens(self, at: Predictors) -> float:
        """Return the tokens of the warmup."""
        return min(self.multiple * at.n_params, self.max_share * at.tokens)


AllocationLaw = PowerLawParams | PowerLawTokens | PowerLawFlopsPerToken | TokensPerParam | LossSurface
"""The forms that give N and D at a budget C."""

LawForm = (
    AllocationLaw
    | LossCurve
    | ExcessLaw
    | Monomial
    | LogLinear
    | LossPower
    | Constant
    | Timescale
    | BatchStep
    | TokenHalfLife
    | WarmupParams
)
HyperparameterLaw = Monomial | LogLinear | LossPower | Constant
Beta2Law = BatchStep | TokenHalfLife
WeightDecayLaw = Constant | Timescale

FORMS: dict[str, type[LawForm]] = {
    form.form: form
    for form in (
        PowerLawParams,
        PowerLawTokens,
        PowerLawFlopsPerToken,
        TokensPerParam,
        LossSurface,
        LossCurve,
        ExcessLaw,
        Monomial,
        LogLinear,
        LossPower,
        Constant,
        Timescale,
        BatchStep,
        TokenHalfLife,
        WarmupParams,
    )
}

# Parameters that may be zero or negative. All others must be positive.
_SIGNED = {"intercept", "slope", "floor", "exponent", "skew"}


def build_law(form: str, parameters: dict[str, float]) -> LawForm:
    """Build a law from the name of its form and its parameters.

    Raises:
        FailureError: no form has that name, or a parameter is missing, unknown, not finite or out of bounds.
    """
    kind = FORMS.get(form)
    if kind is None:
        raise FailureError(f"{form!r} is not a form of law; the forms are {', '.join(FORMS)}.")
    known = {f.name for f in fields(kind)}
    unknown = sorted(set(parameters) - known)
    if unknown:
        takes = ", ".join(sorted(known))
        raise FailureError(f"the form {form} has no parameter {unknown[0]!r}; it takes {takes}.")
    for name, value in parameters.items():
        signed = name in _SIGNED or name.endswith("_exponent")
        if not math.isfinite(value) or (not signed and value <= 0) or abs(value) > 1e60:
            raise FailureError(f"parameter {name} = {value} of the form {form} is out of bounds.")
        if (name.endswith("exponent") or name in ("alpha", "beta")) and abs(value) > 10:
            raise FailureError(f"exponent {name} = {value} of the form {form} is out of bounds.")
    if abs(parameters.get("skew", 0.0)) * parameters.get("window", 0.0) >= 1:
        raise FailureError(
            f"skew times window of the form {form} must be below 1, or the loss has no minimum at the optimum."
        )
    try:
        return kind(**parameters)
    except TypeError:
        missing = ", ".join(sorted(known - set(parameters)))
        raise FailureError(f"the form {form} lacks a parameter out of {missing}.") from None
