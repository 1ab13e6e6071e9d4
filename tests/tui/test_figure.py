from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetscope.tui.figure import Figure, Line, Marker, Point, draw
from budgetscope.tui.scale import LogScale

XS = tuple(10.0**e for e in range(16, 27))


def line(symbol: str, factor: float, band: float | None = None, label: str = "a law") -> Line:
    ys = tuple(factor * x**0.5 for x in XS)
    low = None if band is None else tuple(y / band for y in ys)
    high = None if band is None else tuple(y * band for y in ys)
    return Line(symbol, label, symbol.lower(), XS, ys, low, high)


def figure(*lines: Line, marker: Marker | None = None, points: tuple[Point, ...] = ()) -> Figure:
    return Figure(
        LogScale(1e16, 1e26), LogScale(1e6, 1e14), lambda e: f"1e{e}", lambda e: f"e{e}", lines, points, "data", marker
    )


def rows(drawing: Figure, width: int, height: int) -> list[str]:
    return ["".join(run.text for run in row) for row in draw(drawing, width, height)]


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
    drawn = draw(figure(line("A", 0.1)), 100, 40)
    places = [
        (column, row)
        for row, runs in enumerate(drawn[:-2])
        for column, (character, role) in enumerate((c, run.role) for run in runs for c in run.text)
        if role == "line-0" and character not in " Aalw"
    ]
    (x0, y0), (x1, y1) = min(places), max(places)
    for x, y in places:
        assert abs(y - (y0 + (y1 - y0) * (x - x0) / (x1 - x0))) <= 1


def test_the_marker_stands_at_its_budget() -> None:
    drawing = figure(line("A", 0.1), marker=Marker(1e22, 0.1 * 1e22**0.5, "here"))
    drawn = rows(drawing, 100, 30)
    row = next(row for row in drawn if "●" in row)
    assert abs(row.index("●") - column_of(drawn[-1], 22)) <= 1
    assert any(" here " in row for row in drawn)


def test_a_marker_at_the_right_edge_keeps_its_text() -> None:
    drawing = figure(line("A", 0.1), marker=Marker(9e25, 0.1 * 9e25**0.5, "a long text beside it"))
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
    with_band = [run.role for row in draw(figure(line("A", 0.1, 10)), 80, 30) for run in row]
    without = [run.role for row in draw(figure(line("A", 0.1)), 80, 30) for run in row]
    assert "band" in with_band
    assert "band" not in without


def test_lines_differ_without_colour() -> None:
    def ink(index: int) -> list[str]:
        lines = [line("Z", 1e-9)] * index + [line("A", 0.1)]
        return [run.text for row in draw(figure(*lines), 80, 20) for run in row if run.role == f"line-{index}"]

    assert len({tuple(ink(index)) for index in range(1, 6)}) == 5


def test_low_figures_put_labels_into_the_axis_and_one_legend_row_below() -> None:
    drawn = rows(figure(line("A", 0.1), line("B", 0.5)), 80, 6)
    assert "1e18" in drawn[-2]
    assert "└" in drawn[-2]
    assert " A a " in drawn[-1]
    assert " B b " in drawn[-1]


def test_hostile_labels_take_one_cell_a_character() -> None:
    drawn = rows(figure(line("A", 0.1, label="[red]x[/red]\x1b[31m\u200b名前")), 100, 30)
    assert "[red]x[/red][31m??" in drawn[0]
    assert {len(row) for row in drawn} == {100}


@pytest.mark.parametrize(("width", "height"), [(10, 3), (23, 20), (80, 2), (1, 1)])
def test_too_small_a_figure_says_so(width: int, height: int) -> None:
    assert rows(figure(line("A", 0.1)), width, height)[0] == "too small for the chart"[:width].ljust(width)


@given(st.integers(1, 130), st.integers(1, 45), st.floats(1e12, 1e30), st.floats(1, 1e20))
def test_every_size_gives_full_rows(width: int, height: int, x: float, y: float) -> None:
    drawing = figure(line("A", 0.1, 2), line("B", 20), marker=Marker(x, y, "here"), points=(Point(x, y, y / 2, y * 2),))
    drawn = rows(drawing, width, height)
    assert [len(row) for row in drawn] == [width] * height
