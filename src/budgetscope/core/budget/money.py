"""The phrases of money: dollars, yen, prices and rates of exchange."""

from budgetscope.core.budget import vocabulary as words
from budgetscope.core.budget.names import DeviceNames
from budgetscope.core.budget.statement import Statement
from budgetscope.core.budget.tokens import Number, quote
from budgetscope.core.errors import UsageError

YEN_PER_USD = 157.25
"""ECB euro reference rates of 2026-10-30: 175.68 yen and 1.1172 dollars a euro."""
YEN_RATE_DATE = "2026-10-30"

_NO_PRICE = "is not a price per device and hour, such as $2.50/h"


class MoneyPhrases(Statement):
    """Reads money, in dollars; yen are converted when the text is read."""

    def __init__(self, text: str, devices: DeviceNames | None) -> None:
        super().__init__(text, devices)
        self.in_yen: list[str] = []

    def _money(self) -> bool:
        """Read dollars or yen with the currency in front: $50k, USD 50k, ¥400/h."""
        reader, start = self.reader, self.reader.position
        negative = reader.accept(("-$",))
        currency = reader.peek().text
        if not negative and not reader.accept(words.CURRENCY):
            return False
        number = reader.read_number()
        if number is None:
            raise reader.refusal(start, f"stops short of a number of {'yen' if currency in words.YEN else 'dollars'}")
        if negative:
            raise reader.refusal(start, "must be above zero")
        if self.names.is_currency(reader.position):
            currency = currency if currency in words.YEN else reader.peek().text
            reader.position += 1
        self._amount(number, start, yen=currency in words.YEN)
        return True

    def _amount(self, number: Number, start: int, *, yen: bool) -> None:
        """State money, or a price if "/h", "per GPU-hour" or "an hour" follows, or a rate of exchange."""
        reader, after_amount = self.reader, self.reader.position
        if not yen and number.value() == 1 and self._yen_of_a_dollar(start):
            return
        joint = reader.peek().text
        if not reader.accept(words.PER):
            self._state_money("usd", number, start, yen=yen)
            return
        if yen and reader.accept(words.DOLLARS):
            self._settle("yen_per_usd", number, start)
            self._state("yen_per_usd", number.value(), start)
            return
        device = None if reader.accept(words.GENERIC) else self.names.read(expected=False)
        while reader.accept(words.PER) or reader.accept(("-",)):
            pass
        if reader.accept(words.HOUR_WORDS):
            if reader.accept(("/", "per")) and not reader.accept(words.GENERIC):
                raise reader.refusal(start, _NO_PRICE)
            self._state_money("price_usd_per_device_hour", number, start, yen=yen)
            if device is not None:
                self._state_device(device)
        elif joint in ("a", "an"):  # "$50k a week" is dollars and a duration
            reader.position = after_amount
            self._state_money("usd", number, start, yen=yen)
        else:
            reader.position += 1
            raise reader.refusal(start, _NO_PRICE)

    def _yen_of_a_dollar(self, start: int) -> bool:
        """Read the yen of "1ドル150円" or "$1 = ¥150", and state them as the rate."""
        reader, before = self.reader, self.reader.position
        reader.accept(("=", ":"))
        mark = reader.accept(words.YEN)
        number = reader.read_number() if reader.peek().kind == "number" else None
        if number is None or not (mark or reader.accept(words.YEN)):
            reader.position = before
            return False
        self._settle("yen_per_usd", number, start)
        self._state("yen_per_usd", number.value(), start)
        return True

    def _state_money(self, name: str, number: Number, start: int, *, yen: bool) -> None:
        self._settle(name, number, start)
        if yen:
            self.in_yen.append(name)
        self._state(name, number.value(), start)

    def _convert_yen(self) -> None:
        """Turn amounts in yen into dollars, to the cent, and say so."""
        values = self.stated.values
        rate = values.pop("yen_per_usd", None)
        if rate is not None and not self.in_yen:
            raise UsageError(f"{self.stated.quoted} gives an exchange rate and no yen; leave the rate out")
        self.stated.spans.pop("yen_per_usd", None)
        for name in self.in_yen:
            yen = values[name]
            values[name] = max(round(yen / (rate or YEN_PER_USD), 2), 0.01)
            source = "as stated" if rate else f"ECB, {YEN_RATE_DATE}; write 'at ¥150/$' for another"
            self._choose(
                f"{quote(self.stated.spans[name])} is ${values[name]:,.12g} at {rate or YEN_PER_USD:g} yen a dollar "
                f"({source})"
            )
