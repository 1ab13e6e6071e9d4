import pytest
from tests.asking import ADVISOR, iso

from budgetscope.api import PlanRequest
from budgetscope.core.language import ENGLISH, LANGUAGES, use
from budgetscope.report.whatif import pick_cells, reach_legend, reach_text, sentence, size_rows, whatif_markdown
from budgetscope.report.words import width
from budgetscope.store.catalogues import read_language

PUBLISHED = "porian2024/refinedweb-tuned-akima"


@pytest.mark.parametrize(
    ("size", "said"), [(5e7, "1/2,000 of the optimal size"), (1e14, "1,000 times the optimal size")]
)
def test_a_large_factor_has_no_exponent(size: float, said: str) -> None:
    found = iso("1e24", law=PUBLISHED)
    assert said in sentence(found, found.at(size))


def test_a_size_is_said_in_plain_words() -> None:
    found = iso("64 H100 for 14 days at 40% MFU", law=PUBLISHED)
    best = found.answer.plan.n_params.value
    assert sentence(found, found.at(best)) == (
        "17.2 B parameters on 281 B tokens: the optimum, loss 2.410 before the decay. The shape to build, in whole "
        "layers, has 17.1 B."
    )
    twice = sentence(found, found.at(2 * best))
    assert "2 times the optimal size: +0.0191 nats/token; 23.6% of the compute = $21.9 K is deadweight." in twice
    assert "1/4 of the optimal size" in sentence(found, found.at(best / 4))
    assert sentence(found, found.at(best / 4)).endswith("Extrapolated: no run so far off was measured.")
    silent = iso("1e21", law="deepseek2024/current-data")
    assert sentence(silent, silent.at(1e9)).endswith("of the optimal size.")


def test_readings_put_a_size_beside_the_optimum() -> None:
    found = iso("64 H100 for 14 days at 40% MFU", law=PUBLISHED)
    best = found.at(found.answer.plan.n_params.value, 1e12)
    rows = {row.label.strip(): row for row in size_rows(found, found.at(2 * best.n_params, 1e12), best)}
    assert rows["N"].cells == ("N", "34.3 B", "17.2 B", "x2")
    assert rows["D"].change == "x0.5"
    assert rows["deadweight"].here == "23.6%"
    assert rows["deadweight"].optimum == "0.0%"
    assert rows["FLOPs"].here == "6.83e21"
    assert rows["serving"].change == "+$104 K"
    assert rows["training"].change.startswith("-$")
    idle = {row.label: row for row in size_rows(found, found.at(2 * best.n_params), found.at(best.n_params))}
    assert (idle["serving"].here, idle["serving"].change) == ("none", "")


def test_without_a_price_costs_are_in_flops_and_without_a_law_of_excess_unknown() -> None:
    found = iso("1e21", law="deepseek2024/current-data", device="a100-80gb")
    here = found.at(1e9, 1e12)
    rows = {row.label.strip(): row for row in size_rows(found, here, here)}
    assert (rows["loss"].here, rows["deadweight"].here, rows["dollars"].here) == ("-", "-", "-")
    assert pick_cells("x", here)[-2:] == ("-", "-")
    assert reach_text(found) == reach_legend(found) == ""


def test_where_the_curve_was_measured_is_said() -> None:
    found, far = iso("1e19", law=PUBLISHED), iso("1e25", law="besiroglu2024/refit")
    assert reach_legend(found) == "Dashed: no run was so far off the optimum."
    assert reach_legend(far) == "Dashed: no run was near this budget."
    assert "were up to 3 times off the optimum: beyond that the loss is extrapolated" in reach_text(found)
    assert "Dashed" not in reach_text(found) + reach_text(far)


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_the_curve_was_measured_fits_below_the_chart_of_80_columns(language: str) -> None:
    use(None if language == ENGLISH else read_language(language))
    try:
        said = [
            reach_legend(iso(budget, law=law))
            for budget in ("1e19", "5e21", "1e25")
            for law in (PUBLISHED, "besiroglu2024/refit", "budgetscope2026/english")
        ]
    finally:
        use(None)
    assert max(map(width, said)) <= 44, said


def test_markdown_holds_the_size_the_picks_and_the_assumptions() -> None:
    found = iso("$50k on H100")
    best = found.at(found.answer.plan.n_params.value, 1e12)
    here = found.at(2 * best.n_params, 1e12)
    text = whatif_markdown(found, here, best, [("A <law>", here)], 1e12, "budgetscope plan '$50k'")
    assert text.startswith("# What if, for \\$50k on H100")
    assert "1 T served tokens" in text
    assert "| A \\<law\\> | " in text
    assert "Sardana et al. 2024" in text
    assert "```sh\nbudgetscope plan '$50k'\n```" in text
    assert "no served tokens" in whatif_markdown(found, here, best, [], 0.0, "x")


def test_it_says_that_constraints_are_left_aside() -> None:
    bounded = ADVISOR.iso_flop(ADVISOR.answer(PlanRequest("1e21", max_params=2e9)))
    free = iso("1e21")
    for each, said in ((bounded, True), (free, False)):
        here = each.at(each.answer.optimum.n_params)
        assert sentence(each, here).endswith("The plan's constraints are left aside here.") is said
