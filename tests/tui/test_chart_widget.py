import pytest
from textual.app import App, ComposeResult

from budgetscope.core.budget.quantities import format_count
from budgetscope.report.figures.figure import Axis, Figure, HeatMap, Line, Point, PointSeries
from budgetscope.report.figures.scale import LinearScale, LogScale
from budgetscope.tui.widgets.chart import Chart, ChartClicked

XS = (1.0, 10.0, 100.0)
FIGURE = Figure(
    Axis(LogScale(1, 100), "N", format_count),
    Axis(LinearScale(0, 10), "loss"),
    (Line("A", "falling", "a", XS, (9, 5, 1)), Line("B", "flat", "b", XS, (2, 2, 2))),
    (PointSeries("o", "measured", (Point(10, 9),)),),
)


class ChartApp(App[None]):
    def __init__(self, figure: Figure | None) -> None:
        super().__init__()
        self.figure = figure
        self.chosen: list[ChartClicked] = []

    def compose(self) -> ComposeResult:
        chart = Chart()
        chart.figure = self.figure
        yield chart

    def on_chart_clicked(self, event: ChartClicked) -> None:
        self.chosen.append(event)

    @property
    def chart(self) -> Chart:
        return self.query_one(Chart)

    def text(self) -> str:
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())


async def test_the_mouse_reads_the_nearest_line() -> None:
    app = ChartApp(FIGURE)
    async with app.run_test(size=(80, 24)) as pilot:
        drawing, _ = app.chart._drawing()
        low = drawing.top + drawing.height - 3
        await pilot.hover(Chart, offset=(drawing.left, low))
        reading = app.chart.reading()
        assert reading is not None
        assert (reading.x, reading.y) == pytest.approx((1, 2))
        assert "B: 1, 2" in app.text()
        await pilot.hover(Chart, offset=(drawing.left, drawing.top + 2))
        reading = app.chart.reading()
        assert reading is not None
        assert reading.y == pytest.approx(9)
        await pilot.hover(Chart, offset=(0, 0))
        assert app.chart.reading() is None
        assert "B: 1, 2" not in app.text()


async def test_keys_move_it_along_the_first_line_and_stop_at_the_ends() -> None:
    app = ChartApp(FIGURE)
    async with app.run_test(size=(80, 24)) as pilot:
        app.chart.move_crosshair(1)
        first = app.chart.reading()
        assert first is not None
        assert first.x == pytest.approx(10, rel=0.05)
        assert first.y == pytest.approx(5, rel=0.05)
        app.chart.move_crosshair(-1000)
        await pilot.pause()
        left = app.chart.reading()
        assert left is not None
        assert left.x == pytest.approx(1)
        app.chart.move_crosshair(1000)
        right = app.chart.reading()
        assert right is not None
        assert right.x == pytest.approx(100)
        await pilot.pause()
        assert "100, " in app.text()
        app.chart.hide_crosshair()
        assert app.chart.reading() is None


async def test_a_point_in_its_column_is_read_when_it_is_nearer() -> None:
    app = ChartApp(FIGURE)
    async with app.run_test(size=(81, 24)) as pilot:
        drawing, _ = app.chart._drawing()
        column = round((drawing.width - 1) / 2)
        await pilot.hover(Chart, offset=(drawing.left + column, drawing.top + 2))
        reading = app.chart.reading()
        assert reading is not None
        assert reading.text == "o: 10, 9"


async def test_a_heat_map_is_read_by_cell() -> None:
    heat = HeatMap((1, 10, 100), (0, 10), ((1.25, None),), (2,))
    app = ChartApp(Figure(FIGURE.x, FIGURE.y, heat=heat))
    async with app.run_test(size=(80, 24)) as pilot:
        drawing, _ = app.chart._drawing()
        await pilot.hover(Chart, offset=(drawing.left + 3, drawing.top + 9))
        reading = app.chart.reading()
        assert reading is not None
        assert reading.text.endswith(": 1.25")
        await pilot.hover(Chart, offset=(drawing.left + drawing.width - 3, drawing.top + 9))
        reading = app.chart.reading()
        assert reading is not None
        assert "1.25" not in reading.text


async def test_a_click_tells_its_place() -> None:
    app = ChartApp(FIGURE)
    async with app.run_test(size=(80, 24)) as pilot:
        drawing, _ = app.chart._drawing()
        await pilot.click(Chart, offset=(drawing.left + drawing.width - 1, drawing.top))
        await pilot.click(Chart, offset=(0, 0))
        await pilot.pause()
        (place,) = app.chosen
        assert place.x == pytest.approx(100)
        assert place.y == pytest.approx(10, rel=0.05)
        assert place.control is app.chart


async def test_without_a_figure_there_is_nothing_to_read() -> None:
    app = ChartApp(None)
    async with app.run_test(size=(80, 24)) as pilot:
        app.chart.move_crosshair(1)
        await pilot.hover(Chart, offset=(40, 12))
        assert app.chart.reading() is None


async def test_a_chart_too_small_to_draw_reads_nothing() -> None:
    app = ChartApp(FIGURE)
    async with app.run_test(size=(10, 3)) as pilot:
        app.chart.move_crosshair(1)
        await pilot.hover(Chart, offset=(4, 1))
        assert app.chart.reading() is None
        assert "too small" in app.text()


async def test_letters_stay_legible_under_the_crosshair() -> None:
    app = ChartApp(FIGURE)
    async with app.run_test(size=(80, 24)) as pilot:
        drawing, strips = app.chart._drawing()
        row = next(y for y, strip in enumerate(strips) if "B" in strip.text and drawing.top <= y)
        column = strips[row].text.index("B")
        # Above the letter, so that the line passes it.
        await pilot.hover(Chart, offset=(column, drawing.top + 1))
        assert app.chart.render_line(row).text[column] == "B"
        assert app.chart.render_line(row + 1).text[column] == "│"
