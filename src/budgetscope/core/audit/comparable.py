"""Whether runs can be compared fairly: the checklist of Porian et al. 2024, aspect by aspect.

The paper's three causes of a false scaling law are on it (the last layer's count, the warmup, the tuning), with what
moves a loss by itself: decay, tokenizer, data, the unit of the loss and the sequence length. What a run does not say
is not taken to be equal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from budgetscope.core.audit.counts import Counts
from budgetscope.core.audit.finding import rate_text, share_text
from budgetscope.core.audit.schedule import WARMUP_WARN
from budgetscope.core.budget.quantities import format_count
from budgetscope.core.language import _
from budgetscope.core.wording import listed

_NEAR = 1.25
"""Factor within which two shares, or learning rates for one size, are alike."""
_OTHER_SIZE = 1.5
"""Factor of N from which two runs have different sizes, so that their recipes should differ."""
_ROUNDED = 1.02
_OTHER_END = 3.0
"""Factor between the ends of two decays, as shares of the peak, from which they differ."""
_OTHER_MEMORY = 3.0
"""Factor between the shares of the run over which weights forget, from which two weight decays differ."""
_LEAST_SHARE = 0.01
"""A smaller share of the run or of the peak is none."""


class Standing(StrEnum):
    """How runs stand in one aspect."""

    ALIKE = "alike"
    """The same, or each as it should be at its size."""
    DIFFERENT = "different"
    """Not the same, so that the aspect moves the losses apart."""
    NOT_SAID = "not said"
    """At least one run does not say it, and none contradicts."""


@dataclass(frozen=True, slots=True)
class Aspect:
    """One line of the checklist.

    Attributes:
        code: stable name for programs.
        title: what is compared.
        values: of each run, as text; empty where it does not say it.
        standing: how the runs stand.
        why: what the aspect does to a comparison.
        remedy: what to change or to say; empty where the runs are alike.
    """

    code: str
    title: str
    values: tuple[str, ...]
    standing: Standing
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Checklist:
    """Whether runs can be compared.

    Attributes:
        names: of the runs.
        aspects: every line, those that differ first.
    """

    names: tuple[str, ...]
    aspects: tuple[Aspect, ...]

    def of(self, standing: Standing) -> tuple[Aspect, ...]:
        """Return the aspects with a standing."""
        return tuple(each for each in self.aspects if each.standing == standing)

    @property
    def comparable(self) -> bool | None:
        """Whether the runs can be compared: no where an aspect differs, None where one is not said."""
        if self.of(Standing.DIFFERENT):
            return False
        return None if self.of(Standing.NOT_SAID) else True


def checklist(runs: Sequence[Counts]) -> Checklist:
    """Return the checklist of two or more runs."""
    aspects = [make(runs) for make in _ASPECTS]
    order = (Standing.DIFFERENT, Standing.NOT_SAID, Standing.ALIKE)
    return Checklist(
        tuple(each.run.name for each in runs), tuple(sorted(aspects, key=lambda each: order.index(each.standing)))
    )


def _standing(values: Sequence[object], alike: Callable[[], bool]) -> Standing:
    """Return the standing of values of which None is not said; those that are said may differ already."""
    known = [value for value in values if value is not None]
    if len(known) > 1 and not alike():
        return Standing.DIFFERENT
    return Standing.ALIKE if len(known) == len(values) else Standing.NOT_SAID


def _equal(values: Sequence[object]) -> Callable[[], bool]:
    return lambda: len({value for value in values if value is not None}) == 1


def _within(values: Sequence[float | None], factor: float) -> bool:
    """Return whether the numbers that are said lie within a factor."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    return high == low or (low > 0 and high / low <= factor)


def _texts(values: Sequence[object]) -> tuple[str, ...]:
    return tuple("" if value is None else str(value) for value in values)


def _counting(runs: Sequence[Counts]) -> Aspect:
    counted = [each.run.counts_head for each in runs]
    words = {None: "", True: _("with the last layer"), False: _("without the last layer")}
    return Aspect(
        "counting",
        _("Parameters and FLOPs are counted"),
        tuple(words[each] for each in counted),
        _standing(counted, _equal(counted)),
        _("Left out, the last layer makes small models look cheaper than they are."),
        _("Count N and C of all runs with the last layer; `budgetscope flops` has both counts."),
    )


