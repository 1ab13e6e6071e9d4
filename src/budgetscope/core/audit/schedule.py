"""Findings about the learning rate over a run: its warmup and its decay."""

from collections.abc import Iterator

from budgetscope.core.audit.counts import Counts
from budgetscope.core.audit.finding import Finding, Severity, share_text, times_text
from budgetscope.core.audit.yardstick import Yardstick
from budgetscope.core.budget.quantities import format_count
from budgetscope.core.language import _
from budgetscope.core.laws.decay import DECAY_SHARE, decay_gain

WARMUP_WARN, WARMUP_BAD = 0.05, 0.15
"""Shares of D from which a warmup is long. A warmup is judged by its share and not by its tokens: of twelve published
runs, nine warm up for more tokens than they have parameters, and two of them over 10% and 16.9% of D."""

_ROUNDED = 1.05
"""Lengths are written in steps and in rounded tokens."""
_HARDLY = 0.2
"""Share of the peak above which the end of a schedule is no decay; a tenth is usual."""


def of_warmup(counts: Counts, yardstick: Yardstick | None) -> Iterator[Finding]:
    """Yield what is the matter with the warmup.

    Kaplan's warmup, which can be longer than the whole run of a small model, is the second cause of his exponent; a
    warmup of N tokens takes it away (Porian et al. 2024, section 3.3).
    """
    run, share = counts.run, counts.warmup_share
    if share is None or run.warmup_tokens is None or run.tokens is None:
        return
    wanted = counts.n_params if yardstick is None else yardstick.warmup_tokens
    if share == 0:
        yield Finding(
            "warmup-none",
            Severity.NOTE,
            _("The learning rate has no warmup."),
            _("The configuration says a warmup of 0 tokens."),
            _remedy(wanted, run.tokens),
            _("The first steps at the peak may diverge; how often is not known."),
        )
        return
    as_long_as_advised = counts.n_params is not None and run.warmup_tokens <= _ROUNDED * counts.n_params
    if share <= WARMUP_WARN or as_long_as_advised:
        return
    many = ""
    if counts.n_params is not None:
        many = times_text(run.warmup_tokens / counts.n_params)
    warmup, tokens = format_count(run.warmup_tokens), format_count(run.tokens)
    evidence = (
        _("Warmup is {warmup} of {tokens} tokens, {times} times N.").format(warmup=warmup, tokens=tokens, times=many)
        if many
        else _("Warmup is {warmup} of {tokens} tokens.").format(warmup=warmup, tokens=tokens)
    )
    yield Finding(
        "warmup-long",
        Severity.BAD if share > WARMUP_BAD else Severity.WARN,
        _("Warmup takes {share} of the run.").format(share=share_text(share)),
        evidence,
        _remedy(wanted, run.tokens),
        _(
            "The run is held back for that long, small runs most: in Porian et al. 2024 it bends the scaling law. The "
            "loss for one run is not known."
        ),
    )


def _remedy(wanted: float | None, tokens: float) -> str:
    """Return the warmup to take, as N tokens."""
    if wanted is None:
        return _("Warm up over as many tokens as the model has parameters (Porian et al. 2024).")
    return _("Warm up over {tokens} tokens, {share} of the run: as many as N (Porian et al. 2024).").format(
        tokens=format_count(wanted), share=share_text(wanted / tokens)
    )


def of_decay(counts: Counts) -> Iterator[Finding]:
    """Yield what is the matter with the decay of the learning rate."""
    run = counts.run
    if run.schedule == "constant" or (run.schedule == "wsd" and run.decay_tokens == 0):
        yield Finding(
            "decay-none",
            Severity.WARN,
            _("The learning rate does not decay, so that the loss reads high."),
            _("The schedule is constant to the end."),
            _advice(run.tokens),
            _gain(counts),
        )
        return
    yield from _of_length(counts)
    end, peak = run.min_learning_rate, run.learning_rate
    if end is not None and peak and end / peak > _HARDLY and run.schedule is not None:
        yield Finding(
            "decay-shallow",
            Severity.NOTE,
            _("The learning rate hardly decays: it ends at {share} of its peak.").format(share=share_text(end / peak)),
            _("A tenth of the peak or less is usual."),
            _("End the schedule at a tenth of the peak or at zero."),
            _gain(counts),
        )


def _of_length(counts: Counts) -> Iterator[Finding]:
    """Yield whether a cosine or a linear decay falls over another length than that of the run."""
    run = counts.run
    if run.schedule not in ("cosine", "linear") or run.decay_tokens is None or not run.tokens:
        return
    falls, tokens = format_count(run.decay_tokens), format_count(run.tokens)
    said = _("The schedule falls over {falls} tokens and the run has {tokens}.").format(falls=falls, tokens=tokens)
    if run.decay_tokens > _ROUNDED * run.tokens:
        yield Finding(
            "decay-longer",
            Severity.WARN,
            _("The schedule is longer than the run, so that the learning rate has not decayed when it ends."),
            said,
            _("Let the schedule end with the run, at {tokens} tokens.").format(tokens=tokens),
            _gain(counts),
        )
    elif run.decay_tokens + (run.warmup_tokens or 0.0) < run.tokens / _ROUNDED:
        yield Finding(
            "decay-shorter",
            Severity.NOTE,
            _("The schedule ends before the run does, and the rest is trained at the lowest learning rate."),
            said,
            _("Let the schedule end with the run, at {tokens} tokens.").format(tokens=tokens),
            _("Tokens at the lowest rate teach less; how much less is not known."),
        )


def _advice(tokens: float | None) -> str:
    share = share_text(DECAY_SHARE)
    if tokens is None:
        return _("Let it fall to zero over the last {share} of the run.").format(share=share)
    return _("Let it fall to zero over the last {share} of the run, {tokens} tokens.").format(
        share=share, tokens=format_count(DECAY_SHARE * tokens)
    )


def _gain(counts: Counts) -> str:
    """Return what a decay would gain, by the published gains."""
    if counts.n_params is None:
        return _("How much a decay would gain depends on N, which is not known here.")
    gain = decay_gain(counts.n_params)
    return _("A full decay lowers the loss by {low} to {high} nats a token ({basis}).").format(
        low=f"{gain.low or 0.0:.2f}", high=f"{gain.high or 0.0:.2f}", basis=gain.basis
    )
