"""The grammar of a budget: every word of a text is part of a phrase or a filler, or the text is refused by that word.

    budget   = { phrase | filler }
    phrase   = key ["=" | ":" | "of"] number [unit]          N=7B, loss 2.6, MFU of 40%, seq 4096
             | "loss" number ("before decay" | "at constant rate")
             | currency number [price] | number currency [price] | yen-number "/" dollar
             | number unit                                   14 days, 3 zettaflops, 140B tokens, 40% MFU, 2 TFLOP/s
             | share "of" amount                             10% of $1M
             | count ["x"] (device | "GPUs") [time-unit]     64 x H100, 2 nodes of 8 H100, 5000 H100-hours
             | device ["x" number] | precision
             | number                                        FLOPs from 1e12 on; a size or tokens beside others
    price    = ("/" | "per" | "an") [device "-"] "hour"
    count    = number { "x" number } | number "nodes" "of" number | count "DGX"

`read_phrases` reads the phrases in any order. `core.budget.parse` checks that together they are one budget.
"""

from budgetscope.core.budget import vocabulary as words
from budgetscope.core.budget.machines import MachinePhrases
from budgetscope.core.budget.money import MoneyPhrases, currency_of
from budgetscope.core.budget.names import DeviceNames
from budgetscope.core.budget.statement import Stated
from budgetscope.core.budget.tokens import Number, quote
from budgetscope.core.budget.training import TrainingPhrases
from budgetscope.core.language import N_, _

_SHARED = {
    "usd": (N_("{text} is read as ${n}"), ",.12g"),
    "device_hours": (N_("{text} is read as {n} device-hours"), ".12g"),
    "n_devices": (N_("{text} is read as {n} devices"), ",.12g"),
    "flops": (N_("{text} is read as {n} FLOPs"), ".12g"),
    "hours": (N_("{text} is read as {n} hours"), ",.12g"),
    "tokens": (N_("{text} is read as {n} tokens"), ".12g"),
}
"""Quantities of which a share may be taken: how it is said back, and the format of its number."""


def read_phrases(text: str, devices: DeviceNames | None = None) -> Stated:
    """Read the phrases of a text.

    Args:
        text: a budget as typed.
        devices: the known names of devices; without them every name is accepted.

    Raises:
        UsageError: a part is not understood, is stated twice, or is not above zero and finite.
    """
    return _Phrases(text, devices).read()


