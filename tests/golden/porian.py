"""The fifteen configurations of Porian et al. 2024, and their published tables."""

import csv
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CHINCHILLA_FLOPS = 5.88e23
_KEY = ("dataset", "hparams", "warmup", "decay", "counting", "split")

_STAGES = {
    "kaplan": ("base", "long", "kaplan", "kaplan", "train"),
    "last-layer": ("base", "long", "kaplan", "standard", "val"),
    "warmup": ("base", "short", "kaplan", "standard", "val"),
    "cosine": ("base", "short", "chinchilla", "standard", "val"),
    "tuned": ("tuned", "short", "const", "standard", "val"),
    "attention-last-layer": ("base", "long", "kaplan", "attention", "train"),
    "attention-warmup": ("base", "short", "kaplan", "attention", "train"),
    "attention-cosine": ("base", "short", "chinchilla", "attention", "train"),
    "attention-tuned": ("tuned", "short", "const", "attention", "train"),
    "kaplan-adjusted": ("tuned", "long", "const", "kaplan", "train"),
}


@dataclass(frozen=True)
class Published:
    """One row of the paper's results: exponent and its interval, N at Chinchilla's budget and its interval, rho."""

    exponent: float
    low: float
    high: float
    n_chinchilla: float
    n_low: float
    n_high: float
    rho: tuple[float, float]


# Porian et al. 2024, table 2 and appendix, as their released fits print them (digits as published).
PUBLISHED = {
    "refinedweb-kaplan": Published(0.835, 0.82, 0.85, 3030e9, 2540e9, 3560e9, (8, 1536)),
    "refinedweb-last-layer": Published(0.706, 0.69, 0.72, 787e9, 630e9, 916e9, (9, 232)),
    "refinedweb-warmup": Published(0.602, 0.59, 0.62, 292e9, 249e9, 355e9, (7, 50)),
    "refinedweb-cosine": Published(0.571, 0.56, 0.59, 183e9, 152e9, 240e9, (10, 39)),
    "refinedweb-tuned": Published(0.497, 0.49, 0.50, 76.9e9, 70.0e9, 86.4e9, (14, 16)),
    "refinedweb-attention-last-layer": Published(0.717, 0.70, 0.73, 954e9, 781e9, 1100e9, (7, 243)),
    "refinedweb-attention-warmup": Published(0.622, 0.61, 0.63, 413e9, 331e9, 477e9, (6, 46)),
    "refinedweb-attention-cosine": Published(0.577, 0.56, 0.59, 228e9, 180e9, 288e9, (7, 31)),
    "refinedweb-attention-tuned": Published(0.505, 0.50, 0.51, 94.5e9, 84.2e9, 105e9, (11, 13)),
    "refinedweb-kaplan-adjusted": Published(0.711, 0.70, 0.72, 730e9, 645e9, 839e9, (12, 337)),
    "openwebtext2-kaplan": Published(0.864, 0.82, 0.90, 4310e9, 2170e9, 7330e9, (5, 2617)),
    "openwebtext2-last-layer": Published(0.699, 0.66, 0.72, 695e9, 412e9, 1020e9, (8, 262)),
    "openwebtext2-warmup": Published(0.603, 0.57, 0.63, 287e9, 171e9, 435e9, (7, 55)),
    "openwebtext2-cosine": Published(0.574, 0.54, 0.61, 195e9, 116e9, 326e9, (7, 42)),
    "openwebtext2-tuned": Published(0.518, 0.49, 0.54, 98.8e9, 68.8e9, 141e9, (11, 22)),
}
CONFIGURATIONS = tuple(PUBLISHED)
PLANNING = ("refinedweb-tuned", "openwebtext2-tuned")
"""Configurations that plans follow, by a joint fit."""


def fit_id(configuration: str) -> str:
    """Return the stored fit that reproduces a configuration: under the plain id of a tuned one is the joint fit."""
    return f"porian2024/{configuration}" + ("-akima" if configuration in PLANNING else "")


def is_refinedweb(configuration: str) -> bool:
    return configuration.startswith("refinedweb")


def rows_of(reference: Path, table: str, configuration: str) -> list[dict[str, str]]:
    """Return the rows of a published table that belong to one configuration."""
    dataset, stage = configuration.split("-", 1)
    wanted = (dataset, *_STAGES[stage])
    return [row for row in _read(reference / "porian2024" / table) if tuple(row[k] for k in _KEY) == wanted]


@cache
def _read(path: Path) -> tuple[dict[str, str], ...]:
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


def doubling(flops: str | float) -> int:
    """Return which of the budgets 1.25e16 · 2^k this is: both tables round them."""
    return round(math.log2(float(flops) / 1.25e16))
