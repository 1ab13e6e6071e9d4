"""The memory of one GPU: what a layout may be, and how its terms answer to more GPUs and to recomputation."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sizes import examples

from budgetscope.core.counting.ledger import Shape
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.memory import Layout, Recompute, Regime, estimate

SHAPE = Shape(32, 4096, 14336, 32, 8, 128256, 8192)
MEGATRON = Layout(Regime.MEGATRON, data=2, tensor=2, pipeline=2, accumulation=8)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (replace(MEGATRON, tensor=3), "3 parts do not divide the 8 key-value heads"),
        (replace(MEGATRON, tensor=16), "16 parts do not divide the 8 key-value heads"),
        (replace(MEGATRON, pipeline=5), "5 parts do not divide the 32 layers"),
        (replace(MEGATRON, context=5), "10 parts do not divide the 8192 tokens of a sequence"),
        (replace(MEGATRON, pipeline=1, interleave=2), "interleaved chunks need a pipeline"),
        (replace(MEGATRON, data=0), "data = 0 is no layout"),
        (Layout(Regime.FSDP2, tensor=2), "fsdp2 has data parallelism alone here; choose megatron"),
    ],
)
def test_an_impossible_layout_is_refused(layout: Layout, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        estimate(SHAPE, layout)


@examples(60)
@given(
    regime=st.sampled_from(Regime),
    recompute=st.sampled_from(Recompute),
    data=st.sampled_from((1, 2, 8, 64)),
    micro=st.sampled_from((1, 4)),
)
def test_more_gpus_and_recomputation_never_take_more(
    regime: Regime, recompute: Recompute, data: int, micro: int
) -> None:
    layout = Layout(regime, data=data, micro_sequences=micro, accumulation=2, recompute=recompute)
    here = estimate(SHAPE, layout)
    assert here.peak >= here.weights + here.optimizer + here.activations + here.logits
    assert estimate(SHAPE, replace(layout, micro_sequences=2 * micro)).peak > here.peak
    assert here.activations <= estimate(SHAPE, replace(layout, recompute=Recompute.NONE)).activations
    # Buckets of gradients come with the second GPU, and are all that does.
    wider = estimate(SHAPE, replace(layout, data=2 * data))
    assert wider.peak - wider.copies <= here.peak - here.copies


@pytest.mark.parametrize("change", [{"tensor": 4}, {"pipeline": 4}, {"context": 2}, {"sequence_parallel": True}])
def test_each_kind_of_parallelism_divides_the_activations(change: dict[str, int]) -> None:
    assert estimate(SHAPE, replace(MEGATRON, **change)).peak < estimate(SHAPE, MEGATRON).peak  # type: ignore[arg-type]
