"""The use cases of a user's own runs: preview and read a runs table, fit laws to it, score a law on it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from budgetscope.api.fields import BY_NAME
from budgetscope.api.fits import FitLibrary, check_text, family_of
from budgetscope.api.lookup import Lookup
from budgetscope.core.answers.fit_difference import Difference, differ
from budgetscope.core.counting.ledger import Convention, parse_convention
from budgetscope.core.counting.shapes import PORIAN_SEQ_LEN, PORIAN_VOCAB_SIZE, shape_family
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.laws.fit import Fit
from budgetscope.core.printable import printable
from budgetscope.core.progress import reporting
from budgetscope.fitting.kinds import KINDS, SCHEDULES, VARIABLES
from budgetscope.store.fit_library import check_own_id
from budgetscope.store.locations import expanded
from budgetscope.store.tables.intake import Intake, Preview

if TYPE_CHECKING:
    from budgetscope.core.laws.training_run import TrainingRun
    from budgetscope.fitting.kinds import Kind
    from budgetscope.fitting.score import CellScore, ScoreSummary
    from budgetscope.store.tables.formats import RawTable

__all__ = [
    "FitChoices", "Fitted", "Intake", "Preview", "RunsSource", "Scored", "fit", "option_values", "preview", "read",
    "reporting", "run_fields", "score", "typed_path",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunsSource:
    """A runs table, in a file or in memory, with the arguments of `store.tables.read.read_runs`."""

    path: "Path | RawTable"
    join: "Path | RawTable | None" = None
    where: Mapping[str, str] = field(default_factory=dict)
    mapping: Mapping[str, str] = field(default_factory=dict)
    counting: str | None = None
    loss_unit: str | None = None
    seq_len: int | None = None
    bytes_per_token: float | None = None
    curves: str = "final"
    repeats: bool = False
    best: bool = False


@dataclass(frozen=True, slots=True)
class FitChoices:
    """The options of a fit to runs, as in `fitting.fit_runs.FitSpec`.

    Attributes:
        name: the id under which the fit is stored; None stores nothing.
    """

    name: str | None = None
    title: str | None = None
    kind: str | None = None
    variables: str | None = None
    noise: str | None = None
    schedule: str | None = None
    vocab_size: int | None = None
    tokenizer: str | None = None
    draws: int = 1000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fit of a user's runs.

    Attributes:
        intake: the runs, and how each row of the table was used.
        path: of the stored fit; None when not stored.
        difference: from the active law; None when the fit has no law for N and D, or there is no active law.
    """

    intake: Intake
    fit: Fit
    path: Path | None
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class Scored:
    """The score of a fit's learning rate and batch on measured grids.

    Attributes:
        intake: the runs, and how each row of the table was used.
        fit: with the laws.
        cells: one score for each (N, D).
        summary: of the cells that have a score; None when none has.
        diverged: how many settings were left out because they diverged, one sentence; empty when none was.
    """

    intake: Intake
    fit: Fit
    cells: "tuple[CellScore, ...]"
    summary: "ScoreSummary | None"
    diverged: str


def run_fields() -> tuple[str, ...]:
    """Return the fields of a run that a column of a table can have."""
    from budgetscope.store.tables.columns import FIELDS  # noqa: PLC0415 - only for runs tables

    return FIELDS


def option_values() -> dict[str, tuple[str, ...]]:
    """Return the allowed values of the options with a fixed choice that the form of a fit has, by name."""
    from budgetscope.store.tables.columns import LOSS_UNITS  # noqa: PLC0415 - only for runs tables
    from budgetscope.store.tables.curves import CURVES  # noqa: PLC0415

    return {
        "counting": tuple(Convention),
        "loss_unit": LOSS_UNITS,
        "kind": KINDS,
        "curves": CURVES,
        "schedule": SCHEDULES,
    }


def typed_path(text: str) -> Path:
    """Return the path of a typed text, with `~` expanded."""
    return expanded(text)


def preview(source: RunsSource) -> Preview:
    """Return the columns of a runs table with the field of each; the runs are not read.

    Raises:
        UsageError: the file is not a table, or the counting convention is unknown.
        FailureError: the file cannot be read, or needs an extra that is not installed.
    """
    from budgetscope.store.tables.preview import preview  # noqa: PLC0415 - only for runs tables

    counting = None if source.counting is None else parse_convention(source.counting)
    return preview(source.path, source.mapping, counting)


