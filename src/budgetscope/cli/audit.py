"""`audit`: what is the matter with a run that somebody planned or ran, and whether two runs can be compared."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from budgetscope.api.fields import BY_NAME
from budgetscope.cli import options
from budgetscope.core.counting.ledger import MAX_COUNT
from budgetscope.core.hardware.bounds import N_DEVICES_BOUNDS

if TYPE_CHECKING:
    from rich.console import Console

    from budgetscope.core.audit.comparable import Checklist
    from budgetscope.core.audit.result import Audit, AuditedRun

_FOUND = 1
"""Exit code where a finding reaches the severity of --fail-on."""


@options.spoken
@options.forms("json", "md")
def audit(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Configurations of runs: files, or folders with the files of one run. They are read, never executed.",
            metavar="PATH...",
            show_default=False,
        ),
    ] = None,
    line: Annotated[
        list[str] | None,
        typer.Option("--command", help="A command line that starts a run; repeatable.", metavar="TEXT"),
    ] = None,
    vocab: Annotated[
        int | None,
        options.whole(
            "vocab",
            "Vocabulary as the model is built; this and the next four are for what the files do not say.",
            2,
            MAX_COUNT,
        ),
    ] = None,
    seq_len: Annotated[int | None, options.whole("seq_len", "Tokens of a training sequence.", 1, MAX_COUNT)] = None,
    device: Annotated[str | None, options.option(BY_NAME["device"])] = None,
    gpus: Annotated[int | None, options.whole("gpus", "Devices of the whole run.", *N_DEVICES_BOUNDS)] = None,
    tokens: Annotated[float | None, options.number("tokens", "Training tokens, D: 300B.", 1, 1e18, metavar="D")] = None,
    fail_on: Annotated[
        str | None,
        typer.Option(help="Exit with code 1 if a finding is at least this grave: bad, warn or note.", metavar="LEVEL"),
    ] = None,
    *,
    form: str | None,
) -> None:
    """Read the configuration of a run and say what is doubtful in it; of several runs, whether they compare."""
    from budgetscope.api.ask import Advisor
    from budgetscope.api.audit import AuditOptions, audit, command, severity_of
    from budgetscope.cli.output import emit
    from budgetscope.report import audit as report

    limit = None if fail_on is None else severity_of(fail_on)
    given = AuditOptions(vocab=vocab, seq_len=seq_len, device=device, gpus=gpus, tokens=tokens)
    found = audit(Advisor(), paths or (), given, line or ())
    again = command(paths or (), given, line or ())
    texts = {"json": partial(report.audit_json, found, again), "md": partial(report.audit_markdown, found, again)}
    emit(form, texts, partial(_show, found))
    if limit is not None and found.reaches(limit):
        raise typer.Exit(_FOUND)


def _show(audit: "Audit", console: "Console") -> None:
    """Print the verdicts first: whether the runs compare, then each run's findings, then what they rest on."""
    if audit.checklist is not None:
        _show_checklist(audit.checklist, console)
    for run in audit.runs:
        _show_run(run, console)


def _show_run(run: "AuditedRun", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.report import audit as report

    console.print(Text(report.heading(run)), style="bold")
    console.print(Text(report.summary(run)), style="bold")
    console.print()
    for finding in run.findings:
        console.print(Text(report.finding_title(finding)), style=_STYLES[finding.severity.value])
        for text in report.finding_lines(finding):
            console.print(_indented(text))
        console.print()
    for remark in run.remarks:
        console.print(Text(f"! {remark}"), style="dim")
    if run.remarks:
        console.print()
    for header, rows in (
        (report.counted_header(), report.counted_rows(run)),
        (report.understood_header(run), [(row.label, row.text, row.where) for row in report.understood_rows(run)]),
    ):
        if rows:
            console.print(table(header, rows, wrap=header[1:]))
            console.print()


_STYLES = {"bad": "bold red", "warn": "yellow", "note": "bold"}


def _indented(text: str) -> object:
    from rich.padding import Padding
    from rich.text import Text

    from budgetscope.cli.output import broken

    return Padding(broken(Text(text)), (0, 0, 0, 2), expand=False)


def _show_checklist(checklist: "Checklist", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.report import audit as report

    console.print(Text(report.verdict(checklist)), style="bold")
    console.print()
    header = report.checklist_header(checklist)
    console.print(table(header, report.checklist_rows(checklist), wrap=header))
    console.print()
    for text in report.changes(checklist):
        console.print(Text(text))
    console.print()
