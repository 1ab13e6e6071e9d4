"""What a stored fit takes of the results of the engines."""

import math

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.laws.fit import Draws, Law
from budgetscope.core.laws.forms import LossCurve, PowerLawParams
from budgetscope.fitting.stored_fit import FitPart, determined, joined, no_law, stored_fit

ALLOCATION = Law(PowerLawParams(0.1, 0.5), "DER", {}, Draws(("ln_coefficient", "exponent"), ((0.0, 0.5), (0.1, 0.5))))
CURVE = Law(LossCurve(8.0, 0.05, 1.0), "DER", {}, Draws(("ln_coefficient",), ((-math.inf,), (2.0,), (2.1,))))


def test_a_law_that_some_draws_do_not_determine_is_left_out_and_flagged() -> None:
    part = determined(FitPart({"allocation": ALLOCATION, "loss_curve": CURVE}, ("A doubt.",)))
    assert list(part.laws) == ["allocation"]
    assert part.flags == ("A doubt.", "No law of loss curve: 1 of 3 noisy draws do not determine it.")


def test_laws_are_called_alike_whoever_lacks_them() -> None:
    assert no_law("allocation", "why.") == "No law of N and D: why."
    assert no_law("excess", "why.") == "No law of the loss above the optimum: why."
    assert no_law("recipe", "why.") == "No law of learning rate and batch: why."
    assert no_law("batch_size", "why.") == "No law of batch size: why."


def test_parts_are_joined_in_their_order() -> None:
    first, second = (
        FitPart({"allocation": ALLOCATION}, ("a",)),
        FitPart({"loss_curve": CURVE}, ("b",), None, {"x": "y"}),
    )
    part = joined([first, second])
    assert (list(part.laws), part.flags, part.points, part.dropped) == (
        ["allocation", "loss_curve"], ("a", "b"), None, {"x": "y"},
    )  # fmt: skip


def test_flags_and_provenance_become_texts_that_can_be_stored() -> None:
    fit = stored_fit(
        FitPart({"allocation": ALLOCATION}, ("a\nb", "a\nb", "x" * 3000)),
        fit_id="mine/lab",
        title="lab",
        counting=Convention.STANDARD,
        citation="",
        method="",
        provenance={"data": "a\tb"},
    )
    assert fit.flags == ("a b", "x" * 2000)
    assert fit.provenance == {"data": "a b"}
    assert fit.loss_unit == "nats/token"
