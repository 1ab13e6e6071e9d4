"""Measure how stacks start on a GPU with and without helpers that compile ahead, and whether the price is right.

Three kinds of processes, each from torch's start: `without` starts a few stacks of a design with no helper and an empty
cache; `with` trains the whole design with helpers and another empty cache, on random tokens, in the order and with the
guesses of a run; `pair` and `solo` train two small stacks on one card, on two streams and as two processes.

Targets: start-up under 15% of five minutes and under 5% of twenty, 25% of the matrix rate over twenty minutes, a price
within 10%. Run: python benchmarks/ahead.py [--minutes 5] [--without 5]
"""

import argparse
import cProfile
import functools
import io
import itertools
import json
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.design import design
from budgetscope.calibrate.plan.device import Rate
from budgetscope.calibrate.plan.ladder import ladder, whole_batch

VOCAB_SIZE, SEQ_LEN = 4096, 512
# What a probe measured on an H200 on 2026-11-29; the same card prices the design here.
RATE = Rate("cuda", {256: 186.1e12, 64: 79.3e12}, measured=True)
N_TOKENS = 2**24
SOLO_SECONDS = 4.0
SMALL = ((64, 6), (96, 12))
TUNED_SIZES = 2

Stack = Sequence[Cell]


def stacks(cells: Sequence[Cell]) -> list[Stack]:
    """Return the cells by shape, small shapes first."""
    ordered = sorted(cells, key=lambda cell: cell.n_params)
    return [tuple(group) for _, group in itertools.groupby(ordered, key=lambda cell: cell.shape)]


def planned(minutes: float) -> tuple[list[Stack], list[Stack]]:
    """Return the stacks of both stages of a standard design."""
    found = design("standard", 60 * minutes, RATE.seconds, VOCAB_SIZE, SEQ_LEN)
    return stacks(found.stage1), stacks(found.stage2)


def guessed(stage2: Sequence[Stack]) -> list[Stack]:
    """Return stage 2 as stage 1 foretells it: one stack of three has the next batch."""
    return [
        stack
        if k % 3
        else tuple(replace(cell, batch_sequences=whole_batch(1.4 * cell.batch_sequences)) for cell in stack)
        for k, stack in enumerate(stage2)
    ]


def random_tokens() -> Any:
    """Return random tokens; speed does not depend on the text."""
    import numpy as np  # noqa: PLC0415 - the parent needs neither numpy nor torch

    from budgetscope.calibrate.corpus.sampling import Tokens  # noqa: PLC0415

    noise = np.random.default_rng(0).integers(0, VOCAB_SIZE, N_TOKENS).astype(np.uint16)
    return Tokens(noise, noise[: 200 * SEQ_LEN], VOCAB_SIZE)


def say(**record: Any) -> None:
    """Print a record for the parent."""
    print("@" + json.dumps(record), flush=True)


