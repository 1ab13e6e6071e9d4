"""A fit: the laws that one source gives, with what they were fitted on and how sure we are of them.

A fit is data. Its laws are forms of `core.laws` with parameters; `store` reads and writes it as JSON.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import TypeVar, cast

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.laws.drifting_line import DriftingLine
from budgetscope.core.laws.forms import ExcessLaw, LawForm, LossCurve, LossSurface

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
"""What a law of a fit can be for. batch_size and critical_batch_size predict tokens."""

CONFIDENCE = {
    "V1": "read in the authors' own code, data or text",
    "V2": "read only in somebody else's transcription",
    "DER": "derived by arithmetic, or fitted by this project's engine",
    "MEM": "remembered only: unverified",
}
"""How sure we are of a constant."""

MAX_STORED_CHARS = 2000
"""Of a text that a fit holds."""


@dataclass(frozen=True, slots=True)
class Range:
    """The smallest and largest value that a law was fitted on."""

    low: float
    high: float

    def factor_outside(self, value: float) -> float:
        """Return by what factor `value` lies outside; 1 when inside."""
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
        return f"95% of {len(self.rows)} {'forecasts' if self.forecast else 'bootstrap draws'}"

    def laws(self, law: Form) -> tuple[Form, ...]:
        """Return `law` as each draw has it; parameters without a column keep their value.

        Kept between calls: a face asks again at every keystroke.
        """
        return cast("tuple[Form, ...]", _drawn(self, law))


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
    """A published interval of the exponent alone.

    Attributes:
        low: lower end.
        high: upper end.
        level: probability inside, 0.8 for a 10-90% interval.
        pivot_flops: where the law itself is taken as known: the geometric middle of its budgets.
    """

    low: float
    high: float
    level: float
    pivot_flops: float

    @property
    def percent(self) -> str:
        """The level in words, with the digits that it needs."""
        return f"{100 * self.level:.4g}%"


Uncertainty = Draws | DriftingLine | ExponentInterval
"""What is known of a law's error."""


@dataclass(frozen=True, slots=True)
class Law:
    """One law of a fit.

    Attributes:
        law: its form and parameters.
        confidence: a key of `CONFIDENCE`.
        fitted: the range of each predictor (`flops`, `n_params`, `tokens`, `batch_tokens`,
            `tokens_per_param`) that it was fitted on.
        uncertainty: draws, a line with its law error, an exponent's interval, or None when nothing was published.
        note: what a user of the law must know, one sentence.
        undetermined: parameters that the runs do not determine, so that they have no interval.
    """

    law: LawForm
    confidence: str
    fitted: Mapping[str, Range]
    uncertainty: Uncertainty | None = None
    note: str = ""
    undetermined: tuple[str, ...] = ()


POINT_COLUMNS = ("flops", "n_params", "tokens", "loss", "ln_n_params_sd", "n_sizes")
"""Of every measured optimum: the budget, what is optimal there, how well it is known, from how many sizes."""


@dataclass(frozen=True, slots=True)
class Points:
    """Optima, one a budget, in the fit's own convention.

    Attributes:
        columns: `POINT_COLUMNS`.
        rows: one tuple a budget, by growing budget.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """One source's laws.

    Attributes:
        id: `family/name`, its place under a fits folder.
        title: what people call it.
        counting: the convention in which its laws read N and C.
        laws: by role, a key of `ROLES`.
        vocab_size: of its tokenizer, None when not known.
        tokenizer: its name.
        loss_unit: `nats/token` or None.
        seq_len: training context in tokens, None when not known.
        citation: where the laws stand.
        url: of the source.
        method: how it was obtained, one sentence.
        schedule: of the learning rate in the runs whose loss it describes: `constant`, `cosine` or None.
        ablation: a step of an argument or an example, not a recommendation: shown apart.
        flags: what the fitting engine found doubtful.
        points: the measured optima.
        provenance: free key-value facts (data hash, device, versions).
    """

    id: str
    title: str
    counting: Convention
    laws: Mapping[str, Law]
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
    provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def allocation(self) -> Law | None:
        """The law that splits a budget: its own, or else the minimum of its loss surface."""
        return self.laws.get("allocation") or self.laws.get("surface")

    @property
    def surface(self) -> LossSurface | None:
        """The loss surface L(N, D), if the fit has one."""
        law = self.laws.get("surface")
        return law.law if law and isinstance(law.law, LossSurface) else None

    @property
    def excess(self) -> ExcessLaw | LossSurface | None:
        """What says how much loss a model of another size costs: the excess law, else the surface."""
        law = self.laws.get("excess")
        return law.law if law and isinstance(law.law, ExcessLaw) else self.surface

    @property
    def loss_curve(self) -> LossCurve | None:
        """The loss curve L*(C), if the fit has one."""
        law = self.laws.get("loss_curve")
        return law.law if law and isinstance(law.law, LossCurve) else None


def percentiles(values: Sequence[float], level: float) -> tuple[float, float]:
    """Return the ends of the central interval that holds `level` of the values (linear interpolation)."""
    ordered = sorted(values)
    tail = (1 - level) / 2
    return _quantile(ordered, tail), _quantile(ordered, 1 - tail)


def _quantile(ordered: Sequence[float], share: float) -> float:
    at = share * (len(ordered) - 1)
    left = min(math.floor(at), len(ordered) - 2) if len(ordered) > 1 else 0
    right = min(left + 1, len(ordered) - 1)
    return ordered[left] + (at - left) * (ordered[right] - ordered[left])
