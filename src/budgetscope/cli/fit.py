"""`fit` and `score`: fit laws to a runs table; score a law on one."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from budgetscope.api.fields import BYTES_PER_TOKEN_BOUNDS, DRAWS_BOUNDS, SEED_BOUNDS
from budgetscope.cli import options
from budgetscope.cli.progress import progress
from budgetscope.core.errors import UsageError
from budgetscope.core.language import _
from budgetscope.core.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

    from budgetscope.api.runs import Fitted, Intake, Scored
    from budgetscope.core.laws.scoreboard import Scoreboard

Runs = Annotated[
    Path,
    typer.Argument(help="CSV, TSV, JSON, JSONL, Parquet or TensorBoard runs, or a folder of CSVs.", metavar="RUNS"),
]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", help="Column that holds a field: loss=val_loss.", metavar="FIELD=COLUMN"),
]
Where = Annotated[list[str] | None, typer.Option(help="Only rows with this value.", metavar="COLUMN=VALUE")]
Join = Annotated[Path | None, typer.Option(help="A second table, one row a run, joined by the run's name.")]
Counting = Annotated[
    str | None, typer.Option(help="Counting convention of N and C: standard, kaplan, attention, total, ...")
]
LossUnit = Annotated[str | None, typer.Option(help="nats (a token), bits, bits-per-byte or perplexity.")]
BytesPerToken = Annotated[
    float | None,
    options.number("bytes_per_token", "Bytes per token, for losses in bits per byte.", *BYTES_PER_TOKEN_BOUNDS),
]
Repeats = Annotated[
    bool, typer.Option("--repeats", help="Runs of one size, tokens and settings are repeats, each a seed of its own.")
]
Best = Annotated[
    bool, typer.Option("--best", help="Use the setting with the lowest loss at each (N, D), such as of learning rates.")
]
Curves = Annotated[str, typer.Option(help="Points of a learning curve to use: final or all.")]


def _pairs(flag: str, texts: list[str] | None) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in texts or ())
    for name, value in pairs.items():
        if not name or not value:
            raise UsageError(f"{flag} {name}={value} is not of the form name=value; write both sides.")
    return pairs


@options.spoken
def fit(
    runs: Runs,
    name: Annotated[str | None, typer.Option(help="Store the fit under this id, like mine/lab.", metavar="ID")] = None,
    title: Annotated[str | None, typer.Option(help="Title of the fit.")] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="isoflop, akima, parabola, parametric, hyperparameters or hyperparameters-akima; "
            "by default chosen from the runs."
        ),
    ] = None,
    variables: Annotated[
        str | None,
        typer.Option(help="Variables of a recipe's laws: N or ND; by default N and D where the runs tell them apart."),
    ] = None,
    counting: Counting = None,
    mapping: Map = None,
    where: Where = None,
    join: Join = None,
    loss_unit: LossUnit = None,
    bytes_per_token: BytesPerToken = None,
    curves: Curves = "final",
    repeats: Repeats = False,
    best: Best = False,
    noise: Annotated[
        str | None,
        typer.Option(help="Porian et al.'s noise: refinedweb, openwebtext2, or either with -intended."),
    ] = None,
    schedule: Annotated[str | None, typer.Option(help="Schedule of the runs: constant, cosine or wsd.")] = None,
    seq_len: options.SeqLen = None,
    vocab: options.Vocab = None,
    tokenizer: Annotated[str | None, typer.Option(help="Name of the runs' tokenizer.")] = None,
    draws: Annotated[int, options.whole("draws", "Bootstrap draws.", *DRAWS_BOUNDS, show_range=True)] = 1000,
    seed: Annotated[int, options.whole("seed", "Seed of the bootstrap.", *SEED_BOUNDS)] = 0,
    json: options.Json = False,
) -> None:
    """Fit laws to a table of training runs and, with --name, store them."""
    from budgetscope.api import Advisor
    from budgetscope.api import runs as use_cases
    from budgetscope.cli.output import emit
    from budgetscope.report.fits import fit_json

    source = use_cases.RunsSource(
        path=runs,
        join=join,
        where=_pairs("--where", where),
        mapping=_pairs("--map", mapping),
        counting=counting,
        loss_unit=loss_unit,
        seq_len=seq_len,
        bytes_per_token=bytes_per_token,
        curves=curves,
        repeats=repeats,
        best=best,
    )
    choices = use_cases.FitChoices(name, title, kind, variables, noise, schedule, vocab, tokenizer, draws, seed)
    advisor = Advisor()
    with progress():
        fitted = use_cases.fit(advisor, source, choices)
    emit("json" if json else None, {"json": partial(fit_json, fitted.fit)}, partial(_show_fit, fitted))
    if fitted.path is None:
        sys.stderr.write("nothing is stored; --name mine/lab would store it\n")
    elif advisor.is_default(fitted.fit.id):
        sys.stderr.write(
            f"wrote {printable(str(fitted.path))}; it is the default, which plans follow from now on: "
            f"`budgetscope fits undo {fitted.fit.id}` takes it back\n"
        )
    else:
        sys.stderr.write(
            f"wrote {printable(str(fitted.path))}; `budgetscope fits use {fitted.fit.id}` makes it the default\n"
        )


def _show_intake(intake: "Intake", console: "Console") -> None:
    from budgetscope.cli.output import show_assumptions, table
    from budgetscope.report.intake import INTAKE_HEADER, intake_cells
    from budgetscope.report.words import headed

    header = headed(INTAKE_HEADER)
    console.print(table(header, intake_cells(intake), wrap=header[2:]))
    show_assumptions(console, intake.assumptions)


def _show_fit(fitted: "Fitted", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import show_cautions, table
    from budgetscope.report.fit_difference import ARROW_HEADER, arrow_cells
    from budgetscope.report.fit_page import labelled
    from budgetscope.report.fits import INTERVAL_HEADER, LAW_HEADER, flag_texts, interval_cells, law_cells, law_notes
    from budgetscope.report.words import headed

    _show_intake(fitted.intake, console)
    found = fitted.fit
    console.print()
    named = found.id if found.title == found.id else f"{found.title} ({found.id})"
    console.print(Text(labelled(named, found.method)))
    console.print(Text(labelled(_("kind"), found.provenance["kind"])))
    console.print()
    header = headed(LAW_HEADER)
    console.print(table(header, [law_cells(role, law) for role, law in found.laws.items()], wrap=header[2:]))
    cells = interval_cells(found)
    if cells:
        console.print()
        console.print(table(headed(INTERVAL_HEADER), cells))
    for role, note in law_notes(found):
        console.print(Text(labelled(role, note)))
    for key, text in found.provenance.items():
        if key.startswith("out_of_sample"):
            console.print(Text(labelled(_("out of sample"), text) if key == "out_of_sample" else f"  {text}"))
    show_cautions(console, flag_texts(found))
    if fitted.difference is not None:
        console.print()
        console.print(Text(f"{fitted.difference.before} -> {fitted.difference.after}"))
        console.print(table(headed(ARROW_HEADER), [arrow_cells(change) for change in fitted.difference.budgets]))


@options.spoken
def score(
    runs: Annotated[Path | None, typer.Argument(help="A table of runs, as for fit.", metavar="RUNS")] = None,
    law: Annotated[
        str | None, typer.Option(help="Id of a fit with laws for learning rate and batch.", metavar="ID")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Score every stored recipe on the public grids.")] = False,
    reference: Annotated[
        str | None,
        typer.Option(help="Folder of the public grids; BUDGETSCOPE_REFERENCE by default.", metavar="FOLDER"),
    ] = None,
    counting: Counting = None,
    mapping: Map = None,
    where: Where = None,
    join: Join = None,
    loss_unit: LossUnit = None,
    bytes_per_token: BytesPerToken = None,
    repeats: Repeats = False,
    seq_len: options.SeqLen = None,
    vocab: options.Vocab = None,
    json: options.Json = False,
) -> None:
    """Say how much loss a law's learning rate and batch would have cost on measured grids."""
    from budgetscope.api import Advisor
    from budgetscope.api import runs as use_cases
    from budgetscope.cli.output import emit
    from budgetscope.report.intake import score_json

    if every:
        if any((runs, law, counting, mapping, where, join, loss_unit, bytes_per_token, seq_len, vocab)):
            raise UsageError("--all scores every recipe on the public grids; give nothing but --reference and --json.")
        _score_all(reference, "json" if json else None)
        return
    if runs is None or law is None or reference is not None:
        raise UsageError("a score needs RUNS and --law ID, or --all, with or without --reference; give one of these.")
    source = use_cases.RunsSource(
        path=runs,
        join=join,
        where=_pairs("--where", where),
        mapping=_pairs("--map", mapping),
        counting=counting,
        loss_unit=loss_unit,
        seq_len=seq_len,
        bytes_per_token=bytes_per_token,
        repeats=repeats,
    )
    with progress():
        scored = use_cases.score(Advisor(), source, law, vocab)
    texts = {"json": partial(score_json, scored.fit.id, scored.cells, scored.summary)}
    emit("json" if json else None, texts, partial(_show_score, scored))


