"""The report of scenarios: what it says of their prices."""

import re

from tests.asking import ADVISOR

from budgetscope import __version__
from budgetscope.api import PlanRequest
from budgetscope.report.meeting.markdown import markdown
from budgetscope.report.meeting.scenarios import Scenario, scenarios_report


def _text(**scenarios: PlanRequest) -> str:
    found = [Scenario(name, ADVISOR.facts(ADVISOR.answer(request))) for name, request in scenarios.items()]
    return markdown(scenarios_report(found, (), "", "budgetscope export x", __version__), {}).replace("\\", "")


def test_scenarios_of_one_price_are_compared_by_their_loss() -> None:
    text = _text(
        small=PlanRequest("64 H100 for 14 days", max_params=8e9),
        usual=PlanRequest("64 H100 for 14 days"),
        long=PlanRequest("64 H100 for 28 days"),
    )
    assert "“small”, “usual” cost least, $92.5 K each. “long” costs most, $185 K." in text
    assert (
        "“usual” and “small” cost the same, and “usual” ends 0.028 lower. From “usual” to “long”: $92.5 K more" in text
    )


def test_equal_scenarios_are_said_to_be_equal() -> None:
    text = _text(one=PlanRequest("64 H100 for 14 days"), other=PlanRequest("64 H100 for 14 days"))
    assert "“one” costs least, $92.5 K. The others that have a price cost the same." in text
    assert "“one” and “other” cost the same and end at the same loss." in text


def test_names_stand_in_quotation_marks_in_every_sentence() -> None:
    found = [
        Scenario("to be", ADVISOR.facts(ADVISOR.answer(PlanRequest("1e21")))),
        Scenario("or not", ADVISOR.facts(ADVISOR.answer(PlanRequest("64 H100 for 14 days")))),
        Scenario("that is", None, "the law is gone."),
    ]
    text = markdown(scenarios_report(found, (), "", "budgetscope export x", __version__), {}).replace("\\", "")
    assert "“that is” has no plan: the law is gone." in text
    assert "compare with “to be”:" in text
    assert "“or not” ends lowest" in text
    for name in ("to be", "or not", "that is"):
        bare = re.findall(rf".*(?<!“){name}(?!”).*", text)
        # The subtitle, the columns of the table, and the title of each part.
        assert all(line.startswith(("|", "#", "to be, or not")) for line in bare), bare
