"""The phrases of machines: devices, their number, nodes and device-time."""

from budgetscope.core.budget import vocabulary as words
from budgetscope.core.budget.statement import Statement
from budgetscope.core.budget.tokens import Number, quote
from budgetscope.core.language import _

GPUS_OF_A_DGX = 8
"""NVIDIA's user guides of DGX A100, H100, H200, B200 and B300."""


class MachinePhrases(Statement):
    """Reads devices, their number, and device-time."""

    def _devices(self, number: Number, start: int) -> bool:
        """Read the devices after a number, as a count (64 x H100) or as device-hours (5000 H100-hours)."""
        reader = self.reader
        number, times = self._nodes(number, start)
        while reader.accept(words.TIMES) or reader.accept(("-", "of")):
            times = True
            number = self._product(number, start)
        number, board = self._board(number, start)
        if reader.peek(1).text in words.GENERIC:  # 8 NVIDIA GPUs
            reader.accept(words.VENDORS)
        is_numeral = reader.peek().kind == "number"
        device = None if reader.peek().text in words.GENERIC else self.names.read(expected=True)
        if device is None and reader.peek().text not in words.GENERIC:
            if times or board:
                stops_short = reader.peek().kind == "end"
                reader.position += 1
                raise reader.refusal(start, "stops short of a device" if stops_short else "is not understood")
            return False
        if is_numeral and reader.glued(reader.position):  # 4090s
            reader.accept(("s",))
        reader.accept(words.GENERIC)
        self._count_or_time(number, start, is_numeral=is_numeral)
        if device is not None:
            self._state_device(device)
        return True

    def _count_or_time(self, number: Number, start: int, *, is_numeral: bool) -> None:
        """State a number of devices, or device-hours if a unit of time follows them."""
        reader = self.reader
        hyphens = int(reader.peek().text == "-")
        unit = reader.peek(hyphens).text
        if unit not in words.DURATION_UNITS or (not hyphens and unit in "dsw"):
            self._settle("n_devices", number, start)
            self._state("n_devices", number.value(), start)
            return
        reader.position += hyphens + 1
        if not hyphens and (is_numeral or (unit in words.SINGULAR_TIMES and number.value() != 1)):
            devices, one = reader.span(start).rsplit(maxsplit=1)[0], unit.removesuffix("s")
            raise reader.refusal(
                start, f"may be device-time or a duration; write {devices}-{one}s, or {devices} for 1 {one}"
            )
        numerator, denominator = words.DURATION_UNITS[unit]
        self._settle("device_hours", number, start)
        self._state("device_hours", number.value() * numerator / denominator, start)

    def _product(self, number: Number, start: int) -> Number:
        """Read the second factor of "2 x 8 H100", if it is one."""
        reader, before = self.reader, self.reader.position
        if reader.peek().kind != "number" or self.names.read(expected=True) is not None:  # 2x4090
            reader.position = before
            return number
        if reader.peek(1).text in ("gb", "g", "gib"):  # 8x 80GB of something unknown
            return number
        factor = reader.read_number()
        if factor is None or not (reader.peek().kind in ("word", "times") or reader.peek().text == "-"):
            reader.position = before
            return number
        if reader.peek().text in words.DURATION_UNITS:
            reader.position = before
            return number
        product = number.times(factor)
        read = _("{text} is read as {n} devices")
        self._choose(read.format(text=quote(reader.span(start)), n=f"{product.value():,.12g}"))
        return product

    def _board(self, number: Number, start: int) -> tuple[Number, bool]:
        """Read DGX, a node of 8 GPUs, before a device."""
        reader = self.reader
        board = reader.peek().text
        if board not in words.BOARDS or reader.peek(1).kind != "word":
            return number, False
        product = number.times(Number(str(GPUS_OF_A_DGX)))
        reader.position += 1
        read = _("{text} is read as {n} GPUs: a DGX has {each}")
        number_of = f"{product.value():,.12g}"
        self._choose(read.format(text=quote(reader.span(start)), n=number_of, each=GPUS_OF_A_DGX))
        return product, True

    def _nodes(self, number: Number, start: int) -> tuple[Number, bool]:
        """Read "nodes of 8" or "nodes x 8"; return the number of devices, and whether there were nodes."""
        reader = self.reader
        if not reader.accept(words.NODES):
            return number, False
        after_nodes = reader.position
        while reader.accept(words.TIMES) or reader.accept(("-", "of", "with", "each", "having", "(", ",", "a", "and")):
            pass
        if reader.peek().text in words.BOARDS:
            return number, False
        each = None if reader.peek(1).text in words.DURATION_UNITS else reader.read_number()
        if each is None:
            reader.position = max(after_nodes, reader.position - 1)
            raise reader.refusal(start, "does not say how many devices a node has; write 2 nodes of 8 H100")
        return number.times(each), True

    def _numeral_device(self) -> bool:
        """Read a device whose name begins with digits, as in "$50k on 4090"; not "on 4090 H100"."""
        reader, before = self.reader, self.reader.position
        if reader.peek().kind != "number" or reader.at(before - 1).text not in ("on", "using"):
            return False
        device = self.names.read(expected=True)
        if device is not None:
            if reader.glued(reader.position):  # 4090s
                reader.accept(("s",))
            following = reader.peek()
            if following.kind in ("end", "number") or following.text in words.FILLERS:
                self._state_device(device)
                self.last = "device"
                return True
        reader.position = before
        return False

    def _named_device(self) -> bool:
        """Read a device without a number in front: on H100, H100 x 64, DGX H100."""
        reader, start = self.reader, self.reader.position
        before = reader.at(start - 1).text
        count, is_board = self._board(Number("1", plain=False), start)
        device = self.names.read(expected=is_board or before in ("on", "using"))
        if device is None:
            if is_board:
                self._refuse_word(start)
            return False
        self._state_device(device)
        self.last = "device"
        has_count = is_board and count.value() != 1
        if reader.peek().text in words.TIMES:
            after_name = reader.position
            reader.position += 1
            number = reader.read_number()
            if number is None:
                raise reader.refusal(start, "stops short of a number of devices")
            if self.names.is_currency(reader.position) or reader.peek().text in words.PERCENT:
                reader.position += 1
                raise reader.refusal(start, "is not understood")
            if reader.peek().text in words.DURATION_UNITS:  # H100 x 14 days
                reader.position = after_name + 1
            else:
                count, has_count = count.times(number) if has_count else number, True
        if has_count:
            self._settle("n_devices", count, start)
            self._state("n_devices", count.value(), start)
        return True
