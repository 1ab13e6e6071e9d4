"""Fit the published points of Porian et al. 2024 and Besiroglu et al. 2024 and write the bundled fits.

Run by `just fits` with BUDGETSCOPE_REFERENCE naming the folder of published points. On one machine the same points
give the same files to the last digit. Another processor changes some numbers by a few millionths.
"""

import csv
import hashlib
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.laws.fit import Fit, Law
from budgetscope.fitting.isoflop import fit_isoflop
from budgetscope.fitting.joint_part import joint_part
from budgetscope.fitting.loss_forecast import MASSIVETEXT_BYTES_PER_TOKEN
from budgetscope.fitting.noise import porian_noise
from budgetscope.fitting.parametric import fit_parametric
from budgetscope.fitting.run_table import RunTable
from budgetscope.fitting.stored_fit import FitPart, isoflop_part, joined, stored_fit
from budgetscope.fitting.stored_laws import surface_law
from budgetscope.store.files import write_atomically
from budgetscope.store.fit_schema import dump

FITS = Path(__file__).resolve().parents[1] / "fits"
DRAWS = 1000

BYTES_PER_TOKEN = MASSIVETEXT_BYTES_PER_TOKEN
"""Another tokenizer of English web text: the prior of the floor is far wider than the difference."""

_PORIAN = "Porian et al. 2024, Resolving Discrepancies in Compute-Optimal Scaling of Language Models, arXiv 2406.19146"
_DATASETS = {"refinedweb": "RefinedWeb", "openwebtext2": "OpenWebText2"}


@dataclass(frozen=True)
class Stage:
    """One configuration of the paper.

    `surface_ratios` is the window of D/N that the loss surface is fitted in: the widest of 1-400, 2-200, 4-80
    and 5-60 in which the form describes the points with an rms residual of log loss under 0.0125.
    """

    name: str
    title: str
    hparams: str
    warmup: str
    decay: str
    counting: str
    split: str
    schedule: str
    surface_ratios: tuple[float, float] | None = None
    ablation: bool = True


STAGES = (
    Stage("kaplan", "reproducing Kaplan", "base", "long", "kaplan", "kaplan", "train", "constant"),
    Stage("last-layer", "counting the last layer", "base", "long", "kaplan", "standard", "val", "constant"),
    Stage("warmup", "short warmup", "base", "short", "kaplan", "standard", "val", "constant"),
    Stage("cosine", "cosine decay", "base", "short", "chinchilla", "standard", "val", "cosine", (2, 200)),
    Stage("tuned", "tuned", "tuned", "short", "const", "standard", "val", "constant", (4, 80), ablation=False),
    Stage("attention-last-layer", "attention, last layer", "base", "long", "kaplan", "attention", "train", "constant"),
    Stage("attention-warmup", "attention, short warmup", "base", "short", "kaplan", "attention", "train", "constant"),
    Stage("attention-cosine", "attention, cosine", "base", "short", "chinchilla", "attention", "train", "cosine"),
    Stage("attention-tuned", "attention, tuned", "tuned", "short", "const", "attention", "train", "constant"),
    Stage("kaplan-adjusted", "Kaplan adjusted", "tuned", "long", "const", "kaplan", "train", "constant"),
)


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def porian(rows: list[dict[str, str]], dataset: str, stage: Stage, source_sha256: str) -> list[Fit]:
    """Return the fits of one configuration: none where the paper has no runs, two where it is a recommendation.

    Every configuration is fitted as the paper does it. Plans follow the tuned ones, whose place beyond the data the
    paper's intervals miss: there the joint fit takes the plain id, and the paper's own fit is a step of the argument.
    """
    key = (dataset, stage.hparams, stage.warmup, stage.decay, stage.counting, stage.split)
    chosen = [
        row
        for row in rows
        if tuple(row[k] for k in ("dataset", "hparams", "warmup", "decay", "counting", "split")) == key
    ]
    if not chosen:
        return []
    flops, n_params, tokens, loss = (
        np.array([float(r[k]) for r in chosen]) for k in ("flops", "params", "tokens", "loss")
    )
    table = RunTable(flops, n_params, tokens, loss)
    facts = {"points_sha256": source_sha256, "rows": str(len(chosen)), "seed": "0"}
    isoflop = fit_isoflop(table, noise=porian_noise(dataset), draws=DRAWS)
    parts = [isoflop_part(isoflop, table, draws=DRAWS)]
    if stage.surface_ratios is not None:
        parts.append(FitPart({"surface": _surface(table, stage)}))
    method = (
        f"This project's IsoFLOP fit to the published points: Akima interpolation of log loss over log N, {DRAWS} "
        f"draws of seed noise, {len(isoflop.optima)} budgets used, {len(isoflop.dropped)} dropped."
    )
    published = _stored(joined(parts), dataset, stage, method, {**facts, "noise": isoflop.noise})
    if stage.ablation:
        return [published]
    joint = joint_part(table, bytes_per_token=BYTES_PER_TOKEN, draws=DRAWS)
    # Points, and what another size costs, stay those of the paper's way: they are of the measured budgets.
    part = joined([parts[0], *parts[1:], replace(joint.part, points=None)])
    laws = dict(part.laws) | {"excess": parts[0].laws["excess"]}
    flags = tuple(flag for other in (*parts[1:], joint.part) for flag in other.flags)
    method = f"{joint.method} Points and excess loss by Akima interpolation of each budget."
    planning = _stored(replace(part, laws=laws, flags=flags), dataset, stage, method, facts)
    akima = replace(published, id=f"{published.id}-akima", title=f"{published.title}, as published", ablation=True)
    return [planning, akima]


