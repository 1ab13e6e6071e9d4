"""A stylesheet that parses each CSS source once for each theme, and styles a widget once for each of its states.

Upstream: the cache of https://github.com/Textualize/textual/pull/3575, which holds 64 sources and is emptied whenever a
screen opens for the first time or the theme changes: some 100 ms each time. Of the styles, no issue known: Textual
applies all rules again to every widget below one whose class or focus may have changed, and to each part of it that has
a component class: some 50 ms whenever a screen is shown.
Delete when `test_textual_parses_every_sheet_again` and `test_textual_styles_a_widget_again_that_has_not_changed` in
`tests/tui/test_textual_fixes.py` fail.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.css.styles import RulesMap

_MAX_SOURCES = 1024
"""More than the app and Textual's widgets have."""
_MAX_THEMES = 8

_State = tuple[object, ...]

# Textual's own hash is the same number, by a call of Python for each of the hundred thousand look-ups of a start.
RuleSet.__hash__ = object.__hash__  # type: ignore[method-assign]


class CachedStylesheet(Stylesheet):
    """Textual's stylesheet with one parse cache for each theme, which is never emptied."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._parse_cache = _parse_cache_of(frozenset(self._variables.items()))
        self._applied: WeakKeyDictionary[DOMNode, _State] = WeakKeyDictionary()

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

    def apply(
        self, node: DOMNode, *, animate: bool = False, cache: "dict[tuple[Any, ...], RulesMap] | None" = None
    ) -> None:
        """Style a node, unless nothing has changed of what its rules depend on."""
        if type(node) is DOMNode:
            # Textual makes such a one for a component class, and throws it away.
            super().apply(node, animate=animate, cache=cache)
            return
        state = self._state(node)
        if self._applied.get(node) == state:
            return
        super().apply(node, animate=animate, cache=cache)
        # What depends on brothers and sisters, or on the focus of children, is no part of the state.
        if node._has_order_style or node._has_odd_or_even or node._has_focus_within:  # noqa: SLF001 - as below
            self._applied.pop(node, None)
        else:
            self._applied[node] = state

    def _state(self, node: DOMNode) -> _State:
        """Return the theme, the number of rules that name the node or its parts, and what selectors ask of its path.

        Sources are only ever added, so that the number tells whether rules have come.
        """
        rules = self.rules_map
        names = (*node._selector_names, *(f".{part}" for part in node._get_component_classes()))  # noqa: SLF001
        path = tuple(map(_asked, node.ancestors_with_self))
        return self._parse_cache, sum(len(rules.get(name, ())) for name in names), path


def _asked(node: DOMNode) -> _State:
    """Return what selectors ask of a node on a path; whether a part is disabled follows from those above it."""
    if isinstance(node, Widget):
        flags = (node.mouse_hover, node.has_focus, node.disabled, node.can_focus)
        return node._id, frozenset(node._classes), *flags  # noqa: SLF001 - `id` and `classes` copy more slowly
    return node._id, frozenset(node._classes)  # noqa: SLF001 - likewise


@lru_cache(maxsize=_MAX_THEMES)
def _parse_cache_of(_variables: frozenset[tuple[str, str]]) -> LRUCache[tuple[object, ...], list[RuleSet]]:
    return LRUCache(_MAX_SOURCES)
