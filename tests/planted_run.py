"""A smoke run over planted text, for the fake trainer."""

from functools import cache

from budgetscope.calibrate.plan.design import PRESETS, design
from budgetscope.calibrate.plan.device import Rate
from budgetscope.calibrate.plan.spec import CorpusFacts, Spec


@cache
def planted_spec() -> Spec:
    """Return a smoke run over bytes."""
    planned = design("smoke", PRESETS["smoke"].minutes * 60, Rate.assumed("cpu").seconds, 257, 64)
    corpus = CorpusFacts("planted text", "/nowhere", "0" * 64, "bytes", 257, 1.0, 10_000_000, 200_000)
    return Spec(
        v=1,
        run="20260102-030405-smoke-beef",
        created="2026-01-02T03:04:05Z",
        fit_id="mine/planted",
        device="cpu",
        device_index=None,
        corpus=corpus,
        design=planned,
        expected_seconds=30.0,
        version="0",
    )
