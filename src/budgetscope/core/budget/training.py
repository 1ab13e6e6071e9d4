"""The phrases of a training run: parameters, tokens, a loss, a context, epochs, a precision."""

from dataclasses import dataclass

from budgetscope.core.budget import vocabulary as words
from budgetscope.core.budget.names import DeviceNames
from budgetscope.core.budget.statement import Statement
from budgetscope.core.budget.tokens import Number, quote
from budgetscope.core.errors import UsageError
from budgetscope.core.language import N_, _
from budgetscope.core.printable import printable

SMALLEST_BARE_FLOPS = 1e12
"""A number without a unit is read as FLOPs from here on, and is refused below."""

MAX_ECHOED_CHARS = 20
"""Longest number that an error message repeats in its remedy."""

_ALMOST_NUMBERS = frozenset(("nan", "inf", "infinity"))
_ARTICLES = frozenset(
    ("the", "our", "my", "a", "an", "of", "size", "is", "with", "about", "around", "=", ":", "single")
)


@dataclass(frozen=True)
class _Bare:
    """A number such as 7B without a unit, whose meaning the rest of the text decides."""

    number: Number
    start: int
    end: int
    is_size: bool
    is_tokens: bool


class TrainingPhrases(Statement):
    """Reads what is trained, and numbers without a unit."""

    def __init__(self, text: str, devices: DeviceNames | None) -> None:
        super().__init__(text, devices)
        self.bare: list[_Bare] = []

    def _keyed(self) -> bool:
        """Read a name and its value: N=7B, loss 2.6, MFU of 40%, sequence length 4096."""
        reader, start = self.reader, self.reader.position
        word = reader.peek().text
        name = words.KEYS.get(word)
        if reader.peek(1).text in ("=", ":"):
            name = name or words.EQUALS_KEYS.get(word)
        if name is None:
            return False
        reader.position += 1
        if name == "seq_len":
            while reader.accept(("length", "len", "window", "size", "-")):
                pass
        while reader.accept(("=", ":", "of")):
            pass
        number = reader.read_number()
        if number is None:
            almost = reader.accept(_ALMOST_NUMBERS)
            raise reader.refusal(start, "is not a finite number" if almost else "stops short of a number")
        value = reader.read_flops(number, start) if name == "flops" else None
        power = 0
        unit = reader.peek().text
        if name == "mfu" and reader.accept(words.PERCENT):
            power = -2
        elif name == "seq_len" or words.KEYS.get(unit) == name or (name == "loss" and unit == "nats"):
            reader.accept(words.TOKENS if name == "seq_len" else (unit,))
        self._settle(name, number, start)
        if name == "seq_len":
            self._sequence(number, start)
        else:
            self._state(name, number.value(power) if value is None else value, start)
        self._before_decay(name)
        return True

    def _before_decay(self, name: str) -> None:
        """Read that a loss is meant before the decay: "before decay", "at constant rate"."""
        if name != "loss":
            return
        ahead = [self.reader.peek(place).text for place in range(4)]
        for phrase in words.BEFORE_DECAY:
            if ahead[: len(phrase)] == list(phrase):
                self.reader.position += len(phrase)
                self.stated.before_decay = True
                return

    def _sequence(self, number: Number, start: int) -> None:
        """State a sequence length; K is 1024 there, as in the names of models with a context of 128K."""
        self._settle("seq_len", number, start)
        value = number.value()
        if number.scale == "k":
            value = number.value(-3) * 1024
            read = _("{text} is read as {n} tokens a sequence")
            self._choose(read.format(text=quote(self.reader.span(start)), n=f"{value:,.12g}"))
        if not value.is_integer():
            raise self.reader.refusal(start, "is no whole number of tokens a sequence")
        self._state("seq_len", value, start)

    def _of_training(self, number: Number, start: int) -> bool:
        """Read a unit of the training run: parameters, tokens, a loss, a context, epochs, an MFU without %."""
        reader = self.reader
        before = reader.position
        unit = reader.peek().text
        is_unique = reader.accept(("unique", "distinct"))
        if is_unique and reader.peek().text not in words.TOKENS:
            reader.position = before
            return False
        if reader.accept(words.TOKENS):
            return self._tokens(number, start, is_unique=is_unique)
        names = (
            (words.MFU_WORDS, "mfu"),
            (words.PARAMS, "n_params"),
            (words.LOSSES, "loss"),
            (words.SEQ_WORDS, "seq_len"),
            (words.EPOCHS, "epochs"),
        )
        name = next((name for units, name in names if unit in units), None)
        if unit in words.MODELS and (number.scale in words.LARGE_SCALES or self._is_upper_m(number)):
            name = "n_params"
        if name is None:
            return False
        reader.position += 1
        if name == "seq_len":
            while reader.accept(("length", "len", "window", "-")):
                pass
            self._sequence(number, start)
            return True
        if name == "n_params" and self._is_bound(start):
            name = "max_params"
        self._settle(name, number, start)
        self._state(name, number.value(), start)
        if name == "epochs" and reader.peek().text in ("of", "over", "on"):
            self._unique_after_epochs()
        return True

    def _is_bound(self, start: int, *others: str) -> bool:
        """Return whether the words before a number make it an upper bound: max, at most, up to, under, less than."""
        word, before = (self.reader.at(place).text if place >= 0 else "" for place in (start - 1, start - 2))
        return word in words.BOUNDS or word in others or (before, word) in words.BOUND_PAIRS

    def _unique_after_epochs(self) -> None:
        """Read the tokens of "4 epochs of 100B tokens", which are unique ones."""
        reader, before = self.reader, self.reader.position
        reader.position += 1
        start = reader.position
        number = reader.read_number()
        if number is None or not (reader.accept(("unique", "distinct")) or True) or not reader.accept(words.TOKENS):
            reader.position = before
            return
        self._settle("unique_tokens", number, start)
        self._state("unique_tokens", number.value(), start)
        read = _("{text} are read as the unique tokens of each epoch")
        self._choose(read.format(text=quote(reader.span(start))))

    def _tokens(self, number: Number, start: int, *, is_unique: bool) -> bool:
        """State tokens; refuse a rate of tokens, such as tokens/s."""
        reader = self.reader
        joint, per = reader.peek().text, reader.peek(1).text
        if joint in ("/", "per") or (joint in ("a", "an", "each") and per in words.SINGULAR_TIMES):
            reader.position += 2
            is_throughput = per in words.DURATION_UNITS
            raise reader.refusal(
                start,
                words.KNOWN_BUT_REFUSED["tps"] if is_throughput else "is a ratio, not an amount; give N, D or a budget",
            )
        hyphen = int(joint == "-")
        if reader.peek(hyphen).text in words.SEQ_WORDS:  # 8k-token context
            reader.position += hyphen + 1
            while reader.accept(("length", "len", "window", "-")):
                pass
            self._sequence(number, start)
            return True
        name = "unique_tokens" if is_unique else "tokens"
        if not is_unique and self._is_bound(start, "only", "just"):
            written = reader.span(start).removesuffix("tokens").strip()
            raise reader.refusal(
                start,
                f"may be the tokens to train on or the text that there is; write D={printable(written)}, or "
                f"{printable(written)} unique tokens",
            )
        self._settle(name, number, start)
        self._state(name, number.value(), start)
        return True

    def _precision(self) -> bool:
        reader = self.reader
        precision = words.PRECISION_WORDS.get(reader.peek().text)
        if precision is None:
            return False
        stated = self.stated
        if stated.precision not in (None, precision):
            raise UsageError(f"{stated.quoted} gives two precisions, {stated.precision} and {precision}; keep one")
        reader.position += 1
        while reader.accept(("mixed", "precision", "-")):
            pass
        stated.precision = stated.spans["precision"] = precision
        return True

    def _unit_less(self, number: Number, start: int) -> None:
        """Read a number without a unit: FLOPs, or a number such as 7B that the rest of the text explains.

        Raises:
            UsageError: it has no meaning here.
        """
        reader = self.reader
        if reader.at(start).text in ("a", "an") and reader.position == start + 1:  # a budget of
            return
        value = reader.positive(number.value(), start)
        following = reader.peek()
        if following.kind == "word" and not self._is_known(following.text):
            reader.position += 1
            raise reader.refusal(start, "is not understood")
        if number.plain and value >= SMALLEST_BARE_FLOPS:
            self._settle("flops", number, start)
            self._state("flops", value, start)
            return
        if number.scale not in words.LARGE_SCALES and number.scale != "m":
            raise self._no_unit(number, start)
        fits = number.scale in words.LARGE_SCALES or self._is_upper_m(number)
        self.bare.append(
            _Bare(
                number,
                start,
                reader.position,
                is_size=fits and (self._follows_training(start) or following.text == "on"),
                is_tokens=fits and reader.at(start - 1).text == "on",
            )
        )

    @staticmethod
    def _is_known(word: str) -> bool:
        known = (
            words.FILLERS,
            words.KEYS,
            words.EQUALS_KEYS,
            words.PRECISION_WORDS,
            words.KNOWN_BUT_REFUSED,
            words.CURRENCY,
        )
        return any(word in table for table in (*known, words.NUMBER_WORDS, words.MODELS, words.BOARDS, words.TIMES))

    def _is_upper_m(self, number: Number) -> bool:
        """Return whether the scale of the number just read is a capital M, so that it is not minutes."""
        token = self.reader.at(self.reader.position - 1)
        if token.text == "-":
            token = self.reader.at(self.reader.position - 2)
        return number.scale == "m" and self.reader.text[token.start : token.end] == "M"

    def _follows_training(self, start: int) -> bool:
        """Return whether "train", "model of" or the like stands before the token at `start`."""
        reader, index = self.reader, start - 1
        while reader.at(index).text in _ARTICLES:
            if reader.at(index).text == "size":
                return True
            index -= 1
        return reader.at(index).text in words.TRAIN or reader.at(index).text in words.MODELS

    def _no_unit(self, number: Number, start: int) -> UsageError:
        written = self.reader.span(start)
        if number.scale == "m":
            return self.reader.refusal(start, f"could be {words.AMBIGUOUS_M}")
        digits = written[next((i for i, c in enumerate(written) if c.isdigit()), len(written)) :]
        shown = printable(digits) if digits and len(digits) <= MAX_ECHOED_CHARS else "7"
        remedy = f"N={shown}, {shown} tokens, or FLOPs like 1e21"
        if self.stated.spans:
            mfu = f"{shown}% MFU" if number.value() > 1 else f"MFU {shown}"
            remedy = f"{shown} days, {shown} GPUs or {mfu}"
        return self.reader.refusal(start, f"has no unit; write {remedy}")

    def _resolve_bare(self) -> None:
        """Take numbers such as 7B as parameters or tokens where the rest of the text leaves one reading."""
        reader, values = self.reader, self.stated.values
        for bare in self.bare:
            end, reader.position = reader.position, bare.end
            is_size = bare.is_size or ("tokens" in values and self._fits(bare))
            if "n_params" not in values and is_size:
                name = "n_params"
            elif "n_params" in values and "tokens" not in values and bare.is_tokens:
                name = "tokens"
            else:
                raise self._no_unit(bare.number, bare.start)
            self._settle(name, bare.number, bare.start)
            self._state(name, bare.number.value(), bare.start)
            read = {
                "n_params": N_("{text} is read as a model size"),
                "tokens": N_("{text} is read as a number of tokens"),
            }
            self._choose(_(read[name]).format(text=quote(reader.span(bare.start))))
            reader.position = end

    def _fits(self, bare: _Bare) -> bool:
        return bare.number.scale in words.LARGE_SCALES or self._is_upper_m(bare.number)
