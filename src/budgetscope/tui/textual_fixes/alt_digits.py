"""Alt with a digit arrives as such.

Upstream: no issue known. Textual takes Escape and a digit, as terminals send Alt with a digit, for what one terminal of
one system types with Option: Alt-2 becomes a trade mark sign, and so does Escape with a 2 soon after it.
Delete when `test_textual_takes_alt_with_a_digit_for_a_sign` in `tests/tui/test_textual_fixes.py` fails.
"""

from dataclasses import dataclass
from typing import cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS


@dataclass(frozen=True, slots=True)
class AltDigit:
    """A key of Textual's table, which reads its name from `value`."""

    value: str


SEQUENCES = {f"\x1b{digit}": AltDigit(f"alt+{digit}") for digit in range(10)}


def read_alt_digits() -> None:
    """Let Textual read these sequences as Alt with a digit, which is no text."""
    # Declared as a mapping that nobody changes; it is a dict.
    table = cast("dict[str, object]", ANSI_SEQUENCES_KEYS)
    table.update({sequence: (key,) for sequence, key in SEQUENCES.items()})
