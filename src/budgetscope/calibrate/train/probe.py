"""Measure a device: the rate of matrix products, and the rate at which it trains stacks."""

import functools
import gc
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from budgetscope.calibrate.corpus.sampling import Tokens
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.device import TRIALS, Trial
from budgetscope.calibrate.plan.memory import choose_micro_sequences
from budgetscope.calibrate.run.train_settings import Mode
from budgetscope.calibrate.train.device import is_out_of_memory
from budgetscope.calibrate.train.engine import Engine
from budgetscope.calibrate.train.stack import free_bytes
from budgetscope.core.counting.ledger import Shape
from budgetscope.core.errors import FailureError

_FEWEST_WIDTHS = 2
# How the stacks run, and rows and columns of the matrix product.
_MODES = {"cuda": Mode.COMPILE_GRAPH, "mps": Mode.EAGER, "cpu": Mode.EAGER}
_MATRIX_SIZES = {"cuda": 8192, "mps": 4096, "cpu": 1024}


@dataclass(frozen=True, slots=True)
class Rates:
    """The measured rates of a device.

    Attributes:
        name: of the accelerator or processor.
        memory_bytes: memory of the accelerator; None for a processor.
        matrix_flops_per_s: of large square matrix products on random data, bf16 on CUDA, else fp32.
        training_flops_per_s: model FLOP/s of stacks, attention counted, by the models' width.
        training_tokens_per_s: training tokens per second of all members, by width.
    """

    name: str
    memory_bytes: int | None
    matrix_flops_per_s: float
    training_flops_per_s: dict[int, float]
    training_tokens_per_s: dict[int, float]


def probe(device: str, *, seconds: float = 30.0) -> Rates:
    """Measure a device.

    Args:
        device: a name as `available_device` gives it.
        seconds: approximate time to take. Widths that do not fit in it are left out, but never the first two, since one
            width gives no rate for others.

    Raises:
        FailureError: the smallest stack does not fit in the device's memory.
    """
    begun = time.perf_counter()
    name, memory = platform.processor() or platform.machine(), None
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
        properties = torch.cuda.get_device_properties(device)
        name, memory = properties.name, properties.total_memory
    kind = device.partition(":")[0]
    trial = TRIALS[kind]
    matrix = matrix_rate(device, _MATRIX_SIZES[kind])
    flops: dict[int, float] = {}
    tokens: dict[int, float] = {}
    slowest = 0.0
    for shape in trial.shapes():
        started = time.perf_counter()
        if len(flops) >= _FEWEST_WIDTHS and started - begun + slowest > seconds:
            break
        tokens[shape.width] = _training_rate(shape, trial, device, seconds / (4 * len(trial.widths)))
        flops[shape.width] = tokens[shape.width] * shape.executed_flops_per_token
        slowest = max(slowest, time.perf_counter() - started)
    return Rates(name, memory, matrix, flops, tokens)


def matrix_rate(device: str, size: int = 8192) -> float:
    """Return FLOP/s of size×size matrix products of random data, bf16 on CUDA, else fp32."""
    kind = torch.bfloat16 if device.startswith("cuda") else torch.float32
    a, b = (torch.randn(size, size, device=device, dtype=kind) for _ in range(2))
    c = torch.empty_like(a)
    seconds = seconds_a_call(lambda: torch.mm(a, b, out=c), device, 0.5)
    return 2.0 * size**3 / seconds


def _training_rate(shape: Shape, trial: Trial, device: str, seconds: float) -> float:
    """Return training tokens per second; the number of members is halved until the stack fits."""
    random = np.random.default_rng(0).integers(0, shape.vocab_size, 2**18).astype(np.uint16)
    tokens = Tokens(random, random[: 16 * shape.seq_len], shape.vocab_size)
    batch = trial.batch_sequences * shape.seq_len
    members, mode = trial.members, _MODES[device.partition(":")[0]]
    while members:
        cells = [
            Cell(shape, 1e-3, trial.batch_sequences, 0.95, seed, 1000 * batch, 0, (1000 * batch,))
            for seed in range(members)
        ]
        micro = choose_micro_sequences(cells, device, None, free_bytes=free_bytes(device), compiled=mode.compiles)
        try:
            engine = Engine(cells, tokens, device, micro_sequences=micro, eval_sequences=8, mode=mode)
            return members * micro * shape.seq_len / seconds_a_call(functools.partial(engine.train, 1), device, seconds)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        gc.collect()
        members //= 2
    raise FailureError(f"a model of width {shape.width} does not fit in the memory of {device}; free some of it.")


def seconds_a_call(work: Callable[[], object], device: str, least: float) -> float:
    """Return the seconds of one call, averaged over at least `least` seconds after two warm-up calls."""
    wait = torch.cuda.synchronize if device.startswith("cuda") else torch.mps.synchronize if device == "mps" else None
    calls, taken = 2, 0.0
    while taken < least:
        begun = time.perf_counter()
        for _ in range(calls):
            work()
        if wait:
            wait()
        taken = time.perf_counter() - begun
        calls = max(2 * calls, int(1.2 * least / taken * calls)) if taken < least else calls
    return taken / calls
