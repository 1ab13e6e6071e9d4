"""Whatever the budget is said in, the plan is the same plan, and its numbers agree with each other."""

import math
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.asking import answer_where_known
from tests.bundled import ALLOCATING, WITH_LOSS
from tests.sizes import examples

from budgetscope.core.answers.plan import Plan
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.laws.hyperparameters import whole_sequences
from budgetscope.core.laws.intervals import Estimate

laws = st.sampled_from(ALLOCATING)
conventions = st.sampled_from(list(Convention))
budgets = st.floats(16, 27).map(lambda exponent: 10.0**exponent)


def plan(budget: str, **options: str | float) -> Plan:
    return answer_where_known(budget, **options).plan


def estimates(found: Plan) -> Iterator[tuple[str, Estimate]]:
    for name in ("n_params", "tokens", "tokens_per_param", "loss"):
        estimate = getattr(found, name)
        if estimate is not None:
            yield name, estimate
    yield "learning_rate", found.recipe.learning_rate
    yield "batch_tokens", found.recipe.batch_tokens
    if found.run.cost_usd is not None:
        yield "cost_usd", found.run.cost_usd


@examples(60)
@given(laws, budgets, conventions)
def test_every_interval_holds_its_value(law: str, flops: float, convention: Convention) -> None:
    found = plan(f"{flops!r} FLOPs", law=law, counting=str(convention))
    for name, estimate in estimates(found):
        assert (estimate.low is None) == (estimate.high is None), name
        if estimate.low is not None and estimate.high is not None:
            assert estimate.low <= estimate.value * (1 + 1e-12), name
            assert estimate.value <= estimate.high * (1 + 1e-12), name
    if found.optimum.flat_band is not None:
        assert found.optimum.flat_band[0] < found.n_params.value < found.optimum.flat_band[1]


@examples(60)
@given(laws, budgets, conventions)
def test_the_numbers_of_a_plan_agree_with_each_other(law: str, flops: float, convention: Convention) -> None:
    found = plan(f"{flops!r} FLOPs", law=law, counting=str(convention))
    run, recipe = found.run, found.recipe
    assert found.flops == flops
    assert found.tokens_per_param.value == pytest.approx(found.tokens.value / found.n_params.value, rel=1e-12)
    assert recipe.batch_tokens.value == recipe.batch_sequences * found.seq_len
    assert run.steps == math.ceil(run.tokens / recipe.batch_tokens.value)
    assert run.hours is not None
    assert found.machine.n_devices is not None
    assert run.device_hours == pytest.approx(run.hours * found.machine.n_devices, rel=1e-12)
    assert run.executed_flops == pytest.approx(
        run.device_hours * 3600 * found.machine.mfu * found.machine.device.peak_flops_per_s[found.machine.precision],
        rel=1e-12,
    )
    assert run.cost_usd is not None
    assert found.machine.price is not None
    assert run.cost_usd.value == pytest.approx(run.device_hours * found.machine.price.value, rel=1e-12)
    assert recipe.weight_decay_coupled * recipe.learning_rate.value == pytest.approx(recipe.weight_decay_independent)
    assert 0 < recipe.warmup_tokens <= 0.2 * found.tokens.value * (1 + 1e-12)
    assert 0 < recipe.beta2 < 1
    if run.shape is not None:
        # The shape to build spends the same budget.
        count = run.shape.count(convention)
        assert run.n_params == count.n_params
        assert run.tokens * count.flops_per_token == pytest.approx(flops, rel=1e-9)
        assert run.executed_flops == pytest.approx(run.tokens * run.shape.executed_flops_per_token, rel=1e-12)


@examples(40)
@given(laws, budgets, conventions)
def test_a_size_or_a_number_of_tokens_gives_the_plan_of_the_budget_it_came_from(
    law: str, flops: float, convention: Convention
) -> None:
    options = {"law": law, "counting": str(convention)}
    direct = plan(f"{flops!r} FLOPs", **options)
    for budget in (f"N={direct.n_params.value!r}", f"D={direct.tokens.value!r}"):
        derived = plan(budget, **options)
        assert derived.flops == pytest.approx(flops, rel=1e-6)
        assert derived.n_params.value == pytest.approx(direct.n_params.value, rel=1e-6)
        assert derived.tokens.value == pytest.approx(direct.tokens.value, rel=1e-6)


