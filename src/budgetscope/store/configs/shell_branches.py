"""Branches of a shell script, chosen where their condition is known before the script runs."""

import re
from collections.abc import Callable

Words = Callable[[str], tuple[str, ...]]
_HEAD = re.compile(r"(if|elif|then|else|do|while|until|for|case|\{|\()(?:\s+|$)(.*)", re.DOTALL)
_ENDS = frozenset(("fi", "done", "esac", "}", ")"))
_WHOLE = {
    "-eq": lambda a, b: a == b, "-ne": lambda a, b: a != b, "-gt": lambda a, b: a > b,
    "-ge": lambda a, b: a >= b, "-lt": lambda a, b: a < b, "-le": lambda a, b: a <= b,
}  # fmt: skip


class Branches:
    """Follows `if`, `elif`, `else` and `fi` from command to command.

    Attributes:
        is_ambiguous: whether a condition was met that is not known: its branch was left out, and its `else` taken.
    """

    def __init__(self) -> None:
        # For each open `if`: whether its present branch counts, and whether one has counted.
        self._open: list[tuple[bool, bool]] = []
        self.is_ambiguous = False

    def body(self, command: str, words: Words) -> str:
        """Return what of a command is to be read: nothing in a branch that is not taken, or of a keyword."""
        found = _HEAD.fullmatch(command)
        keyword, rest = (found[1], found[2].strip()) if found else ("", command)
        if command.split(maxsplit=1)[:1] and command.split(maxsplit=1)[0] in _ENDS:
            if command.startswith("fi") and self._open:
                self._open.pop()
            return ""
        if keyword == "if":
            holds = self._takes() and self._holds(rest, words)
            self._open.append((holds, holds))
            return ""
        if keyword == "elif" and self._open:
            _, taken = self._open.pop()
            holds = self._takes() and not taken and self._holds(rest, words)
            self._open.append((holds, taken or holds))
            return ""
        if keyword == "else" and self._open:
            _, taken = self._open.pop()
            self._open.append((self._takes() and not taken, True))
        elif keyword in ("for", "case", "while", "until"):
            return ""
        return rest if self._takes() else ""

    def _takes(self) -> bool:
        return all(counts for counts, _ in self._open)

    def _holds(self, condition: str, words: Words) -> bool:
        inner = re.fullmatch(r"\[\[?\s+(.*?)\s+\]\]?", condition, re.DOTALL)
        if inner is None:
            self.is_ambiguous = True
            return False
        holds = _test(words(inner[1]))
        if holds is None:
            self.is_ambiguous = True
        return bool(holds)


def _test(words: tuple[str, ...]) -> bool | None:  # noqa: PLR0911 - one for each form of test
    """Return whether a test of known words holds; None where it cannot be told."""
    match words:
        case ("!", *rest):
            holds = _test(tuple(rest))
            return None if holds is None else not holds
        case ("-z", text):
            return text == ""
        case ("-n", text):
            return text != ""
        case ("-z",):
            return True
        case ("-n",):
            return False
        case (left, ("=" | "==" | "!=") as sign, right):
            return (left == right) != (sign == "!=")
        case (left, sign, right) if sign in _WHOLE and left.lstrip("-").isdecimal() and right.lstrip("-").isdecimal():
            return bool(_WHOLE[sign](int(left), int(right)))
        case _:
            return None
