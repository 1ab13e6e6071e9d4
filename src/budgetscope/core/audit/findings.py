"""The findings about one run: every rule, the gravest finding first."""

from budgetscope.core.audit import machine, missing, recipe, scale, schedule
from budgetscope.core.audit.counts import Counts
from budgetscope.core.audit.finding import Finding, ranked
from budgetscope.core.audit.yardstick import Yardstick


def findings(counts: Counts, yardstick: Yardstick | None) -> tuple[Finding, ...]:
    """Return what is the matter with a run.

    Args:
        counts: of the run.
        yardstick: what the laws say of it; None where N or D is not known or no law reaches it, so that rules which
            need no law are applied alone.
    """
    found = [
        *schedule.of_warmup(counts, yardstick),
        *schedule.of_decay(counts),
        *recipe.of_optimizer(counts),
        *scale.of_counting(counts),
        *scale.of_tuning(counts),
        *scale.of_data(counts),
        *machine.of_precision(counts),
        *machine.of_split(counts),
        *missing.of_missing(counts),
        *missing.of_unread(counts),
    ]
    if yardstick is not None:
        found += [
            *recipe.of_learning_rate(counts, yardstick),
            *recipe.of_batch(counts, yardstick),
            *recipe.of_beta2(counts, yardstick),
            *recipe.of_weight_decay(counts, yardstick),
            *scale.of_ratio(counts, yardstick),
            *machine.of_machine(yardstick),
        ]
    return ranked(found)
