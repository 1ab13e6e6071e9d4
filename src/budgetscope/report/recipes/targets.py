"""The table of targets, in the order in which they are listed."""

from budgetscope.core.errors import UsageError
from budgetscope.report.recipes import (
    hugging_face,
    levanter,
    litgpt,
    megatron,
    nanochat,
    olmo_core,
    open_lm,
    torchtitan,
)
from budgetscope.report.recipes.target import Target

TARGETS: dict[str, Target] = {
    target.trainer.name: target
    for target in (
        hugging_face.TARGET,
        torchtitan.TARGET,
        megatron.TARGET,
        litgpt.TARGET,
        nanochat.TARGET,
        olmo_core.TARGET,
        levanter.TARGET,
        open_lm.TARGET,
    )
}

TARGETS_HEADER = ("target", "trainer", "written for", "files", "cannot express")


def target(name: str) -> Target:
    """Return the target of a name.

    Raises:
        UsageError: there is none.
    """
    found = TARGETS.get(name.strip().lower())
    if found is None:
        raise UsageError(f"{name!r} is not a recipe; choose one of {', '.join(TARGETS)}, or list.")
    return found


def target_cells() -> list[tuple[str, ...]]:
    """Return a row for each target, under `TARGETS_HEADER`."""
    return [
        (
            name,
            each.trainer.title,
            f"{each.trainer.version}, {each.trainer.read}",
            each.writes,
            "; ".join(each.lost),
        )
        for name, each in TARGETS.items()
    ]
