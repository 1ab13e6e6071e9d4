"""The phrases of money: dollars, euros, yen, prices and rates of exchange."""

from budgetscope.core.budget import vocabulary as words
from budgetscope.core.budget.exchange import RATE_DATE, USD_PER_EURO, YEN_PER_USD
from budgetscope.core.budget.names import DeviceNames
from budgetscope.core.budget.statement import Statement
from budgetscope.core.budget.tokens import Number, quote
from budgetscope.core.errors import UsageError
from budgetscope.core.language import _

_NO_PRICE = "is not a price per device and hour, such as $2.50/h"


def currency_of(word: str) -> str:
    """Return "dollars", "euros" or "yen" for a word or sign of `words.CURRENCY`."""
    return "yen" if word in words.YEN else "euros" if word in words.EUROS else "dollars"


class MoneyPhrases(Statement):
    """Reads money, in dollars; euros and yen are converted when the text is read."""

    def __init__(self, text: str, devices: DeviceNames | None) -> None:
        super().__init__(text, devices)
        self.foreign: dict[str, str] = {}
        """Currency of each amount that is not in dollars."""

    def _money(self) -> bool:
        """Read an amount with the currency in front: $50k, USD 50k, ¥400/h."""
        reader, start = self.reader, self.reader.position
        negative = reader.accept(words.MINUS)
        currency = currency_of(reader.peek().text)
        if not negative and not reader.accept(words.CURRENCY):
            return False
        number = reader.read_number()
        if number is None:
            raise reader.refusal(start, f"stops short of a number of {currency}")
        if negative:
            raise reader.refusal(start, "must be above zero")
        if self.names.is_currency(reader.position):
            currency = currency_of(reader.peek().text) if currency == "dollars" else currency
            reader.position += 1
        self._amount(number, start, currency=currency)
        return True

    def _amount(self, number: Number, start: int, *, currency: str) -> None:
        """State money, or a price if "/h", "per GPU-hour" or "an hour" follows, or a rate of exchange."""
        reader, after_amount = self.reader, self.reader.position
        if currency == "dollars" and number.value() == 1 and self._yen_of_a_dollar(start):
            return
        joint = reader.peek().text
        if not reader.accept(words.PER):
            self._state_money("usd", number, start, currency=currency)
            return
        if currency == "yen" and reader.accept(words.DOLLARS):
            self._settle("yen_per_usd", number, start)
            self._state("yen_per_usd", number.value(), start)
            return
        device = None if reader.accept(words.GENERIC) else self.names.read(expected=False)
        while reader.accept(words.PER) or reader.accept(("-",)):
            pass
        if reader.accept(words.HOUR_WORDS):
            if reader.accept(("/", "per")) and not reader.accept(words.GENERIC):
                raise reader.refusal(start, _NO_PRICE)
            self._state_money("price_usd_per_device_hour", number, start, currency=currency)
            if device is not None:
                self._state_device(device)
        elif joint in ("a", "an"):  # "$50k a week" is dollars and a duration
            reader.position = after_amount
            self._state_money("usd", number, start, currency=currency)
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

    def _state_money(self, name: str, number: Number, start: int, *, currency: str) -> None:
        self._settle(name, number, start)
        if currency != "dollars":
            self.foreign[name] = currency
        self._state(name, number.value(), start)

    def _convert(self) -> None:
        """Turn amounts in euros and yen into dollars, to the cent, and say so."""
        values = self.stated.values
        stated = values.pop("yen_per_usd", None)
        if stated is not None and "yen" not in self.foreign.values():
            raise UsageError(f"{self.stated.quoted} gives an exchange rate and no yen; leave the rate out")
        self.stated.spans.pop("yen_per_usd", None)
        for name, currency in self.foreign.items():
            if currency == "euros":
                usd = values[name] * USD_PER_EURO
                told = _("{text} is {usd} at {rate} dollars a euro (ECB, {date}; write dollars for another)")
                rate = USD_PER_EURO
            elif stated:
                usd, rate = values[name] / stated, stated
                told = _("{text} is {usd} at {rate} yen a dollar (as stated)")
            else:
                usd, rate = values[name] / YEN_PER_USD, YEN_PER_USD
                told = _("{text} is {usd} at {rate} yen a dollar (ECB, {date}; write 'at ¥150/$' for another)")
            values[name] = max(round(usd, 2), 0.01)
            dollars = f"${values[name]:,.12g}"
            text = quote(self.stated.spans[name])
            self._choose(told.format(text=text, usd=dollars, rate=f"{rate:g}", date=RATE_DATE))
