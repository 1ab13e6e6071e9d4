"""Questions about a user's own runs: read them, fit laws to them, score laws on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from budgetscope.core.answers.fit_difference import Difference, differ
from budgetscope.core.budget.quantities import quote, whole
from budgetscope.core.counting.shapes import PORIAN_SEQ_LEN, PORIAN_VOCAB_SIZE, ShapeFamily, shape_family
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.guard import sound
from budgetscope.core.laws.hyperparameters import predict
from budgetscope.core.laws.operating_point import OperatingPoint
from budgetscope.store.fit_library import Library
from budgetscope.store.fit_schema import MAX_COUNT, check_id

if TYPE_CHECKING:
    from budgetscope.core.laws.training_run import Run
    from budgetscope.fitting.fit_runs import Kind
    from budgetscope.fitting.score import CellScore, ScoreSummary
    from budgetscope.store.tables import Intake


# What a stored fit may hold.
_MAX_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Reading:
    """A table of runs and what its columns mean; see `store.runs.read_runs`."""

    path: Path
    join: Path | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    mapping: Mapping[str, str] = field(default_factory=dict)
    counting: str | None = None
    loss_unit: str | None = None
    seq_len: int | None = None
    bytes_per_token: float | None = None
    curves: str = "final"


@dataclass(frozen=True, slots=True)
class FitChoices:
    """How to fit runs, and under which id to store the fit; see `fitting.assemble.Assembly`."""

    name: str | None = None
    title: str | None = None
    kind: str | None = None
    noise: str | None = None
    schedule: str | None = None
    vocab_size: int | None = None
    tokenizer: str | None = None
    draws: int = 1000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fit of somebody's runs.

    Attributes:
        intake: what was read, merged and dropped.
        fit: the laws.
        path: where the fit was stored; None when it was not.
        difference: from the active law; None when the fit says nothing of N and D.
    """

    intake: "Intake"
    fit: Fit
    path: Path | None
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class Scored:
    """A law's learning rate and batch against measured grids."""

    intake: "Intake"
    fit: Fit
    cells: "tuple[CellScore, ...]"
    summary: "ScoreSummary | None"


def read(reading: Reading) -> "Intake":
    """See `Advisor.read`."""
    from budgetscope.store.tables import read_runs  # noqa: PLC0415 - not every question is of runs

    options = {f.name: getattr(reading, f.name) for f in fields(reading) if f.name != "path"}
    return read_runs(reading.path, **options)


def fit(reading: Reading, choices: FitChoices, library: Library, active: Fit | None) -> Fitted:
    """See `Advisor.fit`; `active` is the fit to compare with, if there is one."""
    from budgetscope.fitting.fit_runs import KINDS, Assembly, fit_runs  # noqa: PLC0415 - NumPy

    kind = next((known for known in KINDS if known == choices.kind), None)
    if choices.kind is not None and kind is None:
        raise UsageError(f"{choices.kind!r} is not a kind of fit; choose one of {', '.join(KINDS)}.")
    if choices.name is not None:
        check_id(choices.name)
    _check_text("--title", choices.title)
    _check_text("--tokenizer", choices.tokenizer)
    intake = read(reading)
    intake, runs, points = _points(intake, reading, choices.schedule, kind)
    fit_id = choices.name or "unsaved/fit"
    assembly = Assembly(
        id=fit_id,
        title=choices.title or fit_id,
        counting=intake.counting,
        source=f"runs of {_printable(reading.path.name)}",
        kind=kind,
        noise=choices.noise,
        schedule=choices.schedule,
        tokenizer=choices.tokenizer,
        vocab_size=choices.vocab_size,
        seq_len=reading.seq_len,
        draws=choices.draws,
        seed=choices.seed,
        **points,
    )
    try:
        found = fit_runs(runs, assembly)
    except UsageError as error:
        raise UsageError(f"{error}{_more_points(intake, reading, choices.schedule)}") from None
    difference = None
    if active is not None and found.allocation is not None:
        difference = differ(active, found, family_of(active))
    path = library.save(found) if choices.name is not None else None
    return Fitted(intake, found, path, difference)


def _check_text(option: str, text: str | None) -> None:
    if text is not None and not (text.isprintable() and len(text) <= _MAX_TEXT):
        raise UsageError(
            f"{option} {quote(text)} is not a text of at most {_MAX_TEXT} printable characters; write it without "
            "control characters and line breaks."
        )


