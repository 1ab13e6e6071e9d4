"""`language`: show or choose the language of labels and sentences."""

import sys
from typing import Annotated

import typer

from budgetscope.core.printable import printable


def language(
    chosen: Annotated[
        str | None, typer.Argument(help="en or ja; auto follows the environment.", metavar="LANGUAGE")
    ] = None,
) -> None:
    """Choose the language of labels and sentences for all commands and the app; without one, print it."""
    from budgetscope.api.language import set_language, use_language

    if chosen is None:
        sys.stdout.write(f"{use_language()}\n")
        return
    path = set_language(None if chosen.strip().lower() == "auto" else chosen)
    sys.stderr.write(f"the language is now {use_language()} (in {printable(path)})\n")
