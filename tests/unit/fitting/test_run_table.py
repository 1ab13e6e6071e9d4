import numpy as np
import pytest

from budgetscope.core.errors import UsageError
from budgetscope.fitting.noise import ConstantNoise, noise_from_scatter, noise_from_seeds, porian_noise
from budgetscope.fitting.run_table import RunTable, budgets, near_duplicates


def test_budgets_are_grouped_sorted_and_seeds_merged() -> None:
    table = RunTable(
        flops=[1e18, 1.02e17, 1e17, 1e17, 1e17],
        n_params=[1e8, 4e7, 2e7, 2e7, 1e7],
        tokens=[1e9, 5e8, 1e9, 1e9, 2e9],
        loss=[3.0, 3.3, 3.2, 3.4, 3.5],
        seeds=[0, 0, 0, 1, 0],
    )
    small, large = budgets(table)
    assert small.n_params.tolist() == [1e7, 2e7, 4e7]
    assert small.loss == pytest.approx([3.5, 3.3, 3.3])
    assert small.n_seeds.tolist() == [1, 2, 1]
    assert small.flops == pytest.approx(1e17 * 1.02**0.25)
    assert large.flops == pytest.approx(1e18)


@pytest.mark.parametrize("seeds", [None, [0, 0]])
def test_disagreeing_duplicates_are_refused(seeds: list[int] | None) -> None:
    table = RunTable([1e17] * 2, [1e7] * 2, [1e9] * 2, [3.2, 3.4], seeds)
    with pytest.raises(UsageError, match=r"2 runs with N=1e\+07 .* 3\.2000 to 3\.4000 .*seed"):
        budgets(table)


def test_runs_of_nearly_one_length_are_one_point() -> None:
    table = RunTable([1e17, 1.01e17, 1e17], [1e7, 1e7, 2e7], [1e9, 1.01e9, 5e8], [3.2, 3.21, 3.3])
    (budget,) = budgets(table)
    assert budget.loss == pytest.approx([3.205, 3.3])
    assert [rows.tolist() for rows in near_duplicates(table)] == [[0, 1]]
    for tokens, loss in ((1.05e9, 3.21), (1.01e9, 3.5)):
        with pytest.raises(UsageError, match="no seed tells them apart"):
            budgets(RunTable([1e17, 1.01e17], [1e7, 1e7], [1e9, tokens], [3.2, loss]))


def test_equal_duplicates_are_one_measurement() -> None:
    (budget,) = budgets(RunTable([1e17] * 2, [1e7] * 2, [1e9] * 2, [3.2, 3.2]))
    assert budget.loss.tolist() == [3.2]


@pytest.mark.parametrize(
    ("column", "value"), [("loss", np.nan), ("loss", np.inf), ("flops", 0.0), ("tokens", -1.0), ("n_params", 0.0)]
)
def test_values_that_are_not_finite_and_positive_are_refused(column: str, value: float) -> None:
    columns = {"flops": [1e17, 1e17], "n_params": [1e7, 2e7], "tokens": [1e9, 5e8], "loss": [3.0, 3.1]}
    columns[column][1] = value
    with pytest.raises(UsageError, match=f"row 2 has {column}="):
        RunTable(**columns)


def test_unequal_and_empty_columns_are_refused() -> None:
    with pytest.raises(UsageError, match="different lengths"):
        RunTable([1e17, 1e17], [1e7], [1e9], [3.0])
    with pytest.raises(UsageError, match="no runs"):
        RunTable([], [], [], [])


def test_the_published_noise_is_always_low_and_the_intended_one_rises() -> None:
    loss = np.array([2.5, 3.0, 5.0, 7.0, 10.0])
    assert porian_noise("refinedweb").std(loss) == pytest.approx([0.002] * 5)
    assert porian_noise("openwebtext2").std(loss) == pytest.approx([0.01] * 5)
    meant = porian_noise("refinedweb", as_published=False).std(loss)
    # Log-linear between (3, 0.002) and (7, 0.05).
    middle = 0.002 * (0.05 / 0.002) ** (np.log(5 / 3) / np.log(7 / 3))
    assert meant == pytest.approx([0.002, 0.002, middle, 0.05, 0.05])
    with pytest.raises(UsageError, match="refinedweb or openwebtext2"):
        porian_noise("c4")


def test_noise_is_recovered_from_seeds() -> None:
    rng = np.random.default_rng(0)
    size = np.repeat(np.geomspace(1e7, 1e9, 40), 5)
    loss = (2 + 100 / size**0.3) * np.exp(0.004 * rng.standard_normal(size.size))
    table = RunTable(np.full(size.size, 1e19), size, 1e19 / 6 / size, loss, np.tile(np.arange(5), 40))
    found = noise_from_seeds(table)
    assert found is not None
    # 160 degrees of freedom: the estimate's own standard error is 5.6%.
    assert found.log_std == pytest.approx(0.004, rel=0.17)
    assert noise_from_seeds(RunTable(table.flops, table.n_params, table.tokens, table.loss)) is None
    assert noise_from_seeds(table.rows(np.arange(0, 200, 5))) is None


def test_noise_is_recovered_from_the_scatter_about_smooth_curves() -> None:
    rng = np.random.default_rng(1)
    flops = np.repeat(1e17 * 4.0 ** np.arange(8, dtype=np.float64), 12)
    size = np.sqrt(flops / 120) * np.tile(1.4 ** np.arange(-5.5, 6), 8)
    tokens = flops / 6 / size
    loss = (1.8 + 478 / size**0.347 + 2143 / tokens**0.367) * np.exp(0.003 * rng.standard_normal(size.size))
    found = noise_from_scatter(budgets(RunTable(flops, size, tokens, loss)))
    assert found is not None
    assert found.log_std == pytest.approx(0.003, rel=0.3)
    few = RunTable([1e17] * 4, [1e7, 2e7, 3e7, 4e7], [1e9] * 4, [3.2, 3.1, 3.15, 3.3])
    assert noise_from_scatter(budgets(few)) is None


def test_constant_noise_is_relative() -> None:
    assert ConstantNoise(0.01).std(np.array([2.0, 4.0])) == pytest.approx([0.02, 0.04])
