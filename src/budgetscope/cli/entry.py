"""Where `budgetscope` begins: without arguments the app, which does not wait for the modules of the commands."""

import sys

from budgetscope.cli.running import run, start_app


def main() -> None:
    """Start the app, or run the command that is named."""
    if len(sys.argv) > 1:
        from budgetscope.cli.main import main as command

        command()
    else:
        run(_start)


def _start() -> None:
    from budgetscope.api.language import use_language

    use_language(None)
    start_app()
