"""The language of a session: the flag, else the user's setting, else the environment's, else English."""

import os
from contextlib import AbstractContextManager, nullcontext

from budgetscope.core.budget.tokens import quote
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.language import ENGLISH, JAPANESE, LANGUAGES, Language, use, within


def use_language(flag: str | None = None) -> str:
    """Word everything in a language from now on, and return its code.

    Args:
        flag: the language of `--lang`; None follows the user's setting, else the environment, else is English.

    Raises:
        UsageError: there is no such language.
        FailureError: the settings name no such language, or its catalogue is missing.
    """
    code = _of_user() if flag is None else parse_language(flag)
    use(_read(code))
    return code


def in_language(text: str | None) -> AbstractContextManager[None]:
    """Word in a language within the block; None keeps the one in use.

    Raises:
        UsageError: there is no such language.
        FailureError: its catalogue is missing.
    """
    return nullcontext() if text is None else within(_read(parse_language(text)))


def _read(code: str) -> Language | None:
    """Return the language of a code; None for English."""
    if code == ENGLISH:
        return None
    from budgetscope.store.catalogues import read_language  # noqa: PLC0415 - English needs no gettext

    return read_language(code)


def parse_language(text: str) -> str:
    """Return the code of a language, such as ja, Ja or ja-JP.

    Raises:
        UsageError: there is no such language.
    """
    code = text.strip().lower().replace("_", "-").partition("-")[0]
    if code not in LANGUAGES:
        raise UsageError(f"{quote(text)} is not a language here; choose one of {', '.join(LANGUAGES)}.")
    return code


def set_language(text: str | None) -> str:
    """Store the language as the user's setting, and return its file; None follows the environment again.

    Raises:
        UsageError: there is no such language.
        FailureError: the settings cannot be read or written.
    """
    from dataclasses import replace  # noqa: PLC0415

    from budgetscope.store.settings import read_settings, write_settings  # noqa: PLC0415

    language = None if text is None else parse_language(text)
    return str(write_settings(replace(read_settings(), language=language)))


def _of_user() -> str:
    """Return the language of the settings, else of the environment."""
    from budgetscope.store.settings import read_settings  # noqa: PLC0415

    try:
        chosen = read_settings().language
    except FailureError:
        # A command that needs the settings tells what is wrong with them.
        chosen = None
    if chosen is None:
        return _of_environment()
    try:
        return parse_language(chosen)
    except UsageError:
        raise FailureError(
            f"the settings name {quote(chosen)} as the language, which is not one of {', '.join(LANGUAGES)}; choose "
            "with `budgetscope language ja`, or en."
        ) from None


def _of_environment() -> str:
    named = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return JAPANESE if named.lower().startswith(JAPANESE) else ENGLISH
