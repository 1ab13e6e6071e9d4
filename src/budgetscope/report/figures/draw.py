"""Figures drawn by matplotlib, which `budgetscope[plot]` installs: onto axes, as SVG and as PNG.

One style for reports and notebooks. Lines differ in their dashes as well as in colour, and colours in their lightness,
so that a figure can be read in greyscale. The same figure gives the same bytes.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import cycle
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from budgetscope.core.errors import FailureError
from budgetscope.core.extras import install_command
from budgetscope.core.language import JAPANESE, _, code
from budgetscope.report.figures.figure import Axis, Bars, Figure, Line
from budgetscope.report.figures.scale import LogScale, Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _GRID = "#1a1a1a", "#d9d9d9"
_COLORS = ("#0b4f8a", "#b3470b", "#2f7d32", "#7b1fa2", "#5f6368", "#a3162e", "#00707a")
_DASHES: tuple[Any, ...] = (
    "-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)), (0, (1, 1.2)), (0, (9, 2, 1.5, 2, 1.5, 2)), (0, (4, 4)),
)  # fmt: skip
_BAND, _SPAN = 0.18, "#e8e8e8"
_LEGEND_POINTS = 8.8
_WIDTH_INCHES, _HEIGHT_INCHES = 7.0, 4.6
_BAR_INCHES = 0.34
_PAD_INCHES = 0.1
_DOTS_PER_INCH = 200
_ROOM = 6
"""Labels on an axis, at most."""

JAPANESE_FONTS = (
    "Noto Sans CJK JP", "Noto Sans JP", "Source Han Sans JP", "IPAexGothic", "IPAGothic", "Hiragino Sans", "Yu Gothic",
    "Meiryo", "MS Gothic", "TakaoGothic", "VL Gothic", "BIZ UDGothic", "M PLUS 1p",
)  # fmt: skip
"""Families with Japanese glyphs, as matplotlib names them."""


def available() -> bool:
    """Return whether matplotlib is installed."""
    try:
        import_module("matplotlib.figure")
    except ImportError:
        return False
    return True


def japanese_font() -> str | None:
    """Return an installed font family with Japanese glyphs; None without one."""
    manager: Any = _matplotlib("font_manager")
    return _listed_font(manager) or _new_font(manager)


def _listed_font(manager: Any) -> str | None:
    known = {entry.name for entry in manager.fontManager.ttflist}
    return next((name for name in JAPANESE_FONTS if name in known), None)


def _new_font(manager: Any) -> str | None:
    """Return a font that was installed after matplotlib made its list, which it keeps in a file; None without one."""
    known = {entry.fname for entry in manager.fontManager.ttflist}
    for path in sorted({*manager.findSystemFonts()} - known):
        # A broken font, or one of a kind that matplotlib does not read.
        with suppress(OSError, RuntimeError, NotImplementedError):
            manager.fontManager.addfont(path)
    return _listed_font(manager)


def _matplotlib(module: str) -> Any:
    try:
        return import_module(f"matplotlib.{module}")
    except ImportError:
        raise FailureError(f"a chart needs matplotlib: {install_command('plot')}") from None


@contextmanager
def style() -> Iterator[None]:
    """Draw in the house's style, whatever the user's own settings of matplotlib are."""
    fonts = ["DejaVu Sans"]
    if code() == JAPANESE and (found := japanese_font()) is not None:
        fonts.insert(0, found)
    with _matplotlib("style").context(
        [
            "default",
            {
                "font.family": fonts,
                "font.size": 9,
                "text.parse_math": False,
                "svg.hashsalt": "budgetscope",
                "svg.fonttype": "path",
                "axes.edgecolor": _INK,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "hatch.linewidth": 0.6,
            },
        ]
    ):
        yield


def new_axes() -> "Axes":
    """Return axes of a new figure of pyplot, for a notebook.

    Raises:
        FailureError: matplotlib is not installed.
    """
    pyplot = _matplotlib("pyplot")
    with style():
        made: Axes = pyplot.subplots(figsize=(_WIDTH_INCHES, _HEIGHT_INCHES), layout="constrained")[1]
    return made


def as_svg(figure: Figure | Bars) -> str:
    """Return a figure as SVG, from its first tag on, without a date; the same each time.

    Raises:
        FailureError: matplotlib is not installed.
    """
    text = _saved(figure, "svg", {"Date": None, "Creator": None}).decode()
    return text[text.index("<svg") :]


def as_png(figure: Figure | Bars) -> bytes:
    """Return a figure as PNG at 200 dots an inch; the same each time.

    Raises:
        FailureError: matplotlib is not installed.
    """
    return _saved(figure, "png", {"Software": None})


def _saved(figure: Figure | Bars, form: str, metadata: dict[str, None]) -> bytes:
    height = _HEIGHT_INCHES if isinstance(figure, Figure) else 1.2 + _BAR_INCHES * len(figure.bars)
    with style():
        page = _matplotlib("figure").Figure(figsize=(_WIDTH_INCHES, height), layout="constrained")
        page.get_layout_engine().set(w_pad=_PAD_INCHES, h_pad=_PAD_INCHES)
        axes = page.add_subplot()
        if isinstance(figure, Figure):
            draw(figure, axes)
        else:
            _draw_bars(figure, axes)
        file = io.BytesIO()
        page.savefig(file, format=form, dpi=_DOTS_PER_INCH, metadata=metadata)
    return file.getvalue()


def draw(figure: Figure, axes: "Axes", title: str = "") -> None:
    """Draw a figure onto axes: spans, bands, lines, points, markers and a legend below; it has no heat map.

    Args:
        figure: what to draw.
        axes: of matplotlib.
        title: above it; empty for none.
    """
    for span in figure.spans:
        axes.axvspan(span.low, span.high, facecolor=_SPAN, edgecolor="#9a9a9a", hatch="///", label=span.label, zorder=0)
    styles = cycle(zip(_COLORS, _DASHES, strict=True))
    for index, (line, (color, dashes)) in enumerate(zip(figure.lines, styles, strict=False)):
        _draw_line(axes, figure, line, color, dashes, first=index == 0)
    for series in figure.points:
        is_planned = series.symbol != "o"
        axes.errorbar(
            [point.x for point in series.points],
            [point.y for point in series.points],
            _errors([(point.y, point.low, point.high) for point in series.points]),
            fmt=series.symbol, markersize=7 if is_planned else 4, capsize=3 if is_planned else 0, linewidth=1.2,
            color="black" if is_planned else _COLORS[0], markerfacecolor="black" if is_planned else "white",
            label=series.label, zorder=5,
        )  # fmt: skip
    for marker in figure.markers:
        axes.axvline(marker.x, color=_INK, linewidth=0.8, linestyle=":")
    _set_axis(axes, "x", figure.x)
    _set_axis(axes, "y", figure.y)
    axes.grid(visible=True, color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    if title:
        # A title from a file may have dollar signs, which matplotlib would read as a formula.
        axes.set_title(title, parse_math=False)
    _legend(axes)


def _draw_line(axes: "Axes", figure: Figure, line: Line, color: str, dashes: Any, *, first: bool) -> None:
    labels = {False: line.label, True: _("extrapolated")}
    # The solid piece first, as in the legend.
    for points, extrapolated in sorted(line.pieces(figure.x.scale, figure.y.scale), key=itemgetter(1)):
        if points:
            axes.plot(
                *zip(*points, strict=True), color=color, linestyle=_DASHES[1] if extrapolated else dashes,
                # The second of two dashed pieces is no entry of the legend.
                linewidth=2.4 if first else 1.5, label=labels.pop(extrapolated, ""), zorder=4 if first else 3,
            )  # fmt: skip
    if line.low is not None and line.high is not None:
        axes.fill_between(line.xs, line.low, line.high, color=color, alpha=_BAND, linewidth=0, label=figure.band_label)


def _errors(ends: list[tuple[float, float | None, float | None]]) -> list[list[float]] | None:
    """Return the lengths of error bars below and above; None where a point has none."""
    below = [value - low for value, low, _high in ends if low is not None]
    above = [high - value for value, _low, high in ends if high is not None]
    # An interval that does not hold its value has no bars; the plan's cautions tell it.
    if len(below) < len(ends) or len(above) < len(ends) or min(*below, *above) < 0:
        return None
    return [below, above]


def _set_axis(axes: "Axes", name: str, axis: Axis) -> None:
    ticker = _matplotlib("ticker")
    scale: Scale = axis.scale
    drawn = getattr(axes, f"{name}axis")
    axes.set(**{f"{name}scale": "log" if isinstance(scale, LogScale) else "linear"})
    getattr(axes, f"set_{name}lim")(scale.low, scale.high)
    drawn.set_major_locator(ticker.FixedLocator(scale.labelled(_ROOM)))
    drawn.set_minor_locator(ticker.FixedLocator(scale.minor() if len(scale.minor()) < 100 else ()))
    drawn.set_major_formatter(ticker.FuncFormatter(lambda value, _place: axis.text(value)))
    drawn.set_minor_formatter(ticker.NullFormatter())
    drawn.set_label_text(axis.title, parse_math=False)


def _legend(axes: "Axes") -> None:
    legend = axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.16),
        ncols=2,
        frameon=False,
        fontsize=_LEGEND_POINTS,
        handlelength=3.6,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _draw_bars(bars: Bars, axes: "Axes") -> None:
    shown = tuple(reversed(bars.bars))
    drawn = axes.barh(
        range(len(shown)), [bar.value for bar in shown], height=0.62,
        color=[_COLORS[0] if bar.marked else "#c9d3dc" for bar in shown], edgecolor=_INK, linewidth=0.8,
    )  # fmt: skip
    for patch, bar in zip(drawn, shown, strict=True):
        if bar.marked:
            patch.set_label(bars.marked_label)
    axes.bar_label(drawn, labels=[bar.text for bar in shown], padding=4)
    axes.set_yticks(range(len(shown)), [bar.label for bar in shown])
    axes.set_xlabel(bars.title)
    axes.set_xlim(0, max(bar.value for bar in shown) * 1.12)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x", color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    if any(bar.marked for bar in shown):
        # Below the title of the axis, however many bars there are.
        axes.figure.legend(loc="outside lower center", frameon=False, fontsize=_LEGEND_POINTS)


def prefixed(svg: str, prefix: str) -> str:
    """Return an SVG whose ids begin with a prefix, so that several can stand in one page."""
    svg = re.sub(r'\bid="([^"]*)"', rf'id="{prefix}\1"', svg)
    svg = re.sub(r'href="#([^"]*)"', rf'href="#{prefix}\1"', svg)
    return re.sub(r"url\(#([^)]*)\)", rf"url(#{prefix}\1)", svg)
