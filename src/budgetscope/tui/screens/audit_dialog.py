"""The audit dialog: what is doubtful in the configuration of a run, and whether two runs compare."""

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from budgetscope.api import Advisor
from budgetscope.api.audit import audit, command
from budgetscope.api.take_away import full_path
from budgetscope.core.audit.result import Audit, AuditedRun
from budgetscope.core.errors import BudgetscopeError, UsageError
from budgetscope.core.language import _
from budgetscope.report import audit as report
from budgetscope.tui.background import run_in_thread
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.dialog import Dialog
from budgetscope.tui.screens.fits.import_form import PathSuggester
from budgetscope.tui.screens.fits.page import Fact, Heading, Page, PageLine, Refusal, Warned


class AuditScreen(Dialog[None]):
    """Takes the path of a configuration, or of several, and shows the audit."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("audit")

    def __init__(self, advisor: Advisor) -> None:
        super().__init__()
        self._advisor = advisor
        self._busy = False
        self._command = ""

    def compose(self) -> ComposeResult:
        """Lay out the path and the page."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = _("Audit the configuration of a run")
            dialog.border_subtitle = _("Enter: audit   PageUp PageDown: scroll   Ctrl-Y: copy   Esc: close")
            with Horizontal(classes="entry"):
                yield Label(_("file or folder"), markup=False)
                yield Input(
                    placeholder=_("a path, or two in a row to compare the runs"),
                    suggester=PathSuggester(), compact=True,
                )  # fmt: skip
            yield Page(id="result")

    def on_mount(self) -> None:
        """Say what to type."""
        self._show(
            _("Type the path of a run that somebody planned or ran, and press Enter. Understood are the files of "
              "Hugging Face, torchtitan, Megatron-LM, OLMo, LitGPT, Levanter, NeoX, nanoGPT, nanochat and W&B; they "
              "are read, never executed."),
        )  # fmt: skip
        self.query_one(Input).focus()

    def _show(self, *lines: PageLine) -> None:
        page = self.query_one(Page)
        page.lines = lines
        page.scroll_home(animate=False)

    def on_input_submitted(self) -> None:
        """Audit in a thread."""
        if self._busy:
            return
        try:
            paths = _paths(self.query_one(Input).value)
        except BudgetscopeError as error:
            self._show(Refusal(str(error)))
            return
        self._busy, self._command = True, ""
        self._show(_("reading ..."))

        def done(found: Audit) -> None:
            self._busy, self._command = False, command(paths)
            self._show(*audit_page(found))

        def refuse(sentence: str) -> None:
            self._busy = False
            self._show(Refusal(sentence))

        advisor = self._advisor
        run_in_thread(self, lambda: audit(advisor, paths), done, refuse)

    def action_scroll_told(self, rows: int) -> None:
        """Scroll the audit."""
        self.query_one(Page).scroll_relative(y=rows, animate=False)

    def action_copy(self) -> None:
        """Copy the command that shows the same audit."""
        if self._command:
            self.app.copy_to_clipboard(self._command)
            self.notify(self._command, title=_("Copied"), markup=False)


def _paths(text: str) -> list[Path]:
    """Return the paths of a typed text: one path, or several in shell style.

    Raises:
        UsageError: there is none, or a quotation mark is not closed.
    """
    whole = full_path(text)
    if whole.exists():
        return [whole]
    try:
        return [full_path(word) for word in shlex.split(text)]
    except ValueError:
        raise UsageError("a quotation mark is not closed; write each path with spaces in quotes.") from None


def audit_page(found: Audit) -> list[PageLine]:
    """Return an audit as lines: the findings of each run first, then what was understood; then the comparison."""
    lines: list[PageLine] = []
    if found.checklist is not None:
        lines += [Heading(report.verdict(found.checklist)), *report.changes(found.checklist), ""]
    for run in found.runs:
        lines += [*_run(run), ""]
    return lines


def _run(run: AuditedRun) -> Iterable[PageLine]:
    yield Heading(report.heading(run))
    yield report.summary(run)
    for finding in run.findings:
        yield Warned(report.finding_title(finding))
        yield from (Fact("", text) for text in report.finding_lines(finding))
    for remark in run.remarks:
        yield Warned(remark)
    yield Heading(report.understood_header(run)[0])
    yield from (Fact(row.label, f"{row.text}  {row.where}".rstrip()) for row in report.understood_rows(run))
    yield Heading(report.counted_header()[0])
    yield from (Fact(label, f"{text}  {how}".rstrip()) for label, text, how in report.counted_rows(run))
