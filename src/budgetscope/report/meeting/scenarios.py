"""The report that compares scenarios: three points, the numbers side by side, then each on its own."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from budgetscope.core.answers.cautions import Level
from budgetscope.core.budget.quantities import format_count, format_usd
from budgetscope.core.language import _
from budgetscope.core.wording import listed
from budgetscope.report.markdown import ended
from budgetscope.report.meeting.document import (
    Alert,
    Block,
    Bullets,
    Commands,
    Document,
    Heading,
    Paragraph,
    Picture,
    Points,
    Section,
    Table,
)
from budgetscope.report.meeting.facts import Facts
from budgetscope.report.meeting.opening import points
from budgetscope.report.meeting.report import document
from budgetscope.report.meeting.wording import numbers, sentence
from budgetscope.report.scenarios import LESS, MORE, Column, board
from budgetscope.report.words import quoted, sentences

MONEY = "scenarios"
"""Name of the figure."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario with what its part of the report is made from.

    Attributes:
        name: of the scenario.
        facts: None when it has no plan.
        problem: why it has none, one sentence; empty when it has one.
    """

    name: str
    facts: Facts | None
    problem: str = ""

    @property
    def loss(self) -> float | None:
        """Loss at the end of the run; None where it is not known."""
        if self.facts is None:
            return None
        reached = self.facts.plan.final_loss
        return None if reached is None else reached.value

    @property
    def usd(self) -> float | None:
        """Cost in US dollars, to five digits, so that equal runs cost the same; None where it is not known."""
        cost = None if self.facts is None else self.facts.plan.run.cost_usd
        return None if cost is None else float(f"{cost.value:.5g}")


def scenarios_report(
    scenarios: Sequence[Scenario], pictures: Collection[str], note: str, command: str, version: str
) -> Document:
    """Return the report of scenarios.

    Args:
        scenarios: at least two, in the order in which they stand side by side; the first is the reference.
        pictures: names of the figures that there are.
        note: a sentence about the figures; empty for none.
        command: the shell command that writes the report.
        version: of budgetscope.
    """
    names = listed(scenario.name for scenario in scenarios)
    shown: list[Block] = [
        *([Paragraph(note)] if note else []),
        *([Picture(MONEY, _caption())] if MONEY in pictures else []),
    ]
    sections = (
        Section("decision", _("The decision in three points"), (*_problems(scenarios), Points(_points(scenarios)))),
        Section("numbers", _("Side by side"), _side_by_side(scenarios)),
        Section("figures", _("Figures"), tuple(shown)),
        *(_one(number, scenario, scenario.facts) for number, scenario in enumerate(scenarios, 1) if scenario.facts),
        Section("reproduce", _("How to make this report again"), _again(scenarios, command)),
    )
    title = _("Comparison of {count} training plans").format(count=len(scenarios))
    return document(title, names, sections, version)


def _caption() -> str:
    return _("The loss at the end of each run over its cost: lower and further left is better.")


def _problems(scenarios: Sequence[Scenario]) -> list[Block]:
    text = _("{name} has no plan: {problem}")
    return [Alert(text.format(name=quoted(each.name), problem=each.problem)) for each in scenarios if each.problem]


def _points(scenarios: Sequence[Scenario]) -> tuple[tuple[str, str], ...]:
    found = (
        (_("Which costs least"), _cheapest(scenarios)),
        (_("Which ends at the lowest loss"), _best(scenarios)),
        (_("What the difference buys"), _steps(scenarios)),
    )
    return tuple((title, text or _("This is not known for these scenarios.")) for title, text in found)


def _cheapest(scenarios: Sequence[Scenario]) -> str:
    priced = sorted((usd, each.name) for each in scenarios if (usd := each.usd) is not None)
    if not priced:
        return ""
    (least, cheapest), (most, dearest) = priced[0], priced[-1]
    first = _("{name} costs least, {usd}.").format(name=quoted(cheapest), usd=format_usd(least))
    equal = tuple(each.name for each in scenarios if each.usd == least)
    if 1 < len(equal) < len(priced):
        first = _("{names} cost least, {usd} each.").format(names=listed(map(quoted, equal)), usd=format_usd(least))
    if most == least:
        return sentences((first, _("The others that have a price cost the same."))) if len(priced) > 1 else first
    return sentences((first, _("{name} costs most, {usd}.").format(name=quoted(dearest), usd=format_usd(most))))


def _comparable(scenarios: Sequence[Scenario]) -> bool:
    """Return whether the losses are by one law and in one vocabulary."""
    plans = [each.facts.plan for each in scenarios if each.facts is not None]
    return len({(plan.law_id, plan.loss_unit, plan.vocab_size) for plan in plans}) == 1


def _best(scenarios: Sequence[Scenario]) -> str:
    known = sorted(
        (loss, each.name, each.facts) for each in scenarios if (loss := each.loss) is not None and each.facts
    )
    if not known:
        return ""
    if not _comparable(scenarios):
        return _("The losses are by different laws or tokenizers and do not compare.")
    _loss, name, facts = known[0]
    said = numbers(facts)
    return _("{name} ends lowest, near {loss}, with {n} parameters on {d} tokens.").format(
        name=quoted(name), loss=said.loss, n=said.n_params, d=said.tokens
    )


def _steps(scenarios: Sequence[Scenario]) -> str:
    """Return what each step up in cost buys in loss."""
    if not _comparable(scenarios):
        return ""
    known = [(each.usd, each.loss, each.name) for each in scenarios]
    full = sorted((usd, loss, name) for usd, loss, name in known if usd is not None and loss is not None)
    told = []
    # The best of those that cost the same is what a dearer one is compared with.
    for before, after in pairwise(full):
        if after[0] == before[0]:
            told.append(_same_price(before, after))
    best = [next(group) for _usd, group in groupby(full, key=lambda each: each[0])]
    for (usd, loss, name), (more, other, dearer) in pairwise(best):
        names = {"name": quoted(name), "dearer": quoted(dearer)}
        if other < loss:
            text = _("From {name} to {dearer}: {usd} more for a loss {gain} lower.")
            told.append(text.format(**names, usd=format_usd(more - usd), gain=f"{loss - other:.3f}"))
        else:
            text = _("{dearer} costs {usd} more than {name} and ends no lower.")
            told.append(text.format(**names, usd=format_usd(more - usd)))
    return sentences(told)


def _same_price(better: tuple[float, float, str], other: tuple[float, float, str]) -> str:
    """Return what two scenarios of one price end at, each as cost, loss and name."""
    gain, names = f"{other[1] - better[1]:.3f}", {"name": quoted(better[2]), "other": quoted(other[2])}
    if float(gain) == 0:
        return _("{name} and {other} cost the same and end at the same loss.").format(**names)
    text = _("{name} and {other} cost the same, and {name} ends {gain} lower.")
    return text.format(**names, gain=gain)


def _side_by_side(scenarios: Sequence[Scenario]) -> tuple[Block, ...]:
    columns = [Column(each.name, None if each.facts is None else each.facts.plan, each.problem) for each in scenarios]
    made = board(columns, 0)
    rows = tuple(
        (row.label, *(" ".join(filter(None, (cell.text, cell.difference))) for cell in row.cells)) for row in made.rows
    )
    note = _(
        "{more} and {less} compare with {base}: N, C and D/N only where the counting is the same, the loss only where "
        "the law is."
    ).format(more=MORE, less=LESS, base=quoted(columns[0].name))
    return Table("", ("", *(column.name for column in columns)), rows), Paragraph(note)


def _one(number: int, scenario: Scenario, facts: Facts) -> Section:
    decisive = tuple(sentence(each.text) for each in facts.plan.cautions if each.level == Level.DECISION)
    blocks: list[Block] = [Paragraph(ended(facts.plan.understood)), points(facts)]
    if decisive:
        blocks += [Heading(_("What could turn the decision")), Bullets(decisive)]
    if facts.plan.assumptions:
        blocks += [
            Heading(_("Assumed, since nothing else was said")),
            Bullets(tuple(map(sentence, facts.plan.assumptions))),
        ]
    size = format_count(facts.plan.run.n_params)
    title = _("{name}: {n} parameters").format(name=scenario.name, n=size)
    return Section(f"scenario-{number}", title, tuple(blocks))


def _again(scenarios: Sequence[Scenario], command: str) -> tuple[Block, ...]:
    made = tuple(each.facts.export_command for each in scenarios if each.facts is not None)
    return (
        Paragraph(
            _("This command writes this report again, byte for byte, as long as the saved scenarios stay as they are.")
        ),
        Commands((command,)),
        Paragraph(_("The report of each scenario alone:")),
        Commands(tuple(f"{each} -o report-again-{number}.html --force" for number, each in enumerate(made, 1))),
    )
