"""Findings about learning rate, batch, beta2 and weight decay, against the published laws at the run's own N and D.

A value inside the range of the laws is no finding: they differ among themselves by factors, and no public grid says
which one is right beyond its sizes.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

from budgetscope.core.audit.counts import Counts
from budgetscope.core.audit.finding import Finding, Severity, rate_text, times_text
from budgetscope.core.audit.yardstick import Yardstick
from budgetscope.core.budget.quantities import english_count, format_count, format_ends
from budgetscope.core.language import N_, _
from budgetscope.core.laws.intervals import Estimate
from budgetscope.core.laws.sensitivity import measured

_ROUNDED = 1.1
"""Laws and recipes are written in one or two digits."""
_SMALL_BATCH = 524_288.0
"""Tokens of a batch under which a beta2 of 0.99 and more is better (Porian et al. 2024, abstract)."""
_FORGETS = 2.0
"""Factor of 1 - beta2 beyond the rules that is a finding."""
_DECAY_FAR = 3.0
"""Factor of the weight decay beyond the rules that is a finding: they differ by as much."""
_ADAM = ("adam", "adamw", "adamw_torch", "adamw_torch_fused", "fusedadam", "fused_adam", "stableadamw")


def is_adam(counts: Counts) -> bool:
    """Return whether the run trains with Adam or AdamW, or does not say."""
    return counts.run.optimizer is None or counts.run.optimizer.lower() in _ADAM


def of_optimizer(counts: Counts) -> Iterator[Finding]:
    """Yield that the laws are of AdamW and the run has another optimizer."""
    if is_adam(counts):
        return
    yield Finding(
        "optimizer-other",
        Severity.NOTE,
        _("The learning rate, beta2 and weight decay cannot be judged: the optimizer is not AdamW."),
        _("All laws of the recipe known here were fitted with AdamW."),
        _("Sweep the learning rate at a small size of the same model."),
        _("A learning rate of AdamW does not carry over to another optimizer. The loss for one run is not known."),
    )


def beyond(value: float, laws: Estimate) -> float:
    """Return the factor by which a value lies outside the range of the laws: above one above, below one below."""
    low = laws.value if laws.low is None else laws.low
    high = laws.value if laws.high is None else laws.high
    return value / high if value > high else value / low if value < low else 1.0


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is said of a quantity outside the range of the published laws; pairs are for below and above it.

    Attributes:
        name: of its value in the titles.
        text: returns a value as text.
        far: factors outside the range from which it is a warning.
        codes: of the findings.
        titles: of the findings.
        evidence: what the laws say.
        remedy: with the laws' learning rate and batch.
    """

    name: str
    text: Callable[[float], str]
    far: tuple[float, float]
    codes: tuple[str, str]
    titles: tuple[str, str]
    evidence: str
    remedy: str


_LEARNING_RATE = _Judged(
    name="rate",
    text=rate_text,
    far=(2.0, 2.0),  # grids move by factors of two
    codes=("learning-rate-low", "learning-rate-high"),
    titles=(
        N_("The learning rate {rate} is {times} times below the lowest published law."),
        N_("The learning rate {rate} is {times} times above the highest published law."),
    ),
    evidence=N_("At this N and D the laws say {low} to {high} ({basis}), each with its own batch."),
    remedy=N_("Take {rate} at a batch of {batch} tokens ({law}); `{command}` has the whole recipe."),
)
_BATCH = _Judged(
    name="batch",
    text=format_count,
    far=(math.inf, 4.0),  # the loss is flatter in it
    codes=("batch-small", "batch-large"),
    titles=(
        N_("The batch of {batch} tokens is {times} times below the lowest published law."),
        N_("The batch of {batch} tokens is {times} times above the highest published law."),
    ),
    evidence=N_("At this N and D the laws say {low} to {high} tokens ({basis})."),
    remedy=N_("Take {batch} tokens ({law}) and the learning rate that goes with it: `{command}`."),
)


def of_learning_rate(counts: Counts, yardstick: Yardstick) -> Iterator[Finding]:
    """Yield a learning rate outside the range of the published laws."""
    if is_adam(counts):
        price = _price("learning_rate", yardstick)
        rate = counts.run.learning_rate
        yield from _outside(_LEARNING_RATE, rate, yardstick.learning_rate, counts, yardstick, (price, price))


def of_batch(counts: Counts, yardstick: Yardstick) -> Iterator[Finding]:
    """Yield a batch outside the range of the published laws; its price says whether it is above the critical batch."""
    batch, critical = counts.run.batch_tokens, yardstick.critical_batch_tokens
    small = _("Small batches cost time on many devices, and little loss where beta2 is tuned to them.")
    large = _price("batch_size", yardstick)
    if batch is not None and critical is not None and batch > critical:
        large = _("It is above the critical batch of {critical} tokens: more tokens a step hardly save steps.").format(
            critical=format_count(critical)
        )
    yield from _outside(_BATCH, batch, yardstick.batch_tokens, counts, yardstick, (small, large))


