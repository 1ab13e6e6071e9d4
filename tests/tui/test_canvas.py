from hypothesis import given
from hypothesis import strategies as st

from budgetscope.tui.chart.canvas import Canvas, TextRun
from budgetscope.tui.chart.cells import drawable, width_of


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
    canvas.text(-2, 0, drawable(text), "label")
    canvas.text(width - 1, 0, drawable(text), "label")
    canvas.text(width - 1, height, drawable(text), "label")
    assert [width_of(line) for line in texts(canvas)] == [width] * height


def test_a_wide_character_takes_two_cells_and_leaves_a_space_when_one_is_covered() -> None:
    canvas = Canvas(6, 1)
    canvas.text(0, 0, "名前x", "label")
    assert texts(canvas) == ["名前x "]
    canvas.text(1, 0, "y", "label")
    assert texts(canvas) == [" y前x "]
    canvas.text(5, 0, "名", "label")
    assert texts(canvas) == [" y前x "]


def test_a_letter_and_its_mark_are_one_character() -> None:
    assert drawable("カ\u3099e\u0301\u200b\x1b") == "ガé"
