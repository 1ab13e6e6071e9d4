"""Time `budgetscope fit` on large tables, and on small files that unpack to large ones: seconds and peak memory.

    python -m benchmarks.fit_large [--rows 1000000] [--kinds surface isoflop ...]

Every line is one process: wall seconds, processor seconds, peak resident memory, and the refusal where there is one.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import importlib.util
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tests.planted_surfaces import SYMMETRIC

if TYPE_CHECKING:
    from collections.abc import Callable

    Columns = dict[str, np.ndarray]

_NOISE = 0.002


def _loss(n_params: np.ndarray, tokens: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    s = SYMMETRIC
    loss = s.E + s.A / n_params**s.alpha + s.B / tokens**s.beta
    return loss * np.exp(_NOISE * rng.standard_normal(loss.size))


def surface(rows: int, rng: np.random.Generator) -> Columns:
    """Runs spread over N and D, no two alike."""
    n = np.exp(rng.uniform(np.log(1e7), np.log(1e10), rows))
    d = n * np.exp(rng.uniform(np.log(5), np.log(200), rows))
    return {"params": n, "tokens": d, "loss": _loss(n, d, rng)}


def isoflop_seeds(rows: int, rng: np.random.Generator) -> Columns:
    """A hundred budgets of eleven sizes, many seeds each."""
    seeds = max(1, rows // 1100)
    c, step, seed = (
        column.ravel() for column in np.meshgrid(np.geomspace(1e17, 1e23, 100), np.arange(-5, 6), np.arange(seeds))
    )
    n = np.sqrt(c / 120) * 1.5**step
    return {"flops": c, "params": n, "tokens": c / 6 / n, "loss": _loss(n, c / 6 / n, rng), "seed": seed}


def isoflop_sizes(rows: int, rng: np.random.Generator) -> Columns:
    """Twelve budgets, every run of a size of its own."""
    c = np.repeat(1e18 * 3.0 ** np.arange(12), rows // 12)
    n = np.sqrt(c / 120) * np.exp(rng.uniform(-2, 2, c.size))
    return {"flops": c, "params": n, "tokens": c / 6 / n, "loss": _loss(n, c / 6 / n, rng)}


def recipe(rows: int, rng: np.random.Generator) -> Columns:
    """Eight sizes, seven learning rates and seven batches, many seeds each."""
    axes = (1e8 * 2.0 ** np.arange(8), 2.0 ** np.arange(-12, -5), 2.0 ** np.arange(16, 23), np.arange(rows // 392))
    n, lr, batch, seed = (column.ravel() for column in np.meshgrid(*axes))
    return _sweep(n, lr, batch, seed, rng)


def recipe_rates(rows: int, rng: np.random.Generator) -> Columns:
    """Eight sizes, every run at a learning rate of its own."""
    n = np.repeat(1e8 * 2.0 ** np.arange(8), rows // 8)
    return _sweep(n, np.exp(rng.uniform(-9, -4, n.size)), 2.0 ** rng.integers(16, 23, n.size), np.arange(n.size), rng)


def _sweep(n: np.ndarray, lr: np.ndarray, batch: np.ndarray, seed: np.ndarray, rng: np.random.Generator) -> Columns:
    off = np.log(lr * 2**9 * (n / 1e8) ** 0.3), np.log(batch / 2**19 / (n / 1e8) ** 0.2)
    loss = _loss(n, 20 * n, rng) * (1 + 0.004 * off[0] ** 2 + 0.002 * off[1] ** 2)
    return {"params": n, "tokens": 20 * n, "lr": lr, "batch_tokens": batch, "loss": loss, "seed": seed}


def curves(rows: int, rng: np.random.Generator) -> Columns:
    """A hundred learning curves of many steps."""
    run, step = (column.ravel() for column in np.meshgrid(np.arange(100), np.arange(1, rows // 100 + 1), indexing="ij"))
    n = 1e7 * 1.05**run
    d = n * (2 + (1 + run % 7) * 1000 * step / rows)
    return {"run": run, "step": step, "params": n, "tokens": d, "loss": _loss(n, d, rng)}


TABLES: dict[str, tuple[Callable[[int, np.random.Generator], Columns], tuple[str, ...]]] = {
    "surface": (surface, ("--kind", "parametric")),
    "isoflop, seeds": (isoflop_seeds, ()),
    "isoflop, sizes": (isoflop_sizes, ()),
    "isoflop, akima": (isoflop_seeds, ("--kind", "akima")),
    "recipe": (recipe, ()),
    "recipe, rates": (recipe_rates, ()),
    "curves, ends": (curves, ()),
    "curves, all": (curves, ("--curves", "all", "--schedule", "constant")),
}


def write_csv(path: Path, columns: Columns) -> None:
    """Write columns; names of runs and whole numbers without a point."""
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(columns) + "\n")
        for row in zip(*(column.tolist() for column in columns.values()), strict=True):
            file.write(",".join(map(repr, row)) + "\n")


def _repeated(path: Path, head: bytes, part: bytes, times: int) -> None:
    with gzip.open(path, "wb", 6) as file:
        file.write(head)
        for _ in range(times):
            file.write(part)


def write_hostile(folder: Path) -> None:
    """Write small files that unpack to far more than fits in memory; Parquet where pyarrow is installed."""
    _repeated(folder / "rows.csv.gz", b"C,N,D,loss\n", b"1,1,1,1\n" * 100_000, 300)
    _repeated(folder / "one line.csv.gz", b"C,N,D,loss\n", b"," * 1_000_000, 200)
    _repeated(folder / "values.json.gz", b"[", b"[]," * 1_000_000, 80)
    _repeated(folder / "rows.jsonl.gz", b"", b"{}\n" * 1_000_000, 80)
    if importlib.util.find_spec("pyarrow") is None:
        return
    arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    numbers = arrow.repeat(arrow.scalar(1.5), 50_000_000)
    parquet.write_table(arrow.table(dict.fromkeys(("C", "N", "D", "loss"), numbers)), folder / "rows.parquet")
    texts = arrow.DictionaryArray.from_arrays(np.zeros(1_000_000, dtype=np.int32), arrow.array(["x" * 1_000_000]))
    parquet.write_table(arrow.table({"C": texts}), folder / "texts.parquet", compression="zstd")


def write_table(path: Path, kind: str, rows: int) -> None:
    """Write one of `TABLES`."""
    write_csv(path, TABLES[kind][0](rows, np.random.default_rng(0)))


def apart(write: Callable[..., None], *arguments: object) -> None:
    """Write files in another process: a child's peak memory counts from that of its parent."""
    process = multiprocessing.get_context("spawn").Process(target=write, args=arguments)
    process.start()
    process.join()


