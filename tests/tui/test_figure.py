import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from budgetscope.core.budget.quantities import format_count
from budgetscope.core.language import within
from budgetscope.report.figures.figure import (
    NOWHERE,
    Axis,
    Figure,
    HeatMap,
    Line,
    Marker,
    Point,
    PointSeries,
    Span,
    flops_number,
)
from budgetscope.report.figures.scale import LinearScale, LogScale
from budgetscope.store.catalogues import read_language
from budgetscope.tui.chart.drawing import draw

XS = tuple(10.0**e for e in range(16, 27))


def line(symbol: str, factor: float, band: float | None = None, label: str = "a law") -> Line:
    ys = tuple(factor * x**0.5 for x in XS)
    low = None if band is None else tuple(y / band for y in ys)
    high = None if band is None else tuple(y * band for y in ys)
    return Line(symbol, label, symbol.lower(), XS, ys, low, high)


def figure(*lines: Line, marker: Marker | None = None, points: tuple[Point, ...] = ()) -> Figure:
    return Figure(
        Axis(LogScale(1e16, 1e26), "C", flops_number),
        Axis(LogScale(1e6, 1e14), "N", format_count),
        lines,
        (PointSeries("o", "data", points),) if points else (),
        () if marker is None else (marker,),
    )


def rows(drawing: Figure, width: int, height: int) -> list[str]:
    return ["".join(run.text for run in row) for row in draw(drawing, width, height).rows]


def column_of(text: str, exponent: int) -> int:
    """Return where the label of a decade is centred."""
    label = f"1e{exponent}"
    return text.index(label) + len(label) // 2


def test_decades_are_labelled_at_equal_distances() -> None:
    labels = rows(figure(line("A", 0.1)), 120, 30)[-1]
    columns = [column_of(labels, exponent) for exponent in range(17, 26)]
    steps = {right - left for left, right in pairwise(columns)}
    assert steps <= {11, 12}


def test_a_power_law_is_a_straight_line_through_its_letters_row() -> None:
    drawn = draw(figure(line("A", 0.1)), 100, 40).rows
    places = [
        (column, row)
        for row, runs in enumerate(drawn[:-2])
        for column, (character, role) in enumerate((c, run.role) for run in runs for c in run.text)
        if role == "line-0" and character not in " Aalw"
    ]
    (x0, y0), (x1, y1) = min(places), max(places)
    for x, y in places:
        assert abs(y - (y0 + (y1 - y0) * (x - x0) / (x1 - x0))) <= 1


def test_labels_of_wide_characters_take_their_cells() -> None:
    with within(read_language("ja")):
        drawing = draw(
            Figure(Axis(LogScale(1e6, 1e14), "N", format_count), Axis(LinearScale(2, 3), "loss"), ()), 60, 12
        )
    texts = ["".join(run.text for run in row) for row in drawing.rows]
    assert {cell_len(text) for text in texts} == {60}
    assert "100億" in texts[-1]


def test_the_marker_stands_at_its_budget() -> None:
    drawing = figure(line("A", 0.1), marker=Marker(1e22, "here", 0.1 * 1e22**0.5))
    drawn = rows(drawing, 100, 30)
    row = next(row for row in drawn if "●" in row)
    assert abs(row.index("●") - column_of(drawn[-1], 22)) <= 1
    assert any(" here " in row for row in drawn)


def test_a_marker_at_the_right_edge_keeps_its_text() -> None:
    drawing = figure(line("A", 0.1), marker=Marker(9e25, "a long text beside it", 0.1 * 9e25**0.5))
    assert any("a long text beside it" in row for row in rows(drawing, 60, 20))


def test_the_legend_names_lines_band_and_points() -> None:
    drawn = "\n".join(
        rows(
            figure(line("A", 0.1, 3, "first"), line("B", 0.5, None, "second"), points=(Point(1e18, 1e8, 5e7, 2e8),)),
            100,
            30,
        )
    )
    for entry in ("A first", "B second", "░ its 95% interval", "o data"):
        assert entry in drawn


def test_a_wide_band_is_drawn_and_a_missing_one_is_not() -> None:
    with_band = [run.role for row in draw(figure(line("A", 0.1, 10)), 80, 30).rows for run in row]
    without = [run.role for row in draw(figure(line("A", 0.1)), 80, 30).rows for run in row]
    assert "band" in with_band
    assert "band" not in without


def test_lines_differ_without_colour() -> None:
    def ink(index: int) -> list[str]:
        lines = [line("Z", 1e-9)] * index + [line("A", 0.1)]
        return [run.text for row in draw(figure(*lines), 80, 20).rows for run in row if run.role == f"line-{index}"]

    assert len({tuple(ink(index)) for index in range(1, 6)}) == 5


