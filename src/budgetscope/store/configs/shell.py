"""Shell scripts read statically: variables, arrays, defaults and arithmetic become words; nothing is executed."""

import itertools
import re
from collections.abc import Iterator

from budgetscope.core.errors import UsageError
from budgetscope.store.configs.arithmetic import shell_arithmetic
from budgetscope.store.configs.cells import UNKNOWN
from budgetscope.store.configs.shell_branches import Branches
from budgetscope.store.configs.shell_text import closing, commands

MAX_TEXT = 2**16
"""Characters of a value after expansion."""
_MAX_EXPANSIONS = 100_000
_MAX_DEPTH = 40
_MAX_LEVEL = 4
_SHELLS = frozenset(("bash", "sh", "zsh", "/bin/bash", "/bin/sh"))
_ASSIGNMENT = re.compile(r"(?:(?:export|readonly|local|declare(?:\s+-\w+)*)\s+)?([A-Za-z_]\w*)(\+?=)")
_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]")
_DEFAULT = re.compile(r"([A-Za-z_]\w*|[0-9]+)(:?[-=+?])(.*)", re.DOTALL)
_ARRAY = re.compile(r"([A-Za-z_]\w*)\[[@*]\]")
_NODES = re.compile(r"(?m)^#SBATCH\s+(?:--nodes[= ]|-N\s*)([0-9]{1,6})\b")
_REDIRECTION = re.compile(r"[0-9&]?(>|<)")

Words = tuple[str, ...]