def read(source: RunsSource) -> Intake:
    """Return the runs of a table, and how each of its rows was used.

    Raises:
        UsageError: an option is missing, rows contradict each other, or no run is left.
        FailureError: a file cannot be read, or needs an extra that is not installed.
    """
    from budgetscope.store.tables.read import read_runs  # noqa: PLC0415 - only for runs tables

    BY_NAME["seq_len"].check(source.seq_len)
    options = {f.name: getattr(source, f.name) for f in fields(source) if f.name != "path"}
    return read_runs(source.path, **options)


def fit(lookup: Lookup, source: RunsSource, choices: FitChoices) -> Fitted:
    """Fit laws to a runs table, and store the fit if it has a name.

    Args:
        lookup: with the fit library and the active law.
        source: the runs.
        choices: how to fit them.

    Raises:
        UsageError: the runs cannot be read or do not determine the law, or a bundled fit has the name.
        FailureError: a file cannot be read or written.
    """
    from budgetscope.fitting.fit_runs import FitSpec, fit_runs  # noqa: PLC0415 - NumPy
    from budgetscope.store.tables.consistency import DisagreementError  # noqa: PLC0415 - only for runs tables

    kind = next((known for known in KINDS if known == choices.kind), None)
    if choices.kind is not None and kind is None:
        raise UsageError(f"{choices.kind!r} is not a kind of fit; choose one of {', '.join(KINDS)}.")
    variables = next((known for known in VARIABLES if known == choices.variables), None)
    if choices.variables is not None and variables is None:
        raise UsageError(f"the variables of a recipe are N or ND, not {choices.variables!r}; choose one of these.")
    if choices.name is not None:
        check_own_id(choices.name)
    BY_NAME["vocab"].check(choices.vocab_size)
    check_text("--title", choices.title)
    check_text("--tokenizer", choices.tokenizer)
    active = None
    # A missing default law must not prevent a new fit.
    with suppress(FailureError):
        active = lookup.active_fit()
    try:
        intake = read(source)
    except DisagreementError as error:
        best = "" if source.best else " If they differ in a setting, --best takes the lowest loss at each (N, D)."
        raise UsageError(f"{error}{best}") from None
    intake, runs, points = _points(intake, source, choices.schedule, kind)
    fit_id = choices.name or "unsaved/fit"
    spec = FitSpec(
        id=fit_id,
        title=choices.title or fit_id,
        counting=intake.counting,
        source=f"runs of {printable(source.path.name)}",
        kind=kind,
        variables=variables,
        noise=choices.noise,
        schedule=choices.schedule,
        tokenizer=choices.tokenizer,
        vocab_size=choices.vocab_size,
        seq_len=source.seq_len,
        bytes_per_token=source.bytes_per_token,
        draws=choices.draws,
        seed=choices.seed,
        **points,
    )
    try:
        found = fit_runs(runs, spec)
    except UsageError as error:
        told = "".join(f" {caution[0].upper()}{caution[1:]}" for caution in intake.cautions)
        raise UsageError(f"{error}{_advice(intake, runs, source, choices)}{told}") from None
    found = replace(found, flags=(*found.flags, *intake.cautions))
    difference = None
    if active is not None and found.allocation is not None:
        difference = differ(active, found, family_of(active))
    path = FitLibrary(lookup).store(found, fit_id, found.title) if choices.name is not None else None
    return Fitted(intake, found, path, difference)


class _CurvePoints(TypedDict):
    """The fields of `FitSpec` about learning curves."""

    curves: int
    budgets_read: int