def test_low_figures_put_labels_into_the_axis_and_one_legend_row_below() -> None:
    drawn = rows(figure(line("A", 0.1), line("B", 0.5)), 80, 6)
    assert "1e18" in drawn[-2]
    assert "└" in drawn[-2]
    assert " A a " in drawn[-1]
    assert " B b " in drawn[-1]


def test_wide_characters_are_drawn_and_hostile_ones_left_out() -> None:
    drawn = rows(figure(line("A", 0.1, label="[red]x[/red]\x1b[31m\u200b名前")), 100, 30)
    assert "[red]x[/red][31m名前" in drawn[1]
    assert {cell_len(row) for row in drawn} == {100}
    narrow = rows(figure(replace(line("A", 0.1), short="計算量の予算")), 40, 20)
    assert " A 計算量の予算 " in narrow[-1]
    assert {cell_len(row) for row in narrow} == {40}


def test_a_law_is_solid_in_its_data_and_dashed_beyond() -> None:
    def inked(reach: tuple[float, float] | None) -> int:
        """Return the number of characters with dots of the line, which lies level."""
        flat = Line("", "", "", (1e18, 1e24), (1e10, 1e10), reach=reach)
        drawn = draw(replace(figure(flat), x=Axis(LogScale(1e18, 1e24))), 60, 20)
        texts = [run.text for row in drawn.rows for run in row if run.role == "line-0"]
        return sum(map(len, texts))

    assert inked(NOWHERE) < inked((1e18, 1e21)) < inked(None) == inked((1e18, 1e24))


@pytest.mark.parametrize(("width", "height"), [(10, 3), (23, 20), (80, 2), (1, 1)])
def test_too_small_a_figure_says_so(width: int, height: int) -> None:
    assert rows(figure(line("A", 0.1)), width, height)[0] == "too small for the chart"[:width].ljust(width)


@given(st.integers(1, 130), st.integers(1, 45), st.floats(1e12, 1e30), st.floats(1, 1e20))
def test_every_size_gives_full_rows(width: int, height: int, x: float, y: float) -> None:
    drawing = figure(line("A", 0.1, 2), line("B", 20), marker=Marker(x, "here", y), points=(Point(x, y, y / 2, y * 2),))
    drawn = rows(drawing, width, height)
    assert [len(row) for row in drawn] == [width] * height


# Linear axes, series, spans, markers, gaps


def valley(**parts: object) -> Figure:
    """Return a U on a linear vertical axis."""
    xs = tuple(10.0 ** (8 + step / 10) for step in range(21))
    ys = tuple(2 + 0.05 * (step / 10 - 1) ** 2 for step in range(21))
    whole: dict[str, Any] = {"lines": (Line("V", "valley", "v", xs, ys),), **parts}
    return Figure(Axis(LogScale(1e8, 1e10), "N", format_count), Axis(LinearScale.around(2, 2.05), "loss"), **whole)


def roles(drawing: Figure, width: int, height: int) -> set[str]:
    return {run.role for row in draw(drawing, width, height).rows for run in row}


def test_linear_labels_stand_at_equal_distances() -> None:
    drawn = rows(valley(), 100, 32)
    labelled = [index for index, row in enumerate(drawn) if row.lstrip()[:2] == "2." or row.startswith("   2 ")]
    steps = [after - before for before, after in pairwise(labelled)]
    assert max(steps) - min(steps) <= 1
    assert len(labelled) >= 5


def test_titles_say_what_the_axes_measure() -> None:
    assert rows(valley(), 100, 30)[0].split() == ["↑", "loss", "N", "→"]
    assert "→" not in rows(valley(), 100, 8)[0]


def test_texts_of_markers_near_each_other_are_all_legible() -> None:
    markers = tuple(Marker(10.0 ** (9 + step / 40), f"pick {step}", 2.0) for step in range(6))
    drawn = "\n".join(rows(valley(markers=markers), 120, 30))
    for marker in markers:
        assert f" {marker.text} " in drawn


def test_the_text_of_a_marker_does_not_cross_its_neighbour() -> None:
    markers = (Marker(1e9, "first", 2.0), Marker(1.1e9, "second", 2.0))
    drawn = rows(valley(markers=markers), 120, 30)
    assert next(row for row in drawn if " first " in row).index("first") < 60
    assert next(row for row in drawn if " second " in row).index("second") > 63


def test_a_marker_outside_the_axis_is_left_out() -> None:
    assert "far away" not in "\n".join(rows(valley(markers=(Marker(1e12, "far away", 2.0),)), 100, 30))


