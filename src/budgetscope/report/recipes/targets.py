"""The table of targets, in the order in which they are listed."""

from budgetscope.core.errors import UsageError
from budgetscope.core.language import _
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
from budgetscope.report.words import noted

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


def target(name: str) -> Target:
    """Return the target of a name.

    Raises:
        UsageError: there is none.
    """
    found = TARGETS.get(name.strip().lower())
    if found is None:
        raise UsageError(f"{name!r} is not a recipe; choose one of {', '.join(TARGETS)}.")
    return found


def recipe_command(command: str, name: str) -> str:
    """Return the shell command that writes a recipe, also where it was written before and is as it was.

    Args:
        command: that exports the answer.
        name: of the target.
    """
    # A folder of the trainer's own name may be a checkout of it, whose README.md is not ours to overwrite.
    return f"{command} --recipe {name} -o {name}-recipe"


def target_lines() -> list[tuple[str, str]]:
    """Return for each target what it is, and what it does not express of any plan."""
    lines = []
    for name, each in TARGETS.items():
        told = _("{name}: {title}, written for {version}, read on {date}; {files}").format(
            name=name, title=each.trainer.title, version=each.trainer.version, date=each.trainer.read, files=each.writes
        )
        lines.append((told, _("not expressed: {what}").format(what=noted(map(_, each.lost)))))
    return lines
