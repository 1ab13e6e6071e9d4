"""The walk from Kaplan's experiment to the tuned one: its numbers and its figures."""

from dataclasses import dataclass, replace

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.curves import Curve
from budgetscope.core.answers.explanation import Explanation
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.report.explanation import StepLine, step_lines
from budgetscope.tui.chart.figure import Axis, Figure, Line, Marker, Point, Points, count_number, flops_number
from budgetscope.tui.chart.scale import LogScale
from budgetscope.tui.figures.allocation import FIRST_FLOPS, grid
from budgetscope.tui.law_letters import KNOWN

FAMOUS = (("kaplan2020/fixed-batch", "Kaplan 2020"), ("hoffmann2022/approach-2", "Chinchilla"))
"""The two published laws between which the walk leads."""

_LAST_FLOPS = 1e22
_MARGIN = 3.0


@dataclass(frozen=True, slots=True)
class Walk:
    """The steps of every dataset at one budget.

    Attributes:
        explanation: the steps.
        lines: the steps as people read them, by dataset.
        curves: N*(C) of the steps, with intervals and measured optima, by dataset.
        famous: N*(C) of the two published laws.
        scales: of C and N: the same at every step and for both datasets, so that the picture moves and its frame
            does not.
    """

    explanation: Explanation
    lines: dict[str, tuple[StepLine, ...]]
    curves: dict[str, tuple[Curve, ...]]
    famous: tuple[Curve, ...]
    scales: tuple[LogScale, LogScale]


def walk(advisor: Advisor, request: PlanRequest, plan: Plan) -> Walk:
    """Return the walk; slow when its laws are met for the first time.

    Args:
        advisor: answers.
        request: the question.
        plan: the answer to it.

    Raises: as `Advisor.explain`.
    """
    explanation, comparison = advisor.explain(request), advisor.compare(request, plan)
    budgets = grid(LogScale.decades_around(min(FIRST_FLOPS, plan.flops / 10), max(_LAST_FLOPS, plan.flops * 10)))
    # All by the plan's own convention and tokenizer, whatever a step's law was fitted with.
    asked = replace(request, convention=str(plan.convention), vocab=plan.vocab_size, seq_len=plan.seq_len)

    def curve(fit_id: str) -> Curve:
        return advisor.curves(replace(asked, law=fit_id), (), budgets)[0]

    curves = {name: tuple(curve(step.fit_id) for step in steps) for name, steps in explanation.datasets.items()}
    famous = tuple(replace(curve(fit_id), low=None, high=None) for fit_id, *_ in FAMOUS)
    every = [each for drawn in curves.values() for each in drawn]
    sizes = [n for each in every for n in (*each.n_params, *(point.low for point in each.points))]
    scales = (LogScale(budgets[0], budgets[-1]), LogScale.decades_around(min(sizes), max(sizes)))
    lines = {name: step_lines(explanation, name, comparison) for name in explanation.datasets}
    return Walk(explanation, lines, curves, famous, scales)


def figure(walk: Walk, dataset: str, at: int) -> Figure:
    """Return the figure of one step: its law with its interval and optima, the published laws, the steps before.

    Args:
        walk: the steps.
        dataset: whose.
        at: the step, from 0.
    """
    curves, step = walk.curves[dataset], walk.explanation.datasets[dataset][at]
    chosen, title = curves[at], step.title
    lines = [Line(str(at + 1), title, title, chosen.flops, chosen.n_params, chosen.low, chosen.high)]
    lines += [
        Line(KNOWN[fit_id], name, name, curve.flops, curve.n_params)
        for curve, (fit_id, name) in zip(walk.famous, FAMOUS, strict=True)
    ]
    # The steps before stay in sight, the latest first; their numbers name them in the table too.
    lines += [
        Line(str(index + 1), "", "", curves[index].flops, curves[index].n_params) for index in reversed(range(at))
    ]
    measured = tuple(Point(point.flops, point.n_params, point.low, point.high) for point in chosen.points)
    here = f"{format_count(step.n_params)} at {format_flops(walk.explanation.flops)}"
    return Figure(
        x=Axis(walk.scales[0], "C, training FLOPs", flops_number),
        y=Axis(walk.scales[1], "N, parameters", count_number),
        lines=tuple(lines),
        points=(Points("o", "its measured optima", measured),) if measured else (),
        markers=(Marker(walk.explanation.flops, here, step.n_params),),
    )
