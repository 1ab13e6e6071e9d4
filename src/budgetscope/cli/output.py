"""What goes to stdout, and in which form."""

import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from budgetscope.core.errors import UsageError

if TYPE_CHECKING:
    from budgetscope.store.library import Entry

# Without a terminal to fit, tables take this width: no cell of ours needs more.
_PIPE_WIDTH = 160


def console() -> Console:
    """Return the console of stdout; text from files is never read as markup."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPE_WIDTH
    return Console(width=width, markup=False, highlight=False, emoji=False)


def one_form(**asked: bool) -> str | None:
    """Return which one output form was asked for, None for the terminal's.

    Raises:
        UsageError: more than one was.
    """
    forms = [name for name, wanted in asked.items() if wanted]
    if len(forms) > 1:
        raise UsageError(f"--{forms[0]} and --{forms[1]} exclude each other; choose one.")
    return forms[0] if forms else None


def tell_skipped(entries: "Iterable[Entry]", unusable: Iterable[str] = ()) -> None:
    """Say on stderr why each fit was left out: its file is broken, or it gives no usable numbers."""
    for problem in (*(entry.problem for entry in entries), *unusable):
        if problem:
            sys.stderr.write(f"skipped: {problem}\n")


def emit(form: str | None, texts: Mapping[str, Callable[[], str]], show: Callable[[Console], None]) -> None:
    """Write a result in the form asked for."""
    if form is None:
        show(console())
    else:
        sys.stdout.write(texts[form]())


def show_cautions(console: Console, sentences: Iterable[str]) -> None:
    """Print what to know before believing what stands above."""
    for sentence in sentences:
        console.print(Text(f"! {sentence}"), style="yellow")


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "", wrap: Collection[str] = ()
) -> Table:
    """Return a plain table; only the columns named in `wrap` give way on a narrow screen."""
    result = Table(title=Text(title) if title else None, title_justify="left", box=None, pad_edge=False)
    for name in header:
        result.add_column(Text(name), overflow="fold", no_wrap=name not in wrap)
    for row in rows:
        result.add_row(*(Text(cell) for cell in row))
    return result
