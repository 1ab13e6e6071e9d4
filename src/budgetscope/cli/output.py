"""Output of the commands: formats, the console, and tables that do not cut numbers."""

import errno
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from rich.cells import cell_len
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from budgetscope.core.answers.cautions import Caution, Level
from budgetscope.core.language import JAPANESE, _, code, ngettext
from budgetscope.report.rows import LEVEL_TITLES

# Width of tables without a terminal; no cell needs more.
_PIPE_WIDTH = 160
# Minimum width of a column that wraps, so that words are not broken.
_LEAST_WRAPPED = 12
_GAP = 2


class FigureTable(Table):
    """A table that is never too narrow for its numbers.

    Attributes:
        least_width: in characters; a narrower table would cut digits or units.
    """

    least_width = 0


class _File(Protocol):
    """An entry of the fit library."""

    @property
    def problem(self) -> str | None:
        """Why the entry cannot be used; None when it can."""


class _Console(Console):
    """A console that never cuts a `FigureTable`: a narrow terminal wraps its lines; and that breaks Japanese well."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as Rich does, except for tables that are wider than the console."""
        for each in objects:
            if isinstance(each, FigureTable) and each.least_width > self.width:
                each.width = each.least_width
                options["crop"] = False
        # Alone in a group: Rich would join texts into one of its own.
        shown = (Group(broken(each)) if isinstance(each, Text) else each for each in objects)
        super().print(*(shown if code() == JAPANESE else objects), **options)

    def on_broken_pipe(self) -> None:
        """Leave it to the command that nobody reads its output any more; Rich would end the process.

        Raises:
            BrokenPipeError: always.
        """
        self._buffer.clear()
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def broken(text: Text) -> Text:
    """Return a text whose lines break as its language does."""
    if code() != JAPANESE:
        return text
    from budgetscope.cli.wrapping import japanese

    return japanese(text)


def console(*, stderr: bool = False) -> Console:
    """Return a console on stdout, or on stderr, without markup."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _PIPE_WIDTH
    return _Console(width=width, markup=False, highlight=False, emoji=False, stderr=stderr)


def tell_skipped(entries: Iterable[_File], unusable: Iterable[str] = ()) -> None:
    """Write to stderr why fits were left out: broken files, and the sentences of `unusable`."""
    for problem in (*(entry.problem for entry in entries), *unusable):
        if problem:
            sys.stderr.write(f"skipped: {problem}\n")


def emit(form: str | None, texts: Mapping[str, Callable[[], str]], show: Callable[[Console], None]) -> None:
    """Write a result in a format, or show it on the console when `form` is None."""
    if form is None:
        show(console())
    else:
        sys.stdout.write(texts[form]())


def show_cautions(console: Console, sentences: Iterable[str]) -> None:
    """Print cautions."""
    for sentence in sentences:
        console.print(Text(f"! {sentence}"), style="yellow")


def show_levels(console: Console, cautions: Iterable[Caution], *, small_print: bool) -> None:
    """Print cautions under the titles of their levels; the small print only when asked for."""
    for level, title in LEVEL_TITLES.items():
        texts = [caution.text for caution in cautions if caution.level == level]
        if not texts:
            continue
        if level == Level.SMALL_PRINT and not small_print:
            told = ngettext(
                "{title}: {n} caution more (--small-print)", "{title}: {n} cautions more (--small-print)", len(texts)
            )
            console.print(Text(told.format(title=_(title), n=len(texts))), style="dim")
            continue
        console.print(Text(_(title)), style="bold")
        show_cautions(console, texts)


def show_assumptions(console: Console, sentences: Iterable[str]) -> None:
    """Print assumptions."""
    for sentence in sentences:
        console.print(Text(_("assumed {what}").format(what=sentence)), style="dim")


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "", wrap: Collection[str] = ()
) -> FigureTable:
    """Return a plain table; only the columns named in `wrap` become narrower on a narrow screen."""
    result = FigureTable(title=Text(title) if title else None, title_justify="left", box=None, pad_edge=False)
    least = []
    for index, name in enumerate(header):
        natural = max(cell_len(text) for text in (name, *(row[index] for row in rows)))
        least.append(min(natural, _LEAST_WRAPPED) if name in wrap else natural)
        result.add_column(Text(name), overflow="fold", no_wrap=name not in wrap, min_width=least[-1])
    for row in rows:
        result.add_row(*(broken(Text(cell)) for cell in row))
    result.least_width = sum(least) + _GAP * (len(least) - 1)
    return result