def test_several_series_keep_their_symbols_and_error_bars() -> None:
    series = (
        PointSeries("o", "ours", (Point(1e9, 2.03, 2.02, 2.04),)),
        PointSeries("x", "theirs", (Point(3e9, 2.03, None, None, 1e9, 9e9),)),
    )
    drawing = valley(lines=(), points=series)
    drawn = rows(drawing, 100, 30)
    text = "\n".join(drawn)
    assert "o ours" in text
    assert "x theirs" in text
    canvas = [row[row.index("│") + 1 :] if "│" in row else row[6:] for row in drawn[4:-2]]
    row = next(row for row in canvas if "x" in row)
    assert sum("⠀" < character <= "⣿" for character in row) > 20
    column = next(row for row in canvas if "o" in row).index("o")
    assert sum("⠀" < row[column] <= "⣿" for row in canvas) >= 4


def test_a_span_is_shaded_between_its_ends_and_named() -> None:
    drawing = valley(lines=(), spans=(Span(5e8, 2e9, "flat band"),))
    text = rows(drawing, 106, 30)
    assert any("░ flat band" in row for row in text)
    inked = {
        column
        for row in text[12:18]
        for column, character in enumerate(row[row.index("│") + 1 :] if "│" in row else "")
        if "⠀" < character <= "⣿"
    }
    low, high = min(inked), max(inked)
    assert abs(low - 35) <= 1.5
    assert abs(high - 65) <= 1.5


