"""Rows and columns in another unit than the others."""

from collections.abc import Callable
from pathlib import Path

import pytest

from budgetscope.core.errors import UsageError
from budgetscope.store.tables.intake import Intake
from budgetscope.store.tables.read import read_runs

Change = Callable[[int, float, float], tuple[float, float]]
SIZES = [(c, (c / 120) ** 0.5 * 2.0 ** (0.5 * k - 2.25)) for c in (1e18, 1e19, 1e20) for k in range(10)]


def read(path: Path, change: Change, *, with_flops: bool = False) -> Intake:
    """Read thirty IsoFLOP runs whose N and D were written as `change` says, by their row."""
    lines = ["N,D,loss" + ",C" * with_flops]
    for row, (c, n) in enumerate(SIZES, 1):
        d = c / 6 / n
        written_n, written_d = change(row, n, d)
        lines.append(f"{written_n},{written_d},{2 + 400 / n**0.35 + 2000 / d**0.37}" + f",{c}" * with_flops)
    path.write_text("\n".join(lines), encoding="utf-8")
    return read_runs(path, counting="standard")


@pytest.mark.parametrize(
    ("change", "with_flops", "reason"),
    [
        (lambda n, d: (n, d / 1e9), False, "tokens are under a thousandth of n_params"),
        (lambda n, d: (n, d / 1e6), False, "tokens are under a thousandth of n_params"),
        (lambda n, d: (n / 1e6, d), False, "n_params is below 500"),
        (lambda n, d: (700.0 + 0 * n, d), False, "tokens per parameter are far from those of any other run"),
        (lambda n, d: (n * 1e3, d), True, "flops are far from 1 times 6 n_params tokens, as in other rows"),
        (lambda n, d: (n, d / 20), True, "flops are far from 1 times 6 n_params tokens, as in other rows"),
    ],
)
def test_single_rows_in_another_unit_are_dropped_and_named(
    tmp_path: Path, change: Callable[[float, float], tuple[float, float]], with_flops: bool, reason: str
) -> None:
    bad = (4, 17)
    intake = read(
        tmp_path / "runs.csv", lambda row, n, d: change(n, d) if row in bad else (n, d), with_flops=with_flops
    )
    assert [drop.rows for drop in intake.dropped] == [bad]
    assert intake.dropped[0].reason.startswith(reason)
    assert intake.used == len(SIZES) - len(bad)
    assert not any("times 6 n_params" in sentence for sentence in intake.assumptions)


@pytest.mark.parametrize("factor", [1e-9, 1e-6])
@pytest.mark.parametrize("column", ["N", "D"])
def test_a_column_half_in_another_unit_is_refused(tmp_path: Path, column: str, factor: float) -> None:
    def half(row: int, n: float, d: float) -> tuple[float, float]:
        scale = factor if row % 2 else 1.0
        return (n * scale, d) if column == "N" else (n, d * scale)

    with pytest.raises(
        UsageError, match=r"of 30 rows cannot be what they say \(row 1, 3, 5.*give each column one unit"
    ):
        read(tmp_path / "runs.csv", half)


def test_the_smallest_published_models_stand(tmp_path: Path) -> None:
    # Kaplan et al.: 768 to 1.5e9 parameters, up to 22e9 tokens.
    rows = [f"{768 * 8**k},{d},{3 + 1 / (k + 1) + 1e6 / d}" for k in range(8) for d in (1e9, 22e9)]
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(["N,D,loss", *rows]), encoding="utf-8")
    assert read_runs(path, counting="kaplan").used == len(rows)


def test_runs_far_from_the_others_but_like_other_people_s_stand(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text("N,D,loss\n1e9,1e8,4\n1e9,2e8,3.9\n1e8,2e12,2.5\n2e8,2e12,2.4", encoding="utf-8")
    assert read_runs(path, counting="standard").used == 4
