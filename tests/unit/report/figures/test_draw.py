"""Figures by matplotlib: the same bytes each time, readable in greyscale, and what happens without it."""

import re
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
from tests.asking import ADVISOR

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.figure import Figure as Canvas

from budgetscope.api import PlanRequest
from budgetscope.api.pictures import Pictures, check_figures_folder
from budgetscope.core import language
from budgetscope.core.errors import FailureError
from budgetscope.core.extras import install_command
from budgetscope.report.figures import draw
from budgetscope.report.figures.figure import NOWHERE, Axis, Bar, Bars, Figure, Line, Point, PointSeries, Span
from budgetscope.report.figures.scale import LinearScale, LogScale

FIGURE = Figure(
    Axis(LogScale(1.0, 1e3), "C, $x$"),
    Axis(LinearScale(0.0, 4.0), "N"),
    lines=tuple(
        Line("", f"law {k}", "", (1.0, 1e3), (k / 4, k / 2), (k / 5, k / 3), (k / 3, k / 1.5)) for k in range(7)
    ),
    points=(
        PointSeries("D", "here", (Point(10.0, 1.0, 0.5, 2.0),)),
        # An interval that does not hold its value, as after an edit by hand.
        PointSeries("o", "data", (Point(5.0, 3.0, 3.5, 4.0),)),
    ),
    spans=(Span(2.0, 20.0, "flat"),),
)  # fmt: skip
BARS = Bars("compute", (Bar("a/b", 1.0, "1.00"), Bar("c$d$", 2.0, "2.00", marked=True)), "followed")


def luminance(color: str) -> float:
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


@pytest.mark.parametrize("figure", [FIGURE, BARS], ids=["lines", "bars"])
def test_a_figure_gives_the_same_bytes_whatever_the_users_style(figure: Figure | Bars) -> None:
    svg, png = draw.as_svg(figure), draw.as_png(figure)
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "svg.hashsalt": "other", "text.usetex": True}):
        assert draw.as_svg(figure) == svg
        assert draw.as_png(figure) == png
    assert svg.startswith("<svg")
    assert png.startswith(b"\x89PNG")
    assert "<dc:date>" not in svg


def test_lines_differ_in_their_dashes_and_are_dark_enough() -> None:
    axes = Canvas().add_subplot()
    draw.draw(FIGURE, axes)
    drawn = [line for line in axes.lines if str(line.get_label()).startswith("law")]
    assert len({str(line._unscaled_dash_pattern) for line in drawn}) == len(drawn)  # type: ignore[attr-defined]
    # WCAG 2.2, 1.4.11: graphics have a contrast of at least 3 with their ground.
    assert all(luminance(str(line.get_color())) < 140 for line in drawn)
    assert axes.get_xlabel() == "C, $x$"


def test_an_extrapolation_has_the_colour_of_its_line() -> None:
    law = FIGURE.lines[0]
    low, high = law.xs[0] * 2, law.xs[-1] / 2
    axes = Canvas().add_subplot()
    draw.draw(replace(FIGURE, lines=(replace(law, reach=(low, high)),), markers=()), axes)
    pieces = [line for line in axes.lines if line.get_zorder() == 4]
    ends = [(line.get_xdata()[0], line.get_xdata()[-1]) for line in pieces]  # type: ignore[index]
    assert ends == [(low, high), (law.xs[0], low), (high, law.xs[-1])]
    assert len({line.get_color() for line in pieces}) == 1
    assert [line.is_dashed() for line in pieces] == [False, True, True]
    assert axes.get_legend_handles_labels()[1].count("extrapolated") == 1


def test_a_law_without_data_is_extrapolated_everywhere() -> None:
    axes = Canvas().add_subplot()
    draw.draw(replace(FIGURE, lines=(replace(FIGURE.lines[0], reach=NOWHERE),)), axes)
    (line,) = (line for line in axes.lines if line.get_zorder() == 4)
    assert (line.get_label(), line.is_dashed()) == ("extrapolated", True)


def test_the_ids_of_two_figures_do_not_meet() -> None:
    svg = draw.as_svg(FIGURE)
    one, two = draw.prefixed(svg, "one-"), draw.prefixed(svg, "two-")
    ids = re.findall(r'\bid="([^"]*)"', one)
    assert not set(ids) & set(re.findall(r'\bid="([^"]*)"', two))
    assert set(re.findall(r"url\(#([^)]*)\)", one)) | set(re.findall(r'href="#([^"]*)"', one)) <= set(ids)


