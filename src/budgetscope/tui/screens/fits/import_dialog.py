"""The import dialog: choose a file of runs and its columns, fit its runs, store the fit."""

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.suggester import Suggester, SuggestFromList
from textual.widgets import Input, Label, Static

from budgetscope.api import runs as use_cases
from budgetscope.api.runs import Fitted, Intake, Preview
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.language import N_, _
from budgetscope.core.printable import printable
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.base import SessionScreen
from budgetscope.tui.screens.dialog import Dialog
from budgetscope.tui.screens.fits.import_form import ImportForm, PathSuggester, in_entries
from budgetscope.tui.screens.fits.page import Heading, Page, PageLine, Refusal
from budgetscope.tui.screens.fits.pages import columns_page, fitted_page, intake_page

if TYPE_CHECKING:
    from textual.timer import Timer

_PAUSE_SECONDS = 0.2
_RUN_FIELDS = use_cases.run_fields()
_COMPLETIONS = use_cases.option_values()
_ENTRIES = (
    ("path", N_("file"), N_("of runs, or a folder")),
    ("counting", N_("counting"), "standard, kaplan ..."),
    ("loss_unit", N_("loss unit"), "nats, bits ..."),
    ("name", N_("store as"), "mine/lab"),
    ("title", N_("title"), N_("a name for people")),
    ("where", N_("only rows"), N_("column=value, ...")),
    ("kind", N_("kind"), "isoflop, parametric"),
    ("curves", N_("curves"), N_("final or all points")),
    ("repeats", N_("repeats"), N_("yes, if runs repeat")),
    ("best", N_("best"), N_("yes: best at N and D")),
    ("schedule", N_("schedule"), "constant, cosine, wsd"),
    ("seq_len", N_("seq_len"), N_("tokens of a sequence")),
    ("bytes_per_token", N_("bytes/token"), N_("for bits per byte")),
    ("vocab", N_("vocab"), N_("of the tokenizer")),
)
"""Name of each entry, its label and its placeholder."""


@dataclass(frozen=True, slots=True)
class _FileFacts:
    """The columns and the runs of a file.

    Attributes:
        preview: its columns; None when they cannot be read.
        intake: its runs; None when they cannot be read.
        problem: why not, one sentence; empty when both are there.
    """

    preview: Preview | None
    intake: Intake | None
    problem: str


