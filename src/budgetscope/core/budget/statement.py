"""What a text states, and the base of the parsers of its phrases."""

from dataclasses import dataclass, field

from budgetscope.core.budget import vocabulary as words
from budgetscope.core.budget.names import DeviceNames, NameReader
from budgetscope.core.budget.tokens import Number, Reader, quote
from budgetscope.core.errors import UsageError
from budgetscope.core.language import _

EXAMPLES = "1e21, 64xH100 14d, $50k on H100"
"""The examples in error messages."""

LABELS = {
    "flops": "FLOPs",
    "loss": "a loss",
    "n_params": "a model size",
    "max_params": "a largest model size",
    "tokens": "a number of tokens",
    "device": "a device",
    "n_devices": "a number of devices",
    "flops_per_s": "a sustained rate",
    "hours": "a duration",
    "device_hours": "device-hours",
    "usd": "dollars",
    "mfu": "an MFU",
    "price_usd_per_device_hour": "a price",
    "seq_len": "a sequence length",
    "epochs": "epochs",
    "unique_tokens": "unique tokens",
    "precision": "a precision",
    "yen_per_usd": "an exchange rate",
}
"""The quantities that a phrase can state, with their names in error messages."""

_GROUPED = (
    "usd",
    "device_hours",
    "n_devices",
    "tokens",
    "n_params",
    "max_params",
    "seq_len",
    "unique_tokens",
    "yen_per_usd",
)
"""Quantities that may be thousands: 5.000 is then refused."""


@dataclass
class Stated:
    """The quantities that one text states.

    Attributes:
        quoted: the text in quotes, on one line and shortened, for error messages.
        values: numbers by the keys of `LABELS`, in FLOPs, FLOP/s, hours, dollars and fractions.
        device: the device's name as typed, in the singular; None without one.
        precision: of training, such as "bf16"; None without one.
        spans: the part of the text behind each value, the device and the precision.
        before_decay: whether the loss is meant at constant learning rate.
        choices: how parts were read for which the English reading is not the plain one, one sentence each.
    """

    quoted: str
    values: dict[str, float] = field(default_factory=dict)
    device: str | None = None
    precision: str | None = None
    spans: dict[str, str] = field(default_factory=dict)
    before_decay: bool = False
    choices: list[str] = field(default_factory=list)


class Statement:
    """The state of the parser of one text: the cursor, and what was stated up to it."""

    def __init__(self, text: str, devices: DeviceNames | None) -> None:
        self.reader = Reader(text, EXAMPLES)
        self.names = NameReader(self.reader, devices)
        self.stated = Stated(quote(" ".join(text.split())))
        self.last = ""
        """The quantity that was stated last."""

    def _choose(self, choice: str) -> None:
        if choice and choice not in self.stated.choices:
            self.stated.choices.append(choice)

    def _settle(self, name: str, number: Number, start: int) -> None:
        """Say back how the digits of a quantity were read; refuse those that have two readings.

        Raises:
            UsageError: the point may be a decimal point or separate thousands.
        """
        if number.either and (name in _GROUPED or (name == "hours" and number.mantissa.endswith("0"))):
            grouped = number.mantissa.replace(".", "")
            plain = f"{number.value():g}"
            raise self.reader.refusal(start, f"has a point that may separate thousands; write {grouped} or {plain}")
        self._choose(number.choice)

    def _state(self, name: str, value: float, start: int) -> None:
        stated, span = self.stated, self.reader.span(start)
        if name in stated.spans:
            raise UsageError(
                f"{stated.quoted} gives {LABELS[name]} twice, {quote(stated.spans[name])} and {quote(span)}; "
                "keep one of the two"
            )
        if name == "mfu" and value > 1:
            raise self.reader.refusal(start, "is an MFU above 100%; write 40% MFU or MFU 0.4")
        stated.values[name] = self.reader.positive(value, start)
        stated.spans[name] = span
        self.last = name

    def _state_device(self, device: str) -> None:
        stated = self.stated
        if stated.device is not None and stated.device.casefold() != device.casefold():
            names = f"{quote(stated.device)} and {quote(device)}"
            raise UsageError(f"{stated.quoted} names two devices, {names}; keep one of the two")
        if "hgx" in device.casefold():
            self._choose(_("one {device} is read as one GPU, not as a board of 8").format(device=quote(device)))
        if stated.device is None:
            stated.device = stated.spans["device"] = device

    def _refuse_word(self, start: int) -> None:
        """Refuse the next word, and name it.

        Raises:
            UsageError: always.
        """
        reader = self.reader
        word = reader.peek().text
        unknown = words.OWN_MACHINE if words.OWN_MACHINES.fullmatch(word) else "is not understood"
        reason = words.KNOWN_BUT_REFUSED.get(word, unknown)
        reader.position += 1
        reader.accept(("gb", "g", "gib"))  # 96GB
        raise reader.refusal(start, reason)
