"""The recipe by default: the law that covers the model, and of those that reach alike the one with the better score."""

from dataclasses import replace

import pytest
from tests.asking import ADVISOR

from budgetscope.api import PlanRequest
from budgetscope.core.answers.cautions import Level
from budgetscope.core.answers.confirmation import STEP
from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.recipe_choice import choose_recipe
from budgetscope.core.laws.scoreboard import Scoreboard

RULE, OPEN, STEPLAW = "porian2024/rounded-rule", "openeurollm2026/dense", "steplaw2025/dense"


def plan(budget: str, **options: str | float) -> Plan:
    return ADVISOR.answer(PlanRequest(budget, **options)).plan  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("budget", "law"),
    [("N=30M", RULE), ("N=108M", RULE), ("N=400M", OPEN), ("N=1B", OPEN), ("64 H100 for 14 days", OPEN)],
)
def test_each_size_follows_the_law_whose_data_reach_it(budget: str, law: str) -> None:
    found = plan(budget).recipe
    assert found.choice is not None
    assert found.choice.law == law
    # Learning rate and batch of one law, never one of each.
    assert {found.sources[role] for role in ("learning_rate", "batch_size")} == {law}
    assert found.sources["weight_decay"] == (RULE if law == RULE else "bergsma2025/power-lines")


@pytest.mark.parametrize("budget", ["N=70B", "N=200B D=4T", "N=405B D=15.6T", "5e24"])
def test_no_large_model_falls_back_to_a_law_of_small_ones(budget: str) -> None:
    """Distances are the furthest of N, D and D/N: a law that states fewer ranges is not nearer for that."""
    found = plan(budget).recipe
    assert found.choice is not None
    assert found.choice.law == OPEN


def test_of_laws_that_reach_alike_the_score_decides() -> None:
    answer = ADVISOR.answer(PlanRequest("N=600M"))
    question, best = answer.question, answer.optimum
    steplaw, openeuro = (ADVISOR.library.get(name) for name in (STEPLAW, OPEN))
    board = question.scoreboard
    assert board is not None
    # Step Law's grid is no evidence for Step Law.
    chosen, _ = choose_recipe((steplaw, openeuro), best, question.family, None, board)
    assert chosen.id == OPEN
    chosen, silent = choose_recipe((steplaw, openeuro), best, question.family, None, Scoreboard((), ()))
    assert (chosen.id, silent.place, silent.evidence) == (STEPLAW, "", ())
    grid = board.grids[0]
    other = replace(grid, laws=tuple(replace(law, fitted_here=False) for law in grid.laws))
    chosen, told = choose_recipe((steplaw, openeuro), best, question.family, None, replace(board, grids=(other,)))
    assert chosen.id == STEPLAW
    assert [each.excess for each in told.evidence] == sorted(each.excess for each in told.evidence)


def test_a_recipe_that_is_named_is_followed() -> None:
    for name in (RULE, STEPLAW):
        found = plan("64 H100 for 14 days", hyperparameters=name).recipe
        assert found.choice is None
        assert {found.sources[role] for role in ("learning_rate", "batch_size")} == {name}
    alone = plan("64 H100 for 14 days", hyperparameters="schaipp2026/batch")
    assert alone.recipe.sources["batch_size"] == "schaipp2026/batch"
    assert "mixed-recipe" in {caution.code for caution in alone.cautions}


def test_the_range_is_over_laws_that_cover_the_model_where_there_are_any() -> None:
    inside = plan("N=600M").recipe.learning_rate
    assert inside.basis == "range over 3 published laws that cover this model"
    beyond = plan("N=20B")
    assert beyond.recipe.learning_rate.basis.endswith("most of which do not reach this model")
    edge = [caution for caution in beyond.cautions if caution.code == "recipe-on-edge"]
    assert edge
    assert edge[0].level == Level.DECISION
    assert "the learning rate is the lowest of the published laws'" in edge[0].text


def test_the_confirmation_costs_a_hundredth_of_the_budget() -> None:
    found = plan("64 H100 for 14 days")
    runs = found.recipe.confirmation
    assert runs is not None
    low, middle, high = runs.learning_rates
    assert middle / low == pytest.approx(STEP)
    assert high / middle == pytest.approx(STEP)
    own = plan(f"{runs.flops!r} FLOPs", hyperparameters=runs.law)
    assert own.n_params.value == pytest.approx(runs.n_params)
    assert own.recipe.learning_rate.value == pytest.approx(middle)
    assert own.recipe.batch_tokens.value == runs.batch_tokens
    assert found.run.cost_usd is not None
    assert runs.usd == pytest.approx(0.01 * found.run.cost_usd.value, rel=1e-3)
    assert plan("1e17").recipe.confirmation is None