def _warmup(runs: Sequence[Counts]) -> Aspect:
    shares = [each.warmup_share for each in runs]

    def alike() -> bool:
        known = [share for share in shares if share is not None]
        # Short warmups hold no run back, whatever their shares.
        return max(known) <= WARMUP_WARN or _within(known, _NEAR)

    return Aspect(
        "warmup",
        _("Warmup, share of the run"),
        tuple("" if share is None else share_text(share) for share in shares),
        _standing(shares, alike),
        _("A long warmup holds a run back, small ones most."),
        _("Warm up each run over as many tokens as it has parameters."),
    )


def _tuning(runs: Sequence[Counts]) -> Aspect:
    said = [each.run.tuned_per_size for each in runs]
    rates = [each.run.learning_rate for each in runs]
    sizes = [each.n_params for each in runs]
    standing = _standing(said, lambda: True)
    # Runs of different sizes with one setting say by it that it was not tuned at each.
    one = standing == Standing.NOT_SAID and _one_setting(runs, sizes)
    if False in said or one:
        standing = Standing.DIFFERENT
    return Aspect(
        "tuning",
        _("Learning rate, batch and beta2 tuned at each size"),
        tuple(
            _tuned_text(each, rate, batch, one=one)
            for each, rate, batch in zip(said, rates, [each.run.batch_tokens for each in runs], strict=True)
        ),
        standing,
        _("One setting for all sizes favours the size that it was tuned for."),
        _("Tune them at each size, or take those of `budgetscope plan` for each; then say tuned_per_size."),
    )


def _one_setting(runs: Sequence[Counts], sizes: Sequence[int | None]) -> bool:
    """Return whether runs of different sizes have one learning rate and one batch."""
    settings = {(each.run.learning_rate, each.run.batch_tokens) for each in runs}
    if len(settings) != 1 or None in next(iter(settings)) or None in sizes:
        return False
    return not _within(sizes, _OTHER_SIZE)


def _tuned_text(tuned: bool | None, rate: float | None, batch: float | None, *, one: bool) -> str:
    values = {
        "rate": _("not said") if rate is None else rate_text(rate),
        "batch": _("not said") if batch is None else format_count(batch),
    }
    if tuned is None and one:
        return _("one for all sizes: lr {rate}, batch {batch}").format(**values)
    if tuned is None:
        return "" if rate is None and batch is None else _("lr {rate}, batch {batch}").format(**values)
    if tuned:
        return _("tuned: lr {rate}, batch {batch}").format(**values)
    return _("not tuned: lr {rate}, batch {batch}").format(**values)


def _decay(runs: Sequence[Counts]) -> Aspect:
    decays = [_decay_of(each) for each in runs]
    kinds, shares, ends = ([getattr(each, name) for each in decays] for name in ("kind", "share", "end"))

    def alike() -> bool:
        return (
            len({kind for kind in kinds if kind is not None}) < 2
            and _within([None if share is None else max(share, _LEAST_SHARE) for share in shares], _NEAR)
            and _within([None if end is None else max(end, _LEAST_SHARE) for end in ends], _OTHER_END)
        )

    return Aspect(
        "decay",
        _("Decay of the learning rate"),
        tuple(map(_decay_text, decays)),
        Standing.DIFFERENT if not alike() else _standing([each.said or None for each in decays], lambda: True),
        _("A decay lowers the loss by about a tenth of a nat a token, so that only runs with the same decay compare."),
        _("Decay all runs over the same share of their length to the same share of their peak, or none."),
    )


@dataclass(frozen=True, slots=True)
class _Decay:
    """The schedule of a run, the share of it in which the rate falls, and the share of its peak at which it ends."""

    kind: str | None
    share: float | None
    end: float | None

    @property
    def said(self) -> bool:
        """Whether the run says all of it; a constant rate has no more to say."""
        return self.kind == "constant" or None not in (self.kind, self.share, self.end)


