"""The fields of a request in one table: name, kind, bounds, help, and the value of a plan.

`PlanRequest`, the options of the command line, the form of the app and stored records parse and check their values by
this table, so that the same text has the same meaning and the same error message everywhere.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Rational, Real
from typing import TYPE_CHECKING, Any

from budgetscope.calibrate.plan.bounds import DECAY_BOUNDS, MINUTES_BOUNDS, WORKERS_BOUNDS
from budgetscope.core.budget.quantities import (
    MAX_SERVED_TOKENS,
    MAX_TEXT_CHARS,
    as_share,
    english_usd,
    number_in,
    parse_duration_hours,
    quote,
    shown,
)
from budgetscope.core.counting.ledger import MAX_COUNT, Convention
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.bounds import (
    GRID_BOUNDS,
    MFU_BOUNDS,
    N_DEVICES_BOUNDS,
    PRICE_BOUNDS,
    PUE_BOUNDS,
    WATTS_BOUNDS,
)
from budgetscope.core.hardware.mfu import parse_measured
from budgetscope.core.language import N_, _

if TYPE_CHECKING:
    from budgetscope.core.answers.plan import Plan


@dataclass(frozen=True, slots=True)
class Kind:
    """The kind of a field's values.

    Attributes:
        noun: for error messages, such as "a whole number".
        examples: of texts.
        read: returns the value of a text without surrounding blanks; None when the text is not of this kind.
        type: of the values.
        unit: written after a value, so that it is read again.
    """

    noun: str
    examples: str
    read: Callable[[str], Any]
    type: type
    unit: str = ""


def _share(text: str) -> float | None:
    value = number_in(text.removesuffix("%"))
    return value / 100 if value is not None and text.endswith("%") else value


def _dollars(text: str) -> float | None:
    return number_in(text.removeprefix("$"))


def _whole(text: str) -> float | int | None:
    value = number_in(text)
    if value is None or not math.isfinite(value):
        return value
    return int(value) if value.is_integer() else None


def _hours(text: str) -> float | None:
    try:
        return parse_duration_hours(text)
    except UsageError:
        return None


def _rate(text: str) -> str | None:
    return None if parse_measured(text) is None else text


TEXT = Kind("a text", "H100", str, str)
COUNT = Kind("a number", "8, 2.5 or 1k", number_in, Real)
SHARE = Kind("a share", "0.4 or 40%", _share, Real)
DOLLARS = Kind("an amount of dollars", "2.5 or $2.50", _dollars, Real)
DURATION = Kind("a duration", "14 days or 36h", _hours, Real, "h")
RATE = Kind("a rate of one device", "9600tok/s or '9600tok/s at 7B'", _rate, str)
WHOLE = Kind("a whole number", "2048 or 4k", _whole, Integral)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a request, or another option of a command.

    Attributes:
        name: the attribute of `PlanRequest`, or the parameter of the command.
        help: for the command line.
        metavar: placeholder of the value in the help of the command line.
        bounds: smallest and largest number; None for a text.
        required: whether None is refused.
        label: in the app's form, which translates it; empty for a field that is not in the form.
        resolved: returns the value in a plan, shown where the field is empty.
    """

    name: str
    help: str
    metavar: str = "<str>"
    kind: Kind = TEXT
    bounds: tuple[float, float] | None = None
    required: bool = False
    label: str = ""
    resolved: "Callable[[Plan], str]" = lambda _plan: ""

    @property
    def option(self) -> str:
        """The option of the command line, such as `--seq-len`."""
        return f"--{self.name.replace('_', '-')}"

    def parse(self, text: str) -> Any:
        """Return the value of a text.

        Raises:
            UsageError: the text is empty, is not of the field's kind, or is out of bounds.
        """
        stripped = text.strip()
        if not stripped:
            raise self._empty()
        if self.kind.type is not str and len(stripped) > MAX_TEXT_CHARS:
            reason = f"has {len(stripped)} characters, more than the {MAX_TEXT_CHARS} that are read"
            raise self._refusal(quote(stripped), reason)
        value = self.kind.read(stripped)
        if value is None:
            raise self._refusal(quote(stripped), f"is not {self.kind.noun}")
        self._check_bounds(value, stripped)
        return value

    def check(self, value: object) -> None:
        """Check the type and bounds of a value; None passes unless the field is required.

        Raises:
            UsageError: the value is empty, of another type, or out of bounds.
        """
        if value is None and not self.required:
            return
        # A fraction is Real, but has no JSON.
        is_fraction = isinstance(value, Rational) and not isinstance(value, Integral)
        if isinstance(value, bool) or is_fraction or not isinstance(value, self.kind.type):
            raise self._refusal(shown(value), f"is not {self.kind.noun}")
        if isinstance(value, str):
            if not value.strip():
                raise self._empty()
            if self.kind.read(value.strip()) is None:
                raise self._refusal(quote(value.strip()), f"is not {self.kind.noun}")
        else:
            self._check_bounds(value, _plain(value))

    def _empty(self) -> UsageError:
        return UsageError(f"{self.option} is empty; give it a value{'' if self.required else ' or leave it out'}.")

    def _refusal(self, given: str, reason: str) -> UsageError:
        return UsageError(f"{self.option} {given} {reason}; write it like {self.kind.examples}.")

    def _check_bounds(self, value: Any, given: str) -> None:
        if self.bounds is None:
            return
        low, high = self.bounds
        if self.kind is SHARE and 1 < value <= 100 and not given.endswith("%"):
            raise UsageError(f"{self.option} {given} is above 1; {as_share(value)}.")
        if not low <= value <= high:
            span = f"from {self._bound(low)} to {self._bound(high)}"
            raise UsageError(f"{self.option} {given} is out of bounds; give {self.kind.noun} {span}.")

    def _bound(self, value: float) -> str:
        return f"{value:g}{self.kind.unit}" if self.kind.unit else f"{value}"

    def text(self, value: str | float | None) -> str:
        """Return the text of a value, empty for None; `parse` is the inverse."""
        if value is None:
            return ""
        return value if isinstance(value, str) else f"{_plain(value)}{self.kind.unit}"


