"""What leaves as CSV, JSON and Markdown is what was computed, whatever a title holds."""

import csv
import io
import json
import re
from dataclasses import asdict, replace

import pytest
from tests.bundled import bundled, fit

from budgetscope.api import Advisor, PlanRequest, command
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.explanation import Explanation
from budgetscope.core.answers.plan import Plan
from budgetscope.core.counting.ledger import Shape, ledger
from budgetscope.report import tables
from budgetscope.report.decision import decision
from budgetscope.report.explanation import explanation_markdown
from budgetscope.report.fit_page import fit_lines
from budgetscope.report.fits import LIST_HEADER, exponent_text, law_cells, laws_text, list_cells
from budgetscope.report.law_rows import COMPARISON_HEADER, comparison_note, comparison_rows
from budgetscope.report.rows import plan_rows

REQUEST = PlanRequest("64xH100 14d at 40% MFU", price=2.5)
HOSTILE = "Mine | a\\b `code` *bold* _it_ ~~no~~ $x^2$ &lt; [link](http://x) <b>1</b> # 1\n\n## Heading"


@pytest.fixture(scope="module")
def advisor() -> Advisor:
    return Advisor()


@pytest.fixture(scope="module")
def plan(advisor: Advisor) -> Plan:
    return advisor.answer(REQUEST).plan


@pytest.fixture(scope="module")
def comparison(advisor: Advisor) -> Comparison:
    return advisor.compare(advisor.answer(REQUEST))


@pytest.fixture(scope="module")
def explanation(advisor: Advisor) -> Explanation:
    return advisor.explain(advisor.answer(PlanRequest("1e18")))


def parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


# JSON -------------------------------------------------------------------------------------------------------------


def test_json_is_every_field_in_full(plan: Plan, comparison: Comparison, explanation: Explanation) -> None:
    for value in (plan, comparison, explanation):
        text = tables.to_json(value)
        assert text.endswith("}\n")
        written = json.loads(text)
        assert tuple(written.pop("decision", ())) == (decision(value) if isinstance(value, Plan) else ())
        assert written == json.loads(json.dumps(asdict(value)))
    found = json.loads(tables.to_json(plan))
    assert found["n_params"]["value"] == plan.n_params.value
    assert found["run"]["cost_usd"]["value"] == plan.run.cost_usd.value if plan.run.cost_usd else False


def test_json_of_what_is_no_result_is_refused() -> None:
    for value in ({"a": 1}, Plan, 3):
        with pytest.raises(TypeError, match="is no result"):
            tables.to_json(value)


def test_the_json_of_a_ledger() -> None:
    shape = Shape(2, 8, 16, 2, 2, 10, 5)
    found = json.loads(tables.ledger_json(ledger(shape)))
    assert found["shape"] == asdict(shape)
    assert {each["convention"]: each["n_params"] for each in found["counts"]}["standard"] == 1360
    assert found["executed_flops_per_token"] == shape.executed_flops_per_token


def test_an_export_holds_plan_comparison_and_command(plan: Plan, comparison: Comparison) -> None:
    found = json.loads(tables.export_json(plan, comparison, command(REQUEST)))
    assert found["plan"] == json.loads(tables.to_json(plan))
    assert found["comparison"] == json.loads(tables.to_json(comparison))
    assert found["command"] == "budgetscope plan '64xH100 14d at 40% MFU' --price 2.5"


# CSV --------------------------------------------------------------------------------------------------------------


def test_a_plans_csv_parses_back_to_the_same_numbers(plan: Plan) -> None:
    rows = parsed(tables.plan_csv(plan))
    quantities = {row["quantity"]: row for row in rows if row["section"] not in ("assumption", "caution")}
    raw = {row.key: row for row in plan_rows(plan)}
    assert set(quantities) == set(raw)
    for key, row in raw.items():
        for column, value in (("value", row.value), ("low", row.low), ("high", row.high)):
            text = quantities[key][column]
            if value is None:
                assert text == ""
            elif isinstance(value, str):
                assert text == value
            else:
                assert float(text) == value
    assert float(quantities["n_params"]["value"]) == plan.n_params.value
    assert [row["value"] for row in rows if row["section"] == "caution"] == [c.text for c in plan.cautions]
    assert [row["value"] for row in rows if row["section"] == "assumption"] == list(plan.assumptions)


def test_a_comparisons_csv_parses_back_to_the_same_numbers(comparison: Comparison) -> None:
    rows = parsed(tables.comparison_csv(comparison))
    assert len(rows) == len(comparison.rows)
    for text, row in zip(rows, comparison.rows, strict=True):
        for name in tables.COMPARISON_CSV_HEADER:
            value = getattr(row, name)
            if value is None:
                assert text[name] == ""
            elif isinstance(value, float):
                assert float(text[name]) == value
            else:
                assert text[name] == str(value)


