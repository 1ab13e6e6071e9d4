"""The commands of `budgetscope`.

A command imports its modules when it runs, so that `plan` does not wait for Textual or SciPy.
"""

import sys
from typing import Annotated

import typer

from budgetscope.cli import (
    ask,
    audit,
    calibrate,
    devices,
    fit,
    fits,
    flops,
    language,
    machines,
    memory,
    options,
    prices,
    serve,
)
from budgetscope.cli.running import run, start_app

app = typer.Typer(
    help="From a compute budget to a pretraining plan, by the scaling laws. Without a command: the app.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(ask.plan)
app.command()(ask.compare)
app.command()(ask.explain)
app.command()(ask.value)
app.command()(memory.memory)
app.command()(machines.machines)
app.command()(ask.export)
app.command()(fit.fit)
app.command()(fit.score)
app.command()(flops.flops)
app.command()(audit.audit)
app.command()(devices.devices)
app.command()(serve.serve)
app.command()(language.language)
app.add_typer(calibrate.app, name="calibrate")
app.add_typer(fits.app, name="fits")
app.add_typer(prices.app, name="prices")


def _print_version(wanted: bool) -> None:
    if wanted:
        from budgetscope import __version__

        sys.stdout.write(f"budgetscope {__version__}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    lang: options.Lang = None,
) -> None:
    """Start the app when no command is named."""
    if context.invoked_subcommand is None:
        start_app(lang)
    elif lang is not None:
        from budgetscope.api.language import use_language

        use_language(lang)


def main() -> None:
    """Run the command line; a refusal is one sentence on stderr and a non-zero exit code."""
    run(lambda: app(standalone_mode=False))