class Trainer:
    """What a run trains with, on random tokens."""

    def __init__(self, n_helpers: int | None) -> None:
        """Find the device; None for as many helpers as a run has."""
        from budgetscope.calibrate.run.train_settings import TrainSettings  # noqa: PLC0415
        from budgetscope.calibrate.train.ahead import Ahead  # noqa: PLC0415
        from budgetscope.calibrate.train.device import available_device  # noqa: PLC0415
        from budgetscope.calibrate.train.stack import free_bytes  # noqa: PLC0415

        self.device, self.tokens, self.settings = available_device(), random_tokens(), TrainSettings()
        self.free = free_bytes(self.device)
        self.ahead = Ahead(self.device, self.free, n_helpers)

    def job(self, cells: Stack) -> Any:
        """Return what is to be compiled for a stack."""
        from budgetscope.calibrate.train.stack import job_of  # noqa: PLC0415

        return job_of(cells, len(self.tokens.train), self.device, self.settings, self.free)

    def prepare(self, now: Stack, upcoming: Sequence[Stack]) -> None:
        """Compile stacks ahead, while one trains."""
        self.ahead.prepare([job for cells in upcoming if (job := self.job(cells)) is not None], self.job(now))

    def ready(self, cells: Stack) -> bool:
        """Return whether a stack needs no compilation any more."""
        job = self.job(cells)
        return job is None or self.ahead.has(job)

    def train(self, cells: Stack, stage: int, most_seconds: float = float("inf")) -> None:
        """Train a stack and report it."""
        from budgetscope.calibrate.run import progress  # noqa: PLC0415
        from budgetscope.calibrate.train.stack import train_stack  # noqa: PLC0415

        begun, seen, rates = time.perf_counter(), [], []

        def emit(event: Any) -> None:
            if isinstance(event, progress.Started):
                seen.append((event, time.perf_counter()))
            elif isinstance(event, progress.Step):
                rates.append(event.model_flops_per_s)
            elif isinstance(event, progress.Split):
                say(kind="note", text=str(event))

        job = self.job(cells)
        if job is not None:
            self.ahead.settle(job)
        train_stack(
            cells,
            self.tokens,
            device=self.device,
            settings=self.settings,
            emit=emit,
            should_stop=lambda: bool(seen) and time.perf_counter() - seen[0][1] > most_seconds,
        )
        over = time.perf_counter()
        start, at = seen[0]
        shape = cells[0].shape
        say(
            kind="stack",
            stage=stage,
            width=shape.width,
            members=len(cells),
            mode=start.mode,
            micro=start.micro_sequences,
            start=at - begun,
            found=start.graphs_found,
            compiled=start.graphs_compiled,
            seconds=over - at,
            priced=RATE.training_seconds(cells),
            flops=sum(cell.tokens for cell in cells) * shape.executed_flops_per_token,
            rate=sorted(rates)[len(rates) // 2] if rates else 0.0,
        )


def without(minutes: float, number: int) -> None:
    """Start a few stacks and train each for two seconds."""
    trainer = Trainer(0)
    stage1, stage2 = planned(minutes)
    later = [*((1, stack) for stack in stage1), *((2, stack) for stack in stage2[-2:-8:-2])]
    for k, (stage, stack) in enumerate(later[:number]):
        trainer.train(stack, stage, 2.0)
        if k in (0, number - 1):
            say(kind="phases", text=phases())


def phases() -> str:
    """Return what torch says of the seconds of its compiler so far."""
    try:
        from torch._dynamo.utils import compilation_time_metrics as spent  # noqa: PLC0415
    except ImportError:
        return "unknown"
    sums = sorted(((sum(times), name) for name, times in spent.items()), reverse=True)[:12]
    return "; ".join(f"{name.rpartition('.')[2]} {seconds:.1f}" for seconds, name in sums)


def whole(minutes: float) -> None:
    """Train a design as a run does."""
    from budgetscope.calibrate.train.probe import matrix_rate  # noqa: PLC0415

    trainer = Trainer(None)
    plan = planned(minutes)
    size = 8192 if trainer.device.startswith("cuda") else 1024
    say(kind="matrix", rate=matrix_rate(trainer.device, size), helpers=trainer.ahead.n_helpers)
    for stage, all_stacks in enumerate(plan, 1):
        left = list(all_stacks)
        while left:
            cells = next((stack for stack in left if trainer.ready(stack)), left[0])
            left.remove(cells)
            known = stage == 1 and len(all_stacks) - len(left) > TUNED_SIZES
            trainer.prepare(cells, [*left, *(guessed(plan[1]) if known else ())])
            trainer.train(cells, stage)
    say(kind="over", trouble=trainer.ahead.trouble)


def small_engine(width: int, batch: int) -> Any:
    """Return a captured stack of three."""
    from budgetscope.calibrate.run.train_settings import Mode  # noqa: PLC0415
    from budgetscope.calibrate.train.engine import Engine  # noqa: PLC0415

    shape = next(shape for shape in ladder(VOCAB_SIZE, SEQ_LEN) if shape.width == width)
    size = 20_000 * batch * SEQ_LEN
    cells = [Cell(shape, 1e-3, batch, 0.95, seed, size, 0, (size,)) for seed in range(3)]
    return Engine(cells, random_tokens(), "cuda:0", micro_sequences=batch, eval_sequences=8, mode=Mode.COMPILE_GRAPH)


def steps_a_second(work: Callable[[], None], seconds: float) -> float:
    """Return how often work is done in a second, by this clock."""
    import torch  # noqa: PLC0415

    torch.cuda.synchronize()
    begun, n = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        for _ in range(50):
            work()
        torch.cuda.synchronize()
        n += 50
    return n / (time.perf_counter() - begun)


def solo(width: int, batch: int) -> None:
    """Train a small stack when told to, and report its steps a second."""
    engine = small_engine(width, batch)
    steps_a_second(lambda: engine.train(1), 0.5)
    say(kind="ready")
    for line in sys.stdin:
        say(kind="solo", rate=steps_a_second(lambda: engine.train(1), float(line)))


def pair() -> None:
    """Train two small stacks alone and on two streams; say what a start with found graphs consists of."""
    import torch  # noqa: PLC0415

    first = small_engine(*SMALL[0])
    profile = cProfile.Profile()
    profile.enable()
    second = small_engine(*SMALL[1])
    profile.disable()
    text = io.StringIO()
    pstats.Stats(profile, stream=text).sort_stats("cumulative").print_stats(45)
    say(kind="profile", text=text.getvalue())
    alone = [steps_a_second(functools.partial(engine.train, 1), 2.0) for engine in (first, second)]
    streams = [torch.cuda.Stream(), torch.cuda.Stream()]
    counts = [max(1, round(rate / min(alone))) for rate in alone]

    def both() -> None:
        for engine, stream, count in zip((first, second), streams, counts, strict=True):
            with torch.cuda.stream(stream):
                engine.train(count)

    together = steps_a_second(both, 3.0)
    say(kind="pair", alone=alone, together=[together * count for count in counts])


class Child:
    """A process of this program that reports records."""

    def __init__(self, cache: Path, *arguments: str) -> None:
        """Start it with its own cache of compiled graphs."""
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(cache)},
        )

    def records(self) -> Any:
        """Yield its records as they come."""
        for line in self.process.stdout or ():
            if line.startswith("@"):
                yield json.loads(line[1:])
            else:
                print(line, end="")

    def until(self, kind: str) -> dict[str, Any]:
        """Return its next record of a kind."""
        return next((record for record in self.records() if record["kind"] == kind), {})

    def tell(self, line: str) -> None:
        """Write a line to it."""
        if self.process.stdin is not None:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()


