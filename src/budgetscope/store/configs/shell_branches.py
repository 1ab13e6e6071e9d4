"""Branches of a shell script, chosen where their condition is known before the script runs."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

Words = Callable[[str], tuple[str, ...]]
_HEAD = re.compile(r"(if|elif|then|else|do|while|until|for|case|\{|\()(?:\s+|$)(.*)", re.DOTALL)
_ENDS = frozenset(("fi", "done", "esac", "}", ")"))
_TEST = re.compile(r"\[\[?\s+(.*?)\s+\]\]?", re.DOTALL)
_SETS = re.compile(r"(?:(?:export|local|declare)\s+)?[A-Za-z_]\w*\+?=|.*\s--\w", re.DOTALL)
_WHOLE = {
    "-eq": lambda a, b: a == b, "-ne": lambda a, b: a != b, "-gt": lambda a, b: a > b,
    "-ge": lambda a, b: a >= b, "-lt": lambda a, b: a < b, "-le": lambda a, b: a <= b,
}  # fmt: skip


@dataclass(slots=True)
class _Open:
    """An `if` or `case` that has not ended.

    Attributes:
        counts: whether its present branch is taken.
        is_known: whether that is certain.
        taken: whether one has been.
        subject: of a `case`; None for an `if`.
        patterns: of a `case`, those of the branch that is about to start; None within a branch.
    """

    counts: bool
    taken: bool
    is_known: bool = True
    subject: str | None = None
    patterns: list[str] | None = field(default_factory=list)


class Branches:
    """Follows `if` and `case`, and tests before `&&` and `||`, from command to command.

    Attributes:
        is_ambiguous: whether a branch was left out that sets something, since its condition is not known.
    """

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._skips = self._doubts = False
        self.is_ambiguous = False

    def body(self, command: str, operator: str, words: Words) -> str:
        """Return what of a command is to be read: nothing in a branch that is not taken, or of a keyword.

        Args:
            command: without blanks around it.
            operator: that ends it.
            words: expands a text.
        """
        skipped, self._skips = self._skips, False
        doubts, self._doubts = self._doubts, False
        last = self._open[-1] if self._open else None
        if last is not None and last.patterns is not None and last.subject is not None and command != "esac":
            command = self._branch(last, last.patterns, command)
        found = _HEAD.fullmatch(command)
        keyword, rest = (found[1], found[2].strip()) if found else ("", command)
        if not found and (command.split(maxsplit=1) or [""])[0] in _ENDS:
            self._end(command)
        elif keyword in ("if", "elif", "else"):
            rest = self._if(keyword, rest, words)
        elif keyword == "case":
            return self._case(rest, operator, words)
        elif keyword not in ("for", "while", "until"):
            if (doubts or not all(each.is_known for each in self._open)) and _SETS.match(rest):
                self.is_ambiguous = True
            rest = self._test(rest, operator, words) if self._takes() and not skipped else ""
            self._next(operator)
            return rest
        self._next(operator)
        return rest if keyword == "else" and self._takes() else ""

    def _next(self, operator: str) -> None:
        if operator == ";;" and self._open:
            self._open[-1].counts, self._open[-1].patterns = False, []

    def _end(self, command: str) -> None:
        if command.startswith(("fi", "esac")) and self._open:
            self._open.pop()

    def _if(self, keyword: str, rest: str, words: Words) -> str:
        """Start a branch; return what stands behind `else`."""
        last = _Open(counts=False, taken=False)
        if keyword != "if":
            if not self._open:
                return rest
            last = self._open.pop()
        if keyword == "else":
            self._open.append(_Open(self._takes() and not last.taken, taken=True, is_known=last.is_known))
            return rest
        holds = self._holds(rest, words) if self._takes() and not last.taken else False
        self._open.append(_Open(bool(holds), last.taken or bool(holds), last.is_known and holds is not None))
        return ""

    def _case(self, rest: str, operator: str, words: Words) -> str:
        """Start a `case`; return what is to be read of its first line."""
        subject, _, more = re.sub(r"\s+", " ", rest).partition(" in")
        text = " ".join(words(subject))
        self._open.append(_Open(counts=False, taken=not self._takes(), is_known=bool(text), subject=text))
        return self.body(more.strip(), operator, words) if more.strip() else ""

    def _branch(self, case: _Open, patterns: list[str], command: str) -> str:
        """Read the patterns of a branch; return what stands behind them."""
        pattern, closed, rest = command.partition(")")
        patterns.append(pattern.strip(" (\"'"))
        if not closed:
            return ""
        case.counts = not case.taken and any(fnmatchcase(case.subject or "", each) for each in patterns if each)
        case.taken = case.taken or case.counts
        case.patterns = None
        return rest.strip()

    def _test(self, command: str, operator: str, words: Words) -> str:
        """Return a command, or nothing if it is a test on which the next command depends."""
        inner = _TEST.fullmatch(command)
        if inner is None or operator not in ("&&", "||"):
            return command
        holds = self._holds(command, words)
        self._doubts = holds is None
        self._skips = not holds if operator == "&&" else bool(holds)
        return ""

    def _takes(self) -> bool:
        return all(each.counts for each in self._open)

    def _holds(self, condition: str, words: Words) -> bool | None:
        inner = _TEST.fullmatch(condition)
        return None if inner is None else _test(words(inner[1]))


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
            return len(left) < 20 and len(right) < 20 and bool(_WHOLE[sign](int(left), int(right)))
        case _:
            return None
