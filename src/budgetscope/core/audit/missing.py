"""Findings about what a configuration does not say, each with the option or the key that gives it."""

from collections.abc import Iterator

from budgetscope.core.audit.counts import Counts
from budgetscope.core.audit.finding import Finding, Severity
from budgetscope.core.language import N_, _
from budgetscope.core.wording import listed

_SIZES = {
    "depth": N_("the number of layers"),
    "width": N_("the width"),
    "d_ff": N_("the feed-forward width"),
    "gated": N_("whether the feed-forward layer has a gate"),
}
_RECIPE = {
    "learning_rate": N_("the learning rate"),
    "warmup_tokens": N_("the warmup"),
    "schedule": N_("the schedule of the learning rate"),
    "beta2": N_("beta2"),
}


def of_missing(counts: Counts) -> Iterator[Finding]:
    """Yield what has to be said before the rest can be judged; options are asked for by name."""
    run = counts.run
    if run.vocab_size is None:
        yield _asked(
            "missing-vocab",
            _("The size of the vocabulary is not said, so that N, C and D/N are not known."),
            _("Add --vocab with the rows of the embedding as the model is built, such as --vocab 50304."),
        )
    if run.seq_len is None:
        yield _asked(
            "missing-seq-len",
            _("The sequence length is not said, so that tokens of a batch and of a step are not known."),
            _("Add --seq-len with the tokens of a training sequence, such as --seq-len 2048."),
        )
    # Steps become tokens by sequence length and batch: what is missing then is one of these.
    in_steps = run.tokens is None and run.steps is not None and None in (run.seq_len, run.batch_sequences)
    if run.batch_sequences is None:
        yield _batch(counts, serious=in_steps)
    if run.tokens is None and not in_steps:
        yield _asked(
            "missing-tokens",
            _("The length of the run is not said, so that D, C and every share of it are not known."),
            _("Add --tokens with the training tokens, such as --tokens 300B."),
        )
    if run.device is None or run.n_devices is None:
        yield _machine(counts)
    sizes = [_(text) for name, text in _SIZES.items() if getattr(run, name) is None]
    if sizes:
        yield _asked(
            "missing-sizes",
            _("Sizes of the model are not said, so that N is not known: {sizes}.").format(sizes=listed(sizes)),
            _("Give the model's own configuration too, such as its config.json."),
        )
    recipe = [
        _(text)
        for name, text in _RECIPE.items()
        if getattr(run, name) is None and not (name == "warmup_tokens" and run.seq_len is None)
    ]
    if recipe:
        yield Finding(
            "missing-recipe",
            Severity.NOTE,
            _("Parts of the recipe are not said and were not judged: {parts}.").format(parts=listed(recipe)),
            _("No key of the configuration says it, and no default of its trainer is known."),
            _("Write them into the configuration, so that the run can be repeated."),
            _("What is doubtful in them is not found."),
        )


def _batch(counts: Counts, *, serious: bool) -> Finding:
    """Return what lacks to know the batch: the number of devices, where the files give the batch of one."""
    of_device = counts.run.micro_sequences is not None and counts.run.n_devices is None
    return Finding(
        "missing-batch",
        Severity.WARN if serious else Severity.NOTE,
        _("The batch is not said, so that the steps of the run cannot be counted in tokens.")
        if serious
        else _("The batch is not said and was not judged."),
        _("The configuration gives the batch of one device alone.")
        if of_device
        else _("No key of the configuration says it."),
        _("Add --gpus with the devices of the whole run, such as --gpus 64.")
        if of_device
        else _("Write the batch of all devices into the configuration."),
        _not_judged(),
    )


def _machine(counts: Counts) -> Finding:
    """Return what lacks to check memory and time."""
    device, number = counts.run.device, counts.run.n_devices
    if device is not None:
        title = _("Memory and time were not checked, since the number of devices is not said.")
        remedy = _("Add --gpus with the devices of the whole run, such as --gpus 64.")
    elif number is not None:
        title = _("Memory and time were not checked, since the device is not said.")
        remedy = _("Add --device, such as --device h100; `budgetscope devices` lists the names.")
    else:
        title = _("Memory and time were not checked, since the devices and their number are not said.")
        remedy = _("Add --device and --gpus, such as --device h100 --gpus 64; `budgetscope devices` lists the names.")
    return Finding(
        "missing-machine",
        Severity.NOTE,
        title,
        _("No key of the configuration says it."),
        remedy,
        _("A model that does not fit, or a run that takes too long, is not found."),
    )


def _asked(code: str, title: str, remedy: str) -> Finding:
    return Finding(code, Severity.WARN, title, _("No key of the configuration says it."), remedy, _not_judged())


def _not_judged() -> str:
    return _("What depends on it is not judged.")


def of_unread(counts: Counts) -> Iterator[Finding]:
    """Yield the keys that look as if they mattered and were not understood."""
    unread = counts.run.unread
    if unread:
        yield Finding(
            "keys-unread",
            Severity.NOTE,
            _("Keys that may matter were not understood."),
            _("Not understood: {keys}.").format(keys=listed(unread)),
            _("Check them yourself; the findings do not know them."),
            _("A mistake in them is not found."),
        )
