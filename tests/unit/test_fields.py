"""One field, one parser: the command line, the app's form and a stored record read the same values."""

import dataclasses
import inspect
import json
import shlex
import sys
from collections.abc import Callable
from typing import Any, get_type_hints

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typer.main import get_command

from budgetscope.api import Advisor, PlanRequest, command, from_record, to_record
from budgetscope.api.fields import (
    BY_NAME,
    CONSTRAINTS,
    COUNT,
    DOLLARS,
    DURATION,
    FIELDS,
    FORM,
    RATE,
    SHARE,
    TEXT,
    WHOLE,
    Field,
    fields_of,
)
from budgetscope.api.request import check, field_at_fault, form_texts, has_text, with_text
from budgetscope.cli import ask, export, machines, memory, options, recipe, whatif
from budgetscope.cli.main import app
from budgetscope.core.errors import UsageError

HUGE = 10**400
DIGITS = "9" * 5000

PARSED: list[tuple[str, str, Any]] = [
    ("law", "hoffmann2022/approach-1", "hoffmann2022/approach-1"),
    ("hyperparameters", " steplaw2025/dense ", "steplaw2025/dense"),
    ("device", " A100 ", "A100"),
    ("gpus", "64", 64.0),
    ("gpus", "1k", 1000.0),
    ("gpus", "2.5", 2.5),
    ("mfu", "40%", 0.4),
    ("mfu", "0.4", 0.4),
    ("price", "$2.50", 2.5),
    ("price", "2.5", 2.5),
    ("seq_len", "4096", 4096),
    ("seq_len", "4k", 4000),
    ("vocab", "128K", 128_000),
    ("vocab", "50,432", 50_432),
    ("counting", "kaplan", "kaplan"),
    ("deadline", "10 days", 240.0),
    ("params", "7B", 7e9),
    ("tokens", "1.5T", 1.5e12),
    ("max_params", "10 B", 1e10),
    ("unique_tokens", "50B", 5e10),
    ("served_tokens", "1e12", 1e12),
    ("measured", "9.6k tokens/s per GPU at 7B", "9.6k tokens/s per GPU at 7B"),
    ("watts", "1.05k", 1050.0),
    ("pue", "1.2", 1.2),
    ("grid", "380", 380.0),
]

REFUSED = [
    (
        "measured",
        "fast",
        "--measured 'fast' is not a rate of one device; write it like 9600tok/s or '9600tok/s at 7B'.",
    ),
    ("watts", "-700", "--watts -700 is out of bounds; give a number from 1 to 20000."),
    ("pue", "0.9", "--pue 0.9 is out of bounds; give a number from 1 to 3."),
    ("grid", "-1", "--grid -1 is out of bounds; give a number from 0 to 2000."),
    ("law", " ", "--law is empty; give it a value or leave it out."),
    ("gpus", "many", "--gpus 'many' is not a number; write it like 8, 2.5 or 1k."),
    ("gpus", "nan", "--gpus 'nan' is not a number; write it like 8, 2.5 or 1k."),
    ("gpus", "-3", "--gpus -3 is out of bounds; give a number from 1 to 10000000."),
    ("gpus", "1e400", "--gpus 1e400 is out of bounds; give a number from 1 to 10000000."),
    ("mfu", "%", "--mfu '%' is not a share; write it like 0.4 or 40%."),
    ("mfu", "40", "--mfu 40 is above 1; write 40% or 0.4."),
    ("mfu", "1.5", "--mfu 1.5 is above 1; write a share like 0.4 or 40%."),
    ("mfu", "4000%", "--mfu 4000% is out of bounds; give a share from 0.001 to 1."),
    ("mfu", "0", "--mfu 0 is out of bounds; give a share from 0.001 to 1."),
    ("price", "$", "--price '$' is not an amount of dollars; write it like 2.5 or $2.50."),
    ("price", "-1", "--price -1 is out of bounds; give an amount of dollars from 0.001 to 10000."),
    ("seq_len", "2.5", "--seq-len '2.5' is not a whole number; write it like 2048 or 4k."),
    ("seq_len", "0", "--seq-len 0 is out of bounds; give a whole number from 1 to 10000000."),
    ("vocab", "1", "--vocab 1 is out of bounds; give a whole number from 2 to 10000000."),
    ("vocab", "1e400", "--vocab 1e400 is out of bounds; give a whole number from 2 to 10000000."),
    (
        "vocab",
        DIGITS,
        f"--vocab '{DIGITS[:39]}…' has 5000 characters, more than the 300 that are read; write it like 2048 or 4k.",
    ),
    ("deadline", "soon", "--deadline 'soon' is not a duration; write it like 14 days or 36h."),
    ("deadline", "1s", "--deadline 1s is out of bounds; give a duration from 0.001h to 1e+06h."),
    ("tokens", "0", "--tokens 0 is out of bounds; give a number from 1 to 1e+18."),
    ("gpus", "\x1b[31m", "--gpus '\\x1b[31m' is not a number; write it like 8, 2.5 or 1k."),
]

