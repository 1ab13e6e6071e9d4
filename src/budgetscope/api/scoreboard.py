"""The use case of the scoreboard: what recipes would have cost on the public grids of a folder."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.scoreboard import Scoreboard
from budgetscope.core.printable import printable
from budgetscope.store.locations import reference_folder
from budgetscope.store.scoreboard import bundled_scoreboard, dump

if TYPE_CHECKING:
    from budgetscope.fitting.scoreboard import RecipeGrid

__all__ = ["SOURCES", "Source", "bundled_scoreboard", "dump", "score_all"]


@dataclass(frozen=True, slots=True)
class Source:
    """A public table of runs that vary learning rate and batch, or of their optima.

    Attributes:
        id: short name.
        title: what people call it.
        citation: whose it is.
        schedule: of the learning rate, in words.
        file: in the folder of published points.
        mapping: the column of each field that is not found by its name.
        counting: of N.
        seq_len: training context in tokens.
        own_laws: ids of the fits that were fitted on it.
        only_optima: whether it has the optima only.
    """

    id: str
    title: str
    citation: str
    schedule: str
    file: str
    mapping: Mapping[str, str]
    counting: Convention
    seq_len: int
    own_laws: frozenset[str]
    only_optima: bool = False


SOURCES = (
    Source(
        id="steplaw",
        title="Step Law, dense models",
        citation="Li et al. 2025, arXiv 2503.04715; runs of step-law/steplaw, snapshot of 2025-10-28, smoothed losses",
        schedule="cosine to a fixed final rate of 1e-5",
        file="steplaw/dense_lr_bs_loss.csv",
        mapping={"n_params": "N", "tokens": "D", "learning_rate": "lr", "loss": "smooth_loss"},
        counting=Convention.KAPLAN,
        seq_len=2048,
        own_laws=frozenset({"steplaw2025/dense"}),
    ),
    Source(
        id="openeurollm",
        title="OpenEuroLLM, dense English models",
        citation="Ajroldi et al. 2026, arXiv 2608.28308; smoothed optima of OpenEuroLLM/dense_english_scaling_laws",
        schedule="warmup-stable-decay, after annealing",
        file="openeurollm/optima.csv",
        mapping={"n_params": "N", "tokens": "D", "flops": "C"},
        # Blocks and one tied embedding.
        counting=Convention.STANDARD,
        seq_len=4096,
        own_laws=frozenset({"openeurollm2026/dense"}),
        only_optima=True,
    ),
)


def score_all(fits: Iterable[Fit], folder: str | None = None) -> Scoreboard:
    """Score recipes on every public grid of a folder.

    Args:
        fits: those that give no batch from N and D are left out, as are steps of an argument.
        folder: of published points; that of BUDGETSCOPE_REFERENCE when None.

    Raises:
        UsageError: no folder is named, or it holds none of the grids.
        FailureError: a file cannot be read.
    """
    from budgetscope.fitting.scoreboard import distances, score_laws  # noqa: PLC0415 - NumPy

    reference = reference_folder(folder)
    if reference is None:
        raise UsageError(
            f"no folder of public grids is named; give one that holds {' or '.join(s.file for s in SOURCES)} with "
            "--reference or in BUDGETSCOPE_REFERENCE."
        )
    found = [(source, _grid(source, reference)) for source in SOURCES if (reference / source.file).is_file()]
    if not found:
        files = " nor ".join(source.file for source in SOURCES)
        raise UsageError(
            f"the folder {printable(str(reference))} holds neither {files}; name another with --reference."
        )
    laws = [fit for fit in fits if not fit.ablation]
    return Scoreboard(
        tuple(score_laws(grid, laws) for source, grid in found if not source.only_optima),
        tuple(distances(grid, laws) for source, grid in found if source.only_optima),
    )


def _grid(source: Source, reference: Path) -> "RecipeGrid":
    """Read one grid."""
    from budgetscope.fitting.fit_runs import sweep_table  # noqa: PLC0415 - NumPy
    from budgetscope.fitting.scoreboard import RecipeGrid  # noqa: PLC0415
    from budgetscope.fitting.sweep import sweep_cells  # noqa: PLC0415
    from budgetscope.store.tables.read import read_runs  # noqa: PLC0415 - only for runs tables

    intake = read_runs(
        reference / source.file, mapping=source.mapping, counting=source.counting, seq_len=source.seq_len
    )
    return RecipeGrid(
        source.id,
        source.title,
        source.citation,
        source.schedule,
        source.counting,
        source.seq_len,
        source.own_laws,
        sweep_cells(sweep_table(intake.runs)),
    )
