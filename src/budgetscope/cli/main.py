"""The commands of `budgetscope`.

A command imports its modules when it runs, so that `plan` does not wait for Textual or SciPy.
"""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from budgetscope.cli import (
    ask,
    audit,
    calibrate,
    devices,
    export,
    fit,
    fits,
    flops,
    language,
    machines,
    memory,
    options,
    prices,
    recipe,
    serve,
    whatif,
)
from budgetscope.cli.help import SectionedGroup, examples
from budgetscope.cli.running import run, start_app

_ANSWER, _LAWS, _RUN = "Answer a budget", "Laws, and where they come from", "Runs and machines"

app = typer.Typer(
    cls=SectionedGroup,
    help="From a compute budget to a pretraining plan, by the scaling laws. Without a command: the app.",
    epilog=examples(
        "plan '64 H100 for 14 days'", "plan '1 RTX 4090 for 3 days'", "plan '$500'", "compare 1e21", "plan --help"
    ),
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS: tuple[tuple[Callable[..., None], str, tuple[str, ...]], ...] = (
    (ask.plan, _ANSWER, ("plan '64xH100 14d'", "plan '$50k on H100' --max-params 10B", "plan 1e21 --json")),
    (ask.compare, _ANSWER, ("compare '64xH100 14d'", "compare 1e21 --csv")),
    (whatif.whatif, _ANSWER, ("whatif '64xH100 14d' --size 7B", "whatif 1e21 --size 1B --served 1T")),
    (recipe.recipe, _ANSWER, ("recipe '64xH100 14d'", "recipe 1e21 --notes")),
    (memory.memory, _ANSWER, ("memory '64xH100 14d'", "memory 'N=7B' --device h100 --gpus 8")),
    (machines.machines, _ANSWER, ("machines '64xH100 14d'",)),
    (ask.explain, _ANSWER, ("explain 1e21",)),
    (ask.value, _ANSWER, ("value '64xH100 14d'",)),
    (export.export, _ANSWER, ("export '64xH100 14d' -o plan.html", "export 1e21 --recipe torchtitan -o run")),
    (fit.fit, _LAWS, ("fit runs.csv --counting standard --name mine/lab",)),
    (fit.score, _LAWS, ("score --law steplaw2025/dense grid.csv --counting standard", "score --all")),
    (flops.flops, _RUN, ("flops --depth 15 --width 640", "flops --size 7B")),
    (audit.audit, _RUN, ("audit docs/data/audit/pretrain.sh", "audit small.toml large.toml")),
    (devices.devices, _RUN, ("devices",)),
    (serve.serve, _RUN, ("serve",)),
    (language.language, _RUN, ("language ja",)),
)
"""The commands, in the order of the help, with their sections and examples."""
for _command, _section, _lines in _COMMANDS:
    app.command(rich_help_panel=_section, epilog=examples(*_lines))(_command)
app.add_typer(calibrate.app, name="calibrate", rich_help_panel=_LAWS)
app.add_typer(fits.app, name="fits", rich_help_panel=_LAWS)
app.add_typer(prices.app, name="prices", rich_help_panel=_RUN)


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
    run(lambda: app(standalone_mode=False, prog_name="budgetscope"))
