"""The sections of assumptions and of provenance: what every number rests on, and where it is from."""

from budgetscope.core.language import _
from budgetscope.core.laws.intervals import Kind
from budgetscope.core.stored_words import stored_text
from budgetscope.core.wording import listed
from budgetscope.report import layouts as layout_words
from budgetscope.report.markdown import ended
from budgetscope.report.meeting.document import Block, Bullets, Cell, Heading, Link, Paragraph, Section, Table
from budgetscope.report.meeting.facts import Facts
from budgetscope.report.meeting.wording import sentence
from budgetscope.report.rows import SECTIONS, UNKNOWN
from budgetscope.report.tables import all_rows


def ledger(facts: Facts) -> Section:
    """Return every quantity with its interval and basis, every assumption, and the layouts of the memory."""
    plan = facts.plan
    rows = all_rows(plan, facts.layouts)
    blocks: list[Block] = []
    header = (_("quantity"), _("value"), _("interval or range"), _("what it rests on"))
    for section, title in (*SECTIONS, ("budget", _("Budget"))):
        chosen = tuple((row.label, row.text, row.interval, row.basis) for row in rows if row.section == section)
        if chosen:
            blocks += [Heading(_(title)), Table("", header, chosen, widths=(14, 20, 20, 46))]
    blocks += [Heading(_("Assumed, since nothing else was said")), Bullets(_assumed(facts))]
    if facts.layouts is not None:
        blocks += [Heading(_("Memory and layout")), *_memory(facts)]
    return Section("assumptions", _("Assumptions, line by line"), tuple(blocks))


def _assumed(facts: Facts) -> tuple[str, ...]:
    plan = facts.plan
    return (
        _("Law: {title} ({law}), with numbers by the {counting} count.").format(
            title=plan.law_title, law=plan.law_id, counting=plan.convention
        ),
        *map(sentence, plan.assumptions),
        _("Sequences of {seq_len} tokens, and a vocabulary of {vocab}.").format(
            seq_len=f"{plan.seq_len:,}", vocab=f"{plan.vocab_size:,}"
        ),
    )


def _memory(facts: Facts) -> list[Block]:
    found = facts.layouts
    if found is None:
        return []
    header = tuple(_(text) if text else "" for text in layout_words.LAYOUT_HEADER)
    parts = tuple(_(text) if text else "" for text in layout_words.BYTES_HEADER)
    return [
        Paragraph(layout_words.summary(found)),
        Paragraph(ended(layout_words.machine_text(found))),
        Table("", header, tuple(layout_words.layout_cells(found)), frozenset({2, 3, 4, 5, 6})),
        Paragraph(_(layout_words.LEGEND)),
        Table(_(layout_words.BYTES_TITLE), parts, tuple(layout_words.bytes_cells(found)), frozenset(range(1, 7))),
        Bullets(tuple(map(sentence, found.notes))),
    ]


def provenance(facts: Facts) -> Section:
    """Return the laws with their sources, the device and its price with dates, and the version."""
    header = (_("for"), _("source"), _("publication"), _("how it was obtained"))
    rows = tuple(_source(facts, fit_id, roles) for fit_id, roles in _followed(facts).items())
    blocks: list[Block] = [Table(_("The laws that this plan follows."), header, rows, widths=(13, 21, 29, 37))]
    blocks.append(Bullets(tuple(filter(None, (_device(facts), _price(facts), _grid(facts), _version(facts))))))
    return Section("provenance", _("Where the numbers are from"), tuple(blocks))


def _followed(facts: Facts) -> dict[str, list[str]]:
    """Return by id of a fit what the plan takes from it."""
    found = {facts.plan.law_id: [_("N, D and loss")]}
    names = {
        "learning_rate": _("learning rate"),
        "batch_size": _("batch"),
        "beta2": _("beta2"),
        "warmup": _("warmup"),
        "weight_decay": _("weight decay"),
        "critical_batch_size": _("critical batch"),
    }
    for role, fit_id in facts.plan.recipe.sources.items():
        found.setdefault(fit_id, []).append(names.get(role, role))
    return found


def _source(facts: Facts, fit_id: str, roles: list[str]) -> tuple[Cell, ...]:
    fit = facts.fit(fit_id)
    uses = listed(roles)
    if fit is None:
        return uses, fit_id, UNKNOWN, UNKNOWN
    return uses, fit.id, Link(fit.citation, fit.url), stored_text(fit.method)


def _device(facts: Facts) -> str:
    device = facts.plan.machine.device
    if device.by_rate:
        return _("Your own machine sustains {rate}, as stated; its memory is not known.").format(rate=device.sustained)
    return _("{device}: peaks and memory from {source}.").format(device=device.name, source=device.spec_source)


def _price(facts: Facts) -> str:
    """Return where the price is from, with its date; that it was stated, or that there is none."""
    machine = facts.plan.machine
    if machine.price is None:
        return _("No price is known.")
    if machine.price.kind is Kind.STATED:
        return _("The price was stated by who asked.")
    return _("The price of {device}: {basis}; read {date}.").format(
        device=machine.device.name, basis=machine.price.basis, date=machine.device.price_date or UNKNOWN
    )


def _grid(facts: Facts) -> str:
    grid = facts.grid
    if grid is None:
        return ""
    return _("Recipes were scored on {title}: {citation}.").format(title=grid.title, citation=grid.citation)


def _version(facts: Facts) -> str:
    return _("Computed by budgetscope {version}.").format(version=facts.version)