class ImportScreen(Dialog[str | None]):
    """Returns the id under which a fit was stored, or None.

    Attributes:
        form: the entries; the caller keeps it, so that nothing typed is lost when the dialog is closed.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("import")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - Textual's form

    def __init__(self, owner: SessionScreen, form: ImportForm) -> None:
        super().__init__()
        self.form = form
        self._owner = owner
        self._facts: _FileFacts | None = None
        self._fitted: Fitted | None = None
        self._refusal = ""
        self._waiting: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lay out the entries on the left and the result on the right."""
        with Horizontal(classes="dialog", id="halves") as dialog:
            dialog.border_title = _("Import runs")
            dialog.border_subtitle = _("Enter fit   F6 store   PgUp PgDn scroll   Ctrl-Y command   Esc close")
            with Vertical(id="form"):
                for name, label, hint in _ENTRIES:
                    yield from self._entry(name, _(label), _(hint), _suggester(name))
                yield Static(Content(_("Columns of the file")), classes="heading")
                for name in _RUN_FIELDS:
                    yield from self._entry(f"map-{name}", name, "", None)
            yield Page(id="result")

    def _entry(self, name: str, label: str, hint: str, suggester: Suggester | None) -> ComposeResult:
        with Horizontal(classes="entry"):
            yield Label(label, markup=False)
            text = self.form.texts.get(name, "")
            yield Input(text, placeholder=hint, suggester=suggester, compact=True, id=f"entry-{name}")

    def on_mount(self) -> None:
        """Put the cursor into the first entry, and read the file if one was named before."""
        self.query_one("#entry-path", Input).focus()
        self._look()

    @on(Input.Changed)
    def _edited(self, event: Input.Changed) -> None:
        name = str(event.input.id).removeprefix("entry-")
        if self.form.texts.get(name, "") == event.value:
            return
        self.form.texts[name] = event.value
        if name in ("name", "title"):
            self._show()
            return
        self._fitted, self._refusal = None, ""
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(_PAUSE_SECONDS, self._look)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_fit()

    # The file

    def _look(self) -> None:
        """Read the file again, in the background."""
        if not self.form.texts.get("path", "").strip():
            self._facts = None
            self._show()
            return
        form = self.form.copy()

        def look() -> _FileFacts:
            preview = None
            try:
                source = form.source()
                preview = use_cases.preview(source)
                return _FileFacts(preview, use_cases.read(source), "")
            except BudgetscopeError as error:
                return _FileFacts(preview, None, in_entries(str(error)))

        self._owner.in_background(look, self._show_facts)

    def _show_facts(self, facts: _FileFacts) -> None:
        if not self.is_open:
            return
        self._facts = facts
        preview = facts.preview
        for name in _RUN_FIELDS:
            entry = self.query_one(f"#entry-map-{name}", Input)
            found = preview.found.get(name, "") if preview else ""
            unclear = preview is not None and name in preview.unclear
            entry.placeholder = _("? choose its column") if unclear else found or "-"
            entry.suggester = SuggestFromList(preview.columns, case_sensitive=False) if preview else None
        self._show()

    def _show(self) -> None:
        """Show the fit, the refusal, the rows and the columns, as far as they are known."""
        facts = self._facts
        lines: list[PageLine] = []
        if self._fitted is not None:
            name = self.form.texts.get("name", "").strip()
            lines += [
                Heading(
                    _("F6 stores it as {name}.").format(name=name)
                    if name
                    else _("Write an id under `store as`; F6 stores it.")
                ),
                "",
            ]
            lines += [*fitted_page(self._fitted), ""]
        if self._refusal and (facts is None or self._refusal != facts.problem):
            lines += [Refusal(self._refusal), ""]
        if facts is None:
            lines.append(
                _(
                    "Name a file of runs (CSV, JSON, Parquet, TensorBoard, or a folder): one row a run, with two of "
                    "C, N and D, and a loss."
                )
            )
        elif facts.problem:
            lines += [Refusal(facts.problem), ""]
        if facts is not None and facts.intake is not None:
            if self._fitted is None and not self._refusal:
                lines += [Heading(_("F5 fits what these runs can carry.")), ""]
            lines += [*intake_page(facts.intake), ""]
        if facts is not None and facts.preview is not None:
            lines += columns_page(facts.preview)
        self.query_one(Page).lines = tuple(lines)

    # The fit

    def action_fit(self) -> None:
        """Fit what the runs can carry, in the background."""
        if not self.form.texts.get("path", "").strip():
            return
        form, advisor = self.form.copy(), self._owner.session.advisor

        def fit() -> Fitted | str:
            try:
                return use_cases.fit(advisor, form.source(), form.choices())
            except BudgetscopeError as error:
                return in_entries(str(error))

        self._owner.in_background(fit, lambda found: self._show_fitted(form, found))

    def _show_fitted(self, form: ImportForm, found: Fitted | str) -> None:
        if not self.is_open or form.without_names() != self.form.without_names():
            return
        if isinstance(found, str):
            self._fitted, self._refusal = None, found
        else:
            self._fitted, self._refusal = found, ""
        self.query_one("#result").scroll_home(animate=False)
        self._show()

    def action_store(self) -> None:
        """Store the fit under its name, and close."""
        name = self.form.texts.get("name", "").strip()
        if self._fitted is None or not name:
            told = _("fit the runs first (F5).") if self._fitted is None else _("write an id under `store as`.")
            self._owner.tell(told)
            return
        try:
            path = self._owner.session.advisor.fit_library.store(
                self._fitted.fit, name, self.form.texts.get("title", "").strip() or None
            )
        except BudgetscopeError as error:
            self._owner.tell(str(error))
            return
        self._owner.session.reread()
        told = _("wrote {path}; u makes it the default law.")
        self.notify(told.format(path=printable(str(path))), markup=False)
        self.dismiss(name)

    def action_scroll_told(self, lines: int) -> None:
        """Scroll the result."""
        self.query_one("#result").scroll_relative(y=lines, animate=False)

    def action_copy(self) -> None:
        """Copy the shell command that reads and fits the same."""
        words = shlex.join(self.form.command())
        self.app.copy_to_clipboard(words)
        self.notify(words, title=_("Copied"), markup=False)

    def action_close(self) -> None:
        """Close; what was typed is kept."""
        self.dismiss(None)


def _suggester(name: str) -> Suggester | None:
    if name == "path":
        return PathSuggester()
    return SuggestFromList(_COMPLETIONS[name]) if name in _COMPLETIONS else None
