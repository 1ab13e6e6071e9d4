"""The `budgetscope` command: without arguments the app, else one command.

Bodies import what they need when they run: `plan` answers before Textual or SciPy would have loaded.
"""

import io
import os
import re
import sys
from typing import Annotated

import typer

from budgetscope.cli import ask, calibrate, devices, fit, fits, flops, serve
from budgetscope.core.errors import BudgetscopeError

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
app.command()(ask.export)
app.command()(fit.fit)
app.command()(fit.score)
app.command()(flops.flops)
app.command()(devices.devices)
app.command()(serve.serve)
app.add_typer(calibrate.app, name="calibrate")
app.add_typer(fits.app, name="fits")


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
) -> None:
    """Start the app when no command is named."""
    if context.invoked_subcommand is not None:
        return
    # A browser has no terminal: Textual's driver talks to its server through pipes.
    if not (sys.stdin.isatty() and sys.stdout.isatty()) and "TEXTUAL_DRIVER" not in os.environ:
        raise BudgetscopeError("the app needs a terminal; for plain text run, for example, budgetscope plan 1e21.")
    from budgetscope.tui.app import run_app

    run_app()


def main() -> None:
    """Run the command line; a refusal is one sentence on stderr and a non-zero exit."""
    _make_streams_bear_any_text()
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except BudgetscopeError as error:
        code = _refuse(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        # The reader of a pipe has left; what it read was fine.
        _abandon_stdout()
        code = 0
    except OSError as error:
        _abandon_stdout()
        what = "" if error.filename is None else f" {str(error.filename)!r}"
        code = _refuse(f"the system refused{what}: {(error.strerror or str(error)).lower()}.", 1)
    except Exception as error:
        # Typer's own refusals, from Click or its own copy of it, word themselves.
        if hasattr(error, "format_message"):
            sentence = _minus(getattr(error, "option_name", None)) or _joined(error.format_message().removesuffix("."))
            hint = " See budgetscope --help." if sentence.startswith(("No such", "Missing command")) else ""
            code = _refuse(f"{sentence}.{hint}", getattr(error, "exit_code", 2))
        elif os.environ.get("BUDGETSCOPE_DEBUG"):
            raise
        else:
            what = " ".join(f"{type(error).__name__}: {error}".split())
            code = _refuse(f"a mistake of ours ({what}); BUDGETSCOPE_DEBUG=1 shows where, please report it.", 1)
    sys.exit(code if isinstance(code, int) else 0)


def _make_streams_bear_any_text() -> None:
    """Write what an encoding lacks as an escape; a stream that was closed swallows what it gets."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - until the process ends
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _minus(option: str | None) -> str | None:
    """Return what to say of an unknown option that is a negative number, such as `-5e21`; None of any other."""
    if option is None or not re.fullmatch(r"-[\d.$]", option):
        return None
    word = next((word for word in sys.argv[1:] if word.startswith(option)), option)
    return f"{word!r} begins with a minus, and a budget must be above zero; write it like 1e21, 64xH100 14d or $50k"


def _joined(sentence: str) -> str:
    """Return a refusal of words too many with the remedy: `plan 64xH100 14d` wants quotes."""
    if sentence.startswith("Got unexpected extra argument"):
        return f"{sentence}; put a text of several words in quotes, like '64xH100 14d'"
    return sentence


def _abandon_stdout() -> None:
    """Let what is still buffered go nowhere, or Python would report it again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(sentence: str, code: int) -> int:
    sys.stderr.write(f"budgetscope: {sentence}\n")
    return code
