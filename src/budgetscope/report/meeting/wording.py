"""Small parts of wording that the sections of a report share."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from budgetscope.core.answers.other_budgets import OtherBudget
from budgetscope.core.budget.quantities import format_count, format_ends, format_hours, format_usd
from budgetscope.core.language import JAPANESE, _, code
from budgetscope.report.meeting.facts import Facts
from budgetscope.report.rows import UNKNOWN
from budgetscope.report.words import beside

_LEAST_USD = 0.005
"""US dollars that round to more than nothing."""
WIDE_RATE = 1.5
"""Factor between learning rates from which laws disagree."""


def known(value: float | None, form: Callable[[float], str]) -> str:
    """Return a number as text, or that it is not known."""
    return UNKNOWN if value is None else form(value)


def share(value: float) -> str:
    """Return a share: 32%, 8.2%, 1%."""
    return f"{value:.0%}" if value >= 0.1 else f"{float(f'{value * 100:.1f}'):g}%"


def sentence(text: str) -> str:
    """Return a text with a capital at its start, unless it starts with the id of a fit."""
    return text if "/" in text.partition(" ")[0] else f"{text[:1].upper()}{text[1:]}"


def waste(fraction: float | None, budget_usd: float | None) -> str:
    """Return deadweight compute as a share of the budget, with its dollars where they are known.

    Args:
        fraction: the share; None where it is not known.
        budget_usd: what the whole budget costs, see `budget_usd`.
    """
    if fraction is None:
        return UNKNOWN
    if budget_usd is None:
        return f"{fraction:.1%}"
    usd = fraction * budget_usd
    return _("{share} = {usd}").format(share=f"{fraction:.1%}", usd=format_usd(usd if usd >= _LEAST_USD else 0.0))


def at_factor(facts: Facts, factor: float) -> OtherBudget | None:
    """Return the run of a multiple of the budget; None where it is out of bounds."""
    return next((each for each in facts.budgets if each.factor == factor), None)


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers that sentences about one plan need, as text.

    Attributes:
        usd: cost; empty without a price.
        usd_low: lower end of its range; empty without one.
        usd_high: upper end.
        time: wall time; empty where the number of devices is open.
        devices: their number and name; the name alone where the number is open.
        loss: at the end of the run, with its unit; empty without a law of it.
    """

    n_params: str
    tokens: str
    usd: str
    usd_low: str
    usd_high: str
    time: str
    devices: str
    device_hours: str
    loss: str


def numbers(facts: Facts) -> Numbers:
    """Return the numbers of a plan as text."""
    plan = facts.plan
    run, machine, cost, ends = plan.run, plan.machine, plan.run.cost_usd, plan.spread.cost_usd
    if ends is None and cost is not None and cost.low is not None and cost.high is not None:
        ends = cost.low, cost.high
    usd_low, usd_high = ("", "") if ends is None else format_ends(*ends, format_usd)
    count = None if machine.device.by_rate else machine.n_devices
    loss = plan.final_loss
    unit = plan.loss_unit or ""
    return Numbers(
        n_params=format_count(run.n_params),
        tokens=format_count(run.tokens),
        usd="" if cost is None else beside(cost.value, ends, format_usd),
        usd_low=usd_low,
        usd_high=usd_high,
        time="" if run.hours is None or machine.n_devices is None else format_hours(run.hours),
        devices=machine.device.name if count is None else _devices(count, machine.device.name),
        device_hours=format_count(run.device_hours),
        loss="" if loss is None else f"{loss.value:.2f} {unit}".strip(),
    )


def _devices(count: float, name: str) -> str:
    return _("{count} x {device}").format(count=f"{count:,.4g}", device=name)


def dated(date: str) -> str:
    """Return a date in the language in use: "2026-11" or "2026年11月", "2026-11-09" or "2026年11月9日"."""
    if code() != JAPANESE or not re.fullmatch(r"\d{4}-\d\d(-\d\d)?", date):
        return date
    parts = zip(map(int, date.split("-")), "年月日", strict=False)
    return "".join(f"{number}{unit}" for number, unit in parts)


def beyond_runs(facts: Facts) -> float:
    """Return the budget over that of the law's largest run; 0 where its runs are not published."""
    law = facts.law.allocation
    fitted = None if law is None else law.fitted.get("flops")
    return 0.0 if fitted is None else facts.answer.optimum.flops / fitted.high


def rate_factor(facts: Facts) -> float | None:
    """Return by which factor published laws differ in the learning rate; None where they hardly do."""
    rate = facts.plan.recipe.learning_rate
    if rate.low is None or rate.high is None or rate.high < WIDE_RATE * rate.low:
        return None
    return rate.high / rate.low