def _plain(number: Any) -> str:
    """Return a number in as few digits as are exact."""
    if isinstance(number, Integral):
        return shown(int(number))
    short = f"{number:.12g}"
    return short if float(short) == number else repr(float(number))


def _price(plan: "Plan") -> str:
    price = plan.machine.price
    # The field is read in dollars.
    return _("unknown") if price is None else f"{english_usd(price.value)}/h"


FIELDS = (
    Field(
        name="budget",
        label=N_("Budget"),
        help="What you have: 1e21, '64xH100 14d', '$50k on H100', 'loss 2.6', N=7B, D=140B.",
        metavar="BUDGET",
        resolved=lambda plan: plan.budget,
    ),
    Field(
        name="law",
        label=N_("law"),
        help="Id of the fit for N, D and loss, or a fit file.",
        metavar="ID",
        resolved=lambda plan: plan.law_id,
    ),
    Field(name="hyperparameters", help="Id of the fit for the recipe.", metavar="ID"),
    Field(
        name="device",
        label=N_("device"),
        help="Accelerator; `budgetscope devices` lists them.",
        resolved=lambda plan: plan.machine.device.name,
    ),
    Field(
        name="gpus",
        label=N_("devices"),
        kind=COUNT,
        bounds=N_DEVICES_BOUNDS,
        help="How many accelerators.",
        metavar="<float>",
        resolved=lambda plan: _("open") if plan.machine.n_devices is None else f"{plan.machine.n_devices:g}",
    ),
    Field(
        name="mfu",
        label=N_("MFU"),
        kind=SHARE,
        bounds=MFU_BOUNDS,
        help="Model FLOPs utilisation: 0.4 or 40%.",
        metavar="SHARE",
        resolved=lambda plan: _("in the rate") if plan.machine.device.by_rate else f"{plan.machine.mfu:.3g}",
    ),
    Field(
        name="price",
        label=N_("price"),
        kind=DOLLARS,
        bounds=PRICE_BOUNDS,
        help="US dollars an accelerator-hour.",
        metavar="USD",
        resolved=_price,
    ),
    Field(
        name="seq_len",
        label=N_("seq_len"),
        kind=WHOLE,
        bounds=(1, MAX_COUNT),
        help="Training context in tokens.",
        metavar="TOKENS",
        resolved=lambda plan: _("{n} tokens").format(n=plan.seq_len),
    ),
    Field(
        name="vocab",
        label=N_("vocab"),
        kind=WHOLE,
        bounds=(2, MAX_COUNT),
        help="Size of the tokenizer's vocabulary.",
        metavar="SIZE",
        resolved=lambda plan: f"{plan.vocab_size}",
    ),
    Field(
        name="counting",
        label=N_("counting"),
        help=f"Counting convention of N and C: {', '.join(tuple(Convention)[:-1])} or {tuple(Convention)[-1]}.",
        resolved=lambda plan: str(plan.convention),
    ),
    Field(
        name="deadline",
        label=N_("deadline"),
        kind=DURATION,
        bounds=(1e-3, 1e6),
        help="Latest end of the training, such as 10d.",
        metavar="DURATION",
    ),
    Field(name="params", label=N_("N fixed"), kind=COUNT, bounds=(1, 1e16), help="N, fixed: 7B.", metavar="N"),
    Field(name="tokens", label=N_("D fixed"), kind=COUNT, bounds=(1, 1e18), help="D, fixed: 300B.", metavar="D"),
    Field(name="max_params", label=N_("N most"), kind=COUNT, bounds=(1, 1e16), help="N, at most: 10B.", metavar="N"),
    Field(
        name="unique_tokens",
        label=N_("unique D"),
        kind=COUNT,
        bounds=(1, 1e18),
        help="Tokens of text that you have; more are read again.",
        metavar="TOKENS",
    ),
    Field(
        name="served_tokens",
        label=N_("served D"),
        kind=COUNT,
        bounds=(1, MAX_SERVED_TOKENS),
        help="Tokens that the model will serve: training plus serving is made least.",
        metavar="TOKENS",
    ),
    Field(
        name="measured",
        label=N_("measured"),
        kind=RATE,
        help="Tokens/s of one device, in place of the MFU: 9600tok/s, '9600tok/s at 7B'.",
        metavar="RATE",
    ),
    Field(
        name="watts",
        label=N_("watts"),
        kind=COUNT,
        bounds=WATTS_BOUNDS,
        help="Measured watts of a device with its share of the node, for the energy.",
        metavar="WATTS",
        resolved=lambda plan: _("unknown") if plan.run.energy is None else f"{plan.run.energy.watts.value:.0f}",
    ),
    Field(
        name="pue",
        label=N_("PUE"),
        kind=COUNT,
        bounds=PUE_BOUNDS,
        help="Power of the data centre over that of its machines.",
        metavar="RATIO",
        resolved=lambda plan: "" if plan.run.energy is None else f"{plan.run.energy.pue.value:g}",
    ),
    Field(
        name="grid",
        label=N_("gCO2/kWh"),
        kind=COUNT,
        bounds=GRID_BOUNDS,
        help="CO2e of the electricity in grams a kWh, such as 380.",
        metavar="G_PER_KWH",
    ),
)
"""In the order of `PlanRequest` and of the command line."""

