"""The families of configurations, in the order in which they are tried."""

from budgetscope.store.configs import (
    generic,
    hugging_face,
    levanter,
    litgpt,
    llm_c,
    megatron,
    mosaic,
    nano_gpt,
    nanochat,
    nanotron,
    neox,
    olmo,
    open_lm,
    torchtitan,
)
from budgetscope.store.configs.loaded import Family, Loaded

FAMILIES: tuple[Family, ...] = (
    llm_c.FAMILY,
    open_lm.FAMILY,
    torchtitan.FAMILY,
    mosaic.FAMILY,
    nanotron.FAMILY,
    olmo.OLD,
    olmo.CORE,
    levanter.FAMILY,
    litgpt.FAMILY,
    hugging_face.FAMILY,
    neox.FAMILY,
    megatron.FAMILY,
    nanochat.FAMILY,
    nano_gpt.FAMILY,
)
KNOWN = ", ".join(("our own TOML with [run]", *(family.title for family in FAMILIES), "a W&B config.yaml"))
"""What is read, for refusals."""


def family_of(loaded: Loaded, *, usual_keys: bool) -> Family | None:
    """Return the family of a configuration; None where there is none.

    Args:
        loaded: the configuration.
        usual_keys: whether keys of no trainer that is known may be taken by their usual meaning.
    """
    found = next((family for family in FAMILIES if family.matches(loaded)), None)
    if found is None and usual_keys and generic.matches(loaded):
        return generic.FAMILY
    return found
