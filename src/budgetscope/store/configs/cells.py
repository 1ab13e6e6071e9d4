"""Cells: what a configuration writes for a key, and the numbers, switches and names that cells hold."""

import math
import re
import zlib
from collections.abc import Mapping
from typing import NamedTuple

from budgetscope.core.budget.quantities import parse_count, quote
from budgetscope.core.errors import UsageError

Scalar = str | bool | None
"""Numbers stay as they are written: a finding quotes them, and 1e-4 is a text to YAML."""

UNKNOWN = "\1"
"""Stands in a text for what is not known before a script runs, such as the output of a command."""
_NOTHING = frozenset({"", "null", "none", "~", "auto"})
_SWITCHES = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:_[0-9]+)*\.?(?:[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MAX_NUMBER = 400
_MAX_SEARCHED = 1000
"""Characters of a value in which a secret is searched for; no name is longer."""
MAX_SHOWN = 80
"""Characters of a value that are kept as evidence."""
_SECRET_WORDS = frozenset(
    (
        "token", "apikey", "api", "key", "secret", "password", "passwd", "pass", "pwd", "email", "mail",
        "host", "hostname", "user", "username", "credential", "credentials", "auth", "login", "account",
        "entity", "address", "ip",
    )
)  # fmt: skip
_SIZE_OF_KEYS = re.compile(r"key[_-]?(?=value|dim|size|width|length|head)")
_SECRET_VALUE = re.compile(
    r"""[^\s@/]{1,64}@[^\s@/]        # an address, or a name and a password before a host
    |(?<![A-Za-z0-9])(?:hf_|gh[a-z]_|sk-|xox[a-z]-|glpat-|wandb_v1_|npm_|pypi-)[A-Za-z0-9-]{12,}
    |\bgithub_pat_\w{12,}
    |\bAKIA[0-9A-Z]{12,}
    |\bAIza[\w-]{20,}
    |\bya29\.[\w.-]{10,}
    |\beyJ[\w-]{10,}
    |(?i:(?<![a-z])(?:api[_-]?key|key|token|secret|passw(?:or)?d|pwd|auth|login|user(?:name)?)["']?\s*[=:]\s*["']?[^\s"'=])
    |(?i:\bbearer\s+\S)
    |(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w.])        # a host, by number or name
    |(?i:(?<![\w.-])[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|local|internal|lan|corp)\b)(?![\w.])
    |(?i:hooks\.[\w.]+/)
    |\b[0-9a-fA-F]{32,}\b
    |[A-Za-z0-9+]{40,}""",
    re.VERBOSE,
)


class Cell(NamedTuple):
    """What a file writes for a key.

    Attributes:
        file: its name.
        key: as written, with dots between levels.
        value: a number or a name as text, a switch, nothing, or several of these.
    """

    file: str
    key: str
    value: Scalar | tuple[Scalar, ...]


Cells = Mapping[str, Cell]
"""Cells by their key in the one form in which they are looked up, of `plain_key`."""


def plain_key(key: str) -> str:
    """Return the form in which a key is looked up: `--num-layers` and `num_layers` are one."""
    return key.lstrip("-").replace("-", "_").lower()


def cells_of(file: str, values: Mapping[str, Scalar | tuple[Scalar, ...]]) -> dict[str, Cell]:
    """Return the cells of a file's values, without those whose key names a secret, an address or a person."""
    return {plain_key(key): Cell(file, key, value) for key, value in values.items() if not is_secret_key(key)}


def is_nothing(cell: Cell) -> bool:
    """Return whether a cell is empty, or leaves the value to the trainer."""
    value = cell.value
    if isinstance(value, str):
        return value.strip().lower() in _NOTHING or (UNKNOWN in value and "/" not in value)
    return value is None or value == ()


def is_unknown(cell: Cell) -> bool:
    """Return whether a cell has what is known only when a script runs."""
    return isinstance(cell.value, str) and UNKNOWN in cell.value and is_nothing(cell)


def written(cell: Cell) -> str:
    """Return the value of a cell for evidence: short, on one line."""
    value = cell.value
    # More than is shown is not needed of a list.
    text = ", ".join(map(_one, value[:MAX_SHOWN])) if isinstance(value, tuple) else _one(value)
    text = " ".join(text[:_MAX_SEARCHED].split())
    if is_secret_value(text):
        return "…"
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _one(value: Scalar) -> str:
    """Return a value as text: of a path or an address its last part."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if is_secret_value(value):
        return "…"
    return _last_part(value) if "://" in value or value.startswith(("/", "~")) else value


def _last_part(path: str) -> str:
    parts = re.split(r"[?#]", path)[0].replace("\\", "/").rstrip("/").split("/")
    # What stands before `*.npy` names the data, not the pattern.
    return next((part for part in reversed(parts) if part and not set(part) & set("*{}[]")), "")


def number(cell: Cell) -> float:
    """Return the number of a cell.

    Raises:
        UsageError: it is no number, or not finite.
    """
    value = _single(cell)
    if not isinstance(value, str) or not _is_number(value):
        raise _refusal(cell, "is not a number; write one such as 2048 or 3e-4")
    found = float(value)
    if not math.isfinite(found):
        raise _refusal(cell, "is not finite; write a number such as 2048 or 3e-4")
    return found


def _is_number(text: str) -> bool:
    return len(text) <= _MAX_NUMBER and _NUMBER.fullmatch(text.strip()) is not None


def human_number(cell: Cell) -> float:
    """Return the number of a cell that may have a suffix, such as 2.2B.

    Raises:
        UsageError: it is no number, or not finite.
    """
    value = _single(cell)
    if isinstance(value, str) and not _is_number(value):
        try:
            found = parse_count(value)
        except UsageError:
            found = math.nan
        if math.isfinite(found):
            return found
        raise _refusal(cell, "is not a number; write one such as 2.2B or 3e-4")
    return number(cell)


def at_least_zero(cell: Cell, value: float) -> float:
    """Return a number that may be zero.

    Raises:
        UsageError: it is below.
    """
    if value < 0:
        raise _refusal(cell, "is below zero; write zero or more")
    return value


def above_zero(cell: Cell, value: float) -> float:
    """Return a number that may not be zero.

    Raises:
        UsageError: it is not above.
    """
    if value <= 0:
        raise _refusal(cell, "must be above zero; mend it, or leave the key out")
    return value


def whole(cell: Cell, value: float) -> int:
    """Return a number that must be whole, and of a size that a run can have.

    Raises:
        UsageError: it is not.
    """
    if value != math.floor(value) or abs(value) > 1e15:
        raise _refusal(cell, "is not a whole number below 1e15; write one such as 2048")
    return int(value)


def fraction(cell: Cell, value: float) -> float:
    """Return a number from zero to below one.

    Raises:
        UsageError: it is outside.
    """
    if not 0 <= value < 1:
        raise _refusal(cell, "must be at least 0 and below 1; mend it, or leave the key out")
    return value


def switch(cell: Cell) -> bool:
    """Return the switch of a cell.

    Raises:
        UsageError: it is none.
    """
    value = _single(cell)
    if isinstance(value, bool):
        return value
    found = _SWITCHES.get(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        raise _refusal(cell, "is neither true nor false; write one of them")
    return found


def name_in(cell: Cell) -> str | None:
    """Return the name in a cell: of a path or an address its last part; None if it looks like a secret.

    Of several names it is the first with a mark of all of them and of their weights, so that two mixtures that begin
    alike have not the same name.
    """
    value = cell.value
    if not isinstance(value, tuple):
        return _name(value)
    # Weights may stand before the data that they weigh.
    names = [_name(each) for each in value if isinstance(each, str) and not _is_number(each)]
    first = next((name for name in names if name), None)
    if first is None or len(set(names)) < 2:
        return first
    parts = [each if isinstance(each, str) and _is_number(each) else _name(each) or "" for each in value]
    mark = zlib.crc32("\n".join(parts).encode("utf-8", "replace"))
    return f"{first} + {len(names) - 1} ({mark:08x})"


def _name(value: Scalar) -> str | None:
    if not isinstance(value, str):
        return None
    text = " ".join(value.split())
    if is_secret_value(text):
        return None
    if "://" in text or text.startswith(("/", "~", ".", "\\")) or text.count("/") > 1 or set(text) & {"\\", UNKNOWN}:
        text = _last_part(text)
    return None if UNKNOWN in text else text[:MAX_SHOWN] or None


def is_secret_key(key: str) -> bool:
    """Return whether a key names a secret, an address or a person; the keys that are read are none of them."""
    words = _SIZE_OF_KEYS.sub("k", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower())
    return not _SECRET_WORDS.isdisjoint(re.split(r"[^a-z]+", words))


def is_secret_value(text: str) -> bool:
    """Return whether a text looks like a secret or an address, or is too long to tell."""
    return len(text) > _MAX_SEARCHED or _SECRET_VALUE.search(text) is not None


_SAID = re.compile(r"(?<![\w.-])(--?[A-Za-z][\w.-]*|[A-Za-z_]\w*)(\s*=\s*|\s+)(\"[^\"]*\"|'[^']*'|[^\s\"'-][^\s]*)")


def without_secrets(text: str) -> str:
    """Return a command line with three dots for the values of keys that name secrets and for what looks like one."""

    def hidden(found: re.Match[str]) -> str:
        # A word after another is its value only if the first is a flag.
        is_value = found[1].startswith("-") or "=" in found[2]
        return f"{found[1]}{found[2]}…" if is_value and is_secret_key(found[1]) else found[0]

    return _SECRET_WORD.sub(lambda found: "…" if is_secret_value(found[0]) else found[0], _SAID.sub(hidden, text))


_SECRET_WORD = re.compile(r"[^\s=\"']+")


def _single(cell: Cell) -> Scalar:
    if isinstance(cell.value, tuple) and len(cell.value) == 1:
        return cell.value[0]
    return None if isinstance(cell.value, tuple) else cell.value


def _refusal(cell: Cell, reason: str) -> UsageError:
    return UsageError(f"{quote(cell.key)} in {cell.file} is {quote(written(cell))}, which {reason}.")