def measure(name: str, path: Path, options: tuple[str, ...]) -> None:
    """Fit one file in a process of its own, and print what that took."""
    command = [sys.executable, "-m", "budgetscope", "fit", str(path), "--counting", "standard", "--json", *options]
    with tempfile.TemporaryFile("w+") as log:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        refusal = log.read().replace(str(path), path.name).strip() if child.returncode else ""
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20
    size = path.stat().st_size / 2**20
    print(f"{name:16} {size:7.1f} MiB {wall:7.1f} s {cpu:7.1f} s {peak:6.2f} GiB  {refusal}".rstrip(), flush=True)


def main() -> None:
    """Print one line a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--kinds", nargs="+", choices=[*TABLES, "hostile"], default=[*TABLES, "hostile"])
    options = parser.parse_args()
    print(f"{'table':16} {'file':>11} {'wall':>9} {'processor':>9} {'peak':>10}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for rows in options.rows:
            print(f"{rows:,} rows")
            for kind in options.kinds:
                if kind in TABLES:
                    apart(write_table, folder / "runs.csv", kind, rows)
                    measure(kind, folder / "runs.csv", TABLES[kind][1])
                    (folder / "runs.csv").unlink()
        if "hostile" in options.kinds:
            print("small files")
            apart(write_hostile, folder)
            for path in sorted(folder.iterdir()):
                measure(path.name, path, ())


if __name__ == "__main__":
    main()