def test_a_value_that_is_not_finite_is_a_gap() -> None:
    xs = tuple(float(step) for step in range(1, 10))
    gap = Line("", "", "", xs, (1, 1, 1, 1, math.nan, 1, 1, 1, 1))
    drawing = Figure(Axis(LinearScale(1, 9)), Axis(LinearScale(0, 2)), (gap,))
    row = next(runs for runs in draw(drawing, 60, 20).rows if any(run.role == "line-0" for run in runs))
    inked = [role == "line-0" for run in row for role in [run.role] * len(run.text)]
    width = draw(drawing, 60, 20).width
    assert width * 0.7 < sum(inked) < width * 0.8
    assert not any(inked[-width // 2 - 3 : -width // 2 + 3])


def test_what_has_no_logarithm_is_left_out() -> None:
    line_below = Line("A", "a", "a", XS, tuple(0.0 for _ in XS))
    assert "line-0" not in {
        run.role for row in draw(figure(line_below, points=(Point(1e20, 0, -1, 1),)), 100, 30).rows[8:] for run in row
    }


def test_a_line_far_outside_is_cut_at_the_edges() -> None:
    steep = Line("", "", "", (1.0, 2.0), (-1e15, 1e15))
    drawing = Figure(Axis(LinearScale(1, 2)), Axis(LinearScale(0, 1)), (steep,))
    drawn = draw(drawing, 60, 20).rows
    assert sum(any(run.role == "line-0" for run in row) for row in drawn) == draw(drawing, 60, 20).height


def test_the_legend_takes_the_emptiest_corner() -> None:
    falling = Line("F", "falling", "f", XS, tuple(1e22 / x**0.5 for x in XS))
    drawn = rows(figure(falling), 100, 30)
    assert drawn[1].index("F falling") > 80


# Heat maps

GRID = HeatMap((1.0, 2.0, 4.0, 8.0), (1.0, 10.0, 100.0), ((1.0, 2.0, None), (3.0, 4.0, 5.0)), (1.5, 2.5, 3.5, 4.5))


def heat(**parts: object) -> Figure:
    whole: dict[str, Any] = {"heat": GRID, **parts}
    return Figure(Axis(LogScale(1, 8), "lr"), Axis(LogScale(1, 100), "batch"), **whole)


def test_cells_with_room_show_their_value_and_unknown_ones_are_empty() -> None:
    drawn = rows(heat(), 90, 24)
    lower, upper = drawn[16], drawn[6]
    assert [word for word in upper if word in "345"] == ["3", "4", "5"]
    assert [word for word in lower[6:] if word in "12345"] == ["1", "2"]
    assert set(lower[70:88]) == {" "}


def test_levels_differ_without_colour_and_are_explained() -> None:
    drawn = rows(heat(), 90, 24)
    for sign, text in zip("·░▒▓█", ("<1.5", "≥1.5", "≥2.5", "≥3.5", "≥4.5"), strict=True):
        assert f" {sign} {text} " in drawn[-1]
    plot = "".join(drawn[1:-3])
    assert all(sign in plot for sign in "·░▒▓█")
    digits = "".join(rows(heat(heat=replace(GRID, fill="digits")), 90, 24)[1:-3])
    assert all(digits.count(digit) > 20 for digit in "01234")


def test_a_contour_stands_at_the_edges_of_levels_only() -> None:
    drawn = rows(heat(heat=replace(GRID, fill="contour")), 90, 24)
    assert 0 < sum(character.isdigit() for character in drawn[4].partition("┼")[2]) <= 3


def test_a_line_is_seen_over_a_heat_map() -> None:
    drawing = heat(lines=(Line("A", "a", "a", (1.0, 8.0), (1.0, 100.0)),))
    lined = [run for row in draw(drawing, 90, 24).rows for run in row if run.role == "line-0"]
    assert sum("⠀" < character <= "⣿" for run in lined for character in run.text) > 20


@pytest.mark.parametrize(("x", "y", "value"), [(1, 1, 1), (3.9, 9, 2), (5, 5, None), (8, 5, None), (0.5, 5, None)])
def test_the_value_of_a_cell(x: float, y: float, value: float | None) -> None:
    assert GRID.at(x, y) == value


@given(st.integers(1, 130), st.integers(1, 45), st.sampled_from(["shade", "digits", "contour"]))
def test_a_heat_map_gives_full_rows_at_every_size(width: int, height: int, fill: str) -> None:
    drawing = heat(heat=replace(GRID, fill=fill), markers=(Marker(2, "best", 10),), spans=(Span(2, 3, "span"),))
    assert [len(row) for row in rows(drawing, width, height)] == [width] * height


def test_a_symbol_that_dodges_stands_beside_the_text_that_is_there_already_in_the_row_of_its_value() -> None:
    def drawn(place: Point) -> list[str]:
        series = tuple(PointSeries(letter, "", (place,), dodges=True) for letter in "XYZ")
        return rows(replace(figure(), points=series), 60, 20)

    (alone,) = [
        (row, text.index("X"))
        for row, text in enumerate(
            rows(replace(figure(), points=(PointSeries("X", "", (Point(1e20, 1e10),)),)), 60, 20)
        )
        if "X" in text
    ]
    (found,) = [(row, text.index("XYZ")) for row, text in enumerate(drawn(Point(1e20, 1e10))) if "XYZ" in text]
    assert found == alone
    # At the right edge there is room to the left alone.
    assert any("ZYX" in text.rstrip() for text in drawn(Point(figure().x.scale.high, 1e10)))


@pytest.mark.parametrize(
    ("x", "y", "said"), [(1e20, 1e19, "X↑"), (1e20, 1e-3, "X↓"), (1e40, 1e10, "X→"), (1.0, 1e10, "X←")]
)
@pytest.mark.parametrize("size", [(60, 20), (60, 12)])
def test_a_symbol_beyond_the_figure_stands_at_the_edge_with_an_arrow_that_the_legend_explains(
    x: float, y: float, said: str, size: tuple[int, int]
) -> None:
    drawn = rows(replace(figure(), points=(PointSeries("X", "", (Point(x, y),), dodges=True),)), *size)
    (place,) = [row for row, text in enumerate(drawn) if said in text]
    assert sum(f"{said[1]} off the chart" in text for text in drawn) == 1
    within = rows(replace(figure(), points=(PointSeries("X", "", (Point(1e20, 1e10),), dodges=True),)), *size)
    assert "off the chart" not in "".join(within)
    tall = size[1] > 13
    assert said[1] != "↑" or place == tall


def test_points_without_a_label_are_not_in_the_legend() -> None:
    drawn = "\n".join(rows(replace(figure(), points=(PointSeries("X", "", (Point(1e20, 1e10),)),)), 60, 20))
    assert drawn.count("X") == 1


def test_the_legend_covers_no_text_while_a_corner_is_free() -> None:
    lines = tuple(line(symbol, 10.0**power) for symbol, power in zip("ABC", (-2, 1, 4), strict=True))
    marked = figure(*lines, marker=Marker(1e25, "a text in the corner", 1e7))
    assert "a text in the corner" in "\n".join(rows(marked, 80, 24))


def test_a_marker_that_moved_leaves_nothing_behind() -> None:
    bare = figure(line("A", 0.1, band=2.0), line("B", 0.01))
    before = rows(bare, 90, 24)
    first, second, again = (rows(replace(bare, markers=(Marker(x, "here", 1e9),)), 90, 24) for x in (1e20, 1e22, 1e20))
    assert first == again != second
    assert rows(bare, 90, 24) == before
    assert "here" in "".join(first)
    assert "here" not in "".join(before)