def test_an_exports_csv_is_one_table_of_long_form(plan: Plan, comparison: Comparison) -> None:
    rows = parsed(tables.export_csv(plan, comparison, command(REQUEST)))
    assert {row["table"] for row in rows} == {"command", "plan", "assumption", "caution", "comparison"} - (
        set() if plan.assumptions else {"assumption"}
    )
    value = {(row["table"], row["row"], row["column"]): row["value"] for row in rows}
    assert float(value["plan", "n_params", "value"]) == plan.n_params.value
    chosen = next(row for row in comparison.rows if row.fit_id == comparison.law_id)
    assert float(value["comparison", chosen.fit_id, "tokens"]) == chosen.tokens
    assert value["command", "", "command"] == command(REQUEST)


def test_csv_holds_any_title(comparison: Comparison) -> None:
    for title in (HOSTILE, '"quoted", with commas', "a\r\nb", "=1+1"):
        renamed = replace(comparison, rows=(replace(comparison.rows[0], title=title),))
        (row,) = parsed(tables.comparison_csv(renamed))
        assert row["title"] == title


# Markdown ---------------------------------------------------------------------------------------------------------


def unescaped_specials(text: str) -> list[str]:
    return re.findall(r"(?<!\\)(?:\\\\)*([`*_\[\]<>#&~$])", text)


def test_a_hostile_title_stays_text_in_markdown(plan: Plan, comparison: Comparison) -> None:
    lines = tables.plan_markdown(replace(plan, law_title=HOSTILE), "budgetscope plan 1e21").splitlines()
    (line,) = [each for each in lines if each.startswith("- law:")]
    title = line.removeprefix("- law: ").split(" (`")[0]
    assert unescaped_specials(title) == []
    assert "Heading" in title
    hostile = replace(comparison.rows[0], title=HOSTILE, fit_id="mine/x")
    renamed = replace(comparison, rows=(hostile, comparison.rows[1]))
    lines = tables.comparison_markdown(renamed).splitlines()
    assert not any(each.startswith("## Heading") for each in lines)
    (row,) = [each for each in lines if "Mine" in each]
    assert len(re.split(r"(?<!\\)\|", row)) == len(COMPARISON_HEADER) + 2
    assert unescaped_specials(row) == []


def test_escaped_text_is_the_text_itself(comparison: Comparison) -> None:
    every = "".join(chr(code) for code in range(33, 127))
    renamed = replace(comparison, law_id="mine/none", rows=(replace(comparison.rows[0], title=every),))
    (row,) = cells_of(tables.comparison_markdown(renamed))[1:]
    # CommonMark 0.31.2, section 2.4: a backslash before any ASCII punctuation character stands for that character.
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", row[0]) == every
    assert unescaped_specials(row[0]) == []


def test_prices_are_no_formulas(comparison: Comparison, plan: Plan) -> None:
    text = tables.plan_markdown(plan, "x") + tables.comparison_markdown(comparison)
    assert "$" in text
    assert not re.search(r"(?<!\\)\$", text)


def test_a_command_cannot_end_its_own_block(plan: Plan) -> None:
    said = command(PlanRequest("1e21", law="a\n```\n# not a heading\n````.json"))
    assert tables.plan_markdown(plan, said).endswith(f"`````sh\n{said}\n`````\n")


def test_a_law_that_was_skipped_is_told_everywhere(plan: Plan, comparison: Comparison) -> None:
    skipping = replace(comparison, skipped=("mine/x gives *no* usable numbers.",))
    assert "\n- skipped: mine/x gives \\*no\\* usable numbers.\n" in tables.comparison_markdown(skipping)
    assert json.loads(tables.to_json(skipping))["skipped"] == ["mine/x gives *no* usable numbers."]
    rows = parsed(tables.export_csv(plan, skipping, "x"))
    assert [row["value"] for row in rows if row["table"] == "skipped"] == ["mine/x gives *no* usable numbers."]


def test_a_chosen_law_is_bold_and_its_title_still_text(comparison: Comparison) -> None:
    chosen = next(row for row in comparison.rows if row.fit_id == comparison.law_id)
    renamed = replace(comparison, rows=(replace(chosen, title="a*b|c"),))
    assert r"| **a\*b\|c** |" in tables.comparison_markdown(renamed)


def cells_of(markdown: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in markdown.splitlines()
        if line.startswith("|") and not line.startswith("| ---")
    ]