class _Phrases(MoneyPhrases, MachinePhrases, TrainingPhrases):
    """Parser of one text; each method reads one kind of phrase and returns whether there was one."""

    def read(self) -> Stated:
        reader = self.reader
        while reader.peek().kind != "end":
            if not (
                self._keyed()
                or self._money()
                or self._numeral_device()
                or self._quantity()
                or self._precision()
                or self._named_device()
                or self._filler()
            ):
                self._refuse_word(reader.position)
        if reader.tokens[-1].text in words.DANGLING:
            raise reader.refusal(0, f"stops short after {reader.tokens[-1].text!r}")
        self._resolve_bare()
        self._convert()
        return self.stated

    def _filler(self) -> bool:
        reader = self.reader
        word, before = reader.peek().text, reader.at(reader.position - 1).text
        if word in words.TIMES:  # 64 H100 x 14 days
            found = self.last in ("device", "n_devices", "hours", "flops_per_s") and reader.peek(1).kind == "number"
        elif word == "=":
            found = before in words.FILLERS
        elif word == "." and reader.at(reader.position - 1).kind == "number":
            found = not reader.glued(reader.position + 1) or reader.peek(1).kind == "end"
        else:
            found = word in words.FILLERS or word in words.GENERIC or word in words.MODELS
        reader.position += found
        return found

    def _quantity(self) -> bool:
        """Read a number with its unit or device, or without either."""
        reader, start = self.reader, self.reader.position
        if reader.peek().kind == "number" and reader.peek(1).text in ("gb", "gib"):  # 80GB A100
            return False
        before = reader.at(start - 1).text
        number = reader.read_number()
        if number is None:
            return False
        after_number = reader.position
        if reader.at(start).text == "half" and reader.accept(("of",)):
            self._share(number, start)
            return True
        reader.accept(("-",))
        unit = reader.peek().text
        if unit in words.PERCENT:
            reader.position += 1
            self._percent(number, start, before)
        elif self.names.is_currency(reader.position):
            reader.position += 1
            self._amount(number, start, currency=currency_of(unit))
        elif unit in words.KNOWN_BUT_REFUSED and (unit not in ("+", "or") or reader.position > after_number):
            self._refuse_word(start)
        elif (hours := reader.read_duration(number, start)) is not None:
            self._settle("hours", number, start)
            self._state("hours", hours, start)
        elif not (self._flops(number, start) or self._of_training(number, start) or self._devices(number, start)):
            reader.position = after_number
            self._unit_less(number, start)
        return True

    def _rate(self, number: Number) -> float | None:
        """Read a unit of FLOP per second and return the FLOP/s; None if there is none: petaflop/s-days are FLOPs."""
        reader, before = self.reader, self.reader.position
        unit = words.FLOPS_WORD.fullmatch(reader.peek().text)
        if unit is None:
            return None
        reader.position += 1
        is_rate = unit[2] in ("f", "fs") or (unit[1] != "" and self._is_timed_flops(before))
        if reader.peek().text in ("/", "per") and reader.peek(1).text in words.SECOND_WORDS:
            reader.position += 2
            is_rate = True
        if is_rate and reader.peek(int(reader.peek().text == "-")).text not in words.DURATION_UNITS:
            return number.value(words.SI_POWERS[unit[1]])
        reader.position = before
        return None

    def _is_timed_flops(self, start: int) -> bool:
        """Return whether the unit just read is FLOPS with a time behind it, as in "2 TFLOPS for 3 days"."""
        reader, before = self.reader, self.reader.position
        found = reader.span(start).endswith("FLOPS") and reader.time_of_rate() is not None
        reader.position = before
        return found

    def _flops(self, number: Number, start: int) -> bool:
        """Read a unit of FLOP per second, or of FLOPs."""
        name, value = "flops_per_s", self._rate(number)
        if value is None:
            name, value = "flops", self.reader.read_flops(number, start)
        if value is not None:
            self._choose(number.choice)
            self._state(name, value, start)
        return value is not None

    def _percent(self, number: Number, start: int, before: str) -> None:
        """Read what follows a percentage: an MFU, or the amount that it is a share of.

        Raises:
            UsageError: it does not say a share of what.
        """
        reader = self.reader
        after = reader.position
        self._choose(number.choice)
        if reader.accept(words.MFU_WORDS):
            self._state("mfu", number.value(-2), start)
            return
        if reader.accept(("of",)):
            while reader.accept(("the", "dense", "theoretical", "its", "their")):
                pass
            if reader.accept(("peak",)):
                reader.accept(("flops", "performance"))
                self._state("mfu", number.value(-2), start)
                return
            reader.position = after + 1
            self._share(number._replace(exponent=number.exponent - 2), start)
            return
        if reader.peek().text in words.KNOWN_BUT_REFUSED:  # 40% HFU
            self._refuse_word(start)
        if before in words.AT:
            self._state("mfu", number.value(-2), start)
            return
        shown = reader.span(start)
        raise reader.refusal(
            start, f"does not say of what; write {shown} MFU, or {shown} of an amount, as in 10% of $1M"
        )

    def _share(self, share: Number, start: int) -> None:
        """Read the amount after "10% of", and state that share of it."""
        reader, stated = self.reader, self.stated
        reader.accept(("the", "our", "my", "a"))
        earlier = set(stated.values)
        found = reader.peek().kind != "end" and (self._money() or self._quantity())
        names = [name for name in stated.values if name not in earlier]
        if not found or len(names) != 1 or names[0] not in _SHARED:
            raise reader.refusal(start, "is no share of an amount; write it like 10% of $1M")
        name = names[0]
        value = float(f"{stated.values[name] * share.value():.15g}")
        span = reader.span(start)
        stated.values[name] = reader.positive(value, start)
        stated.spans[name] = span
        if name not in self.foreign:
            read, form = _SHARED[name]
            self._choose(_(read).format(text=quote(span), n=format(value, form)))