def _score_all(reference: str | None, form: str | None) -> None:
    from budgetscope.api import Advisor
    from budgetscope.api.scoreboard import dump, score_all
    from budgetscope.cli.output import emit

    board = score_all(Advisor().fits, reference)
    emit(form, {"json": partial(dump, board)}, partial(_show_scoreboard, board))


def _show_scoreboard(board: "Scoreboard", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.report import scoreboard as texts
    from budgetscope.report.words import headed

    header = headed(texts.LAWS_HEADER)
    for grid in board.grids:
        console.print(Text(texts.grid_sentence(grid)))
        console.print()
        console.print(table(header, [*map(texts.law_cells, grid.laws)], wrap=header[-1:]))
        rows = [texts.size_cells(law, grid.sizes, texts.NEAR_OPTIMAL) for law in grid.laws]
        console.print()
        console.print(table(texts.size_header(grid.sizes), rows, title=texts.sizes_title()))
        console.print(Text(_(texts.MARKED)))
        console.print()
    for optima in board.optima:
        console.print(Text(texts.optima_sentence(optima)))
        console.print()
        rows = [texts.distance_cells(law, each) for law, each in optima.by_law()]
        console.print(table(texts.size_header(optima.sizes), rows))
        console.print()


def _show_score(scored: "Scored", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import show_cautions, table
    from budgetscope.report.intake import SCORE_HEADER, score_cells, summary_text
    from budgetscope.report.words import headed

    _show_intake(scored.intake, console)
    console.print()
    header = headed(SCORE_HEADER)
    console.print(table(header, [score_cells(cell) for cell in scored.cells], wrap=header[-1:]))
    console.print()
    console.print(Text(f"{scored.fit.id}: {summary_text(scored.summary)}"))
    diverged = (scored.diverged,) if scored.diverged else ()
    show_cautions(console, (*diverged, *scored.intake.cautions, *scored.fit.flags))
