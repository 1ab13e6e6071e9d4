"""The figures of the Why screen: N*(C) of each step from Kaplan's experiment to the tuned one."""

from dataclasses import dataclass, replace

from budgetscope.api import Advisor
from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.curves import Curve
from budgetscope.core.answers.explanation import Explanation
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.core.language import _
from budgetscope.report.explanation import StepLine, step_lines
from budgetscope.report.figures.figure import (
    Axis,
    Figure,
    Line,
    Marker,
    Point,
    PointSeries,
    flops_number,
    reach_of,
)
from budgetscope.report.figures.scale import LogScale
from budgetscope.tui.figures.allocation import FIRST_FLOPS, grid
from budgetscope.tui.law_letters import KNOWN

FAMOUS = (("kaplan2020/fixed-batch", "Kaplan 2020"), ("hoffmann2022/approach-2", "Chinchilla"))
"""The two published laws at the ends of the argument: fit id and label."""

_LAST_FLOPS = 1e22
_MARGIN = 3.0


@dataclass(frozen=True, slots=True)
class Illustration:
    """An explanation with its text and curves.

    Attributes:
        explanation: the steps.
        lines: the steps as text, by dataset.
        curves: N*(C) of the steps, with intervals and measured optima, by dataset.
        famous: N*(C) of the two published laws.
        scales: of C and N; the same for every step and both datasets, so that the axes do not move.
    """

    explanation: Explanation
    lines: dict[str, tuple[StepLine, ...]]
    curves: dict[str, tuple[Curve, ...]]
    famous: tuple[Curve, ...]
    scales: tuple[LogScale, LogScale]


def illustrate(advisor: Advisor, answer: Answer) -> Illustration:
    """Return the explanation of an answer with its curves; slow when a fit is used for the first time.

    Raises:
        FailureError: a law gives no usable numbers (see `Advisor.explain` and `Advisor.curve`).
    """
    explanation, comparison, flops = advisor.explain(answer), advisor.compare(answer), answer.plan.flops
    budgets = grid(LogScale.decades_around(min(FIRST_FLOPS, flops / 10), max(_LAST_FLOPS, flops * 10)))
    # All curves use the answer's convention and vocabulary, whatever a step's law was fitted with.
    curves = {
        name: tuple(advisor.curve(answer, budgets, law=step.fit_id) for step in steps)
        for name, steps in explanation.datasets.items()
    }
    famous = tuple(advisor.curve(answer, budgets, law=fit_id, band=False) for fit_id, *_ in FAMOUS)
    every = [each for drawn in curves.values() for each in drawn]
    sizes = [n for each in every for n in (*each.n_params, *(point.low for point in each.points))]
    scales = (LogScale(budgets[0], budgets[-1]), LogScale.decades_around(min(sizes), max(sizes)))
    lines = {name: step_lines(explanation, name, comparison) for name in explanation.datasets}
    return Illustration(explanation, lines, curves, famous, scales)


def figure(shown: Illustration, dataset: str, at: int) -> Figure:
    """Return the figure of one step: its law with interval and optima, the published laws, the earlier steps.

    Args:
        shown: the explanation.
        dataset: name of the dataset.
        at: index of the step, from 0.
    """
    curves, step = shown.curves[dataset], shown.explanation.datasets[dataset][at]
    chosen, title = curves[at], step.title
    lines = [_line(str(at + 1), title, chosen)]
    lines += [_line(KNOWN[fit_id], name, curve) for curve, (fit_id, name) in zip(shown.famous, FAMOUS, strict=True)]
    # The earlier steps stay visible, the latest first, under the numbers that they have in the table.
    lines += [_line(str(index + 1), "", replace(curves[index], low=None, high=None)) for index in reversed(range(at))]
    measured = tuple(Point(point.flops, point.n_params, point.low, point.high) for point in chosen.points)
    here = _("{value} at {place}").format(
        value=format_count(step.n_params), place=format_flops(shown.explanation.flops)
    )
    return Figure(
        x=Axis(shown.scales[0], _("C, training FLOPs"), flops_number),
        y=Axis(shown.scales[1], _("N, parameters"), format_count),
        lines=tuple(lines),
        points=(PointSeries("o", _("its measured optima"), measured),) if measured else (),
        markers=(Marker(shown.explanation.flops, here, step.n_params),),
    )


def _line(symbol: str, name: str, curve: Curve) -> Line:
    return Line(symbol, name, name, curve.flops, curve.n_params, curve.low, curve.high, reach=reach_of(curve.fitted))
