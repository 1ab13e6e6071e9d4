"""The `budgetscope` command: start the app, or run one command.

A command imports its modules when it runs, so that `plan` does not wait for Textual or SciPy.
"""

import io
import os
import re
import sys
from collections.abc import Callable
from typing import Annotated, Any

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
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.printable import printable

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
    (ask.value, _ANSWER, ("value '64xH100 14d' --calibration 2%",)),
    (export.export, _ANSWER, ("export '64xH100 14d' -o plan.html", "export 1e21 --recipe torchtitan -o run")),
    (fit.fit, _LAWS, ("fit runs.csv --counting standard --name mine/lab",)),
    (fit.score, _LAWS, ("score --law steplaw2025/dense grid.csv --counting standard", "score --all")),
    (flops.flops, _RUN, ("flops --depth 15 --width 640", "flops --size 7B")),
    (audit.audit, _RUN, ("audit run/config.json", "audit small.toml large.toml")),
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
    if lang is not None or context.invoked_subcommand is None:
        from budgetscope.api.language import use_language

        use_language(lang)
    if context.invoked_subcommand is not None:
        return
    # In a browser there is no terminal: Textual's driver talks to its server through pipes.
    if not (sys.stdin.isatty() and sys.stdout.isatty()) and "TEXTUAL_DRIVER" not in os.environ:
        raise BudgetscopeError("the app needs a terminal; for plain text run, for example, budgetscope plan 1e21.")
    from budgetscope.tui.app import run_app

    run_app()


def main() -> None:
    """Run the command line; a refusal is one sentence on stderr and a non-zero exit code."""
    _prepare_streams()
    try:
        code = app(standalone_mode=False, prog_name="budgetscope")
        sys.stdout.flush()
    except BudgetscopeError as error:
        code = _refuse(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        # The reader of the pipe, such as `head`, has closed it.
        _abandon_stdout()
        code = 0
    except OSError as error:
        _abandon_stdout()
        what = "" if error.filename is None else f" {str(error.filename)!r}"
        code = _refuse(f"the system refused{what}: {(error.strerror or str(error)).lower()}.", 1)
    except Exception as error:
        # Click may be Typer's own copy or the package: its errors are recognised by this method.
        if hasattr(error, "format_message"):
            code = _refuse(_usage_sentence(error), getattr(error, "exit_code", 2))
        elif os.environ.get("BUDGETSCOPE_DEBUG"):
            raise
        else:
            what = " ".join(f"{type(error).__name__}: {error}".split())
            code = _refuse(f"an internal error ({what}); BUDGETSCOPE_DEBUG=1 shows where, please report it.", 1)
    sys.exit(code if isinstance(code, int) else 0)


def _prepare_streams() -> None:
    """Make stdout and stderr escape characters that their encoding lacks; replace closed streams by the null device."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - until the process ends
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - until the process ends
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _usage_sentence(error: Any) -> str:
    """Return the message of a Click error as one sentence in our style."""
    minus = _minus(getattr(error, "option_name", None))
    if minus is not None:
        return minus
    sentence = error.format_message().removesuffix(".").replace(". Did you mean", "; did you mean")
    sentence = sentence[:1].lower() + sentence[1:]
    if sentence.startswith("got unexpected extra argument"):
        return f"{sentence}; put a text of several words in quotes, like '64xH100 14d'."
    if sentence.startswith(("no such", "missing", "option")):
        return f"{sentence}{' See' if sentence.endswith('?') else '; see'} {_help_command(error.ctx)}."
    return f"{sentence}."


def _help_command(context: Any) -> str:
    """Return the help command of a Click context, such as `budgetscope plan --help`."""
    words = ["--help"]
    while context is not None and context.parent is not None:
        words.insert(0, str(context.info_name))
        context = context.parent
    return " ".join(("budgetscope", *words))


def _minus(option: str | None) -> str | None:
    """Return the refusal of a negative number that was read as an option, such as `-5e21`; None for others."""
    if option is None or not re.fullmatch(r"-[\d.$]", option):
        return None
    word = next((word for word in sys.argv[1:] if word.startswith(option)), option)
    return f"{word!r} begins with a minus, and a budget must be above zero; write it like 1e21, 64xH100 14d or $50k."


def _abandon_stdout() -> None:
    """Send buffered output to the null device; Python would fail again to write it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(sentence: str, code: int) -> int:
    sys.stderr.write(f"budgetscope: {printable(sentence)}\n")
    return code