class Script:
    """A script, read from its first to its last line.

    Args:
        text: of the script.
        file: its name, for refusals.

    Attributes:
        commands: the words of each command, variables replaced; `UNKNOWN` stands for what is known only
            when the script runs.
        is_ambiguous: whether a branch depends on what is not known.
    """

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._variables: dict[str, Words] = {}
        nodes = _NODES.search(text)
        if nodes:
            # Slurm sets them before the script runs.
            self._variables |= dict.fromkeys(("SLURM_NNODES", "SLURM_JOB_NUM_NODES"), (nodes[1],))
        self._expansions = self._depth = self._level = 0
        self.commands: list[Words] = []
        self.is_ambiguous = False
        self._read(text)

    def _read(self, text: str) -> None:
        branches = Branches()
        # A continued line is one line; a comment has no continuation.
        joined = re.sub(r"(?m)^(?!\s*#)(.*)\\$\n", r"\1 ", text.replace("\r\n", "\n"))
        for command, operator in commands(joined):
            body = branches.body(command.strip(), operator, self._known_words)
            if body:
                self._command(body)
        self.is_ambiguous |= branches.is_ambiguous

    def _known_words(self, condition: str) -> Words:
        return tuple(word.replace(UNKNOWN, "") for word in self._words(condition))

    def _command(self, command: str) -> None:
        place = 0
        while found := _ASSIGNMENT.match(command, place):
            place = self._assign(found[1], found[2], command, found.end())
            while place < len(command) and command[place] in " \t":
                place += 1
        words = tuple(itertools.takewhile(lambda word: not _REDIRECTION.match(word), self._words(command[place:])))
        inner = _inner(words)
        if inner:
            self._nested(inner)
        elif words and words[0] not in ("export", "set", "echo", ":"):
            self.commands.append(words)

    def _nested(self, text: str) -> None:
        """Read a text that the script hands to a shell, variables replaced."""
        if self._level >= _MAX_LEVEL:
            raise UsageError(f"{self._file} starts shells in shells in shells; it starts no training.")
        self._level += 1
        self._read(text)
        self._level -= 1

    def _assign(self, name: str, sign: str, command: str, place: int) -> int:
        """Set a variable; return the place after its value."""
        before = self._variables.get(name, ()) if sign == "+=" else ()
        if command[place : place + 1] == "(":
            end = closing(command, place)
            inner = re.sub(r"(?m)(^|\s)#.*$", " ", command[place + 1 : end - 1])
            self._set(name, (*before, *self._words(inner)))
            return end
        end = _word_end(command, place)
        value = "".join(self._pieces(command[place:end], split=False))
        self._set(name, ("".join((*before, value)),))
        return end

    def _set(self, name: str, words: Words) -> None:
        if sum(map(len, words)) > MAX_TEXT:
            raise UsageError(f"{self._file} makes a variable of over {MAX_TEXT:,} characters; it starts no training.")
        self._variables[name] = words

    def _words(self, text: str) -> Iterator[str]:
        """Yield the words of a text, with expansions."""
        place = 0
        while place < len(text):
            if text[place] in " \t\n\r":
                place += 1
                continue
            end = _word_end(text, place)
            array = (
                _ARRAY.fullmatch(text[place:end].strip('"')[2:-1]) if text[place:end].strip('"')[:2] == "${" else None
            )
            if array:
                yield from self._variables.get(array[1], ())
            else:
                pieces = self._pieces(text[place:end], split=True)
                yield from _joined(pieces, quoted=text[place] in "'\"")
            place = end

    def _pieces(self, word: str, *, split: bool, quoted: bool = False) -> list[str]:
        """Return the pieces of a word, with expansions.

        Args:
            word: as it is written.
            split: whether blanks of an expansion part it into words; each becomes a null character.
            quoted: whether it stands in double quotes, where only expansions and a few escapes count.
        """
        self._expansions += 1
        if self._expansions > _MAX_EXPANSIONS or self._depth >= _MAX_DEPTH:
            raise UsageError(f"{self._file} expands too far; it starts no training.")
        self._depth += 1
        pieces: list[str] = []
        place = 0
        while place < len(word):
            found, end = self._piece(word, place, quoted=quoted)
            bare = split and word[place] == "$"
            pieces += [re.sub(r"\s+", "\0", each) if bare else each for each in found]
            place = max(end, place + 1)
        self._depth -= 1
        if sum(map(len, pieces)) > MAX_TEXT:
            raise UsageError(f"{self._file} makes a word of over {MAX_TEXT:,} characters; it starts no training.")
        return pieces

    def _piece(self, word: str, place: int, *, quoted: bool) -> tuple[list[str], int]:
        """Return the pieces that start at a place of a word, and the place after them."""
        sign = word[place]
        if sign == "$":
            value, end = self._expanded(word, place)
            return [value], end
        if sign == "`":
            return [UNKNOWN], closing(word, place)
        if sign == "\\" and place + 1 < len(word) and (not quoted or word[place + 1] in '$`"\\'):
            return [word[place + 1]], place + 2
        if sign in "'\"" and not quoted:
            end = closing(word, place)
            inner = word[place + 1 : max(end - 1, place + 1)]
            return [inner] if sign == "'" else self._pieces(inner, split=False, quoted=True), end
        return [sign], place + 1

    def _expanded(self, word: str, place: int) -> tuple[str, int]:
        """Return the value of `$...` at a place, and the place after it."""
        rest = word[place + 1 :]
        if rest.startswith("(("):
            end = closing(word, place + 1)
            inner = "".join(self._pieces(word[place + 3 : end - 2], split=False))
            inner = re.sub(r"\b[A-Za-z_]\w*", lambda found: self._value(found[0]), inner)
            return shell_arithmetic(inner) or UNKNOWN, end
        if rest.startswith("("):
            return UNKNOWN, closing(word, place + 1)
        if rest.startswith("{"):
            end = closing(word, place + 1)
            return self._braced(word[place + 2 : end - 1]), end
        found = _NAME.match(rest)
        return (self._value(found[0]), place + 1 + found.end()) if found else ("$", place + 1)

    def _braced(self, inner: str) -> str:
        array = _ARRAY.fullmatch(inner)
        if array:
            return " ".join(self._variables.get(array[1], ()))
        found = _DEFAULT.fullmatch(inner)
        if not found:
            return self._value(inner)
        name, sign, other = found[1], found[2][-1], found[3]
        value = self._value(name).replace(UNKNOWN, "")
        if sign == "+":
            return "".join(self._pieces(other, split=False)) if value else ""
        if value or sign == "?":
            return value or UNKNOWN
        value = "".join(self._pieces(other, split=False))
        if sign == "=":
            self._set(name, (value,))
        return value

    def _value(self, name: str) -> str:
        return " ".join(self._variables[name]) if name in self._variables else UNKNOWN


def _inner(words: Words) -> str:
    """Return the text that a command hands to a shell, by `eval` or `bash -c`; empty where it does not."""
    if words[:1] == ("eval",):
        return " ".join(words[1:])
    for place, word in enumerate(words[:-2]):
        if word in _SHELLS and words[place + 1].startswith("-") and words[place + 1].endswith("c"):
            return words[place + 2]
    return ""


def _word_end(text: str, place: int) -> int:
    while place < len(text) and text[place] not in " \t\n\r":
        if text[place] in "'\"`":
            place = closing(text, place)
        elif text[place] == "$" and text[place + 1 : place + 2] in ("(", "{"):
            place = closing(text, place + 1)
        else:
            place += 2 if text[place] == "\\" else 1
    return min(place, len(text))


def _joined(pieces: list[str], *, quoted: bool) -> Iterator[str]:
    text = "".join(pieces)
    parts = [part for part in text.split("\0") if part]
    yield from parts or ([""] if quoted else [])
