"""Where `budgetscope` begins: without arguments the app, which does not wait for the modules of the commands."""

import os
import sys

from budgetscope.cli.running import run, start_app

_COMPLETES = "_BUDGETSCOPE_COMPLETE"


def main() -> None:
    """Start the app, or run the command that is named; a shell that completes a word names none."""
    if len(sys.argv) > 1 or _COMPLETES in os.environ:
        from budgetscope.cli.main import main as command

        command()
    else:
        run(_start)


def _start() -> None:
    from budgetscope.api.language import use_language

    use_language(None)
    start_app()
