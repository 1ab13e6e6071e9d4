"""The language of labels and sentences: English in the code, others by catalogues of gettext.

Whoever words something calls `_` when it words it: `_("{n} parameters").format(n=...)`. A constant marks its text with
`N_`, and whoever shows it calls `_`. Errors, commands, keys for programs and ids are not translated.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

ENGLISH = "en"
JAPANESE = "ja"
LANGUAGES = (ENGLISH, JAPANESE)


@dataclass(frozen=True, slots=True)
class Language:
    """A language with its catalogue.

    Attributes:
        code: one of `LANGUAGES`.
        one: translates a text.
        many: translates a text with a singular and a plural by a number.
    """

    code: str
    one: Callable[[str], str]
    many: Callable[[str, str, int], str]


_ENGLISH = Language(ENGLISH, str, lambda singular, plural, n: singular if n == 1 else plural)
_current = _ENGLISH


def use(language: Language | None) -> None:
    """Word everything in a language from now on, in the whole process; None is English."""
    global _current  # noqa: PLW0603 - a process speaks one language, as with gettext's own `install`
    _current = language or _ENGLISH


@contextmanager
def within(language: Language | None) -> Iterator[None]:
    """Word in a language within the block; None is English."""
    before = _current
    use(language)
    try:
        yield
    finally:
        use(before)


def in_english() -> AbstractContextManager[None]:
    """Word in English within the block: files for programs are the same in every language."""
    return within(None)


def code() -> str:
    """Return the language in use, one of `LANGUAGES`."""
    return _current.code


def _(text: str) -> str:
    """Return a text in the language in use."""
    return _current.one(text)


def ngettext(singular: str, plural: str, n: int) -> str:
    """Return a text with a number in the language in use."""
    return _current.many(singular, plural, n)


def N_(text: str) -> str:
    """Mark the text of a constant for the catalogue, and return it as it is."""
    return text


def spoken_words(*, always: bool = False) -> tuple[str, ...]:
    """Return the option of a command that names the language in use; none for English, unless `always`.

    Without the option, the settings and the environment of whoever runs the command choose the language.
    """
    return ("--lang", code()) if always or code() != ENGLISH else ()
