"""Weights & Biases: the configuration of a run, `key: {desc, value}`, without what it says of people and machines."""

from collections.abc import Mapping
from typing import Any

from budgetscope.store.configs.cells import is_secret_key

_OWN = ("_wandb", "wandb_version")


def unwrapped(tree: Any) -> dict[str, Any] | None:
    """Return the values of a W&B configuration; None for what is none."""
    if not isinstance(tree, Mapping) or not tree:
        return None
    wrapped = {key: each["value"] for key, each in tree.items() if isinstance(each, Mapping) and "value" in each}
    others = [key for key in tree if key not in wrapped and key not in _OWN]
    if not wrapped or len(others) > len(wrapped) // 4:
        return None
    return {key: value for key, value in wrapped.items() if key not in _OWN and not is_secret_key(key)}