def _outside(
    judged: _Judged,
    value: float | None,
    laws: Estimate,
    counts: Counts,
    yardstick: Yardstick,
    prices: tuple[str, str],
) -> Iterator[Finding]:
    """Yield that a value lies outside the range of the laws; `prices` are of one below and above it."""
    if value is None or value <= 0:
        return
    factor = beyond(value, laws)
    times, side = max(factor, 1 / factor), int(factor > 1)
    if times <= _ROUNDED:
        return
    low, high = format_ends(laws.low or laws.value, laws.high or laws.value, judged.text)
    yield Finding(
        judged.codes[side],
        Severity.WARN if yardstick.covered and times > judged.far[side] else Severity.NOTE,
        _(judged.titles[side]).format(**{judged.name: judged.text(value)}, times=times_text(times)),
        _(judged.evidence).format(low=low, high=high, basis=laws.basis),
        _(judged.remedy).format(
            rate=rate_text(yardstick.learning_rate.value),
            batch=format_count(yardstick.batch_tokens.value),
            law=yardstick.recipe,
            command=_plan(counts),
        ),
        prices[side],
    )


def _plan(counts: Counts) -> str:
    """Return the command that plans a run of this N and D."""
    n_params, tokens = (english_count(value or 1).replace(" ", "") for value in (counts.n_params, counts.run.tokens))
    return f"budgetscope plan N={n_params} --tokens {tokens}"


def _price(role: str, yardstick: Yardstick) -> str:
    """Return what being off costs, as far as anything public says so."""
    told = []
    choice = yardstick.evidence
    if choice is not None and len(choice.evidence) > 1:
        losses = [each.excess for each in choice.evidence]
        told.append(
            _(
                "The laws' own recipes lost {low} to {high} nats a token on the nearest public grid ({place}); what "
                "lies outside their range was not scored."
            ).format(low=f"{min(losses):.4f}", high=f"{max(losses):.4f}", place=choice.place)
        )
    known = measured(role)
    if known is not None:
        smallest, largest = format_ends(known.smallest_n_params, known.largest_n_params, format_count)
        told.append(
            _(
                "A factor of two changed the loss by {low} to {high} in models of {smallest} to {largest} parameters; "
                "for larger ones no law says it."
            ).format(
                low=_signed_share(known.low),
                high=_signed_share(known.high),
                smallest=smallest,
                largest=largest,
            )
        )
    glued = _("{first} {second}")
    return reduce(lambda first, second: glued.format(first=first, second=second), told) if told else ""


def _signed_share(value: float) -> str:
    return f"{100 * value:+.2g}%"


def of_beta2(counts: Counts, yardstick: Yardstick) -> Iterator[Finding]:
    """Yield a beta2 that forgets much faster or slower than the published rules at the run's batch."""
    run, rules = counts.run, yardstick.beta2
    if run.beta2 is None or rules is None or run.batch_tokens is None or not is_adam(counts) or not 0 < run.beta2 < 1:
        return
    faster = (1 - run.beta2) / (1 - rules[0])
    slower = (1 - rules[1]) / (1 - run.beta2)
    said = _("At a batch of {batch} tokens the rules say {low} to {high}.").format(
        batch=format_count(run.batch_tokens), low=rate_text(rules[0]), high=rate_text(rules[1])
    )
    advised = _("Take a beta2 of {beta2}.").format(beta2=rate_text(rules[1]))
    if faster > _FORGETS:
        small = run.batch_tokens < _SMALL_BATCH
        yield Finding(
            "beta2-low",
            Severity.WARN if small else Severity.NOTE,
            _("beta2 {beta2} is too low for a small batch.").format(beta2=rate_text(run.beta2))
            if small
            else _("beta2 {beta2} is below the published rules.").format(beta2=rate_text(run.beta2)),
            said,
            advised,
            _(
                "With small batches Adam then averages over too few tokens: its tuning is essential there (Porian et "
                "al. 2024). The loss for one run is not known."
            ),
        )
    elif slower > _FORGETS:
        yield Finding(
            "beta2-high",
            Severity.NOTE,
            _("beta2 {beta2} is above the published rules.").format(beta2=rate_text(run.beta2)),
            said,
            advised,
            _("Adam then forgets slowly: spikes of the loss last longer. The loss for one run is not known."),
        )


def of_weight_decay(counts: Counts, yardstick: Yardstick) -> Iterator[Finding]:
    """Yield a weight decay whose product with the learning rate lies far outside the published rules."""
    run, decay, rules = counts.run, counts.independent_weight_decay, yardstick.weight_decay
    if decay is None or rules is None or not run.learning_rate or run.weight_decay is None or not is_adam(counts):
        return
    if rules[0] / _DECAY_FAR <= decay <= _DECAY_FAR * rules[1]:
        return
    values = {
        "coupled": rate_text(run.weight_decay),
        "rate": rate_text(run.learning_rate),
        "decay": rate_text(decay),
        "low": rate_text(rules[0]),
        "high": rate_text(rules[1]),
    }
    advised = rules[0] if decay < rules[0] else rules[1]
    yield Finding(
        "weight-decay",
        Severity.NOTE,
        _("The weight decay is weaker than the published rules.")
        if decay < rules[0]
        else _("The weight decay is stronger than the published rules."),
        _(
            "AdamW shrinks the weights by lr x lambda a step: {rate} x {coupled} = {decay} at the peak, and the rules "
            "say {low} to {high}."
        ).format(**values),
        _("Set weight_decay to {value}, and set it anew whenever the learning rate changes.").format(
            value=rate_text(advised / run.learning_rate)
        ),
        _("The loss for one run is not known; a decay that shrinks with the learning rate confuses a sweep of it."),
    )
