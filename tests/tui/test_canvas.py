from hypothesis import given
from hypothesis import strategies as st

from budgetscope.tui.chart.canvas import Canvas, TextRun


def texts(canvas: Canvas) -> list[str]:
    return ["".join(run.text for run in row) for row in canvas.rows()]


def test_each_dot_has_its_own_bit() -> None:
    canvas = Canvas(1, 1)
    for y in range(4):
        for x in range(2):
            canvas.dot(x, y, "ink")
    assert texts(canvas) == ["⣿"]
    canvas = Canvas(2, 1)
    canvas.dot(0, 0, "ink")
    canvas.dot(3, 3, "ink")
    assert texts(canvas) == ["⠁⢀"]


def test_a_line_is_straight_and_a_dash_has_gaps() -> None:
    canvas = Canvas(3, 1)
    canvas.line([(0, 0), (6, 0)], "ink")
    assert texts(canvas) == ["⠉⠉⠉"]
    canvas = Canvas(3, 1)
    canvas.line([(0, 0), (6, 0)], "ink", (1, 1))
    assert texts(canvas) == ["⠁⠁⠁"]


def test_shade_fills_between_its_edges_only() -> None:
    canvas = Canvas(2, 2)
    canvas.shade([(0, 5), (4, 5)], [(0, 2), (4, 2)], "band")
    assert texts(canvas) == ["⢄⢄", "⠑⠑"]


def test_text_stands_over_dots_and_neighbours_of_a_role_are_one_run() -> None:
    canvas = Canvas(4, 1)
    canvas.line([(0, 0), (8, 0)], "ink")
    canvas.text(1, 0, "ab", "label")
    assert canvas.rows() == [(TextRun("⠉", "ink"), TextRun("ab", "label"), TextRun("⠉", "ink"))]


@given(
    st.integers(1, 12),
    st.integers(1, 6),
    st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), max_size=5),
    st.text(max_size=8),
)
def test_whatever_is_drawn_every_row_is_as_wide_as_the_canvas(
    width: int, height: int, points: list[tuple[float, float]], text: str
) -> None:
    canvas = Canvas(width, height)
    canvas.line(points, "ink")
    canvas.text(-2, 0, text, "label")
    canvas.text(width - 1, height, text, "label")
    assert [len(line) for line in texts(canvas)] == [width] * height
