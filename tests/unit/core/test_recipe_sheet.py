import math
from collections import defaultdict
from pathlib import Path

import pytest
from tests.asking import ADVISOR, sheet
from tests.bundled import bundled, fit, predict
from tools.own_fit import joined, run_folders

from budgetscope.api import PlanRequest
from budgetscope.core.answers.checkpoints import NEAR
from budgetscope.core.answers.law_values import RECIPE_ROLES, LawValue
from budgetscope.core.answers.recipe_sheet import RecipeSheet
from budgetscope.core.laws.sensitivity import MEASURED, measured


def law_value(found: RecipeSheet, role: str, fit_id: str) -> LawValue:
    return next(each for each in found.law_values if (each.role, each.fit_id) == (role, fit_id))


# What the laws give


def test_every_law_that_says_a_hyperparameter_is_listed_and_the_followed_one_comes_first() -> None:
    found = sheet()
    said = {(each.role, each.fit_id) for each in found.law_values}
    roles = set(RECIPE_ROLES)
    # Kaplan's learning rate is a line that crosses zero only beyond 1e10 parameters.
    assert said == {(role, fit_id) for fit_id, each in bundled().items() for role in each.laws.keys() & roles}
    for role in RECIPE_ROLES:
        values = [each for each in found.law_values if each.role == role]
        assert values[0].followed
        assert values[0].fit_id == found.answer.plan.recipe.sources[role]
        assert [each.followed for each in values[1:]] == [False] * (len(values) - 1)
        assert [each.ablation for each in values[1:]] == sorted(each.ablation for each in values[1:])


def test_law_values_are_in_one_unit_at_the_plans_own_model() -> None:
    found = sheet()
    n = found.answer.plan.n_params.value
    for role in ("learning_rate", "batch_size"):
        for fit_id in ("porian2024/rounded-rule", "porian2024/sweep-fit"):
            assert law_value(found, role, fit_id).value == pytest.approx(predict(fit_id, role, n=n))
    assert law_value(found, "learning_rate", found.answer.plan.recipe.sources["learning_rate"]).value == pytest.approx(
        found.answer.plan.recipe.learning_rate.value
    )
    half_life = law_value(found, "beta2", "marek2025/token-half-life").value
    assert half_life == pytest.approx(0.5 ** (found.answer.plan.recipe.batch_tokens.value / 1e7))
    assert law_value(found, "warmup", "porian2024/rounded-rule").value == found.answer.plan.recipe.warmup_tokens
    assert law_value(found, "weight_decay", "porian2024/rounded-rule").value == 1e-4


def test_law_values_say_their_draws_and_how_far_their_data_are() -> None:
    found = sheet()
    own = law_value(found, "learning_rate", "budgetscope2026/english")
    assert own.low is not None
    assert own.high is not None
    assert own.low < own.value < own.high
    rule = law_value(found, "learning_rate", "porian2024/rounded-rule")
    assert (rule.low, rule.high) == (None, None)
    assert rule.beyond == pytest.approx(found.answer.plan.n_params.value / 110e6)
    assert not law_value(found, "learning_rate", "olmo2025/halved-rate").has_range
    assert law_value(sheet("2.5e17"), "learning_rate", "porian2024/rounded-rule").beyond is None


def test_a_law_that_gives_no_number_here_is_left_out() -> None:
    # Kaplan's learning rate falls to zero at 1.2e10 parameters.
    ids = {each.fit_id for each in sheet("1e24").law_values if each.role == "learning_rate"}
    assert "kaplan2020/fixed-batch" not in ids
    assert "porian2024/rounded-rule" in ids


def test_half_and_twice_are_sizes_at_the_same_budget() -> None:
    found = sheet()
    assert found.half.ratio == pytest.approx(0.5)
    assert found.twice.ratio == pytest.approx(2)
    assert found.half.n_params * found.half.tokens == pytest.approx(found.twice.n_params * found.twice.tokens)


# Checkpoints


@pytest.mark.parametrize("budget", ["1e17", "1e20", "64xH100 14d", "1e24"])
def test_checkpoints_halve_the_budget_after_the_warmup_and_before_the_decay(budget: str) -> None:
    found = sheet(budget)
    run, recipe = found.answer.plan.run, found.answer.plan.recipe
    *halved, decay, end = found.checkpoints
    assert [each.tokens for each in found.checkpoints] == sorted(each.tokens for each in found.checkpoints)
    for each in halved:
        assert each.halvings is not None
        assert each.tokens == pytest.approx(run.tokens / 2**each.halvings)
        assert each.flops == pytest.approx(end.flops / 2**each.halvings)
        assert each.tokens > recipe.warmup_tokens
        assert abs(each.step - each.tokens / recipe.batch_tokens.value) <= 0.5
    assert [each.halvings for each in halved] == list(range(len(halved), 0, -1))
    assert decay.tokens == pytest.approx(0.8 * run.tokens)
    assert end.step == run.steps
    assert [each.decayed for each in found.checkpoints] == [False] * (len(halved) + 1) + [True]
    assert end.flops == pytest.approx(found.answer.plan.flops, rel=0.1)


def test_a_checkpoint_is_near_when_its_size_is_within_a_factor_three_of_the_optimum() -> None:
    found = sheet("1e20")
    assert fit("porian2024/refinedweb-tuned").laws["excess"].law.window == pytest.approx(math.log(NEAR))  # type: ignore[union-attr]
    for each in found.checkpoints:
        budget = PlanRequest(f"{each.flops!r}")
        best = ADVISOR.answer(budget).plan.n_params.value
        assert each.ratio == pytest.approx(found.answer.plan.run.n_params / best)
        assert each.is_near == (not each.decayed and 1 / 3 <= each.ratio <= 3)
    assert not found.checkpoints[-1].is_near


# A factor of two


def test_what_a_factor_of_two_costs_is_what_the_grids_say(reference: Path) -> None:
    cells: dict[float, dict[tuple[float, float], dict[str, list[float]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    _, state = joined(list(run_folders(reference).values()))
    for s in state.of_stage(1):
        if s.final_loss is not None:
            key = s.cell.learning_rate, float(s.cell.batch_tokens)
            cells[float(s.cell.n_params)][key][f"{s.cell.beta2:g}"].append(s.final_loss)
    changes: dict[str, list[float]] = {"learning_rate": [], "batch_size": []}
    for n_params, grid in cells.items():
        best = {key: min(sum(v) / len(v) for v in by_beta2.values()) for key, by_beta2 in grid.items()}
        lr, batch = (predict("budgetscope2026/english", role, n=n_params) for role in changes)
        assert lr
        assert batch
        centre = min(best, key=lambda k: abs(math.log(k[0] / lr)) + abs(math.log(k[1] / batch)))
        for axis, role in enumerate(changes):
            for key, loss in best.items():
                factor = key[axis] / centre[axis]
                if key[1 - axis] == centre[1 - axis] and abs(math.log2(factor)) == pytest.approx(1, abs=0.01):
                    changes[role].append(loss / best[centre] - 1)
    for known in MEASURED:
        assert known.low == pytest.approx(min(changes[known.role]), abs=5e-5)
        assert known.high == pytest.approx(max(changes[known.role]), abs=5e-5)
        assert known.smallest_n_params == min(cells)
        assert known.largest_n_params == max(cells)
    noise = fit("budgetscope2026/english").provenance["grid_noise"]
    assert f"{MEASURED[0].noise:.3f}" in noise
    assert measured("beta2") is None
