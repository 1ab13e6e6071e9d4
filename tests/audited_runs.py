"""Runs with published results, as their configurations describe them, and runs made from one of them."""

from dataclasses import replace
from typing import Any

from budgetscope.core.audit.counts import Counts, counts
from budgetscope.core.audit.run import ObservedRun


def _run(
    name: str,
    sizes: tuple[int, int, int],
    heads: tuple[int, int],
    vocab_size: int,
    seq_len: int,
    tokens: float,
    batch_tokens: float,
    learning_rate: float,
    warmup_tokens: float,
    *,
    gated: bool = False,
) -> ObservedRun:
    depth, width, d_ff = sizes
    return ObservedRun(
        name,
        "",
        depth=depth,
        width=width,
        d_ff=d_ff,
        gated=gated,
        n_heads=heads[0],
        n_kv_heads=heads[1],
        vocab_size=vocab_size,
        seq_len=seq_len,
        batch_sequences=batch_tokens / seq_len,
        tokens=tokens,
        learning_rate=learning_rate,
        warmup_tokens=warmup_tokens,
    )


PUBLISHED = {
    run.name: (run, n_params)
    for run, n_params in (
        (_run("Pythia-410m", (24, 1024, 4096), (16, 16), 50304, 2048, 299.9e9, 2.1e6, 3e-4, 3.0e9), 353e6),
        (_run("Pythia-1.4b", (24, 2048, 8192), (16, 16), 50304, 2048, 299.9e9, 2.1e6, 2e-4, 3.0e9), 1.31e9),
        (_run("Cerebras-GPT-111M", (10, 768, 3072), (12, 12), 50257, 2048, 2.22e9, 0.246e6, 6e-4, 375e6), 109e6),
        (_run("Cerebras-GPT-1.3B", (24, 2048, 8192), (16, 16), 50257, 2048, 26.3e9, 1.08e6, 2e-4, 374e6), 1.31e9),
        (_run("GPT-2 124M", (12, 768, 3072), (12, 12), 50257, 1024, 9.89e9, 0.524e6, 6e-4, 367e6), 123e6),
        (_run("GPT-2 1558M", (48, 1600, 6400), (25, 25), 50257, 1024, 33.6e9, 1.05e6, 6e-4, 734e6), 1.56e9),
        (_run("SmolLM2-135M", (30, 576, 1536), (9, 3), 49152, 2048, 2.1e12, 1.05e6, 3e-3, 2.1e9, gated=True), 134e6),
        (_run("TinyLlama", (22, 2048, 5632), (32, 4), 32000, 2048, 3.0e12, 2.1e6, 4e-4, 4.2e9, gated=True), 1.03e9),
        (_run("OLMo2-1B", (16, 2048, 8192), (16, 16), 100352, 4096, 4.0e12, 2.1e6, 4e-4, 8.4e9, gated=True), 1.28e9),
        (
            _run("llm-jp-3 1.8b", (24, 2048, 7168), (16, 16), 99584, 4096, 2.07e12, 2.1e6, 3e-4, 4.2e9, gated=True),
            1.66e9,
        ),
        (
            _run("llm-jp-3 13b", (40, 5120, 13824), (40, 40), 99584, 4096, 2.07e12, 4.19e6, 2e-4, 8.4e9, gated=True),
            13.2e9,
        ),
        (_run("GaLore 130M", (12, 768, 2048), (12, 12), 32000, 256, 2.62e9, 0.131e6, 1e-2, 262e6, gated=True), 109e6),
    )
}
"""By name: the run, and N by the standard count as published or counted from its sizes. Sources: the configurations of
EleutherAI/pythia, Dey et al. 2023 (arXiv 2304.03208, table 4), karpathy/llm.c, HuggingFaceTB/SmolLM2,
jzhang38/TinyLlama, allenai/OLMo-2-0425-1B, llm-jp-3, Zhao et al. 2024 (arXiv 2403.03507)."""

GOOD = replace(
    PUBLISHED["GPT-2 124M"][0],
    name="good",
    batch_sequences=256.0,
    tokens=2e9,
    learning_rate=3e-3,
    beta2=0.99,
    weight_decay=0.03,
    warmup_tokens=100e6,
    schedule="cosine",
    decay_tokens=1.9e9,
    min_learning_rate=0.0,
    counts_head=True,
    optimizer="adamw",
    precision="bf16",
)
"""A run near the optimum with a recipe inside the range of the published laws."""


def counted(**changes: Any) -> Counts:
    """Return the counts of the good run with changes."""
    return counts(replace(GOOD, **changes))
