"""Start the app; run a job to its exit code, whatever goes wrong."""

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from budgetscope.cli.readers import abandon_stdout
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.printable import printable


def start_app(lang: str | None = None) -> None:
    """Run the app until the user quits.

    Args:
        lang: the language of `--lang`; None follows the user's setting, else the environment.

    Raises:
        BudgetscopeError: there is no terminal that can show it.
    """
    # In a browser there is no terminal: Textual's driver talks to its server through pipes.
    if not (sys.stdin.isatty() and sys.stdout.isatty()) and "TEXTUAL_DRIVER" not in os.environ:
        raise BudgetscopeError("the app needs a terminal; for plain text run, for example, budgetscope plan 1e21.")
    from budgetscope.api.language import use_language
    from budgetscope.tui.app import run_app

    use_language(lang)
    run_app()


def run(job: Callable[[], object]) -> NoReturn:
    """Run a job and exit with the code that it returns; a refusal is one sentence on stderr and a non-zero code."""
    _prepare_streams()
    try:
        code = job()
        sys.stdout.flush()
    except BudgetscopeError as error:
        code = _refuse(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = 130
    except (BrokenPipeError, SystemExit) as error:
        # The reader of the pipe, such as `head`, has closed it; Click turns that into an exit code of its own.
        if not isinstance(error, BrokenPipeError) and not isinstance(error.__context__, BrokenPipeError):
            raise
        abandon_stdout()
        code = 0
    except OSError as error:
        abandon_stdout()
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


def _refuse(sentence: str, code: int) -> int:
    # Its reader may be gone.
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.write(f"budgetscope: {printable(sentence)}\n")
    return code
