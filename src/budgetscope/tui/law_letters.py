"""The one sign of every law: the same on all screens, in charts, legends and tables."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import chain

from budgetscope.core.errors import FailureError
from budgetscope.store.files import listed
from budgetscope.store.fit_library import Layer, Library

SHARED = "+"
"""Of all laws for which no sign is left."""

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
"""Signs of the laws that people follow; the rest takes what is left."""

# Without I, which reads as a line, and O, which reads as a measured optimum. Small Latin letters name scenarios.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ" + "αβγδεζηθλμξπστφψω"


@lru_cache(maxsize=8)
def signs(fit_ids: tuple[str, ...]) -> Mapping[str, str]:
    """Return the sign of every fit by its id.

    Args:
        fit_ids: of all fits; with those first whose signs must not change when others come.
    """
    left = [letter for letter in _LETTERS if letter not in KNOWN.values()]
    rest = [fit_id for fit_id in fit_ids if fit_id not in KNOWN]
    return {**dict.fromkeys(fit_ids, SHARED), **KNOWN, **dict(zip(rest, left, strict=False))}


def fit_ids(library: Library) -> tuple[str, ...]:
    """Return the ids of all fits, those that ship with budgetscope first; no file is read."""
    layers = sorted(library.layers, key=lambda layer: layer.name != "bundled")
    return tuple(dict.fromkeys(chain.from_iterable(_ids(layer) for layer in layers)))


def _ids(layer: Layer) -> list[str]:
    try:
        families = [family for family in listed(layer.folder) if not family.name.startswith(".")]
        files = [path for family in families for path in listed(family) if path.suffix == ".json"]
    except FailureError:
        # Who reads the library is told.
        return []
    return [f"{path.parent.name}/{path.stem}" for path in files]
