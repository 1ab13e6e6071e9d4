"""Read the catalogues of translations, which are package data."""

import gettext
from functools import cache

from budgetscope.core.errors import FailureError
from budgetscope.core.language import Language
from budgetscope.store.locations import locale_folder

DOMAIN = "budgetscope"


@cache
def read_language(code: str) -> Language:
    """Return a language with its catalogue; a text that the catalogue lacks stays English.

    Args:
        code: one of `core.language.LANGUAGES` but English, which needs no catalogue.

    Raises:
        FailureError: the catalogue is missing or broken.
    """
    path = locale_folder() / code / "LC_MESSAGES" / f"{DOMAIN}.mo"
    try:
        with path.open("rb") as file:
            found = gettext.GNUTranslations(file)
    except (OSError, ValueError, EOFError):
        raise FailureError(
            f"the catalogue of the language {code!r} is missing or broken in this installation; install budgetscope "
            "again, or use --lang en."
        ) from None

    def one(text: str) -> str:
        # The entry of the empty text is the head of the catalogue.
        return found.gettext(text) if text else text

    return Language(code, one, found.ngettext)
