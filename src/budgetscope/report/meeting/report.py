"""The report of one plan: its sections in order."""

from collections.abc import Collection

from budgetscope.core.budget.exchange import yen_assumptions
from budgetscope.core.language import _, code
from budgetscope.core.laws.intervals import Kind
from budgetscope.report.markdown import ended
from budgetscope.report.meeting.alternatives import alternatives
from budgetscope.report.meeting.changes import changes
from budgetscope.report.meeting.closing import minutes, reproduce, to_say
from budgetscope.report.meeting.document import Document, Section
from budgetscope.report.meeting.facts import Facts
from budgetscope.report.meeting.figures import figures
from budgetscope.report.meeting.ledger import ledger, provenance
from budgetscope.report.meeting.opening import returns, three_points
from budgetscope.report.meeting.risks import checklist, risks
from budgetscope.report.meeting.wording import dated
from budgetscope.report.words import sentences


def report(facts: Facts, pictures: Collection[str], note: str, command: str) -> Document:
    """Return the report of a plan.

    Args:
        facts: the plan and its companions.
        pictures: names of the figures that there are.
        note: a sentence about the figures; empty for none.
        command: the shell command that writes the report.
    """
    title = _("Training plan for {budget}").format(budget=facts.plan.budget)
    subtitle = _("Planned by {law}.").format(law=facts.plan.law_title)
    date, price = facts.plan.machine.device.price_date, facts.plan.machine.price
    if date is not None and price is not None and price.kind is not Kind.STATED:
        subtitle = _("Planned by {law}, with prices of {date}.").format(law=facts.plan.law_title, date=dated(date))
    subtitle = sentences((subtitle, *map(ended, yen_assumptions())))
    made = (
        three_points(facts),
        returns(facts),
        alternatives(facts),
        changes(facts),
        figures(facts, pictures, note),
        risks(facts),
        checklist(facts),
        ledger(facts),
        provenance(facts),
        to_say(facts),
        minutes(facts),
        reproduce(facts, command),
    )
    return document(title, subtitle, made, facts.version)


def document(title: str, subtitle: str, sections: tuple[Section, ...], version: str) -> Document:
    """Return a document of sections in the language in use; sections without blocks are left out."""
    return Document(
        language=code(),
        title=title,
        subtitle=subtitle,
        sections=tuple(section for section in sections if section.blocks),
        contents=_("Contents"),
        footer=_("Made by budgetscope {version} from published laws and prices.").format(version=version),
    )