def _printable(name: str) -> str:
    """Return a file's name, control characters escaped."""
    return name if name.isprintable() else quote(name)[1:-1]


class _Points(TypedDict):
    """What an `Assembly` is told of learning curves."""

    curves: int
    budgets_read: int


def _points(
    intake: "Intake", reading: Reading, schedule: str | None, kind: "Kind | None"
) -> "tuple[Intake, Sequence[Run], _Points]":
    """Return the runs to fit, read off their learning curves where IsoFLOP curves are made of all points.

    Raises:
        UsageError: the points are not final losses, or no budget is within the curves of enough sizes.
    """
    from budgetscope.fitting.fit_runs import suitable_kind  # noqa: PLC0415 - NumPy
    from budgetscope.fitting.refusals import MIN_SIZES  # noqa: PLC0415
    from budgetscope.store.tables import at_budgets, ladder  # noqa: PLC0415

    if reading.curves != "all" or not intake.curves:
        return intake, intake.runs, _Points(curves=0, budgets_read=0)
    if intake.decaying:
        raise UsageError(
            f"the learning rate of {intake.decaying} runs decays, so that their points before the end are no final "
            "losses; leave --curves all out, so that only the last point of each run is used."
        )
    points = _Points(curves=intake.curves, budgets_read=0)
    is_asked = kind in ("isoflop", "parabola")
    if not is_asked and (kind is not None or schedule != "constant" or suitable_kind(intake.runs) == "hyperparameters"):
        return intake, intake.runs, points
    budgets = ladder(intake.runs, MIN_SIZES)
    runs = at_budgets(intake.runs, budgets)
    if not is_asked and suitable_kind(runs) != "isoflop":
        return intake, intake.runs, points
    if not runs:
        raise UsageError(
            f"no budget is within the learning curves of {MIN_SIZES} sizes; train more sizes to the same FLOPs."
        )
    read_off = (
        f"Each learning curve is read at those of {len(budgets)} budgets a factor of two apart, from {budgets[0]:.3g} "
        f"to {budgets[-1]:.3g} FLOPs, that it passes."
    )
    told = replace(intake, assumptions=(*intake.assumptions, read_off))
    return told, runs, _Points(curves=intake.curves, budgets_read=len(budgets))


def _more_points(intake: "Intake", reading: Reading, schedule: str | None) -> str:
    """Return the remedy of runs that cannot carry a law while all but their last points are left out."""
    if reading.curves != "final" or not intake.curves or intake.decaying or schedule not in (None, "constant"):
        return ""
    return (
        f" Only the last point of each of {intake.curves} learning curves was used: if their learning rate was "
        "constant, --curves all --schedule constant uses the others, too."
    )


def score(reading: Reading, fit: Fit, vocab_size: int | None) -> Scored:
    """See `Advisor.score`."""
    from budgetscope.fitting.fit_runs import sweep_table  # noqa: PLC0415 - NumPy
    from budgetscope.fitting.score import score, summarize  # noqa: PLC0415
    from budgetscope.fitting.sweep import sweep_cells  # noqa: PLC0415

    intake = read(reading)
    family = shape_family(
        "dense",
        vocab_size=whole("--vocab", vocab_size, fit.vocab_size or PORIAN_VOCAB_SIZE, 2, MAX_COUNT),
        seq_len=reading.seq_len or fit.seq_len or PORIAN_SEQ_LEN,
    )

    def recommended(n_params: float, tokens: float) -> tuple[float, float]:
        position = family.position(n_params, intake.counting)
        flops = tokens * family.flops_per_token(position, intake.counting)
        point = OperatingPoint(flops, intake.counting, position, n_params, tokens)
        rate, batch = (
            sound(fit.id, predict, fit, role, point, family, None) for role in ("learning_rate", "batch_size")
        )
        if rate is None or batch is None or rate.value is None or batch.value is None:
            raise UsageError(f"{fit.id} does not say both learning rate and batch here; choose another fit.")
        return rate.value, batch.value

    cells = score(sweep_cells(sweep_table(intake.runs)), recommended)
    return Scored(intake, fit, cells, summarize(cells))


def family_of(fit: Fit) -> ShapeFamily:
    """Return the shapes with a fit's own vocabulary and context."""
    return shape_family("dense", vocab_size=fit.vocab_size or PORIAN_VOCAB_SIZE, seq_len=fit.seq_len or PORIAN_SEQ_LEN)
