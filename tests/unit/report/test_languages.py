"""No text of a plan, a comparison, an explanation or an export bypasses the catalogue."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.asking import ADVISOR
from tests.pseudo import PSEUDO, untranslated

from budgetscope.api import PlanRequest
from budgetscope.api.audit import AuditOptions, audit
from budgetscope.core.language import use
from budgetscope.report import audit as report
from budgetscope.report import machines, prices, whatif
from budgetscope.report.calibration_value import VALUE_HEADER, counted_text, knowledge_cells
from budgetscope.report.explanation import explanation_markdown, step_line_header, step_lines
from budgetscope.report.headline import plan_headline, recipe_headline, whatif_headline
from budgetscope.report.layouts import layout_rows, layouts_markdown
from budgetscope.report.recipe_sheet import recipe_markdown
from budgetscope.report.recipes.targets import TARGETS, target_lines
from budgetscope.report.scenarios import Column, board
from budgetscope.report.tables import board_markdown, comparison_markdown, plan_markdown
from budgetscope.report.words import headed

ROOT = Path(__file__).resolve().parents[3]
QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("1e21", {}),
    ("64 H100 for 14 days", {}),
    ("64 H100 for 14 days at 40% MFU at $2/h", {}),
    ("$50k on H100", {}),
    ("¥20000000 on H100", {}),
    ("1000 H100-hours", {}),
    ("1e18", {"device": "rtx-4090"}),
    ("N=70B", {"gpus": 8.0}),
    ("loss 2.4", {}),
    ("1e21", {"served_tokens": 1e13}),
    ("1e21", {"served_tokens": 1e8}),
    ("1e22", {"unique_tokens": 2e10, "max_params": 5e9, "deadline": 240.0}),
    ("64 H100 for 14 days", {"params": 7e9, "tokens": 3e11}),
    ("1e22 on 64 H100", {"deadline": 110.0}),
    ("1e21", {"law": "hoffmann2022/approach-1", "params": 1e10}),
    ("1e21", {"law": "meta2024/llama3"}),
    ("1e21", {"law": "kaplan2020/fixed-batch", "hyperparameters": "porian2024/rounded-rule"}),
    ("1e21", {"grid": 380.0, "watts": 900.0, "pue": 1.2, "measured": "9600tok/s at 7B"}),
    ("1e24", {"device": "tpu-v5p", "counting": "kaplan", "vocab": 128000, "seq_len": 8192}),
)


@pytest.fixture(autouse=True)
def pseudo() -> Iterator[None]:
    use(PSEUDO)
    yield
    use(None)


def plan_page(request: PlanRequest) -> str:
    answer = ADVISOR.answer(request)
    layouts = None if answer.plan.run.shape is None else ADVISOR.memory(answer)
    return plan_markdown(answer.plan, "budgetscope plan", layouts)


def comparison_page(request: PlanRequest) -> str:
    return comparison_markdown(ADVISOR.compare(ADVISOR.answer(request)))


def recipe_page(request: PlanRequest) -> str:
    return recipe_markdown(ADVISOR.recipe_sheet(ADVISOR.answer(request)), "budgetscope plan")


def layouts_page(request: PlanRequest) -> str:
    answer = ADVISOR.answer(request)
    layouts = ADVISOR.memory(answer)
    rows = [f"{row.label} {row.text} {row.basis}" for row in layout_rows(layouts)]
    return "\n".join([layouts_markdown(layouts, answer.plan, "budgetscope memory"), *rows])


def machines_page(request: PlanRequest) -> str:
    found = ADVISOR.machines(ADVISOR.answer(request))
    head, lines = machines.choices(found)
    return "\n".join([machines.machines_markdown(found, "budgetscope machines", str), head, *lines.values()])


def size_page(request: PlanRequest) -> str:
    iso = ADVISOR.iso_flop(ADVISOR.answer(request))
    best = iso.at(iso.answer.plan.n_params.value)
    pages = []
    for factor, served in ((1.0, 0.0), (2.0, 1e12), (1 / 40, 0.0)):
        here = iso.at(factor * best.n_params, served)
        pages.append(whatif.whatif_markdown(iso, here, best, (), served, "budgetscope plan"))
    return "\n".join(pages)


Page = Callable[[PlanRequest], str]


def said(page: Page, budget: str, options: dict[str, Any]) -> list[str]:
    request = PlanRequest(budget, **options)
    return untranslated(page(request), budget, ADVISOR.answer(request).plan.budget)


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_a_plan_is_translated(question: tuple[str, dict[str, Any]]) -> None:
    assert said(plan_page, *question) == []


@pytest.mark.parametrize("page", [comparison_page, recipe_page, layouts_page, machines_page, size_page])
@pytest.mark.parametrize("question", [QUESTIONS[0], QUESTIONS[7], QUESTIONS[11], QUESTIONS[14]], ids=str)
def test_what_belongs_to_a_plan_is_translated(page: Page, question: tuple[str, dict[str, Any]]) -> None:
    if page is layouts_page or question != QUESTIONS[14]:
        assert said(page, *question) == []


@pytest.mark.parametrize("budget", ["1e18", "1e21", "64 H100 for 14 days"])
def test_an_explanation_is_translated(budget: str) -> None:
    answer = ADVISOR.answer(PlanRequest(budget), alone=True)
    explanation = ADVISOR.explain(answer)
    page = [explanation_markdown(explanation), *step_line_header()]
    for dataset in explanation.datasets:
        for line in step_lines(explanation, dataset, ADVISOR.compare(answer)):
            page += [line.title, *line.cells, line.worth, *(f"{label} {text}" for label, text in line.facts)]
    assert untranslated("\n".join(page), budget) == []


def test_a_value_is_translated() -> None:
    answer = ADVISOR.answer(PlanRequest("1e21"), alone=True)
    valuation = ADVISOR.value(answer, 0.02)
    cells = [knowledge_cells(each, "", answer.plan.run.cost_usd) for each in valuation.calibrations]
    page = [*headed(VALUE_HEADER), counted_text(valuation), *(" ".join(cell) for cell in cells)]
    assert untranslated("\n".join(page)) == []


def test_scenarios_are_translated() -> None:
    plans = [ADVISOR.answer(PlanRequest(*asked)).plan for asked in (("1e21",), ("64 H100 for 14 days",))]
    plans.append(ADVISOR.answer(PlanRequest("1e21", law="meta2024/llama3", counting="kaplan")).plan)
    columns = [Column(f"{at}.", plan) for at, plan in enumerate(plans)]
    assert untranslated(board_markdown(board(columns, 0)), *(plan.budget for plan in plans)) == []


@pytest.mark.parametrize("name", TARGETS)
def test_the_page_of_a_recipe_is_translated_and_its_files_are_not(name: str) -> None:
    answer = ADVISOR.answer(PlanRequest("1e22 on 64 H100", gpus=64.0))
    recipe = ADVISOR.trainer_recipe(answer, name)
    page, *files = (text for _, text in recipe.files)
    trainer = recipe.target.trainer
    words = re.sub(r"```sh.*?```", "", page, flags=re.DOTALL)
    keys = {each.key for each in trainer.names.values()}
    assert untranslated(words, answer.plan.budget, trainer.title, trainer.version, trainer.read, *keys) == []
    assert all(text.isascii() for text in files)
    use(None)
    assert [text for _, text in ADVISOR.trainer_recipe(answer, name).files[1:]] == files


def test_the_list_of_recipes_is_translated() -> None:
    for (title, lost), each in zip(target_lines(), TARGETS.values(), strict=True):
        trainer = each.trainer
        assert untranslated(title, trainer.name, trainer.title, trainer.version, each.writes) == []
        assert untranslated(lost) == []


def test_prices_are_translated() -> None:
    device = next(each for each in ADVISOR.all_devices if each.id == "h100-sxm")
    found = prices.DevicePrices(device, device, None)
    page = [*headed(prices.PRICE_HEADER), *found.sentences, *(" ".join(cell) for cell in prices.price_cells(found))]
    assert untranslated("\n".join(page)) == []


def test_an_audit_is_translated() -> None:
    folder = ROOT / "docs" / "data" / "audit"
    one = audit(ADVISOR, [folder / "pretrain.sh"], AuditOptions(vocab=50304, device="h100", gpus=8))
    two = audit(ADVISOR, [folder / "small.toml", folder / "large.toml"])
    assert two.checklist is not None
    page = [report.verdict(two.checklist), *report.changes(two.checklist), *report.checklist_header(two.checklist)]
    page += [" ".join(row) for row in report.checklist_rows(two.checklist)]
    for run in (*one.runs, *two.runs):
        page += [report.summary(run), *run.remarks, *(row.label for row in report.understood_rows(run))]
        page += [" ".join(row) for row in report.counted_rows(run)]
        for finding in run.findings:
            page += [report.finding_title(finding), *report.finding_lines(finding)]
    assert untranslated("\n".join(page), "small", "large", "cosine", "gpt2", "fineweb", "toml") == []


def test_headlines_are_translated() -> None:
    answers = [ADVISOR.answer(PlanRequest(budget, **options)) for budget, options in QUESTIONS[:4]]
    found = [each for answer in answers for each in (plan_headline(answer.plan), recipe_headline(answer.plan))]
    iso = ADVISOR.iso_flop(answers[0])
    best = answers[0].plan.n_params.value
    found += [whatif_headline(iso, iso.at(best * factor), served) for factor in (0.5, 1.0) for served in (0.0, 1e12)]
    for each in found:
        figures = (f"{figure.value} {figure.label} {figure.range}" for figure in each.figures)
        assert untranslated("\n".join((each.sentence, each.doubt, *figures))) == []


def test_a_text_without_a_mark_is_found() -> None:
    assert untranslated("⟦Train ⟧3.44 B parameters⟦ on ⟧48.5 B⟦ tokens⟧") == ["parameters"]
