"""A stylesheet that parses nothing twice."""

from functools import lru_cache

from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

_SHEETS = 1024
"""More than the app and Textual's widgets have; Textual keeps 64, and forgets them whenever a screen opens first."""
_THEMES = 8


class KeptStylesheet(Stylesheet):
    """Textual's stylesheet, but for each theme a sheet is parsed once, not again for every screen that opens."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._parse_cache = _parsed(frozenset(self._variables.items()))

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take the variables of a theme."""
        if variables != self._variables:
            # Textual clears what was parsed; the last theme may come back.
            self._parse_cache = LRUCache(0)
            super().set_variables(variables)
            self._parse_cache = _parsed(frozenset(variables.items()))

    def reparse(self) -> None:
        """Parse what the present theme has not parsed yet."""
        self.parse()


@lru_cache(maxsize=_THEMES)
def _parsed(_variables: frozenset[tuple[str, str]]) -> LRUCache[tuple[object, ...], list[RuleSet]]:
    return LRUCache(_SHEETS)
