"""Fits: the laws of one source with their data range, uncertainty, counting convention and citation.

A fit is data: its laws are forms of `core.laws.forms` with parameters. `store` reads and writes it as JSON.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import TypeVar, cast

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.language import N_, _
from budgetscope.core.laws.drifting_line import DriftingLine
from budgetscope.core.laws.forms import ExcessLaw, LawForm, LossCurve, LossSurface, Weights

Form = TypeVar("Form", bound=LawForm)

ROLES = (
    "allocation",
    "surface",
    "loss_curve",
    "excess",
    "learning_rate",
    "batch_size",
    "beta2",
    "critical_batch_size",
    "warmup",
    "weight_decay",
)
"""The roles that a law can have in a fit. batch_size and critical_batch_size are in tokens."""

CONFIDENCE = {
    "V1": N_("read in the authors' own code, data or text"),
    "V2": N_("read only in somebody else's transcription"),
    "DER": N_("derived by arithmetic, or fitted by this project's engine"),
    "MEM": N_("remembered only: unverified"),
}
"""Meaning of the levels of confidence in the constants of a law; whoever shows one translates it."""

TOO_SMALL = "too_small"
"""The fact in a fit's provenance that says why its runs are too small to plan by."""

MAX_STORED_CHARS = 2000
"""Longest text in a fit."""


@dataclass(frozen=True, slots=True)
class Range:
    """Smallest and largest value of a predictor in the data of a law."""

    low: float
    high: float

    def factor_outside(self, value: float) -> float:
        """Return the factor by which `value` lies outside the range; 1 if it is inside."""
        return max(value / self.high, self.low / value, 1.0)


@dataclass(frozen=True, slots=True)
class Draws:
    """Bootstrap draws of a law's parameters.

    Attributes:
        columns: the parameter of each column; a name starting with `ln_` holds its logarithm.
        rows: one tuple of parameters a draw.
        forecast: whether they hold the error of the law beyond its data, too, and not the noise of the runs alone.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]
    forecast: bool = False

    @property
    def basis(self) -> str:
        """What a 95% interval of them is, in words."""
        told = _("95% of {n} forecasts") if self.forecast else _("95% of {n} bootstrap draws: noise of the runs alone")
        return told.format(n=len(self.rows))

    def laws(self, law: Form) -> tuple[Form, ...]:
        """Return the law of each draw: `law` with the parameters of the draw in place of its own.

        The result is cached, since the app needs it at every keystroke.
        """
        return cast("tuple[Form, ...]", _drawn(self, law))

    def results(self, law: LawForm, value: float, weights: Weights) -> list[float] | None:
        """Return a result of the law of each draw, seven times as fast as by `laws`.

        Args:
            law: whose parameters the draws replace.
            value: the result of the law itself.
            weights: of the parameters in the logarithm of the result.

        Returns:
            One result a draw; None if the draws hold a parameter without a weight.
        """
        if not weights.keys() >= set(self.columns):
            return None
        parts = [(weights[name], index) for index, name in enumerate(self.columns)]
        at = math.log(value) - sum(weights[name] * _parameter(law, name) for name in self.columns)
        if len(parts) == 2:
            (first, i), (second, j) = parts
            return [math.exp(at + first * row[i] + second * row[j]) for row in self.rows]
        return [math.exp(at + sum(weight * row[index] for weight, index in parts)) for row in self.rows]


def _parameter(law: LawForm, name: str) -> float:
    """Return a parameter of a law, or the logarithm of one by `ln_` and its name."""
    return math.log(getattr(law, name[3:])) if name.startswith("ln_") else float(getattr(law, name))


@lru_cache(maxsize=64)
def _drawn(draws: Draws, law: LawForm) -> tuple[LawForm, ...]:
    base, kind = asdict(law), type(law)
    logs = [name.startswith("ln_") for name in draws.columns]
    names = [name.removeprefix("ln_") for name in draws.columns]
    return tuple(
        kind(
            **base
            | dict(zip(names, (math.exp(v) if log else v for v, log in zip(row, logs, strict=True)), strict=True))
        )
        for row in draws.rows
    )


@dataclass(frozen=True, slots=True)
class ExponentInterval:
    """A published interval of the exponent of a law, without that of its coefficient.

    Attributes:
        level: probability inside, such as 0.8 for a 10-90% interval.
        pivot_flops: the budget at which N* is taken as exact: the geometric middle of its budgets.
    """

    low: float
    high: float
    level: float
    pivot_flops: float

    @property
    def percent(self) -> str:
        """The level as a percentage, such as 80%."""
        return f"{100 * self.level:.4g}%"


Uncertainty = Draws | DriftingLine | ExponentInterval
"""What is known of a law's error."""


