"""A stylesheet that parses each CSS source once for each theme, and rules that are told apart fast.

For every widget that it styles, Textual looks each rule of all sheets up in a set, and its rules hash in Python: a
tenth of the time in which the app starts. No issue is known upstream.
Delete `RuleSet.__hash__` when `test_textual_hashes_rules_in_python` in `tests/tui/test_textual_fixes.py` fails.

Upstream of the rest: the cache of https://github.com/Textualize/textual/pull/3575, which holds 64 sources and is
emptied whenever a screen opens for the first time or the theme changes: some 100 ms each time.
Delete that when `test_textual_parses_every_sheet_again` there fails.
"""

from functools import lru_cache

from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

_MAX_SOURCES = 1024
"""More than the app and Textual's widgets have."""
_MAX_THEMES = 8

RuleSet.__hash__ = object.__hash__  # type: ignore[method-assign]


class CachedStylesheet(Stylesheet):
    """Textual's stylesheet with one parse cache for each theme, which is never emptied."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._parse_cache = _parse_cache_of(frozenset(self._variables.items()))

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take the variables of a theme."""
        if variables != self._variables:
            # Textual empties the cache that it finds; that of the theme before must stay.
            self._parse_cache = LRUCache(0)
            super().set_variables(variables)
            self._parse_cache = _parse_cache_of(frozenset(variables.items()))

    def reparse(self) -> None:
        """Parse the sources that are not in the cache."""
        self.parse()


@lru_cache(maxsize=_MAX_THEMES)
def _parse_cache_of(_variables: frozenset[tuple[str, str]]) -> LRUCache[tuple[object, ...], list[RuleSet]]:
    return LRUCache(_MAX_SOURCES)
