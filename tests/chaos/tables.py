"""Runs tables: written in any of the usual ways they give the same runs; damaged, each row is accounted for."""

import csv
import gzip
import io
import json
import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.chaos.counts import Counts
from tests.chaos.damage import damage
from tests.planted_surfaces import SYMMETRIC

from budgetscope.core.laws.training_run import TrainingRun
from budgetscope.store.tables.intake import Intake
from budgetscope.store.tables.read import read_runs

_NAMES = {
    "flops": ("flops", "C", "compute", "FLOPs budget", "train_flops"),
    "n_params": ("n_params", "N", "params", "Parameters", "config/num_params"),
    "tokens": ("tokens", "D", "train tokens", "tokens_trained", "summary/n_tokens"),
    "loss": ("loss", "Loss", "val_loss", "final loss"),
    "learning_rate": ("lr", "learning_rate", "Peak LR", "config.learning_rate"),
    "seed": ("seed", "random_seed"),
}
_SUFFIXES = {"k": 1e3, "M": 1e6, "B": 1e9}


def campaign(seed: int, deadline: float) -> Counts:
    """Write the same runs in another way each time, whole or damaged, and read them."""
    counts = Counts()
    with tempfile.TemporaryDirectory() as scratch:
        for rng in counts.attempts(seed, deadline):
            runs = _runs(rng)
            name, content, n_rows = _written(runs, rng)
            path = Path(scratch, name)
            whole = rng.random() < 0.5
            path.write_bytes(content if whole else damage(content, rng).data)
            with counts.watched((name, content[:300])):
                try:
                    intake = read_runs(path, counting="standard", curves="all")
                except Exception:
                    if whole:
                        counts.fault("wrong", f"{name} is refused: {content[:300]!r}")
                    raise
                _account(intake, runs, n_rows if whole else None, counts)
            path.unlink()
    return counts


def _account(intake: Intake, runs: Sequence[TrainingRun], n_rows: int | None, counts: Counts) -> None:
    dropped = sum(len(drop.rows) for drop in intake.dropped)
    merged = sum(len(rows) - 1 for rows in intake.merged)
    if intake.read != intake.used + dropped + merged or intake.used != len(intake.runs):
        counts.fault("lost", f"of {intake.read} rows, {intake.used} used, {dropped} dropped and {merged} merged")
    if n_rows is None:
        return
    if intake.read != n_rows or len(intake.runs) != len(runs):
        counts.fault("lost", f"{len(intake.runs)} runs of {intake.read} rows, not {len(runs)} of {n_rows}")
    for found, written in zip(intake.runs, runs, strict=False):
        pairs = ((getattr(found, name), getattr(written, name)) for name in _NAMES)
        if not all(a == b or (a and b and abs(a / b - 1) < 1e-5) for a, b in pairs):
            counts.fault("wrong", f"{written} is read as {found}")
            return


def _runs(rng: random.Random) -> list[TrainingRun]:
    """Return runs that repeat none, of usual sizes."""
    runs = list[TrainingRun]()
    for _ in range(rng.randint(3, 12)):
        n, ratio = 10 ** rng.uniform(6, 11), 10 ** rng.uniform(0, 2)
        loss = float(SYMMETRIC.loss(n, ratio * n))
        runs.append(
            TrainingRun(6 * n * n * ratio, n, n * ratio, loss, learning_rate=10 ** rng.uniform(-4, -2), seed=len(runs))
        )
    return runs


def _written(runs: Sequence[TrainingRun], rng: random.Random) -> tuple[str, bytes, int]:
    """Return a file's name and content, and the number of its rows."""
    fields = list(_NAMES)
    if rng.random() < 0.4:
        fields.remove(rng.choice(("flops", "n_params", "tokens")))
    rng.shuffle(fields)
    header = [rng.choice(_NAMES[field]) for field in fields]
    kind = rng.choice(("csv", "tsv", "json", "jsonl"))
    spell = rng.choice((_plain, _plain, _suffixed, _grouped) if kind in ("csv", "tsv") else (_plain,))
    rows = [[spell(field, getattr(run, field)) for field in fields] for run in runs]
    # A row that repeats another counts once.
    rows += [list(row) for row in rng.sample(rows, rng.choice((0, 0, 1)))]
    if kind in ("csv", "tsv"):
        text = io.StringIO()
        delimiter = "\t" if kind == "tsv" else rng.choice(",,;")
        writer = csv.writer(text, delimiter=delimiter, lineterminator=rng.choice(("\n", "\r\n")))
        writer.writerow(header)
        writer.writerows(rows)
        content = rng.choice(("", "", "\ufeff")) + text.getvalue() + rng.choice(("", "\n"))
    else:
        records = [dict(zip(header, row, strict=True)) for row in rows]
        content = json.dumps(records) if kind == "json" else "\n".join(map(json.dumps, records))
    data = content.encode()
    return (
        (f"runs.{kind}.gz", gzip.compress(data), len(rows)) if rng.random() < 0.2 else (f"runs.{kind}", data, len(rows))
    )


def _plain(_: str, value: float) -> object:
    return value


def _suffixed(field: str, value: float) -> object:
    if field not in ("n_params", "tokens"):
        return value
    suffix = max((each for each in _SUFFIXES if _SUFFIXES[each] <= value), key=_SUFFIXES.__getitem__)
    return f"{value / _SUFFIXES[suffix]:.7f}{suffix}"


def _grouped(field: str, value: float) -> object:
    return f"{value:,.0f}" if field in ("n_params", "tokens") else value


_SPELLINGS: tuple[Callable[[str, float], object], ...] = (_plain, _suffixed, _grouped)