def stack_line(r: dict[str, Any]) -> str:
    """Return the line of a stack in the tables."""
    graphs = f"{r['found']}/{r['found'] + r['compiled']}"
    error = f"{r['priced'] / r['seconds'] - 1:+.0%}"
    return (
        f"{r['stage']:5} {r['width']:5} {r['members']:7} {r['micro']:5} {r['mode']:13} {r['start']:8.1f} {graphs:>9} "
        f"{r['seconds']:8.1f} {r['priced']:8.1f} {error:>6} {r['rate'] / 1e12:8.1f}"
    )


HEAD = "stage width members micro mode           start s     found train s  price s  error TFLOP/s"


def report_without(cache: Path, options: argparse.Namespace) -> None:
    """Print the starts without helpers."""
    child = Child(cache, "without", str(options.minutes), str(options.without))
    print("without helpers, empty cache; each trains two seconds\n" + HEAD)
    for record in child.records():
        if record["kind"] == "stack":
            print(stack_line(record | {"priced": record["seconds"]}), flush=True)
        else:
            print(record)


def report_with(cache: Path, options: argparse.Namespace) -> None:
    """Print the training of a whole design with helpers, and its totals."""
    child = Child(cache, "with", str(options.minutes))
    print(f"\nwith helpers, empty cache: the standard design of {options.minutes:g} minutes\n" + HEAD)
    rows: list[dict[str, Any]] = []
    matrix, process = 1.0, 0.0
    for record in child.records():
        if record["kind"] == "stack":
            rows.append(record)
            print(stack_line(record), flush=True)
        elif record["kind"] == "matrix":
            matrix = record["rate"]
            process = time.perf_counter() - child.begun
            print(f"{record['helpers']} helpers; matrix products at {matrix / 1e12:.0f} TFLOP/s")
        else:
            print(record)
    wall = time.perf_counter() - child.begun
    start, seconds = sum(r["start"] for r in rows), sum(r["seconds"] for r in rows)
    cells = [[cell for stack in stage for cell in stack] for stage in planned(options.minutes)]
    told, flops = sum(map(RATE.seconds, cells)), sum(r["flops"] for r in rows)
    print(
        f"\nwall {wall:.0f} s, {process:.0f} s of it before the first stack; starts {start:.0f} s: "
        f"{start / wall:.1%} of the wall time, {(start + process) / wall:.1%} with the process's own\n"
        f"training {seconds:.0f} s, priced {sum(r['priced'] for r in rows):.0f} s; "
        f"whole price {told:.0f} s: {told / wall - 1:+.1%} of the wall time\n"
        f"{flops / wall / 1e12:.0f} TFLOP/s over the wall time: {flops / wall / matrix:.1%} of the matrix rate\n"
        f"graphs found {sum(r['found'] for r in rows)}, compiled by the trainer {sum(r['compiled'] for r in rows)}"
    )


def report_pairs(cache: Path) -> None:
    """Print what two small stacks on one card gain."""
    child = Child(cache, "pair")
    for record in child.records():
        if record["kind"] == "profile":
            print("\na start with found graphs, under a profiler:\n" + record["text"])
        elif record["kind"] == "pair":
            report_pair("two streams", record["alone"], record["together"])
    children = [Child(cache, "solo", *map(str, small)) for small in SMALL]
    for other in children:
        other.until("ready")
    alone = []
    for other in children:
        other.tell(str(SOLO_SECONDS / 2))
        alone.append(other.until("solo")["rate"])
    for other in children:
        other.tell(str(SOLO_SECONDS))
    report_pair("two processes", alone, [other.until("solo")["rate"] for other in children])
    for other in children:
        other.process.kill()


def report_pair(how: str, alone: Sequence[float], together: Sequence[float]) -> None:
    """Print the gain of training together: the sum of the shares of the speed alone."""
    gain = sum(b / a for a, b in zip(alone, together, strict=True))
    print(f"{how}: widths {SMALL}, alone {alone} steps/s, together {together}: {gain:.2f} times one after the other")


def main() -> None:
    """Run all parts, or one as the worker of another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--without", type=int, default=5, help="stacks to start without helpers")
    parser.add_argument("--worker", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    match options.worker:
        case ["without", minutes, number]:
            without(float(minutes), int(number))
        case ["with", minutes]:
            whole(float(minutes))
        case ["pair"]:
            pair()
        case ["solo", width, batch]:
            solo(int(width), int(batch))
        case _:
            begun = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                report_without(Path(folder) / "a", options)
                report_with(Path(folder) / "b", options)
                report_pairs(Path(folder) / "b")
            print(f"\nall in {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
