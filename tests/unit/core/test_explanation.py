"""The five steps from Kaplan's experiment to the tuned one, for both datasets."""

from dataclasses import replace

import pytest
from tests.bundled import bundled, fit

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.explanation import STAGES, Explanation, Saving, Step, explain
from budgetscope.core.errors import FailureError
from budgetscope.core.laws.fit import Fit


@pytest.fixture(scope="module")
def advisor() -> Advisor:
    return Advisor()


@pytest.fixture(scope="module")
def at_chinchilla(advisor: Advisor) -> Explanation:
    return advisor.explain(advisor.answer(PlanRequest("5.88e23")))


def test_both_datasets_have_the_five_steps_in_order(at_chinchilla: Explanation) -> None:
    assert list(at_chinchilla.datasets) == ["RefinedWeb", "OpenWebText2"]
    for dataset, steps in at_chinchilla.datasets.items():
        assert [step.fit_id for step in steps] == [f"porian2024/{dataset.lower()}-{stage}" for stage, _, _ in STAGES]
        exponents = [step.exponent.value for step in steps]
        assert exponents == sorted(exponents, reverse=True)


@pytest.mark.parametrize(
    ("dataset", "exponents", "billions"),
    [
        ("RefinedWeb", (0.835, 0.706, 0.602, 0.571, 0.497), (3030, 787, 292, 183, 76.9)),
        ("OpenWebText2", (0.864, 0.699, 0.603, 0.574, 0.518), (4310, 695, 287, 195, 98.8)),
    ],
)
def test_the_steps_are_the_published_ones(
    at_chinchilla: Explanation, dataset: str, exponents: tuple[float, ...], billions: tuple[float, ...]
) -> None:
    for step, exponent, size in zip(at_chinchilla.datasets[dataset], exponents, billions, strict=True):
        assert step.exponent.value == pytest.approx(exponent, abs=0.0065)
        assert step.exponent.low is not None
        assert step.exponent.high is not None
        assert step.exponent.low < exponent < step.exponent.high
        assert step.own_n_params.value / 1e9 == pytest.approx(size, rel=0.05)


@pytest.mark.parametrize(("stage", "low", "high"), [(0, 8, 1536), (1, 9, 232), (2, 7, 50), (3, 10, 39), (4, 14, 16)])
def test_measured_tokens_per_parameter_lie_in_the_published_band(
    at_chinchilla: Explanation, stage: int, low: float, high: float
) -> None:
    # The published band is that of the noise about the law; the measured optima scatter a little beyond.
    smallest, largest = at_chinchilla.datasets["RefinedWeb"][stage].measured_tokens_per_param
    assert low / 1.4 < smallest < largest < high * 1.4


def by_stage(explanation: Explanation) -> dict[str, Step]:
    return {step.fit_id.removesuffix("-akima").rsplit("-", 1)[-1]: step for step in explanation.datasets["RefinedWeb"]}


def test_the_tuned_runs_need_exactly_what_they_used(at_chinchilla: Explanation) -> None:
    tuned = by_stage(at_chinchilla)["tuned"]
    assert len(tuned.savings) == 12
    for saving in tuned.savings:
        assert saving.share == pytest.approx(1, abs=1e-6)


def test_tuning_saves_more_than_half_at_small_budgets_and_nothing_against_a_decay_at_large_ones(
    at_chinchilla: Explanation,
) -> None:
    # Tuned 4.037 against cosine 4.174 at 1e17; cosine 2.983 against tuned 3.095 at 2.56e19.
    steps = by_stage(at_chinchilla)
    small = steps["cosine"].saving_at(1e17)
    assert small is not None
    assert 0.5 < small < 0.75
    large = [saving.share for saving in steps["cosine"].savings if saving.flops > 1e19]
    assert all(share is None or share > 1 for share in large)
    layer = steps["layer"].saving_at(1e17)
    assert layer is not None
    assert layer < small


def test_outside_the_measured_budgets_no_saving_is_claimed(at_chinchilla: Explanation) -> None:
    for step in at_chinchilla.datasets["RefinedWeb"]:
        assert step.saving_here is None
        assert step.saving_at(1e15) is None
        assert step.saving_at(1e21) is None


def test_inside_the_measured_budgets_the_saving_is_at_the_users_budget(advisor: Advisor) -> None:
    explanation = advisor.explain(advisor.answer(PlanRequest("1e17")))
    for step in explanation.datasets["RefinedWeb"][1:]:
        assert step.saving_here == pytest.approx(step.saving_at(1e17))


def test_a_saving_is_interpolated_in_logarithms(at_chinchilla: Explanation) -> None:
    step = replace(
        at_chinchilla.datasets["RefinedWeb"][0],
        savings=(Saving(1e16, 0.1), Saving(1e18, 0.4), Saving(1e19, None), Saving(1e20, 0.5)),
    )
    assert step.saving_at(1e17) == pytest.approx(0.2)
    assert step.saving_at(1e16) == pytest.approx(0.1)
    assert step.saving_at(5e18) is None
    assert step.saving_at(5e19) is None


def test_in_another_convention_the_size_is_converted_and_the_own_size_is_not(advisor: Advisor) -> None:
    standard, kaplan = (
        advisor.explain(advisor.answer(PlanRequest("1e18", counting=name))) for name in ("standard", "kaplan")
    )
    for here, there in zip(standard.datasets["RefinedWeb"], kaplan.datasets["RefinedWeb"], strict=True):
        assert here.exponent == there.exponent
        assert here.own_n_params.value == there.own_n_params.value
        assert there.n_params < here.n_params


@pytest.mark.parametrize("roles", [(), ("surface",)])
def test_a_step_shadowed_by_another_kind_of_law_is_refused(advisor: Advisor, roles: tuple[str, ...]) -> None:
    own = fit("porian2024/refinedweb-tuned-akima")
    laws = {role: own.laws[role] for role in roles} or dict(fit("porian2024/sweep-fit").laws)
    shadow = replace(own, laws=laws)
    answer = advisor.answer(PlanRequest("1e18"))

    def get(name: str) -> Fit:
        return shadow if name == shadow.id else bundled()[name]

    with pytest.raises(FailureError, match=shadow.id):
        explain(answer, get)