@dataclass(frozen=True, slots=True)
class Law:
    """One law of a fit.

    Attributes:
        law: its form and parameters.
        confidence: a key of `CONFIDENCE`.
        fitted: the range of each predictor (`flops`, `n_params`, `tokens`, `batch_tokens`, `tokens_per_param`) in the
            data of the law.
        uncertainty: draws, a line with its law error, an interval of the exponent, or None when none was published.
        note: one sentence of advice to users of the law.
        undetermined: parameters that the runs do not determine, so that they have no interval.
    """

    law: LawForm
    confidence: str
    fitted: Mapping[str, Range] = field(hash=False)
    uncertainty: Uncertainty | None = None
    note: str = ""
    undetermined: tuple[str, ...] = ()


POINT_COLUMNS = ("flops", "n_params", "tokens", "loss", "ln_n_params_sd", "n_sizes")
"""Columns of the measured optima: budget, N, D and loss at the optimum, standard deviation of ln N, number of sizes."""


@dataclass(frozen=True, slots=True)
class Points:
    """The measured optima of a fit, one for each budget, in the fit's own convention.

    Attributes:
        columns: `POINT_COLUMNS`.
        rows: one tuple for each budget, by growing budget.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """The laws of one source.

    Attributes:
        id: `family/name`, its path below a fits folder.
        title: name for people.
        counting: the counting convention of its laws.
        laws: by role, one of `ROLES`.
        vocab_size: None when not known.
        tokenizer: name of the tokenizer; None when not known.
        loss_unit: `nats/token` or None.
        seq_len: training context in tokens; None when not known.
        citation: the publication.
        url: of the source.
        method: how the laws were obtained, one sentence.
        schedule: of the learning rate in its runs: `constant`, `cosine`, `wsd` or None.
        ablation: whether it is a step of an argument or an example, not a recommendation; such fits are listed apart.
        flags: doubts of the fitting engine, one sentence each.
        points: the measured optima.
        provenance: free facts by key (data hash, device, versions).
    """

    id: str
    title: str
    counting: Convention
    laws: Mapping[str, Law] = field(hash=False)
    citation: str
    url: str
    method: str
    vocab_size: int | None = None
    tokenizer: str | None = None
    loss_unit: str | None = None
    seq_len: int | None = None
    schedule: str | None = None
    ablation: bool = False
    flags: tuple[str, ...] = ()
    points: Points | None = None
    provenance: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def calibrated(self) -> bool:
        """Whether its N*(C) is of a calibration, weighed with the published laws."""
        return "exponent_combined" in self.provenance

    @property
    def allocation(self) -> Law | None:
        """The law of N*(C): the allocation law, else the loss surface, whose minimum gives N*; None without both."""
        return self.laws.get("allocation") or self.laws.get("surface")

    @property
    def too_small(self) -> str:
        """Why its runs are too small to plan by, and what would be enough, in one sentence; empty where they are."""
        return self.provenance.get(TOO_SMALL, "")

    @property
    def surface(self) -> LossSurface | None:
        """The loss surface L(N, D); None without one."""
        law = self.laws.get("surface")
        return law.law if law and isinstance(law.law, LossSurface) else None

    @property
    def excess(self) -> ExcessLaw | LossSurface | None:
        """The law of the loss above the optimum: the excess law, else the loss surface; None without both."""
        law = self.laws.get("excess")
        return law.law if law and isinstance(law.law, ExcessLaw) else self.surface

    @property
    def loss_curve(self) -> LossCurve | None:
        """The loss curve L*(C); None without one."""
        law = self.laws.get("loss_curve")
        return law.law if law and isinstance(law.law, LossCurve) else None


def percentiles(values: Sequence[float], level: float) -> tuple[float, float]:
    """Return the central interval with a share `level` of the values, by linear interpolation."""
    ordered = sorted(values)
    tail = (1 - level) / 2
    return _quantile(ordered, tail), _quantile(ordered, 1 - tail)


def _quantile(ordered: Sequence[float], share: float) -> float:
    at = share * (len(ordered) - 1)
    left = min(math.floor(at), len(ordered) - 2) if len(ordered) > 1 else 0
    right = min(left + 1, len(ordered) - 1)
    return ordered[left] + (at - left) * (ordered[right] - ordered[left])
