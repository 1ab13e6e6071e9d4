"""Answers in another language: what people read is worded in it; commands, keys and numbers are the same."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.asking import ADVISOR

from budgetscope.api.request import PlanRequest
from budgetscope.core.answers.layout import describe
from budgetscope.core.answers.whatif import IsoFlop
from budgetscope.core.budget.exchange import YEN_PER_USD
from budgetscope.core.budget.parse import parse_budget
from budgetscope.core.budget.quantities import (
    english_count,
    english_hours,
    english_usd,
    format_count,
    format_hours,
    format_usd,
    parse_count,
)
from budgetscope.core.language import JAPANESE, Language, use

MARK = "語"
REQUESTS = (
    PlanRequest("64xH100 14d"),
    PlanRequest("1e21"),
    PlanRequest("$50k on H100"),
    PlanRequest("500万円", law="hoffmann2022/approach-1"),
    PlanRequest("N=30B D=600B on 8 MI300X, seq 4K"),
    PlanRequest("N=70B on 4 T4"),
    PlanRequest("1e24", served_tokens=1e12, max_params=50e9, deadline=4000, gpus=2048, watts=700, pue=1.1, grid=400),
    PlanRequest("2e21", measured="9600tok/s at 7B", law="kaplan2020/compute-efficient"),
)


@contextmanager
def japanese_like() -> Iterator[None]:
    """A language of the code of Japanese whose translation of a text is the text after a mark."""
    use(Language(JAPANESE, lambda text: f"{MARK}{text}", lambda one, many, n: f"{MARK}{one if n == 1 else many}"))
    try:
        yield
    finally:
        use(None)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (172e9, "1,720億"), (2.1e12, "2.1兆"), (5e4, "5万"), (1720.0, "1,720"), (64.0, "64"), (1e8, "1億"),
        (9.996e7, "1億"), (17.7e6, "1,770万"), (3e15, "3,000兆"), (1e17, "1e17"), (0.5, "0.5"), (0.0, "0"),
    ],
)  # fmt: skip
def test_a_count_is_in_ten_thousands(value: float, shown: str) -> None:
    with japanese_like():
        assert format_count(value) == shown
    assert format_count(value) == english_count(value)


@pytest.mark.parametrize(
    ("hours", "shown"),
    [(0.000144, "0.518秒"), (0.5, "30分"), (36.0, "36時間"), (336.0, "14日"), (365 * 24 * 3.0, "3年"), (48.0, "2日")],
)
def test_a_duration_is_in_the_units_of_the_language(hours: float, shown: str) -> None:
    with japanese_like():
        assert format_hours(hours) == shown
    assert format_hours(hours) == english_hours(hours)


def test_money_is_in_yen_of_the_dated_rate() -> None:
    assert YEN_PER_USD == 157.25
    with japanese_like():
        assert [format_usd(usd) for usd in (1e6, 2.5, 640.0)] == ["1.57億円", "393円", "10.1万円"]
    assert format_usd(1e6) == english_usd(1e6) == "$1 M"


def _numbers(value: Any) -> Any:
    """Return the keys and numbers of a record; its texts are left out."""
    if isinstance(value, dict):
        return {key: _numbers(each) for key, each in value.items()}
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return None
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return None if isinstance(value, str) else value


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.budget)
def test_keys_and_numbers_are_the_same_in_another_language_which_the_command_names(request_: PlanRequest) -> None:
    answer = ADVISOR.answer(request_)
    command = f"{ADVISOR.command(answer.request)} --lang ja"
    exported = {form: ADVISOR.export(answer, form) for form in ("json", "csv")}
    with japanese_like():
        again = ADVISOR.answer(request_)
        assert ADVISOR.command(again.request) == command
        assert again.plan.budget == answer.plan.budget
        assert parse_budget(again.plan.budget) == parse_budget(answer.plan.budget)
        there = {form: ADVISOR.export(again, form) for form in exported}
    one, other = (json.loads(each["json"]) for each in (exported, there))
    assert _numbers(other) == _numbers(one)
    assert other["command"] == command
    rows, others = (list(csv.reader(io.StringIO(each["csv"]))) for each in (exported, there))
    assert [row for row in others if row[2] not in _TEXTS] == [row for row in rows if row[2] not in _TEXTS]


_TEXTS = ("text", "basis", "command")
"""Columns of a CSV with words alone, and the command, which names the language."""


def _shown(request: PlanRequest) -> Iterator[str]:
    """Yield the texts of an answer that people read."""
    answer = ADVISOR.answer(request)
    plan = answer.plan
    yield plan.understood
    yield from plan.assumptions
    yield from (caution.text for caution in plan.cautions)
    yield plan.recipe.schedule
    estimates = [plan.n_params, plan.tokens, plan.loss, plan.loss_after_decay, plan.recipe.learning_rate]
    estimates += [plan.recipe.batch_tokens, plan.run.cost_usd, plan.machine.expected, plan.machine.price]
    estimates += [] if plan.run.energy is None else [plan.run.energy.watts, plan.run.energy.pue]
    yield from (each.basis for each in estimates if each is not None)
    if plan.choice is not None:
        yield from (price.text for price in plan.choice.prices)
    if plan.recipe.choice is not None and plan.recipe.choice.place:
        yield plan.recipe.choice.place
    if plan.run.shape is not None:
        layouts, machines = ADVISOR.memory(answer), ADVISOR.machines(answer)
        yield from layouts.notes
        yield from (text for text in (layouts.problem, machines.problem) if text)
        yield from (describe(placed.layout) for placed in layouts.ranked)
        yield from (placed.reason for placed in layouts.ranked)
    explanation = ADVISOR.explain(answer)
    yield explanation.note
    yield from (
        text for steps in explanation.datasets.values() for step in steps for text in (step.title, step.sentence)
    )
    yield from filter(None, (IsoFlop(answer).no_curve_reason,))


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.budget)
def test_every_text_of_an_answer_is_of_the_catalogue(request_: PlanRequest) -> None:
    with japanese_like():
        shown = list(_shown(request_))
    assert len(shown) > 20
    assert [text for text in shown if MARK not in text] == []


def test_yen_come_with_their_rate() -> None:
    request = PlanRequest("64xH100 14d")
    assert not any("157.25" in text for text in ADVISOR.answer(request).plan.assumptions)
    with japanese_like():
        (told,) = (text for text in ADVISOR.answer(request).plan.assumptions if "157.25" in text)
    assert "2026-10-30" in told


def test_the_options_of_a_remedy_are_read_again() -> None:
    """A smaller model is advised as the option that asks for it, whose number is not in ten thousands."""
    with japanese_like():
        layouts = ADVISOR.memory(ADVISOR.answer(PlanRequest("1e25 on 8 H100")))
        size = layouts.problem.partition("--max-params ")[2].partition(")")[0]
    assert parse_count(size) > 1e9
