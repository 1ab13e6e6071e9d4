"""A run near the optimum with a recipe inside the range of the published laws, and runs made from it."""

from dataclasses import replace
from typing import Any

from budgetscope.core.audit.counts import Counts, counts
from budgetscope.core.audit.run import ObservedRun

GOOD = ObservedRun(
    "good",
    "",
    depth=12,
    width=768,
    d_ff=3072,
    gated=False,
    n_heads=12,
    n_kv_heads=12,
    vocab_size=50257,
    seq_len=1024,
    batch_sequences=256.0,
    tokens=2e9,
    optimizer="adamw",
    learning_rate=3e-3,
    min_learning_rate=0.0,
    schedule="cosine",
    warmup_tokens=100e6,
    decay_tokens=1.9e9,
    beta2=0.99,
    weight_decay=0.03,
    precision="bf16",
    counts_head=True,
)
"""GPT-2's small shape."""


def counted(**changes: Any) -> Counts:
    """Return the counts of the good run with changes."""
    return counts(replace(GOOD, **changes))
