"""Any text is a budget or one sentence; any budget has a text that reads back as itself."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from budgetscope.core.budget.describe import describe
from budgetscope.core.budget.parse import (
    Budget,
    ComputeBudget,
    HardwareBudget,
    LossTarget,
    SizeTarget,
    TokensTarget,
    parse_budget,
)
from budgetscope.core.budget.quantities import (
    MAX_TEXT_CHARS,
    format_count,
    format_hours,
    parse_count,
    parse_duration_hours,
    parse_flops,
)
from budgetscope.core.errors import UsageError

positive = st.floats(min_value=0, exclude_min=True, allow_nan=False, allow_infinity=False)
nice = st.integers(1, 10**6).map(float) | st.sampled_from([0.5, 2.5, 17.7e9, 7e9, 50e3, 1.4e12, 1e21])
numbers = positive | nice
devices = st.sampled_from(
    [
        "H100",
        "H100 SXM",
        "NVIDIA H100 NVL",
        "A100-80GB",
        "A100 80GB",
        "A100-SXM4-80GB",
        "L40S",
        "T4",
        "RTX 4090",
        "RTX 4090 D",
        "RTX 3090ti",
        "RTX 6000 Ada",
        "Gaudi 3",
        "TPU v5p",
        "TPU v5p-128",
        "MI300X",
        "GH200",
        "my-cluster",
        "my-cluster-2",
        "my_cluster.example",
        "Eiszapfen",
    ]
) | st.builds("{}{}{}".format, st.sampled_from("ABGHLMVQ"), st.integers(0, 999), st.sampled_from(["", "X", "-SXM5"]))
mfus = st.none() | st.floats(min_value=0, max_value=1, exclude_min=True) | st.integers(1, 100).map(lambda p: p / 100)


@st.composite
def hardware(draw: st.DrawFn) -> HardwareBudget:
    """Every kind of complete hardware budget."""
    stated = draw(
        st.sampled_from(
            [
                ("n_devices", "hours"),
                ("device_hours",),
                ("device_hours", "hours"),
                ("device_hours", "n_devices"),
                ("usd",),
                ("usd", "hours"),
                ("usd", "n_devices"),
            ]
        )
    )
    amounts: dict[str, Any] = {name: draw(numbers) for name in stated}
    return HardwareBudget(
        device=draw(st.none() | devices),
        mfu=draw(mfus),
        price_usd_per_device_hour=draw(st.none() | numbers),
        **amounts,
    )


own_machines = st.builds(HardwareBudget, flops_per_s=numbers, price_usd_per_device_hour=st.none() | numbers)
budgets = (
    st.builds(HardwareBudget, flops_per_s=numbers, hours=numbers, price_usd_per_device_hour=st.none() | numbers)
    | st.one_of(*(st.builds(kind, numbers, machine=own_machines) for kind in (ComputeBudget, LossTarget, SizeTarget)))
    | st.one_of(*(st.builds(kind, numbers) for kind in (ComputeBudget, LossTarget, SizeTarget, TokensTarget)))
    | hardware()
)


@given(budgets)
def test_a_budget_is_read_back_from_its_description(budget: Budget) -> None:
    assert parse_budget(describe(budget)) == budget


def parse_or_refuse(text: str) -> Budget | None:
    """Parse, holding a refusal to one line without control characters."""
    try:
        return parse_budget(text)
    except UsageError as refused:
        refusal = str(refused)
    assert refusal.isprintable()
    assert len(refusal) < 1000
    return None


PIECES = """
64 8 1e21 7B 0.4 2.50 30m 4090 1,000 10^21 x × * - -- / = : % $ -$ , . ; ( e k m b t B T
H100 H100s SXM RTX TPU v5p A100-80GB Gaudi my-cluster Ds D d 14d 2 weeks week w h hours -hours days min
GPU GPUs GPU-hours on at for of with using a an half two twenty MFU loss N N= D= C= C tokens params
FLOPs PF petaflop/s -days USD per hour /h $50k $2.50/h 40% million nan inf kg x64 xH100 €
"""
pieces = st.sampled_from([*PIECES.split(), "\n", "\x1b"])
sentences = st.lists(st.tuples(pieces, st.sampled_from(["", " ", " ", "  ", "-"])), max_size=9).map(
    lambda pairs: "".join(itertools.chain.from_iterable(pairs))
)


@given(st.text() | sentences)
@example("10" * 200)
@example("1" * MAX_TEXT_CHARS)
@example("1," * (MAX_TEXT_CHARS // 2))
@example("1_" * (MAX_TEXT_CHARS // 2))
@example("a-" * (MAX_TEXT_CHARS // 2))
@example("1x" * (MAX_TEXT_CHARS // 2))
@example("a.1" * (MAX_TEXT_CHARS // 3))
@example("H100x1" * (MAX_TEXT_CHARS // 6))
@example("1 x 10^" * (MAX_TEXT_CHARS // 7))
@example("3 days A100-80\u2028B")
@example("½ H100 14d")
@example("١٤ H100 14d")
def test_any_text_is_a_budget_that_can_be_described_or_one_line_of_refusal(text: str) -> None:
    budget = parse_or_refuse(text)
    assert budget is None or parse_budget(describe(budget)) == budget


@given(budgets, st.data())
def test_a_slip_of_the_keyboard_is_a_budget_or_one_line_of_refusal(budget: Budget, data: st.DataObject) -> None:
    text = describe(budget)
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(len(text), start + 3)))
    slipped = text[:start] + data.draw(st.text(max_size=2) | pieces) + text[stop:]
    parsed = parse_or_refuse(slipped)
    assert parsed is None or parse_budget(describe(parsed)) == parsed


@given(budgets, st.integers(0, 400))
def test_every_beginning_of_a_budget_is_a_budget_or_one_line_of_refusal(budget: Budget, length: int) -> None:
    parse_or_refuse(describe(budget)[:length])


@pytest.mark.parametrize("parse", [parse_count, parse_flops, parse_duration_hours])
@given(text=st.text() | sentences)
def test_a_quantity_is_positive_and_finite_or_refused_in_one_line(parse: Callable[[str], float], text: str) -> None:
    value, refusal = 1.0, ""
    try:
        value = parse(text)
    except UsageError as refused:
        refusal = str(refused)
    assert 0 < value < float("inf")
    assert refusal.isprintable()


@given(
    st.decimals(min_value="0.001", max_value="99999", places=3),
    st.sampled_from(["", " "]),
    st.sampled_from([("k", 3), ("K", 3), ("M", 6), ("m", 6), ("B", 9), ("b", 9), ("T", 12), ("billion", 9)]),
)
def test_a_suffix_is_a_power_of_ten(digits: object, space: str, suffix: tuple[str, int]) -> None:
    word, power = suffix
    exact = float(f"{digits}e{power}")
    assert parse_count(f"{digits}{space}{word}") == exact
    assert parse_budget(f"N={digits}{space}{word}") == SizeTarget(exact)
    assert parse_budget(f"{digits}{space}{word} tokens") == TokensTarget(exact)
    assert parse_budget(f"${digits}{space}{word}") == HardwareBudget(usd=exact)


@given(
    st.permutations(["64 x {}", "14 days", "40% MFU", "$2.50/h"]),
    st.lists(st.sampled_from([" ", ", ", " for ", " at ", " on ", " with "]), min_size=3, max_size=3),
    devices,
)
def test_the_order_of_the_phrases_does_not_matter(phrases: list[str], joints: list[str], device: str) -> None:
    # An alphabetic name followed by a bare number may be a model's name (Gaudi 3), so it ends with a comma.
    text = "".join(itertools.chain.from_iterable(itertools.zip_longest(phrases, joints, fillvalue="")))
    assert parse_budget(text.format(f"{device},")) == HardwareBudget(device, 64, 336, None, None, 0.4, 2.5)


@given(st.sampled_from(["64xh100 14d", "$50k on h100 at $2.50/h", "two weeks of 8 a100-80gb", "n=7b", "3e22 flops"]))
def test_case_does_not_matter_but_for_the_device_as_typed(text: str) -> None:
    lower, upper = parse_budget(text), parse_budget(text.upper())
    assert describe(upper).casefold() == describe(lower).casefold()


@given(st.floats(min_value=1e-3, max_value=1e30))
def test_formatted_counts_and_hours_read_back_within_three_digits(value: float) -> None:
    assert parse_count(format_count(value)) == pytest.approx(value, rel=5.01e-3)
    if value < 1e12:
        hours = format_hours(value).replace(" K ", "K ").replace(" M ", "M ")
        assert parse_duration_hours(hours) == pytest.approx(value, rel=5.01e-3)