Typed = Callable[[str, str], PlanRequest]


def typed_in_form(name: str, text: str) -> PlanRequest:
    return with_text(PlanRequest("1e21"), name, text)


@pytest.fixture(scope="module")
def advisor() -> Advisor:
    return Advisor(devices=())


@pytest.fixture
def typed_in_shell(monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Return the request that `budgetscope plan` makes of an option."""
    asked: list[PlanRequest] = []

    def answer(_: Advisor, request: PlanRequest) -> None:
        asked.append(request)
        raise UsageError("enough.")

    def run(name: str, text: str) -> PlanRequest:
        asked.clear()
        monkeypatch.setattr(Advisor, "answer", answer)
        monkeypatch.setattr(sys, "argv", ["budgetscope"])
        with pytest.raises(UsageError) as stop:
            get_command(app).main(["plan", "1e21", f"{BY_NAME[name].option}={text}"], standalone_mode=False)
        if not asked:
            raise stop.value
        return asked[0]

    return run


def same(first: PlanRequest, second: PlanRequest) -> bool:
    """Return whether two requests are equal, types of the values included."""
    return first == second and [*map(type, dataclasses.astuple(first))] == [*map(type, dataclasses.astuple(second))]


@pytest.mark.parametrize(("name", "text", "value"), PARSED)
def test_every_way_in_reads_the_same_value(typed_in_shell: Typed, name: str, text: str, value: object) -> None:
    request = typed_in_form(name, text)
    assert getattr(request, name) == value
    assert type(getattr(request, name)) is type(value)
    assert same(typed_in_shell(name, text), request)
    assert same(from_record(json.loads(json.dumps(to_record(request)))), request)


@pytest.mark.parametrize(("name", "text", "sentence"), REFUSED)
def test_every_way_in_refuses_in_the_same_words(typed_in_shell: Typed, name: str, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as shell:
        typed_in_shell(name, text)
    assert str(shell.value) == sentence
    assert sentence.isprintable()
    if text.strip():
        with pytest.raises(UsageError) as form:
            typed_in_form(name, text)
        assert str(form.value) == sentence
    else:
        assert getattr(typed_in_form(name, text), name) is None


def test_every_field_is_tried() -> None:
    assert {name for name, _, _ in PARSED} == {field.name for field in FIELDS[1:]}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"gpus": HUGE}, "--gpus 1000"),
        ({"vocab": HUGE}, "--vocab 1000"),
        ({"vocab": 10**5000}, "--vocab a number of thousands of digits is out of bounds"),
        ({"gpus": float("nan")}, "--gpus nan is out of bounds"),
        ({"price": float("inf")}, "--price inf is out of bounds"),
        ({"mfu": "40%"}, "--mfu '40%' is not a share"),
        ({"mfu": True}, "--mfu True is not a share"),
        ({"seq_len": 2.5}, "--seq-len 2.5 is not a whole number"),
        ({"law": 3}, "--law 3 is not a text"),
        ({"counting": ""}, "--counting is empty"),
        ({"measured": "fast"}, "--measured 'fast' is not a rate of one device"),
    ],
)
def test_values_that_no_text_says_are_refused_from_python_and_records(
    advisor: Advisor, values: dict[str, Any], sentence: str
) -> None:
    request = PlanRequest("1e21", **values)
    ways: tuple[Callable[[], object], ...] = (
        lambda: check(request),
        lambda: advisor.question(request),
        lambda: from_record({"budget": "1e21", **values}),
    )
    for refused in ways:
        with pytest.raises(UsageError) as refusal:
            refused()
        assert str(refusal.value).startswith(sentence)
        assert len(str(refusal.value)) < 200


def test_numbers_of_numpy_are_numbers() -> None:
    check(PlanRequest("1e21", gpus=np.float32(8), mfu=np.float64(0.4), vocab=np.int64(50_000)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({}, "without a budget"),
        ({"budget": 10**5000}, "'budget' cannot be a number of thousands of digits"),
        ({"budget": "1e21", "colour": "red"}, "'colour' is not a field"),
        ({"budget": "1e21", "law": None}, "'law' cannot be None"),
    ],
)
def test_a_record_that_is_no_request(record: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        from_record(record)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1).map(str.strip).filter(bool)


def values_of(field: Field) -> st.SearchStrategy[Any]:
    """Return what a field can hold, None included for an option."""
    if field.kind is RATE:
        sizes = st.just("") | st.integers(1, 10**6).map(" at {}M".format)
        return st.none() | st.builds("{}tok/s{}".format, st.integers(1, 10**6), sizes)
    if field.bounds is None:
        return TEXTS if field.name == "budget" else st.none() | TEXTS
    low, high = field.bounds
    return st.none() | (st.integers(int(low), int(high)) if field.kind is WHOLE else st.floats(low, high))


REQUESTS = st.builds(PlanRequest, **{field.name: values_of(field) for field in FIELDS})


@given(REQUESTS)
@example(PlanRequest("1e21", "a/b", None, "A100", 64.0, 1 / 3, 2.12345678901234, 2048, 50432, "total"))
def test_a_request_survives_record_form_and_command(request: PlanRequest) -> None:
    assert same(from_record(json.loads(json.dumps(to_record(request)))), request)
    back = PlanRequest("", hyperparameters=request.hyperparameters)
    for name, text in form_texts(request).items():
        back = with_text(back, name, text)
        assert has_text(request, name, text)
    assert same(back, request)
    words = shlex.split(command(request))
    assert words[:3] == ["budgetscope", "plan", request.budget]
    of_option = {field.option: field for field in FIELDS}
    back = PlanRequest(request.budget)
    for option, text in zip(words[3::2], words[4::2], strict=True):
        back = with_text(back, of_option[option].name, text)
    assert same(back, request)


@given(st.text())
def test_whatever_is_typed_is_a_value_or_one_sentence(text: str) -> None:
    for field in FIELDS[1:]:
        refused, value = "", None
        try:
            value = field.parse(text)
        except UsageError as error:
            refused = str(error)
        assert refused.isprintable()
        assert (value is None) == refused.startswith(f"{field.option} ")
        if value is not None:
            field.check(value)
            assert field.parse(field.text(value)) == value


def test_the_table_and_the_request_agree() -> None:
    assert [field.name for field in FIELDS] == [field.name for field in dataclasses.fields(PlanRequest)]
    types = {TEXT: str, RATE: str, WHOLE: int, COUNT: float, SHARE: float, DOLLARS: float, DURATION: float}
    hints = get_type_hints(PlanRequest)
    for field in FIELDS:
        assert hints[field.name] == (str if field.name == "budget" else types[field.kind] | None)
        assert (field.bounds is None) == (field.kind.type is str)


def test_the_form_has_every_field_but_the_recipe() -> None:
    assert {field.name for field in FORM} == {field.name for field in FIELDS} - {"hyperparameters"}
    assert FORM[0].name == "budget"
    assert tuple(field.name for field in FORM[-len(CONSTRAINTS) - 3 :]) == (*CONSTRAINTS, "watts", "pue", "grid")


@pytest.mark.parametrize(
    "body",
    [
        ask.plan, ask.compare, ask.explain, ask.value, export.export, whatif.whatif, recipe.recipe, memory.memory,
        machines.machines,
    ],
    ids=lambda body: body.__name__,
)  # fmt: skip
def test_a_command_has_the_options_of_its_fields(body: Callable[..., None]) -> None:
    verb = body.__name__
    parameters = inspect.signature(body).parameters
    assert "request" not in parameters
    asked = [name for name in parameters if name in BY_NAME]
    assert set(asked) == {field.name for field in fields_of(verb)}
    request = PlanRequest(
        "1e21", "a/b", "c/d", "A100", 8.0, 0.4, 2.5, 2048, 50432, "total", 24.0, 1e9, 1e9, 1e9, 1e9, 1e9, "9tok/s",
        900.0, 1.1, 380.0,
    )  # fmt: skip
    # A command that writes a file names the language, too.
    named = {"--lang"} if verb == "export" else set()
    assert {word for word in shlex.split(command(request, verb)) if word.startswith("--")} == named | {
        field.option for field in fields_of(verb)[1:]
    }


def test_options_of_other_commands_are_read_by_the_same_parser() -> None:
    width: Any = options.whole("d_ff", "Width.", 1, 100).parser
    # Typer hands over defaults, too.
    assert (width("0.1k"), width(7)) == (100, 7)
    with pytest.raises(UsageError, match="--d-ff 101 is out of bounds"):
        width("101")
    assert Field(name="x", help="", kind=SHARE, bounds=(0, 1)).parse("2%") == 0.02


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (PlanRequest("nonsense"), "budget"),
        (PlanRequest("1e21", device="potato"), "device"),
        (PlanRequest("64 H100 for 14 days", device="A100"), "device"),
        (PlanRequest("1e21", mfu=40.0), "mfu"),
        (PlanRequest("1e21", vocab=1), "vocab"),
        (PlanRequest("1e21", law="no/such"), "law"),
        (PlanRequest("loss 2.6", law="meta2024/llama3"), "law"),
        (PlanRequest("1e21", counting="mine"), "counting"),
        (PlanRequest("nonsense", mfu=0.4), "budget"),
        (PlanRequest("loss 99", mfu=0.4), "budget"),
    ],
)
def test_the_fault_is_of_the_field_whose_removal_heals(advisor: Advisor, request_: PlanRequest, field: str) -> None:
    assert field_at_fault(request_, advisor.answer) == field
