import math
from dataclasses import replace

import pytest
from tests.asking import sheet

from budgetscope.core.answers.recipe_choice import RecipeChoice
from budgetscope.report.recipe_sheet import (
    NOT_KNOWN,
    checkpoint_cells,
    factors_of_two,
    recipe_markdown,
    recipe_rows,
    shape_line,
    topics,
)
from budgetscope.report.recipe_words import choice_text
from budgetscope.report.rows import plan_rows

PUBLISHED = "porian2024/refinedweb-tuned-akima"
RULE = "porian2024/rounded-rule"


def test_the_recipe_is_worded_as_in_the_plan() -> None:
    found = sheet()
    assert set(recipe_rows(found.answer.plan)) <= set(plan_rows(found.answer.plan))
    keys = {row.key for row in recipe_rows(found.answer.plan)}
    assert {"learning_rate", "batch_tokens", "batch_sequences", "beta2", "warmup_tokens"} <= keys
    assert {"weight_decay_independent", "weight_decay_coupled"} <= keys
    assert "layers" in shape_line(found.answer.plan)
    assert shape_line(sheet("1e32", law=PUBLISHED).answer.plan) == "the shape family does not reach this size"


def test_every_hyperparameter_is_said_in_one_unit_and_in_the_other_that_people_use() -> None:
    found = {
        topic.role: topic
        for topic in topics(sheet("64 H100 for 14 days at 40% MFU", law=PUBLISHED, hyperparameters=RULE))
    }
    batch = found["batch_size"].rows[0]
    assert (batch.value, batch.also) == ("9.61 M", "4,693 seq")
    assert found["batch_size"].spread.startswith("[2 M, 11.9 M]: range over 6 published laws")
    assert found["batch_size"].spread.endswith(
        "the plan takes 9.44 M: 9.61 M, rounded to a multiple that devices divide evenly"
    )
    left_out = {row.title for row in found["batch_size"].rows if f"“{row.title}”" in found["batch_size"].spread}
    assert left_out == {"budgetscope 2026, English mix", "MiniCPM 2024", "Schaipp 2026, batch"}
    assert len(found["batch_size"].rows) - len(left_out) == 6
    assert found["warmup"].rows[0].also == "1,818 steps"
    assert (found["weight_decay"].rows[0].value, found["weight_decay"].rows[0].also) == ("0.12", "0.0001 a step")
    lr = {row.law_value.fit_id: row for row in found["learning_rate"].rows}
    assert lr["porian2024/rounded-rule"].data == "160 x beyond data"
    assert lr["olmo2025/halved-rate"].data == "no range given"
    assert lr["budgetscope2026/english"].interval == "[0.00026, 0.00043]"
    assert [fit_id for fit_id, row in lr.items() if row.law_value.is_outlier] == ["minicpm2024/average"]
    inside = {row.law_value.fit_id: row for row in topics(sheet("2.5e17"))[0].rows}
    assert inside["porian2024/rounded-rule"].data == "inside its data"


def test_a_factor_of_two_is_priced_where_it_is_known_and_else_said_not_to_be() -> None:
    said = dict(factors_of_two(sheet("64 H100 for 14 days at 40% MFU", law=PUBLISHED, hyperparameters=RULE)))
    assert said["N twice"] == "+0.0191 nats/token, 23.6% = $21.9 K deadweight (porian2024/refinedweb-tuned-akima)"
    assert said["lr"].startswith("+0.1% to +1.9% of the loss at 0.356 M to 1.33 M parameters, noise 1.3%")
    assert said["lr"].endswith("not known at this size")
    assert said["beta2, warmup, weight decay"] == NOT_KNOWN
    silent = dict(factors_of_two(sheet("1e21", law="deepseek2024/current-data")))
    assert silent["N half"] == "not known: deepseek2024/current-data does not give it"
    far = dict(factors_of_two(sheet("1e25", law="besiroglu2024/refit")))
    assert far["N half"].endswith("extrapolated)")


def test_a_checkpoint_says_what_it_is_for() -> None:
    kept = sheet("64 H100 for 14 days at 40% MFU", law=PUBLISHED, hyperparameters=RULE).checkpoints
    assert checkpoint_cells(kept[-3]) == (
        "14,938",
        "141 B",
        "1.45e22",
        "50.0%",
        "C/2: IsoFLOP point, N is 1.41 x N* there",
    )
    assert checkpoint_cells(kept[-2])[-1] == "decay starts: resume here; N is 1.11 x N*"
    assert checkpoint_cells(kept[-1])[-1] == "the model; decayed: no IsoFLOP point"


def test_markdown_holds_every_part() -> None:
    text = recipe_markdown(
        sheet("64 H100 for 14 days at 40% MFU", law=PUBLISHED, hyperparameters=RULE), "budgetscope plan x"
    )
    for heading in (
        "# Recipe for 64 x H100",
        "### Learning rate",
        "## What a factor of two",
        "## Checkpoints",
        "## Reprod",
    ):
        assert heading in text
    assert "MiniCPM 2024 | 0.01 |" in text
    assert "not comparable with the other laws" in text


@pytest.mark.parametrize(
    ("factor", "said"), [(1.03, "its data cover this model"), (1.06, "nearest to this model, 1.1 times beyond them")]
)
def test_no_data_are_said_to_end_1_times_before_a_model(factor: float, said: str) -> None:
    assert said in choice_text(RecipeChoice("a/law", math.log(factor), "", ()))


def test_a_law_is_not_said_to_reach_nearest_where_another_reaches_alike() -> None:
    found = sheet("64 H100 for 14 days at 40% MFU")
    choice = found.answer.plan.recipe.choice
    assert choice is not None
    rates = {row.law_value.fit_id: row.law_value.beyond or 1.0 for row in topics(found)[0].rows}
    assert rates["steplaw2025/dense"] < rates[choice.law]
    assert choice.alike == 2
    said = choice_text(choice)
    assert said.startswith(
        "2 laws have data about as near to this model, which lies 19 times beyond those of this law; scores on"
    )
    assert "nearest" not in said
    unscored = choice_text(replace(choice, evidence=()))
    assert unscored.startswith(
        "2 laws have data about as near to this model, which lies 19 times beyond those of this law; on no public"
    )


@pytest.mark.parametrize("budget", ["64 H100 for 14 days", "2048 H100 for 60 days", "1e21", "N=7B", "8 H100 for 1 day"])
def test_the_decay_starts_and_the_warmup_ends_in_one_place(budget: str) -> None:
    found = sheet(budget)
    schedule = found.answer.plan.recipe.schedule
    _step, tokens, *_rest = checkpoint_cells(found.checkpoints[-2])
    assert f", constant to {tokens} tokens," in schedule
    (warmup,) = [topic for topic in topics(found) if topic.role == "warmup"]
    (steps,) = [row.also for row in warmup.rows if row.law_value.followed]
    assert f"({steps})" in schedule


def test_weight_decay_is_first_what_a_trainer_takes() -> None:
    found = sheet("64 H100 for 14 days")
    rows = [row for row in recipe_rows(found.answer.plan) if row.key.startswith("weight_decay")]
    assert [(row.label, row.text) for row in rows] == [("weight decay", "0.17"), ("independent", "3.1e-05")]
    assert rows[0].basis.startswith("coupled, as in PyTorch's AdamW; ")
    (decay,) = [topic for topic in topics(found) if topic.role == "weight_decay"]
    (row,) = [row for row in decay.rows if row.law_value.followed]
    assert (row.value, row.also) == ("0.17", "3.1e-05 a step")