def test_the_figures_of_a_plan_are_five() -> None:
    pictures = ADVISOR.pictures(ADVISOR.answer(PlanRequest("64xH100 14d")))
    assert list(pictures.figures) == ["allocation", "isoflop", "walk", "cost", "recipes"]
    assert pictures.note == ""
    ticks = {name: (f.x.text(1e10), f.y.text(1e10)) for name, f in pictures.figures.items() if isinstance(f, Figure)}
    assert ticks == {
        "allocation": ("1e10", "10 B"), "isoflop": ("10 B", "1e+10"), "walk": ("1e10", "10 B"),
        "cost": ("$10 B", "1e+10"),
    }  # fmt: skip
    walk = pictures.figures["walk"]
    assert isinstance(walk, Figure)
    tuned, *_, kaplan = (line.ys for line in walk.lines)
    # Tuned, the tokens per parameter hardly depend on the budget; in Kaplan's experiment they fall by powers of ten.
    assert max(tuned) / min(tuned) < 2
    assert max(kaplan) / min(kaplan) > 1e3
    plan = ADVISOR.answer(PlanRequest("64xH100 14d")).plan
    cost = pictures.figures["cost"]
    assert isinstance(cost, Figure)
    assert plan.run.cost_usd is not None
    assert cost.points[0].points[0].x == plan.run.cost_usd.value


def test_a_law_without_a_loss_has_fewer_figures() -> None:
    pictures = ADVISOR.pictures(ADVISOR.answer(PlanRequest("1e21", law="hoffmann2022/approach-1")))
    assert set(pictures.figures) == {"allocation", "walk", "recipes"}


def test_without_a_japanese_font_labels_are_english_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    marked = language.Language("ja", lambda text: f"{text}!", lambda one, _many, _n: f"{one}!")
    language.use(marked)
    try:
        monkeypatch.setattr(draw, "japanese_font", lambda: None)
        english = ADVISOR.pictures(ADVISOR.answer(PlanRequest("1e21")))
        assert language.code() == "ja"
        monkeypatch.setattr(draw, "japanese_font", lambda: "DejaVu Sans")
        translated = ADVISOR.pictures(ADVISOR.answer(PlanRequest("1e21")))
    finally:
        language.use(None)
    assert english.note.endswith("export again.!")
    assert translated.note == ""
    # What the ticks say is in the language of the labels, too, whenever it is drawn.
    assert (english.in_english, translated.in_english) == (True, False)
    for pictures, title in ((english, "D/N, tokens per parameter"), (translated, "D/N, tokens per parameter!")):
        walk = pictures.figures["walk"]
        assert isinstance(walk, Figure)
        assert walk.y.title == title


def test_a_font_that_matplotlib_has_not_listed_yet_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matplotlib keeps its list of fonts in a file, which is older than a font that was just installed."""
    manager = SimpleNamespace(ttflist=[SimpleNamespace(name="DejaVu Sans", fname="/old.ttf")])

    def add(path: str) -> None:
        if path == "/broken.ttf":
            raise RuntimeError
        manager.ttflist.append(SimpleNamespace(name="Noto Sans CJK JP", fname=path))

    manager.addfont = add
    monkeypatch.setattr(font_manager, "fontManager", manager)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["/old.ttf", "/broken.ttf"])
    assert draw.japanese_font() is None
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["/old.ttf", "/broken.ttf", "/new.ttc"])
    assert draw.japanese_font() == "Noto Sans CJK JP"


def test_without_matplotlib_a_report_has_no_figures_and_files_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pytest.TempPathFactory
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    answer = ADVISOR.answer(PlanRequest("1e21"))
    made = ADVISOR.exported(answer, "html")
    assert isinstance(made.pictures, Pictures)
    assert "install the extra `plot`" in made.pictures.note
    assert "<svg" not in made.text
    assert "install the extra <code>plot</code>" in made.text
    assert sys.executable not in made.text
    with pytest.raises(FailureError, match=re.escape(install_command("plot"))):
        check_figures_folder(tmp_path, overwrite=False)  # type: ignore[arg-type]