def _stored(part: FitPart, dataset: str, stage: Stage, method: str, facts: dict[str, str]) -> Fit:
    return stored_fit(
        part,
        fit_id=f"porian2024/{dataset}-{stage.name}",
        title=f"Porian 2024, {_DATASETS[dataset]}, {stage.title}",
        counting=Convention(stage.counting),
        citation=f"{_PORIAN}; points from their released results",
        url="https://github.com/formll/resolving-scaling-law-discrepancies",
        method=method,
        provenance={**facts, **part.dropped},
        tokenizer="GPT-NeoX-20B",
        vocab_size=50432,
        seq_len=2048,
        schedule=stage.schedule,
        ablation=stage.ablation,
    )


def _surface(table: RunTable, stage: Stage) -> Law:
    if stage.surface_ratios is None:
        raise ValueError(stage.name)
    low, high = stage.surface_ratios
    ratio = table.tokens / table.n_params
    near = (ratio > low) & (ratio < high)
    window = RunTable(table.flops[near], table.n_params[near], table.tokens[near], table.loss[near])
    # At constant learning rate one run is read at many budgets, so its rows are not independent.
    resample: Literal["runs", "points"] = "runs" if stage.decay == "const" else "points"
    surface = fit_parametric(window, resample=resample, draws=DRAWS)
    return surface_law(
        surface,
        window,
        f"Fitted to the {len(window.flops)} points with D/N from {low:g} to {high:g}, rms residual of log loss "
        f"{surface.log_residual_std:.4f}, draws over {resample}; the form does not describe points further off.",
    )


def besiroglu(rows: list[dict[str, str]], source_sha256: str) -> Fit:
    """Return the refit of Hoffmann's figure 4 without its five highest losses."""
    rows = sorted(rows, key=lambda row: float(row["loss"]))[:-5]
    n_params, flops, loss = (np.array([float(r[k]) for r in rows]) for k in ("params", "flops", "loss"))
    table = RunTable(flops, n_params, flops / (6 * n_params), loss)
    surface = fit_parametric(table, resample="points", draws=DRAWS)
    return stored_fit(
        FitPart({"surface": surface_law(surface, table)}, tuple(flag.sentence for flag in surface.flags)),
        fit_id="besiroglu2024/refit",
        title="Chinchilla refit (Besiroglu 2024)",
        counting=Convention.TOTAL,
        citation="Besiroglu et al. 2024, Chinchilla Scaling: A Replication Attempt, arXiv 2404.10102",
        url="https://github.com/epoch-research/analyzing-chinchilla",
        method=(
            f"This project's Huber fit (delta 1e-3, log loss) to the {len(rows)} points that the authors read off "
            f"figure 4 of Hoffmann et al. 2022, the five highest losses dropped as they do; {DRAWS} bootstrap draws."
        ),
        provenance={"points_sha256": source_sha256, "rows": str(len(rows)), "seed": "0"},
        tokenizer="SentencePiece (MassiveText)",
        seq_len=2048,
        schedule="cosine",
    )


def main() -> int:
    """Write every fit that is derived from published points."""
    named = os.environ.get("BUDGETSCOPE_REFERENCE")
    if not named:
        print("set BUDGETSCOPE_REFERENCE to the folder of published points", file=sys.stderr)
        return 2
    isoflop_csv = Path(named) / "porian2024" / "isoflop.csv"
    figure4_csv = Path(named) / "hoffmann2022" / "figure4_points.csv"
    rows = read(isoflop_csv)
    digest = hashlib.sha256(isoflop_csv.read_bytes()).hexdigest()
    fits = [fit for dataset in _DATASETS for stage in STAGES for fit in porian(rows, dataset, stage, digest)]
    fits.append(besiroglu(read(figure4_csv), hashlib.sha256(figure4_csv.read_bytes()).hexdigest()))
    for fit in fits:
        write_atomically(FITS / f"{fit.id}.json", dump(fit))
        print(fit.id)
    return 0


if __name__ == "__main__":
    sys.exit(main())
