"""The sections of risks in three levels, and of the checklist for a fair comparison."""

from budgetscope.core.audit.schedule import WARMUP_BAD, WARMUP_WARN
from budgetscope.core.budget.quantities import format_count
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.language import _
from budgetscope.core.wording import listed
from budgetscope.report.meeting.document import Block, Bullets, Heading, Paragraph, Section, Table
from budgetscope.report.meeting.facts import Facts
from budgetscope.report.meeting.wording import beyond_runs, sentence, share
from budgetscope.report.rows import LEVEL_TITLES

_ENOUGH = 1.05
"""Tokens of warmup a parameter that are enough (Porian et al. 2024, section 3.2)."""

_NOT_COUNTING_HEAD = (Convention.KAPLAN, Convention.DEEPSEEK)


def risks(facts: Facts) -> Section:
    """Return the cautions of a plan in three levels."""
    blocks: list[Block] = []
    for number, (level, title) in enumerate(LEVEL_TITLES.items(), 1):
        texts = tuple(sentence(caution.text) for caution in facts.plan.cautions if caution.level == level)
        blocks.append(Heading(_("Level {number}: {title}").format(number=number, title=_(title))))
        blocks.append(Bullets(texts) if texts else Paragraph(_("Nothing is known.")))
    return Section("risks", _("Risks in three levels"), tuple(blocks))


def checklist(facts: Facts) -> Section:
    """Return the questions that make a comparison of two runs or laws fair, with this plan's answers."""
    header = ("", _("question"), _("in this plan"), _("ask of the other side"))
    rows = tuple(("☐", *row) for row in (
        _head(facts), _warmup(facts), _tuned(facts), _schedule(facts), _tokenizer(facts), _data(facts), _loss(facts),
        _range(facts),
    ))  # fmt: skip
    told = _(
        "Kaplan's and Chinchilla's laws differed forty times in the model that they advise, for three of these reasons "
        "alone (Porian et al. 2024, arXiv 2406.19146). Go through them before you compare this plan with another run "
        "or law."
    )
    return Section(
        "checklist",
        _("Checklist for a fair comparison"),
        (Paragraph(told), Table("", header, rows, widths=(5, 28, 32, 35))),
    )


Row = tuple[str, str, str]


def _head(facts: Facts) -> Row:
    convention = facts.plan.convention
    counted = _("Yes: N and C are by the {counting} count.").format(counting=convention)
    if convention in _NOT_COUNTING_HEAD:
        counted = _("No: N is by the {counting} count.").format(counting=convention)
    return (
        _("Are the FLOPs of the last layer counted?"),
        counted,
        _("Which parameters are counted, and are FLOPs six times their number? `budgetscope flops` converts."),
    )


def _warmup(facts: Facts) -> Row:
    plan = facts.plan
    part = plan.recipe.warmup_tokens / plan.run.tokens
    counted = facts.answer.question.family.convert(plan.run.n_params, plan.convention, Convention.STANDARD)
    text = _("Yes: {warmup} tokens, {share} of the run.")
    if part > WARMUP_BAD:
        text = _("No: {warmup} tokens are {share} of the run, which has few tokens a parameter.")
    elif part > WARMUP_WARN and plan.recipe.warmup_tokens > _ENOUGH * counted:
        text = _("Hardly: {warmup} tokens are {share} of the run and more than it has parameters.")
    return (
        _("Is the warmup short against the run, for small models too?"),
        text.format(warmup=format_count(plan.recipe.warmup_tokens), share=share(part)),
        _("Is one warmup used for all sizes? The smallest runs then suffer most."),
    )


def _tuned(facts: Facts) -> Row:
    sources = facts.plan.recipe.sources
    laws = tuple(dict.fromkeys(sources[role] for role in ("learning_rate", "batch_size", "beta2")))
    text = _("By published laws, not by runs of your own: {laws}.")
    if facts.law.calibrated and laws == (facts.law.id,):
        text = _("By a calibration of your own: {laws}.")
    return (
        _("Are learning rate, batch and beta2 tuned to each size?"),
        text.format(laws=listed(laws)),
        _("Is one setting used for all sizes? A law fitted on such runs is bent."),
    )


def _schedule(facts: Facts) -> Row:
    """Return whether the learning rate decays alike; a fit says `constant`, `cosine` or `wsd`, or nothing."""
    known = {
        "constant": _("Warmup-stable-decay; the law's own runs had a constant rate."),
        "cosine": _("Warmup-stable-decay; the law's own runs had a cosine."),
        "wsd": _("Warmup-stable-decay, as the law's own runs had."),
    }
    unknown = _("Warmup-stable-decay; the schedule of the law's runs is not published.")
    return (
        _("Does the learning rate decay in the same way on both sides?"),
        known.get(facts.law.schedule or "", unknown),
        _("Was the decay as long as the run? A loss in the middle of a longer schedule is too high."),
    )


def _tokenizer(facts: Facts) -> Row:
    plan, law = facts.plan, facts.law
    text = _("A vocabulary of {vocab}; that of the law's runs is not published.").format(vocab=f"{plan.vocab_size:,}")
    if law.vocab_size is not None:
        text = _("A vocabulary of {vocab}; the law's runs had {own}.").format(
            vocab=f"{plan.vocab_size:,}", own=f"{law.vocab_size:,}"
        )
    return (
        _("Are tokenizer and vocabulary the same?"),
        text,
        _("Losses in nats a token compare only with one tokenizer; otherwise compare bits a byte."),
    )


def _data(facts: Facts) -> Row:
    return (
        _("Is it the same data, and unseen validation data?"),
        _("The law was fitted on the data of {law}; yours may differ.").format(law=facts.law.title),
        _("On which text was the loss measured? Another mix moves the loss more than the size does."),
    )


def _loss(facts: Facts) -> Row:
    unit = facts.plan.loss_unit
    return (
        _("Is the loss in the same unit, and of validation?"),
        _("Not known.") if unit is None else _("In {unit}.").format(unit=unit),
        _("Is it a loss of training, smoothed, or of validation? In nats or in bits?"),
    )


def _range(facts: Facts) -> Row:
    law = facts.law.allocation
    fitted = None if law is None else law.fitted.get("flops")
    text = _("The range of the law's runs is not published.")
    if fitted is not None:
        times = beyond_runs(facts)
        text = _("The law's largest run has {c} FLOPs; this plan is {times} times beyond.").format(
            c=f"{fitted.high:.2e}".replace("e+", "e"), times=f"{float(f'{times:.2g}'):,g}"
        )
        if times <= 1:
            text = _("This plan lies inside the budgets of the law's runs.")
    return (
        _("Is it inside the range of the runs?"),
        text,
        _("Did every budget have sizes on both sides of its best one, and several seeds?"),
    )