def _points(
    intake: Intake, source: RunsSource, schedule: str | None, kind: "Kind | None"
) -> "tuple[Intake, Sequence[TrainingRun], _CurvePoints]":
    """Return the runs to fit; for IsoFLOP fits of all points, learning curves are interpolated at common budgets.

    Raises:
        UsageError: the points are not final losses, or no budget is covered by the curves of enough sizes.
    """
    from budgetscope.fitting.fit_runs import suitable_kind  # noqa: PLC0415 - NumPy
    from budgetscope.fitting.refusals import MIN_SIZES  # noqa: PLC0415
    from budgetscope.store.tables.curves import at_budgets, common_budgets  # noqa: PLC0415

    if source.curves != "all" or not intake.curves:
        return intake, intake.runs, _CurvePoints(curves=0, budgets_read=0)
    if intake.decaying:
        raise UsageError(
            f"the learning rate of {intake.decaying} runs decays, so that their points before the end are no final "
            "losses; leave --curves all out, so that only the last point of each run is used."
        )
    points = _CurvePoints(curves=intake.curves, budgets_read=0)
    is_asked = kind in ("isoflop", "akima", "parabola")
    if not is_asked and (kind is not None or schedule != "constant" or suitable_kind(intake.runs) == "hyperparameters"):
        return intake, intake.runs, points
    budgets = common_budgets(intake.runs, MIN_SIZES)
    runs = at_budgets(intake.runs, budgets)
    if not is_asked and suitable_kind(runs) != "isoflop":
        return intake, intake.runs, points
    if not runs:
        raise UsageError(
            f"no budget is within the learning curves of {MIN_SIZES} sizes; train more sizes to the same FLOPs."
        )
    sentence = (
        f"Each learning curve is read at those of {len(budgets)} budgets a factor of two apart, from {budgets[0]:.3g} "
        f"to {budgets[-1]:.3g} FLOPs, that it passes."
    )
    intake = replace(intake, assumptions=(*intake.assumptions, sentence))
    return intake, runs, _CurvePoints(curves=intake.curves, budgets_read=len(budgets))


def _advice(intake: Intake, runs: "Sequence[TrainingRun]", source: RunsSource, choices: FitChoices) -> str:
    """Return what else may help where no law can be fitted; else empty."""
    from budgetscope.fitting.fit_runs import suitable_kind  # noqa: PLC0415 - NumPy

    if (choices.kind or suitable_kind(runs)) not in ("hyperparameters", "hyperparameters-akima"):
        return _more_points(intake, source, choices.schedule)
    batch = f" Here {intake.unread_batch}" if intake.unread_batch else ""
    best = "" if source.best or choices.kind else " For laws of N and D, --best takes the lowest loss at each (N, D)."
    return f"{batch}{best}"


def _more_points(intake: Intake, source: RunsSource, schedule: str | None) -> str:
    """Return the advice to use all points of learning curves, where only the last ones were used; else empty."""
    if source.curves != "final" or not intake.curves or intake.decaying or schedule not in (None, "constant"):
        return ""
    return (
        f" Only the last point of each of {intake.curves} learning curves was used: if their learning rate was "
        "constant, --curves all --schedule constant uses the others, too."
    )


def score(lookup: Lookup, source: RunsSource, law: str, vocab_size: int | None = None) -> Scored:
    """Score a fit's learning rate and batch on a runs table that varies both.

    Args:
        lookup: with the fit library.
        source: the runs.
        law: id of the fit.
        vocab_size: of the runs' tokenizer, for the conversion of counting conventions; the fit's own when None.

    Raises:
        UsageError: the runs cannot be read or have no grid, or the fit has no law for learning rate or batch.
        FailureError: a file cannot be read, or the fit gives no usable numbers.
    """
    from budgetscope.fitting.fit_runs import sweep_table  # noqa: PLC0415 - NumPy
    from budgetscope.fitting.score import score, summarize  # noqa: PLC0415
    from budgetscope.fitting.scoreboard import recommend  # noqa: PLC0415
    from budgetscope.fitting.sweep import diverged_sentence, sweep_cells  # noqa: PLC0415

    fit = lookup.library.get(law)
    BY_NAME["vocab"].check(vocab_size)
    intake = read(source)
    family = shape_family(
        "dense",
        vocab_size=vocab_size or fit.vocab_size or PORIAN_VOCAB_SIZE,
        seq_len=source.seq_len or fit.seq_len or PORIAN_SEQ_LEN,
    )

    def recommended(n_params: float, tokens: float) -> tuple[float, float]:
        rate, batch = recommend(fit, family, intake.counting, n_params, tokens)
        if rate is None or batch is None:
            raise UsageError(f"{fit.id} does not give both learning rate and batch here; choose another fit.")
        return rate, batch

    try:
        cells = sweep_cells(sweep_table(intake.runs))
    except UsageError as error:
        raise UsageError(f"{error}{f' Here {intake.unread_batch}' if intake.unread_batch else ''}") from None
    scores = score(cells, recommended)
    return Scored(intake, fit, scores, summarize(scores), diverged_sentence(cells))
