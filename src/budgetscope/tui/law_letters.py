"""The letter of each law: the same on all screens, in charts, legends and tables."""

from collections.abc import Mapping
from functools import lru_cache

SHARED = "+"
"""In place of a letter, for all laws for which none is left."""

KNOWN = {
    "kaplan2020/fixed-batch": "K",
    "kaplan2020/compute-efficient": "E",
    "hoffmann2022/approach-1": "H",
    "hoffmann2022/approach-2": "C",
    "hoffmann2022/approach-3": "T",
    "besiroglu2024/refit": "B",
    "deepseek2024/current-data": "D",
    "meta2024/llama3": "L",
    "minicpm2024/average": "M",
    "olmo2025/halved-rate": "V",
    "porian2024/refinedweb-tuned": "P",
    "porian2024/openwebtext2-tuned": "W",
    "porian2024/rounded-rule": "R",
    "porian2024/sweep-fit": "F",
    "steplaw2025/dense": "S",
}
"""Letters of the laws that people follow; the other laws take what is left."""

# Without I, which reads as a line, and O, which reads as a measured optimum. Small Latin letters name scenarios.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ" + "αβγδεζηθλμξπστφψω"


@lru_cache(maxsize=8)
def letters(fit_ids: tuple[str, ...]) -> Mapping[str, str]:
    """Return the letter of every law by the id of its fit.

    Args:
        fit_ids: of all fits, those first whose letters must not change when others come.
    """
    left = [letter for letter in _LETTERS if letter not in KNOWN.values()]
    rest = [fit_id for fit_id in fit_ids if fit_id not in KNOWN]
    return {**dict.fromkeys(fit_ids, SHARED), **KNOWN, **dict(zip(rest, left, strict=False))}
