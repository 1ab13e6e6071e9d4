"""The section of figures: which there are, and how to read each."""

from collections.abc import Collection

from budgetscope.core.language import _
from budgetscope.report.meeting.document import Block, Paragraph, Picture, Section
from budgetscope.report.meeting.facts import Facts

ALLOCATION, ISO_FLOP, WALK, MONEY, SCORES = "allocation", "isoflop", "walk", "cost", "recipes"
"""Names of the figures, in order."""


def figures(facts: Facts, names: Collection[str], note: str) -> Section:
    """Return the figures with their captions.

    Args:
        facts: what they show.
        names: of those that there are.
        note: why there are none or how they differ, one sentence; empty for nothing to say.
    """
    shown = [(name, text) for name, text in captions(facts).items() if name in names]
    label = _("Figure {number}: {caption}")
    blocks: list[Block] = [
        Picture(name, label.format(number=number, caption=text)) for number, (name, text) in enumerate(shown, 1)
    ]
    if note:
        blocks.insert(0, Paragraph(note))
    return Section("figures", _("Figures"), tuple(blocks))


def captions(facts: Facts) -> dict[str, str]:
    """Return how to read each figure, by its name."""
    plan, grid = facts.plan, facts.grid
    captions = {
        ALLOCATION: _(
            "The best size at each budget, N*(C), by {law} with its 95% interval, and by well-known laws, all by the "
            "{counting} count. The diamond is this budget."
        ).format(law=plan.law_title, counting=plan.convention),
        ISO_FLOP: _(
            "The loss of every size at this budget. In the hatched band a size costs less than 0.1% of the loss. Where "
            "the line is dashed, no run was measured so far off."
        ),
        WALK: _(
            "Why the laws of 2020 and 2022 disagree: Porian et al.'s steps on RefinedWeb. Each step mends one thing, "
            "and the tokens per parameter stop depending on the budget."
        ),
        MONEY: _(
            "What the loss costs: the compute-optimal run of each budget at this plan's price and MFU. The diamond is "
            "this plan."
        ),
    }
    if grid is not None:
        captions[SCORES] = _(
            "How much compute each published recipe needs for the loss of the best recipe measured, on {title}: the "
            "mean over the runs near the optimum, where section 2 has the nearest one. Less is better; 1 is the best "
            "that was tried."
        ).format(title=grid.title)
    return captions


def no_matplotlib() -> str:
    """Return why a report has no figures; without the command, which names a path of this machine."""
    return _(
        "The figures are left out, since matplotlib is not installed: install the extra `plot` of budgetscope, then "
        "export again."
    )


def no_font() -> str:
    """Return why the figures of a Japanese report have English labels."""
    return _(
        "The labels of the figures are English, since no font with Japanese letters was found: install one, such as "
        "the package fonts-noto-cjk, and export again."
    )


def no_folder() -> str:
    """Return why a report in Markdown has no figures."""
    return _("The figures are in the HTML report; for Markdown, export with `--figures` and a folder for them.")
