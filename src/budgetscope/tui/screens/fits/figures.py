"""Figures of one stored fit: its law with its points, and their residuals."""

from budgetscope.core.answers.goodness_of_fit import GoodnessOfFit
from budgetscope.core.budget.quantities import format_count
from budgetscope.core.language import _
from budgetscope.core.laws.fit import Fit
from budgetscope.report.figures.figure import (
    Axis,
    Figure,
    Line,
    Point,
    PointSeries,
    flops_number,
    reach_of,
)
from budgetscope.report.figures.scale import LinearScale, LogScale


def points_figure(fit: Fit, found: GoodnessOfFit) -> Figure | None:
    """Return N*(C) with its band, and the optima that it was fitted on; None without a law for N and D."""
    curve = found.curve
    if curve is None:
        return None
    measured = tuple(Point(point.flops, point.n_params, point.low, point.high) for point in curve.points)
    ends = [*(point.low for point in curve.points), *(point.high for point in curve.points)]
    return Figure(
        x=Axis(
            LogScale(curve.flops[0], curve.flops[-1]),
            _("C, FLOPs by the {convention} count").format(convention=fit.counting),
            flops_number,
        ),
        y=Axis(
            LogScale.decades_around(min(*ends, *curve.n_params), max(*ends, *curve.n_params)),
            _("N, parameters"),
            format_count,
        ),
        lines=(
            Line(
                "", "N*(C)", "N*(C)", curve.flops, curve.n_params, curve.low, curve.high, reach=reach_of(curve.fitted)
            ),
        ),
        points=(PointSeries("o", _("optimum, 95% as weighted"), measured),) if measured else (),
    )


def residuals_figure(found: GoodnessOfFit) -> Figure | None:
    """Return the log residuals of the optima; None without points."""
    curve, residuals = found.curve, found.residuals
    if curve is None or not residuals:
        return None
    low, high = min(each.low for each in residuals), max(each.high for each in residuals)
    widest = max(-low, high)
    return Figure(
        x=Axis(LogScale(curve.flops[0], curve.flops[-1]), _("C, training FLOPs"), flops_number),
        y=Axis(LinearScale.around(-widest, widest), _("ln(measured N / N*)"), _signed),
        lines=(Line("", _("the law"), _("the law"), (curve.flops[0], curve.flops[-1]), (0.0, 0.0)),),
        points=(
            PointSeries(
                "o",
                _("optimum, 95% as weighted"),
                tuple(Point(each.flops, each.value, each.low, each.high) for each in residuals),
            ),
        ),
    )


def _signed(value: float) -> str:
    return f"{value:+.3g}" if value else "0"