DRAWS_BOUNDS = (100, 20_000)
"""Bootstrap draws of a fit."""
SEED_BOUNDS = (0, 2**63)
"""Seed of the bootstrap of a fit."""
BYTES_PER_TOKEN_BOUNDS = (0.01, 1000)
"""Bytes per token of the runs' tokenizer."""
CALIBRATION_BOUNDS = (1e-9, 1)
"""Share of a budget for a calibration."""

MINUTES = Field(
    name="minutes",
    label=N_("minutes"),
    kind=COUNT,
    bounds=MINUTES_BOUNDS,
    help="Time to spend.",
    metavar="<float>",
)
"""Of a calibration, as `DECAY` and `WORKERS`."""
DECAY = Field(
    name="decay",
    label=N_("decay"),
    kind=SHARE,
    bounds=DECAY_BOUNDS,
    help="Share of the tokens over which the learning rate decays before each reading.",
    metavar="SHARE",
)
WORKERS = Field(
    name="workers",
    label=N_("workers"),
    kind=WHOLE,
    bounds=WORKERS_BOUNDS,
    help="Number of workers; one a GPU by default.",
    metavar="<int>",
)

SIZE = Field(
    name="size",
    kind=COUNT,
    bounds=(1, 1e16),
    help="N to look at, by the plan's count, such as 7B; the optimum by default.",
    metavar="N",
)
"""Of `whatif`, as `SERVED`."""
SERVED = Field(
    name="served",
    label=N_("Served tokens"),
    kind=COUNT,
    bounds=(0, MAX_SERVED_TOKENS),
    help="Tokens that the model will serve, such as 1T: adds what serving costs.",
    metavar="TOKENS",
)

BY_NAME = {field.name: field for field in FIELDS}

CONSTRAINTS = ("deadline", "params", "tokens", "max_params", "unique_tokens", "served_tokens")
"""Fields that fix or bound something beside the budget."""

_ENERGY = ("watts", "pue", "grid")
_UNCONSTRAINED = tuple(field.name for field in FIELDS if field.name not in (*CONSTRAINTS, *_ENERGY))

FORM = tuple(
    sorted(
        (field for field in FIELDS if field.label),
        key=lambda field: (field.name in _ENERGY, field.name in CONSTRAINTS, field.name == "law"),
    )
)
"""The fields of the app's form: the budget, the machine, the law, the constraints, the energy."""

_FEWER = {
    # These answer the budget alone.
    "compare": _UNCONSTRAINED,
    # The five laws of the explanation are fixed.
    "explain": ("budget", "device", "gpus", "mfu", "counting"),
    "value": ("budget", "law", "device", "gpus", "mfu", "price"),
}


def fields_of(verb: str) -> tuple[Field, ...]:
    """Return the fields of a command such as `plan` or `explain`."""
    return tuple(BY_NAME[name] for name in _FEWER[verb]) if verb in _FEWER else FIELDS