def _decay_of(counts: Counts) -> _Decay:
    run = counts.run
    share = None if run.decay_tokens is None or not run.tokens else run.decay_tokens / run.tokens
    end = None if run.min_learning_rate is None or not run.learning_rate else run.min_learning_rate / run.learning_rate
    return _Decay(run.schedule, share, end)


def _decay_text(decay: _Decay) -> str:
    if decay.kind is None:
        return ""
    values = {
        "schedule": decay.kind,
        "share": "" if decay.share is None else share_text(decay.share),
        "end": "" if decay.end is None else share_text(decay.end),
    }
    if decay.share is not None and decay.end is not None:
        return _("{schedule}, over {share} of the run to {end} of the peak").format(**values)
    if decay.share is not None:
        return _("{schedule}, over {share} of the run").format(**values)
    if decay.end is not None:
        return _("{schedule}, to {end} of the peak").format(**values)
    return decay.kind


def _tokenizer(runs: Sequence[Counts]) -> Aspect:
    names = [each.run.tokenizer for each in runs]
    sizes = [each.run.vocab_size for each in runs]
    # Vocabularies are padded to multiples, so that the names decide unless the sizes are far apart: many tokenizers
    # are files of one name.
    said: Sequence[object] = names if _same_size(sizes) else sizes
    texts = []
    for name, size in zip(names, sizes, strict=True):
        words = "" if size is None else _("vocabulary of {size}").format(size=f"{size:,}")
        texts.append(listed(filter(None, (name, words))))
    return Aspect(
        "tokenizer",
        _("Tokenizer"),
        tuple(texts),
        _standing(said, _equal(said)),
        _("Losses a token of two tokenizers are different quantities, and so are their tokens."),
        _("Use one tokenizer, or compare the losses in bits per byte."),
    )


def _same_size(sizes: Sequence[int | None]) -> bool:
    known = [size for size in sizes if size is not None]
    return len(known) < 2 or _within(known, _ROUNDED)


def _data(runs: Sequence[Counts]) -> Aspect:
    names = [each.run.dataset for each in runs]
    return Aspect(
        "data",
        _("Data"),
        _texts(names),
        _standing(names, _equal(names)),
        _("Another corpus has another loss and another optimum."),
        _("Train and validate on the same data, and say which."),
    )


def _loss_unit(runs: Sequence[Counts]) -> Aspect:
    units = [each.run.loss_unit for each in runs]
    return Aspect(
        "loss-unit",
        _("Unit of the loss"),
        _texts(units),
        _standing(units, _equal(units)),
        _("Nats a token, bits a byte and perplexity are different numbers for one model."),
        _("Report all losses in one unit; nats a token / ln 2 / bytes a token are bits per byte."),
    )


def _seq_len(runs: Sequence[Counts]) -> Aspect:
    lengths = [each.run.seq_len for each in runs]
    return Aspect(
        "seq-len",
        _("Sequence length"),
        tuple("" if length is None else _("{length} tokens").format(length=f"{length:,}") for length in lengths),
        _standing(lengths, _equal(lengths)),
        _("Longer sequences lower the loss a token and cost attention that 6 N D does not count."),
        _("Train and evaluate with one sequence length."),
    )


def _weight_decay(runs: Sequence[Counts]) -> Aspect:
    decays = [each.independent_weight_decay for each in runs]
    memory = [_timescale(each) for each in runs]
    judged = memory if None not in memory else decays
    return Aspect(
        "weight-decay",
        _("Weight decay, lr x lambda a step"),
        tuple("" if decay is None else rate_text(decay) for decay in decays),
        _standing(judged, lambda: _within(judged, _OTHER_MEMORY) or _within(decays, _NEAR)),
        _("AdamW multiplies its weight decay by the learning rate, so that a change of one changes both."),
        _("Keep lr x lambda equal, or the share of the run over which the weights forget."),
    )


def _timescale(counts: Counts) -> float | None:
    """Return the tokens over which the weights forget, as a share of the run: B / (lr lambda D)."""
    decay, batch, tokens = counts.independent_weight_decay, counts.run.batch_tokens, counts.run.tokens
    return None if not decay or batch is None or not tokens else batch / (decay * tokens)


_ASPECTS = (_counting, _warmup, _tuning, _decay, _tokenizer, _data, _loss_unit, _seq_len, _weight_decay)
