"""The dialog that writes the plan to a file: a report, or a recipe for a trainer."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from budgetscope.api import Advisor, AnsweredRequest
from budgetscope.api.take_away import Form, Taken, forms, full_path, proposed_path, replaces, take_away
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.language import _
from budgetscope.core.printable import printable
from budgetscope.tui.background import run_in_thread
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.dialog import Dialog
from budgetscope.tui.signs import PROBLEM_SIGN


class ExportScreen(Dialog[Taken | None]):
    """Returns what was written; None when it is closed."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("export")

    def __init__(self, advisor: Advisor, answer: AnsweredRequest) -> None:
        super().__init__()
        self._advisor, self._answer = advisor, answer
        self._forms = forms()
        self._proposed = ""
        self._agreed = ""
        self._busy = False

    def compose(self) -> ComposeResult:
        """Lay out the forms, the path and a message."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(
                _("Take away the plan for {budget}").format(budget=printable(self._answer.plan.budget))
            )
            dialog.border_subtitle = _("↑ ↓: what   Tab: where to   Enter: write   Esc: close")
            yield OptionList(*(Option(Content(form.title)) for form in self._forms), markup=False, compact=True)
            with Horizontal(classes="entry"):
                yield Label(_("to"), markup=False)
                yield Input(compact=True)
            yield Static(id="message", markup=False)

    def on_mount(self) -> None:
        """Propose the first form."""
        self.query_one(OptionList).action_first()
        self.query_one(OptionList).focus()

    @property
    def _form(self) -> Form:
        return self._forms[self.query_one(OptionList).highlighted or 0]

    @on(OptionList.OptionHighlighted)
    def _chosen(self) -> None:
        """Propose a path, unless one was typed."""
        field = self.query_one(Input)
        if field.value == self._proposed:
            self._proposed = proposed_path(self._answer, self._form)
            field.value = self._proposed
        self._show_place()

    @on(Input.Changed)
    def _edited(self) -> None:
        self._show_place()

    def _show_place(self) -> None:
        """Say where it would be written."""
        self._agreed = ""
        try:
            path = full_path(self.query_one(Input).value)
            text = _("{path} is there: it is asked before it is replaced.") if replaces(self._form, path) else "{path}"
        except BudgetscopeError as error:
            self._tell(str(error))
        else:
            self._say(text.format(path=printable(str(path))))

    def _say(self, text: str) -> None:
        self.query_one("#message", Static).update(Content(text))

    def _tell(self, sentence: str) -> None:
        self._say(PROBLEM_SIGN + sentence)

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.write()

    def write(self) -> None:
        """Write it, in a thread; ask before something is replaced."""
        text, form = self.query_one(Input).value, self._form
        if self._busy or not self.is_open:
            return
        try:
            path = full_path(text)
            there = replaces(form, path)
        except BudgetscopeError as error:
            self._tell(str(error))
            return
        if there and self._agreed != str(path):
            self._agreed = str(path)
            self._say(_("{path} is there. Enter once more replaces it.").format(path=printable(str(path))))
            return
        self._busy = True
        self._say(_("writing {path} ...").format(path=printable(str(path))))

        def done(taken: Taken) -> None:
            self.dismiss(taken)

        def refuse(sentence: str) -> None:
            self._busy, self._agreed = False, ""
            self._tell(sentence)

        advisor, answer = self._advisor, self._answer
        run_in_thread(self, lambda: take_away(advisor, answer, form, path, overwrite=there), done, refuse)


def said(taken: Taken) -> str:
    """Return where something was written, and of a recipe where the rest is told: a notice is small."""
    where = printable(str(taken.path))
    if not taken.is_recipe:
        return where
    return "\n".join((where, _("{n} files; README.md says how to start.").format(n=taken.files)))