@examples(40)
@given(st.sampled_from(WITH_LOSS), st.floats(16, 23), conventions)
@example("porian2024/refinedweb-attention-last-layer", 23.0, Convention.STANDARD)  # near the lowest loss
def test_a_loss_gives_the_plan_of_the_budget_that_reaches_it(law: str, exponent: float, convention: Convention) -> None:
    options = {"law": law, "counting": str(convention)}
    direct = plan(f"{10.0**exponent!r} FLOPs", **options)
    assert direct.loss is not None
    after = direct.loss if direct.loss_after_decay is None else direct.loss_after_decay
    for text in (f"loss {after.value!r}", f"loss {direct.loss.value!r} before decay"):
        derived = plan(text, **options)
        assert derived.flops == pytest.approx(direct.flops, rel=1e-4)
        assert derived.loss is not None
        assert derived.loss.value == pytest.approx(direct.loss.value, rel=1e-8)


@examples(60)
@given(
    laws,
    conventions,
    st.sampled_from(["H100", "A100-80GB", "MI300X", "RTX 4090", "TPU v5e"]),
    st.integers(1, 10_000),
    st.floats(1, 2000).map(lambda hours: round(hours, 3)),
    st.integers(5, 60),
)
def test_a_hardware_budget_runs_for_the_time_it_states(
    law: str, convention: Convention, device: str, n_devices: int, hours: float, mfu: int
) -> None:
    found = plan(f"{n_devices} x {device} for {hours} hours at {mfu}% MFU", law=law, counting=str(convention))
    assert found.machine.n_devices == n_devices
    # Where the family has no shape, the optimum's own count converts to within the root's tolerance.
    assert found.run.hours == pytest.approx(hours, rel=1e-9 if found.run.shape else 1e-6)
    assert found.executed_flops == pytest.approx(
        n_devices * hours * 3600 * mfu / 100 * found.machine.device.peak_flops_per_s[found.machine.precision], rel=1e-6
    )


@examples(40)
@given(st.integers(1000, 10**8), st.integers(1, 20), laws)
def test_dollars_buy_what_they_cost(usd: int, price: int, law: str) -> None:
    found = plan(f"${usd} on H100 at ${price}/h", law=law)
    assert found.run.cost_usd is not None
    assert found.run.cost_usd.value == pytest.approx(usd, rel=1e-6)
    assert found.run.device_hours == pytest.approx(usd / price, rel=1e-6)


@given(st.floats(1, 1e12), st.integers(1, 100_000))
def test_whole_sequences_are_whole_and_near(batch_tokens: float, seq_len: int) -> None:
    sequences = whole_sequences(batch_tokens, seq_len)
    wanted = batch_tokens / seq_len
    assert sequences >= 1
    if wanted >= 16:
        assert sequences == pytest.approx(wanted, rel=0.032)
        # Hardware divides it: at least the largest power of two up to a sixteenth.
        assert sequences % (1 << math.floor(math.log2(wanted / 16))) == 0
    else:
        assert sequences == max(1, round(max(wanted, 1)))


@examples(30)
@given(laws, budgets, st.sampled_from([1024, 4096, 8192]), st.sampled_from([32_000, 128_256]))
def test_another_context_and_vocabulary_change_the_shape_and_not_the_budget(
    law: str, flops: float, seq_len: int, vocab: int
) -> None:
    found = plan(f"{flops!r} FLOPs", law=law, seq_len=seq_len, vocab=vocab)
    assert found.flops == flops
    assert (found.seq_len, found.vocab_size) == (seq_len, vocab)
    if found.run.shape is not None:
        assert (found.run.shape.seq_len, found.run.shape.vocab_size) == (seq_len, vocab)
