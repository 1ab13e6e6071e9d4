"""`whatif` and `recipe` say what the screens of that name show."""

import csv
import io
import json

import pytest
from tests.cli.conftest import Cli

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.whatif import CURVE_RATIOS, IsoFlop
from budgetscope.report.headline import whatif_headline
from budgetscope.report.recipe_sheet import recipe_rows, topics
from budgetscope.report.whatif import sentence, size_rows, whatif_command


def test_a_size_is_compared_with_the_optimum_and_the_other_laws(cli: Cli) -> None:
    ran = cli("whatif", "1e21", "--size", "7B", "--served", "1T", "--json")
    assert ran.code == 0, ran.err
    record = json.loads(ran.out)
    answer = Advisor().answer(PlanRequest("1e21"))
    iso = IsoFlop(answer)
    here, best = iso.at(7e9, 1e12), iso.at(answer.optimum.n_params, 1e12)
    assert record["sentence"] == sentence(iso, here)
    assert record["command"] == "budgetscope whatif 1e21 --size 7e+09 --served 1T"
    found = {size["what"]: size for size in record["sizes"]}
    assert found["here"]["loss"] == here.loss
    assert found["optimum"]["serving_usd"] == best.serving_usd
    assert [s["ratio"] for s in record["sizes"] if s["what"] == "curve"] == pytest.approx(CURVE_RATIOS)
    laws = {size["fit_id"]: size["n_params"] for size in record["sizes"] if size["what"] == "law"}
    wanted = {row.fit_id: row.n_params for row in Advisor().compare(answer).rows if row.n_params and not row.ablation}
    assert laws == {name: n for name, n in wanted.items() if name != answer.plan.law_id}
    text = cli("whatif", "1e21", "--size", "7B", "--served", "1T").out
    headline = whatif_headline(iso, here, 1e12, Advisor().best_over_life(answer, 1e12))
    assert headline.doubt
    assert f"{headline.sentence} {headline.doubt}" in " ".join(text.split())
    for row in size_rows(iso, here, best):
        line = next(line for line in text.splitlines() if line.startswith(row.label))
        assert row.here in line
        assert row.optimum in line


def test_the_forms_of_a_size_agree_and_its_command_gives_it_again(cli: Cli) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("whatif", "1e21", "--size", "2e9", "--csv").out)))
    record = json.loads(cli("whatif", "1e21", "--size", "2e9", "--json").out)
    assert [float(row["n_params"]) for row in rows] == [size["n_params"] for size in record["sizes"]]
    assert cli(*record["command"].split()[1:], "--csv").out == cli("whatif", "1e21", "--size", "2e9", "--csv").out
    assert (
        "## Reproduce\n\n```sh\nbudgetscope whatif 1e21 --size 2e+09\n```"
        in cli("whatif", "1e21", "--size", "2e9", "--md").out
    )


@pytest.mark.parametrize(
    ("served", "word"), [(0.0, ""), (1e12, " --served 1T"), (1.2345e12, " --served 1234500000000.0")]
)
def test_the_command_of_a_size_is_exact(served: float, word: str) -> None:
    iso = IsoFlop(Advisor().answer(PlanRequest("1e21")))
    here = iso.at(iso.answer.optimum.n_params, served)
    assert whatif_command("budgetscope whatif 1e21", here, served) == f"budgetscope whatif 1e21{word}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", "huge"), "--size 'huge' is not a number"),
        (("--served", "1e40"), "--served 1e40 is out of bounds"),
        (("--json", "--md"), "--json and --md exclude each other"),
        (("--law", "meta2024/llama3", "--json"), ""),
    ],
)
def test_a_bad_size_is_refused_and_a_law_without_a_curve_is_not(cli: Cli, words: tuple[str, ...], said: str) -> None:
    ran = cli("whatif", "1e21", *words)
    assert said in ran.err
    assert ran.code == (2 if said else 0)
    if not said:
        assert "has no law of the loss" in json.loads(ran.out)["no_curve_reason"]


def test_the_recipe_has_every_value_of_the_screen(cli: Cli) -> None:
    advisor = Advisor()
    answer = advisor.answer(PlanRequest("1e21"))
    sheet = advisor.recipe_sheet(answer)
    text = cli("recipe", "1e21", "--notes").out
    for row in recipe_rows(answer.plan):
        assert row.text in text
    for topic in topics(sheet):
        assert topic.title in text
        for value in topic.rows:
            assert value.title in text
    record = json.loads(cli("recipe", "1e21", "--json").out)
    assert record["recipe"]["learning_rate"]["value"] == answer.plan.recipe.learning_rate.value
    assert [each["value"] for each in record["law_values"]] == [each.value for each in sheet.law_values]
    rows = list(csv.DictReader(io.StringIO(cli("recipe", "1e21", "--csv").out)))
    assert [float(row["value"]) for row in rows] == [each.value for each in sheet.law_values]
    assert "budgetscope recipe 1e21" in cli("recipe", "1e21", "--md").out
