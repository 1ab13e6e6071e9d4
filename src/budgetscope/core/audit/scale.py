"""Findings about the size of a run: D/N against the optimum, repeated data, and what its N and C count."""

from collections.abc import Iterator

from budgetscope.core.audit.counts import Counts
from budgetscope.core.audit.finding import Finding, Severity, share_text, times_text
from budgetscope.core.audit.yardstick import Yardstick
from budgetscope.core.budget.quantities import format_count, format_ends, format_flops
from budgetscope.core.language import _
from budgetscope.core.laws.intervals import Estimate
from budgetscope.core.laws.repetition import MAX_EPOCHS, TOKENS_DECAY, WORTHWHILE_EPOCHS, effective

_LARGE_HEAD = 0.1
"""Share of N from which it matters whether the last layer is counted."""


def of_ratio(counts: Counts, yardstick: Yardstick) -> Iterator[Finding]:
    """Yield how D/N differs from the compute-optimal one at the run's own compute, with the price.

    A model that is smaller than the optimum is cheaper to serve: that is mostly meant, and no mistake. One that is
    larger costs more to train and to serve. Inside the 95% interval of the law the first is no finding.
    """
    n_params, ratio, band = counts.n_params, counts.tokens_per_param, yardstick.flat_band
    if n_params is None or ratio is None or counts.flops is None:
        return
    best = yardstick.n_params
    low, high = band or (best.low or best.value, best.high or best.value)
    if low <= n_params <= high:
        return
    values = {
        "ratio": format_count(ratio),
        "best": format_count(yardstick.tokens_per_param.value),
        "span": _span(yardstick.tokens_per_param),
        "flops": format_flops(counts.flops),
        "law": yardstick.law,
        "n_params": format_count(best.value),
        "tokens": format_count(yardstick.tokens.value),
    }
    said = _(
        "At its {flops} FLOPs the optimum is D/N {best}{span}: {n_params} parameters on {tokens} tokens ({law})."
    ).format(**values)
    if n_params < low:
        most = yardstick.tokens_per_param.high
        if most is not None and ratio <= most:
            return
        yield Finding(
            "ratio-overtrained",
            Severity.NOTE,
            _("The model is trained past its compute optimum: D/N is {ratio}.").format(**values),
            said,
            _("None is needed if the model is to be served: it is {times} times smaller than the optimum.").format(
                times=times_text(best.value / n_params)
            ),
            _price(counts.flops, yardstick),
        )
        return
    inside = best.high is not None and n_params <= best.high
    yield Finding(
        "ratio-undertrained",
        Severity.NOTE if inside else Severity.WARN,
        _("The model is too large for its tokens by the law, within its 95% interval: D/N is {ratio}.").format(**values)
        if inside
        else _("The model is too large for its tokens: D/N is {ratio}.").format(**values),
        said,
        _("Train {n_params} parameters on {tokens} tokens with the same compute.").format(**values),
        _price(counts.flops, yardstick),
    )


def _span(ratio: Estimate) -> str:
    """Return the interval of D/N after its value, or nothing."""
    if ratio.low is None or ratio.high is None:
        return ""
    return " [{}, {}]".format(*format_ends(ratio.low, ratio.high, format_count))


def _price(flops: float, yardstick: Yardstick) -> str:
    """Return the loss above the optimum, and the compute that the same loss needs at its optimum."""
    above, equal = yardstick.loss_above, yardstick.equal_flops
    if above is None:
        return _("The law has no loss off its optimum, so that the price is not known.")
    if equal is None or yardstick.equal_params is None or yardstick.equal_tokens is None:
        return _("The loss is {loss} {unit} above the optimum.").format(loss=f"{above:.3f}", unit=yardstick.loss_unit)
    return _(
        "The loss is {loss} {unit} above the optimum; {n_params} parameters on {tokens} tokens reach it with "
        "{share} of the compute."
    ).format(
        loss=f"{above:.3f}",
        unit=yardstick.loss_unit,
        n_params=format_count(yardstick.equal_params),
        tokens=format_count(yardstick.equal_tokens),
        share=share_text(equal / flops),
    )


def of_data(counts: Counts) -> Iterator[Finding]:
    """Yield that the data are read more often than they teach (Muennighoff et al. 2023)."""
    run, epochs = counts.run, counts.epochs
    if epochs is None or run.tokens is None or run.unique_tokens is None or epochs <= WORTHWHILE_EPOCHS:
        return
    worth = effective(run.tokens, run.unique_tokens, TOKENS_DECAY)
    yield Finding(
        "data-repeated",
        Severity.BAD if epochs > MAX_EPOCHS else Severity.WARN,
        _("The data are read {epochs} times.").format(epochs=f"{epochs:.3g}"),
        _("{tokens} tokens of which {unique} are unique; up to {most} times they are nearly as good as new.").format(
            tokens=format_count(run.tokens), unique=format_count(run.unique_tokens), most=f"{WORTHWHILE_EPOCHS:g}"
        ),
        _("Find more data, or train a smaller model on fewer tokens, at most {tokens}.").format(
            tokens=format_count(WORTHWHILE_EPOCHS * run.unique_tokens)
        ),
        _(
            "They count as {worth} unique tokens, so that {share} of the compute is spent for nothing ({source})."
        ).format(worth=format_count(worth), share=share_text(1 - worth / run.tokens), source="Muennighoff et al. 2023"),
    )


def of_counting(counts: Counts) -> Iterator[Finding]:
    """Yield whether N and C of the run count the last layer, where it is a large share of N.

    Leaving it out is the first cause of Kaplan's exponent (Porian et al. 2024, section 3).
    """
    share, counted = counts.head_share, counts.run.counts_head
    if share is None or counts.n_params is None or counts.n_params_blocks is None or counted:
        return
    if counted is None and share < _LARGE_HEAD:
        return
    values = {
        "share": share_text(share),
        "n_params": format_count(counts.n_params),
        "blocks": format_count(counts.n_params_blocks),
    }
    evidence = _("With it N is {n_params}, without it {blocks}.").format(**values)
    remedy = _("Count N and C with the last layer: {n_params} parameters and 6 N FLOPs a token.").format(**values)
    price = _("Left out, small models look cheaper than they are, and a scaling law bends towards large models.")
    if counted is None:
        yield Finding(
            "counting-unknown",
            Severity.NOTE,
            _("The last layer is {share} of N, and the run does not say whether N and C count it.").format(**values),
            evidence,
            remedy,
            price,
        )
        return
    yield Finding(
        "counting-head-left-out",
        Severity.WARN if share >= _LARGE_HEAD else Severity.NOTE,
        _("N and C leave out the last layer, which is {share} of N.").format(**values),
        evidence,
        remedy,
        price,
    )


def of_tuning(counts: Counts) -> Iterator[Finding]:
    """Yield that learning rate, batch and beta2 were not tuned at each size: the third cause of Kaplan's exponent."""
    if counts.run.tuned_per_size is not False:
        return
    yield Finding(
        "tuning-one-setting",
        Severity.WARN,
        _("Learning rate, batch and beta2 were not tuned at each size."),
        _("The configuration says so."),
        _("Tune them at small sizes and follow a law of N, or take the recipe of `budgetscope plan`."),
        _("A run far from the size of the tuning ends higher than it could (Porian et al. 2024)."),
    )
