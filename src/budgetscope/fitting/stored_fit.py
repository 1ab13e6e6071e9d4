"""Builds stored fits: the one place that gathers laws, flags, points and the reasons for what was dropped."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.fit import MAX_STORED_CHARS, Draws, Fit, Law, Points
from budgetscope.fitting.excess import fit_excess
from budgetscope.fitting.stored_laws import excess_law, hyperparameter_laws, isoflop_laws, isoflop_points

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from budgetscope.core.counting.ledger import Convention
    from budgetscope.fitting.hyperparameters import HyperparameterFit
    from budgetscope.fitting.isoflop import IsoFlopFit
    from budgetscope.fitting.run_table import RunTable

_SUBJECTS = {
    "allocation": "N and D",
    "excess": "the loss above the optimum",
    "recipe": "learning rate and batch",
}
"""What a refusal calls a law; the name of its role elsewhere."""


@dataclass(frozen=True)
class FitPart:
    """The laws of one engine, as a fit stores them.

    Attributes:
        laws: by role.
        flags: doubts about them, one sentence each.
        points: the measured optima; None where the engine has none.
        dropped: entries of the provenance: why a budget or a cell was left out.
    """

    laws: Mapping[str, Law]
    flags: tuple[str, ...] = ()
    points: Points | None = None
    dropped: Mapping[str, str] = field(default_factory=dict)


def isoflop_part(found: IsoFlopFit, table: RunTable, *, note: str = "", draws: int = 1000, seed: int = 0) -> FitPart:
    """Return the laws of an IsoFLOP fit, with that of the loss above the optimum where the runs carry it.

    Args:
        found: of the runs.
        table: the runs.
        note: what a user of the allocation law must know, one sentence.
        draws: bootstrap draws of the loss above the optimum.
        seed: of these draws.
    """
    laws, flags = isoflop_laws(found, note), [flag.sentence for flag in found.flags]
    try:
        excess = fit_excess(table, found.optima, draws=draws, seed=seed)
    except UsageError as error:
        flags.append(no_law("excess", str(error)))
    else:
        laws["excess"] = excess_law(excess, laws["allocation"].fitted["flops"])
    dropped = {f"dropped_{budget.flops:.3g}": budget.reason for budget in found.dropped}
    return FitPart(laws, tuple(flags), isoflop_points(found), dropped)


def hyperparameter_part(found: HyperparameterFit, *, note: str = "") -> FitPart:
    """Return the laws of a sweep of hyperparameters; `note` as for `hyperparameter_laws`."""
    dropped = {f"dropped_cell_{number}": cell.reason for number, cell in enumerate(found.dropped, 1)}
    return FitPart(hyperparameter_laws(found, note), tuple(flag.sentence for flag in found.flags), dropped=dropped)


def no_law(role: str, reason: str) -> str:
    """Return the flag of a law that a fit lacks.

    Args:
        role: of the law, or `recipe` for learning rate and batch together.
        reason: one sentence.
    """
    return f"No law of {_SUBJECTS.get(role, role.replace('_', ' '))}: {reason}"


def joined(parts: Iterable[FitPart]) -> FitPart:
    """Join parts into one, in their order; its points are those of the first part that has some."""
    parts = tuple(parts)
    return FitPart(
        laws={role: law for part in parts for role, law in part.laws.items()},
        flags=tuple(flag for part in parts for flag in part.flags),
        points=next((part.points for part in parts if part.points is not None), None),
        dropped={key: reason for part in parts for key, reason in part.dropped.items()},
    )


def determined(part: FitPart) -> FitPart:
    """Leave out laws with a draw that is not finite, and flag each of them."""
    laws, flags = {}, list(part.flags)
    for role, law in part.laws.items():
        rows = law.uncertainty.rows if isinstance(law.uncertainty, Draws) else ()
        lost = sum(not all(map(math.isfinite, row)) for row in rows)
        if lost:
            flags.append(no_law(role, f"{lost} of {len(rows)} noisy draws do not determine it."))
        else:
            laws[role] = law
    return replace(part, laws=laws, flags=tuple(flags))


def stored_fit(
    part: FitPart,
    *,
    fit_id: str,
    title: str,
    counting: Convention,
    citation: str,
    method: str,
    provenance: Mapping[str, str],
    url: str = "",
    tokenizer: str | None = None,
    vocab_size: int | None = None,
    seq_len: int | None = None,
    schedule: str | None = None,
    ablation: bool = False,
) -> Fit:
    """Build a fit of runs whose losses are in nats per token.

    Flags and provenance become texts that a stored fit may hold, each flag once. The other arguments are those of
    `Fit`.
    """
    return Fit(
        id=fit_id,
        title=title,
        counting=counting,
        laws=part.laws,
        citation=citation,
        url=url,
        method=method,
        vocab_size=vocab_size,
        tokenizer=tokenizer,
        loss_unit="nats/token",
        seq_len=seq_len,
        schedule=schedule,
        ablation=ablation,
        flags=tuple(dict.fromkeys(map(_storable, part.flags))),
        points=part.points,
        provenance={key: _storable(text) for key, text in provenance.items()},
    )


def _storable(text: str) -> str:
    """Return a text without control characters, cut to the length that a stored fit may hold."""
    return "".join(c if c.isprintable() else " " for c in text)[:MAX_STORED_CHARS]
