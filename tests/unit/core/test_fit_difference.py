"""What changes from one fit to another."""

from dataclasses import replace

import pytest
from tests.bundled import bundled, fit

from budgetscope.core.answers.fit_difference import BUDGETS, ConstantChange, Recommendation, differ
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.counting.shapes import shape_family
from budgetscope.core.laws.operating_point import operate
from budgetscope.report.fit_difference import loss_note

FAMILY = shape_family()


def test_a_fit_does_not_differ_from_itself() -> None:
    for each in bundled().values():
        difference = differ(each, each, FAMILY)
        assert difference.constants == ()
        assert [change.flops for change in difference.budgets] == list(BUDGETS)
        assert all(change.before == change.after for change in difference.budgets)


def test_changed_constants_are_named_one_by_one() -> None:
    rule, halved = fit("porian2024/rounded-rule"), fit("olmo2025/halved-rate")
    changes = differ(rule, halved, FAMILY).constants
    assert ConstantChange("learning_rate", "coefficient", 0.0047, 0.00235) in changes
    # The other laws are missing as a whole; the batch is the same.
    assert {change.role for change in changes} == {"learning_rate", "beta2", "warmup", "weight_decay"}
    assert ConstantChange("beta2", "form", "batch-step", None) in changes


def test_a_law_of_another_form_differs_as_a_whole() -> None:
    changes = differ(fit("hoffmann2022/approach-1"), fit("meta2024/llama3"), FAMILY).constants
    assert [change.parameter for change in changes] == ["exponent a", "form"]
    assert changes[0].after == pytest.approx(1 - 0.53778)
    assert changes[1] == ConstantChange("allocation", "form", "power-law-params", "power-law-tokens")


@pytest.mark.parametrize(
    ("before", "after"),
    [("porian2024/refinedweb-tuned", "kaplan2020/fixed-batch"), ("deepseek2024/current-data", "besiroglu2024/refit")],
)
def test_recommendations_are_under_one_convention(before: str, after: str) -> None:
    difference = differ(fit(before), fit(after), FAMILY, (1e20,))
    assert difference.convention.counts_six_n
    (change,) = difference.budgets
    for side, name in ((change.before, before), (change.after, after)):
        assert side.n_params == operate(fit(name), 1e20, difference.convention, FAMILY).n_params
    stated = differ(fit(before), fit(after), FAMILY, (1e20,), Convention.TOTAL)
    assert stated.convention == Convention.TOTAL


def test_a_fit_without_n_and_d_recommends_nothing() -> None:
    (change,) = differ(fit("porian2024/sweep-fit"), fit("porian2024/rounded-rule"), FAMILY, (1e20,)).budgets
    assert change.before == change.after == Recommendation(None, None, None, None, None)


def test_recipes_are_compared_at_the_n_and_d_of_another_law() -> None:
    law = fit("porian2024/refinedweb-tuned")
    difference = differ(fit("porian2024/rounded-rule"), fit("steplaw2025/dense"), FAMILY, (1e20,), sizes=law)
    assert difference.sized_by == law.id
    (change,) = difference.budgets
    n_params = operate(law, 1e20, difference.convention, FAMILY).n_params
    # Porian's rounded rule: lr = 0.0047 (N / 108e6)^(-1/3), Porian et al.'s plotting code.
    assert change.before.learning_rate == pytest.approx(0.0047 * (n_params / 108e6) ** (-1 / 3))
    assert change.before.n_params is None
    assert change.after.learning_rate != change.before.learning_rate


def test_a_difference_tells_the_flags_of_both_fits() -> None:
    difference = differ(fit("porian2024/refinedweb-tuned-akima"), fit("budgetscope2026/english"), FAMILY, (1e20,))
    assert difference.sized_by is None
    told = {flag.partition(": ")[0] for flag in difference.flags}
    assert told == {"porian2024/refinedweb-tuned-akima", "budgetscope2026/english"}


def test_losses_of_other_tokenizers_are_said_not_to_compare() -> None:
    tuned, own = fit("porian2024/refinedweb-tuned"), fit("budgetscope2026/english")
    assert loss_note(differ(tuned, own, FAMILY, (1e20,))) == (
        "Their losses do not compare: nats a token are of GPT-NeoX-20B with 50,432 tokens by "
        "porian2024/refinedweb-tuned, and of bpe with 4,096 tokens by budgetscope2026/english."
    )
    # Byte pairs are trained on the corpus: the same name and size tell nothing.
    elsewhere = replace(own, id="mine/lab", provenance={**own.provenance, "data_sha256": "0"})
    assert differ(own, elsewhere, FAMILY, (1e20,)).tokenizers is not None
    for before, after in ((tuned, fit("porian2024/openwebtext2-tuned")), (own, replace(own, id="mine/again"))):
        assert loss_note(differ(before, after, FAMILY, (1e20,))) == ""
    # Without a loss there is nothing to compare.
    assert differ(tuned, fit("meta2024/llama3"), FAMILY, (1e20,)).tokenizers is None
