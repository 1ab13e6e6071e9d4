"""What the readers of several trainers share: schedules, optimizers, precisions, defaults."""

from typing import Any

from budgetscope.core.audit.run import Evidence
from budgetscope.core.language import _
from budgetscope.core.trainers import Quantity, Unit
from budgetscope.store.configs.cells import above_zero, at_least_zero, is_nothing, name_in, number
from budgetscope.store.configs.draft import Draft, evidence_of
from budgetscope.store.configs.loaded import Loaded

_SCHEDULES = {
    "cosine": "cosine",
    "cos": "cosine",
    "cosinewithwarmup": "cosine",
    "coswithwarmup": "cosine",
    "cosinewithminlr": "cosine",
    "cosinewarmupwithminlr": "cosine",
    "cosineannealing": "cosine",
    "linear": "linear",
    "linearwithwarmup": "linear",
    "constant": "constant",
    "constantwithwarmup": "constant",
    "const": "constant",
    "wsd": "wsd",
    "warmupstabledecay": "wsd",
    "constcooldown": "wsd",
    "trapezoidal": "wsd",
    "inversesqrt": "inverse-sqrt",
    "inversesquareroot": "inverse-sqrt",
    "invsqrt": "inverse-sqrt",
    "invsqrtwithwarmup": "inverse-sqrt",
    "rsqrt": "inverse-sqrt",
}
_NO_NAMES = frozenset(("plan", "run", "out", "output", "dummy", "none", "results", "test"))
_PRECISIONS = {
    "bf16": "bf16", "bfloat16": "bf16", "fp16": "fp16", "float16": "fp16", "half": "fp16", "fp8": "fp8",
    "float8": "fp8", "fp32": "fp32", "float32": "fp32", "32": "fp32", "f32": "fp32",
}  # fmt: skip


def draft_of(loaded: Loaded, trainer: str, *names: str) -> Draft:
    """Start the draft of a configuration.

    Args:
        loaded: the configuration.
        trainer: its name.
        names: keys of a name of the run.
    """
    draft = Draft(loaded.name, trainer, loaded.cells)
    cell = draft.cell(*names) if names else None
    name = name_in(cell) if cell is not None else None
    draft.name = name if name and name.lower() not in _NO_NAMES else loaded.name
    if loaded.is_ambiguous:
        draft.remarks.append(
            _("The script has branches that depend on what is known only when it runs; they count as not taken.")
        )
    if loaded.command is not None and loaded.command.n_devices is not None:
        count = loaded.command.n_devices
        draft.put("n_devices", count, Evidence(loaded.file, "launcher", str(count)))
    return draft


def schedule_word(text: str) -> str:
    """Return the word of `ObservedRun` for a schedule, or the file's own."""
    return _SCHEDULES.get("".join(sign for sign in text.lower() if sign.isalnum()), text.lower())


def schedule(draft: Draft, *keys: str) -> str:
    """Read the schedule; return its word, empty without one."""
    cell = draft.cell(*keys)
    name = None if cell is None else name_in(cell)
    if cell is None or not name:
        return ""
    word = schedule_word(name.rsplit(".", 1)[-1])
    draft.put("schedule", word, Evidence(cell.file, cell.key, name))
    return word


def precision_word(text: str) -> str | None:
    """Return the precision that a text such as `bf16-mixed` or `amp_bf16` names."""
    lowered = text.lower().replace("-", "_").replace("true", "")
    return next((word for part in lowered.split("_") for name, word in _PRECISIONS.items() if part == name), None)


def precision(draft: Draft, *keys: str) -> None:
    """Read the precision, of a text such as `bf16-mixed`."""
    cell = draft.cell(*keys)
    word = precision_word(str(cell.value)) if cell is not None else None
    if cell is not None and word is not None:
        draft.put("precision", word, evidence_of(cell))


def precision_switches(draft: Draft, **switches: str) -> None:
    """Read the precision of switches, by key: the precision that each stands for."""
    for key, word in switches.items():
        cell = draft.cell(key)
        if cell is not None and str(cell.value).lower() in ("true", "1", "yes"):
            draft.put("precision", word, evidence_of(cell))


def least_rate(draft: Draft, *ratios: str) -> None:
    """Read the learning rate at the end as a share of the peak."""
    cell, rate = draft.cell(*ratios), draft.values.get("learning_rate")
    if cell is None or rate is None:
        return
    share = at_least_zero(cell, number(cell))
    draft.put("min_learning_rate", share * rate, Evidence(cell.file, cell.key, f"{share:.12g} x {rate:.12g}"))


def defaults(draft: Draft, trainer: str, **values: Any) -> None:
    """Take values that a trainer has unless told, with the trainer and its version as evidence."""
    for attribute, value in values.items():
        shown = (
            str(value).lower() if isinstance(value, bool) else f"{value:.12g}" if isinstance(value, float) else value
        )
        draft.assume(attribute, value, _("{value}, the default of {trainer}").format(value=shown, trainer=trainer))


def default_amount(draft: Draft, trainer: str, quantity: Quantity, value: float, unit: Unit) -> None:
    """Take a quantity in a unit that a trainer has unless told."""
    if not draft.is_open(quantity):
        return
    why = _("{value}, the default of {trainer}").format(value=f"{value:.12g}", trainer=trainer)
    draft.amount(quantity, value, unit, Evidence(draft.main_file, "", why))


def share_or_steps(draft: Draft, quantity: Quantity, *keys: str) -> None:
    """Read a part of a run that is a share of it below 1, and steps from 1 on."""
    cell = draft.cell(*keys)
    if cell is not None and not is_nothing(cell):
        value = at_least_zero(cell, number(cell))
        draft.amount(quantity, value, Unit.SHARE if 0 < value < 1 else Unit.STEPS, evidence_of(cell))


def epochs_told(draft: Draft, key: str) -> None:
    """Remark that the length of the run is in epochs, where it is said in nothing else."""
    if Quantity.LENGTH in draft.amounts:
        return
    cell = draft.cell(key)
    if cell is not None:
        above_zero(cell, number(cell))
        draft.remarks.append(
            _("The length is {key} = {value}, in epochs; the tokens of the data set are not said.").format(
                key=key, value=str(cell.value)
            )
        )