def test_every_markdown_table_is_rectangular(plan: Plan, comparison: Comparison, explanation: Explanation) -> None:
    for markdown, columns in (
        (tables.plan_markdown(plan, "x"), 4),
        (tables.comparison_markdown(comparison), 8),
    ):
        rows = cells_of(markdown)
        assert rows
        assert {len(row) for row in rows} == {columns}
    steps = len(next(iter(explanation.datasets.values()))) + 1
    rows = cells_of(explanation_markdown(explanation))
    widths = [len(row) for row in rows]
    assert [set(widths[at : at + steps]) for at in range(0, len(rows), steps)] == [{6}, {4}] * len(explanation.datasets)


def test_markdown_shows_what_the_terminal_shows(plan: Plan, comparison: Comparison) -> None:
    cells = {row[0]: row for row in cells_of(tables.plan_markdown(plan, "x"))}
    for row in plan_rows(plan):
        if row.section in ("model", "run") and row.label != "shape":
            assert cells[row.label][1].replace("\\", "") == row.text
    shown = cells_of(tables.comparison_markdown(comparison))[1:]
    for row_cells, law in zip(shown, comparison_rows(comparison), strict=True):
        assert [cell.replace("\\", "") for cell in row_cells[1:]] == [
            law.n_params, law.tokens, law.tokens_per_param, law.learning_rate, law.batch, law.loss_difference,
            law.wasted,
        ]  # fmt: skip


def test_markdown_says_every_assumption_caution_and_the_command(plan: Plan) -> None:
    markdown = tables.plan_markdown(plan, command(REQUEST))
    plain = markdown.replace("\\", "")
    for text in (*plan.assumptions, *(caution.text for caution in plan.cautions)):
        assert " ".join(text.split()) in plain
    assert f"```sh\n{command(REQUEST)}\n```" in markdown


def test_an_explanations_markdown_has_both_datasets(explanation: Explanation) -> None:
    markdown = explanation_markdown(explanation)
    assert "### RefinedWeb" in markdown
    assert "### OpenWebText2" in markdown
    # Of each dataset the steps, and what each was worth in compute.
    assert len(cells_of(markdown)) == 2 * (5 + 1) * 2
    for step in next(iter(explanation.datasets.values())):
        assert step.sentence in markdown.replace("\\", "")


# Fits -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(bundled()))
def test_every_fit_can_be_read_by_people(name: str) -> None:
    each = fit(name)
    assert laws_text(each)
    assert fit_lines(each)
    for role, law in each.laws.items():
        cells = law_cells(role, law)
        assert all(isinstance(cell, str) for cell in cells)
        for parameter in (cell.split()[0] for cell in cells[2].split(", ")):
            assert hasattr(law.law, parameter)


@pytest.mark.parametrize(
    ("name", "a"),
    [
        ("porian2024/refinedweb-tuned", "0.499"),
        ("meta2024/llama3", "0.462"),
        ("besiroglu2024/refit", "0.514"),
        ("hoffmann2022/approach-3", "0.457"),
        ("deepseek2024/current-data", "-"),
        ("porian2024/rounded-rule", "-"),
    ],
)
def test_the_exponent_of_n_in_c(name: str, a: str) -> None:
    assert exponent_text(fit(name), interval=False) == a
    assert exponent_text(fit(name)).split()[0] == a


def test_a_line_of_the_list(advisor: Advisor) -> None:
    entries = {entry.id: entry for entry in advisor.entries}
    tuned = entries["porian2024/refinedweb-tuned"]
    cells = dict(zip(LIST_HEADER, list_cells(tuned, tuned.id), strict=True))
    assert cells["id"] == "* porian2024/refinedweb-tuned"
    assert cells["a"] == "0.499"
    assert cells["fitted on"] == "C 1.25e16 to 2.56e19"
    shadowing = replace(entries["porian2024/rounded-rule"], layer="user", shadows=("bundled",), edited=True)
    assert list_cells(shadowing, "x")[-1] == "user over bundled, edited"


def test_an_outlier_is_marked_wherever_the_laws_are_compared(comparison: Comparison) -> None:
    cells = {row.row.fit_id: row for row in comparison_rows(comparison)}
    assert cells["minicpm2024/average"].learning_rate == "! 0.01"
    assert not cells["minicpm2024/average"].batch.startswith("!")
    assert not cells["openeurollm2026/dense"].learning_rate.startswith("!")
    note = "! marks a law that leaves the range of the plan's recipe."
    assert comparison_note(comparison).endswith(note)
    text = tables.comparison_markdown(comparison)
    assert "| ! 0.01 |" in text
    assert note in text
    plain = replace(comparison, rows=tuple(replace(row, outliers=()) for row in comparison.rows))
    assert "!" not in comparison_note(plain)
