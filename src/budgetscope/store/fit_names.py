"""The fits that somebody may mean by a name that no fit has, by their ids and titles."""

import re
from collections.abc import Mapping
from difflib import SequenceMatcher

_MOST = 3
_LEAST_CHARS = 3
"""Of a name that is looked for within ids and titles."""
_ALIKE = 0.75
_APART = 0.15
"""Those that are so much less alike than the best are not named."""
_WORD = re.compile(r"[a-z]{3,}")


def nearest(name: str, titles: Mapping[str, str]) -> list[str]:
    """Return the ids that a name may mean, the nearest first: those that hold it, else those that look like it.

    Args:
        name: as typed.
        titles: of the fits, by their ids; empty where a title is not known.
    """
    wanted = name.strip().casefold()
    if not wanted:
        return []
    ranks = {fit_id: _rank(wanted, (fit_id, title.casefold())) for fit_id, title in titles.items()}
    best = max(ranks.values(), default=(0.0, 0.0))[0]
    near = [fit_id for fit_id, (likeness, _) in ranks.items() if likeness >= max(_ALIKE, best - _APART)]
    return sorted(near, key=lambda fit_id: (*(-each for each in ranks[fit_id]), fit_id))[:_MOST]


def _rank(wanted: str, texts: tuple[str, str]) -> tuple[float, float]:
    """Return how alike a name is to an id or title, as a whole or to a word of it; and to all of it."""
    whole = max(_ratio(wanted, text) for text in texts)
    if len(wanted) >= _LEAST_CHARS and any(wanted in text for text in texts):
        return 1.0, whole
    words = [_ratio(wanted, word) for text in texts for word in _WORD.findall(text)]
    return max(whole, *words, 0.0), whole


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
