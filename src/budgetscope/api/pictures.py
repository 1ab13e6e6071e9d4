"""The figures of a report as data, in the language in use, and their files."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from budgetscope.api.charts import Charts
from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.explanation import DATASETS, STAGES, stage_id
from budgetscope.core.answers.other_budgets import other_budgets
from budgetscope.core.answers.whatif import IsoFlop
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import BudgetscopeError, FailureError, UsageError
from budgetscope.core.extras import install_command
from budgetscope.core.language import JAPANESE, _, code, in_english
from budgetscope.core.laws.fit import Fit
from budgetscope.report.figures import draw, plan_figures
from budgetscope.report.figures.figure import Bars, Figure
from budgetscope.report.meeting import figures as names
from budgetscope.report.scoreboard import NEAR_OPTIMAL
from budgetscope.store.files import check_folder_above, status, write_atomically

Get = Callable[[str], Fit]
"""Returns a fit by its id."""

_STEPS = 8
_DECADES = 2
"""Budgets of the figure of the cost: so many a decade, over so many decades on either side of the plan's."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """The figures of a report.

    Attributes:
        figures: by name, in order.
        note: why there are none, or why their labels are English; empty for nothing to say.
        in_english: whether they are drawn in English, whatever the language in use.
    """

    figures: Mapping[str, Figure | Bars]
    note: str = ""
    in_english: bool = False

    def svg(self) -> dict[str, str]:
        """Return each figure as SVG, by name."""
        with in_english() if self.in_english else nullcontext():
            return {name: draw.as_svg(figure) for name, figure in self.figures.items()}

    def files(self) -> tuple[tuple[str, str | bytes], ...]:
        """Return the name and the content of each figure's files: SVG and PNG."""
        found: list[tuple[str, str | bytes]] = [(f"{name}.svg", svg) for name, svg in self.svg().items()]
        with in_english() if self.in_english else nullcontext():
            found += [(f"{name}.png", draw.as_png(figure)) for name, figure in self.figures.items()]
        return tuple(found)


def pictures(answer: Answer, get: Get, charts: Charts) -> Pictures:
    """Return the figures of an answer: those that its law and the stored fits can give.

    Args:
        answer: with the plan.
        get: returns a fit by its id.
        charts: keeps curves that were computed before.

    Raises:
        FailureError: the answer's law gives no usable numbers.
    """
    return drawn(lambda: _figures(answer, get, charts))


def drawn(make: Callable[[], Mapping[str, Figure | Bars]]) -> Pictures:
    """Return figures in the language in use; in English where no font has its letters; none without matplotlib.

    Args:
        make: returns the figures by name, in the language in use.
    """
    if not draw.available():
        return Pictures({}, names.no_matplotlib())
    if code() == JAPANESE and draw.japanese_font() is None:
        with in_english():
            figures = make()
        return Pictures(figures, names.no_font(), in_english=True)
    return Pictures(make())


def _figures(answer: Answer, get: Get, charts: Charts) -> dict[str, Figure | Bars]:
    found = {
        names.ALLOCATION: _allocation(answer, get, charts),
        names.ISO_FLOP: plan_figures.iso_flop(IsoFlop(answer)),
        names.WALK: _walk(answer, get, charts),
        names.MONEY: _money(answer),
        names.SCORES: _scores(answer),
    }
    return {name: figure for name, figure in found.items() if figure is not None}


def _allocation(answer: Answer, get: Get, charts: Charts) -> Figure:
    question, plan = answer.question, answer.plan
    grid = plan_figures.budgets_around(plan.flops, question.fit)
    draw_law = partial(charts.curve, convention=question.convention, family=question.family, flops_grid=grid)
    curves = [draw_law(question.fit, band=True)]
    for fit_id in plan_figures.FAMOUS:
        if fit_id != question.fit.id:
            # The comparison tells of fits that cannot be used.
            with suppress(BudgetscopeError):
                curves.append(draw_law(get(fit_id), band=False))
    return plan_figures.allocation(curves, question.convention, (plan.flops, plan.optimum.n_params))


def _walk(answer: Answer, get: Get, charts: Charts) -> Figure | None:
    dataset, _name = DATASETS[0]
    grid, family = plan_figures.walk_budgets(answer.plan.flops), answer.question.family
    curves = []
    with suppress(BudgetscopeError):
        for stage, _title, _sentence in STAGES:
            fit = get(stage_id(dataset, stage))
            curves.append(charts.curve(fit, Convention.STANDARD, family, grid, band=False))
    if len(curves) < len(STAGES):
        return None
    return plan_figures.walk(curves, [_(title) for _stage, title, _sentence in STAGES])


def _money(answer: Answer) -> Figure | None:
    factors = [10.0 ** (step / _STEPS) for step in range(-_DECADES * _STEPS, _DECADES * _STEPS + 1)]
    return plan_figures.money(answer.plan, other_budgets(answer, factors, intervals=True))


def _scores(answer: Answer) -> Bars | None:
    board = answer.question.scoreboard
    if board is None or not board.grids:
        return None
    ranking = board.grids[0].ranking(max_tokens_per_param=NEAR_OPTIMAL)
    costs = [(law, cost.compute_factor) for law, cost in ranking.items() if cost.compute_factor is not None]
    return plan_figures.scores(costs, answer.plan.recipe.sources["learning_rate"]) if costs else None


def check_figures_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder for figures that is a file, that holds figures while `overwrite` is false, or in no folder.

    Raises:
        UsageError: it is a file, or holds a figure's file, or the folder above it is missing.
        FailureError: matplotlib is not installed, or the system refuses to say.
    """
    if not draw.available():
        raise FailureError(f"figures need matplotlib: {install_command('plot')}")
    if status(folder) is None:
        check_folder_above(folder)
    elif not folder.is_dir():
        raise UsageError(f"{str(folder)!r} is a file, and figures are several files; name a folder.")
    kinds = (names.ALLOCATION, names.ISO_FLOP, names.WALK, names.MONEY, names.SCORES)
    held = [folder / f"{name}{end}" for name in kinds for end in (".svg", ".png")]
    there = next((path for path in held if status(path) is not None), None)
    if there is not None and not overwrite:
        raise UsageError(f"{str(there)!r} exists; name another folder or add --force.")


def write_figures(folder: Path, pictures: Pictures, *, overwrite: bool) -> tuple[Path, ...]:
    """Write the figures of a report as SVG and PNG files.

    Returns:
        The files.

    Raises:
        UsageError: as `check_figures_folder`.
        FailureError: likewise, or the folder cannot be written.
    """
    check_figures_folder(folder, overwrite=overwrite)
    written = []
    for name, content in pictures.files():
        write_atomically(folder / name, content)
        written.append(folder / name)
    return tuple(written)
