"""A new calibration: its form beside its design and price."""

from collections.abc import Callable

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll

from budgetscope.api.calibration import Ready, require_extra
from budgetscope.api.form_words import in_form
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.language import _
from budgetscope.tui.background import run_in_thread
from budgetscope.tui.screens.calibrate import form
from budgetscope.tui.screens.calibrate.design_panel import DesignPanel
from budgetscope.tui.screens.calibrate.jobs import Preparation
from budgetscope.tui.widgets.field_row import FieldEdited, FieldRow


class NewRun(Horizontal):
    """Reads the form, and prepares and prices the run in a thread.

    Attributes:
        ready: the priced run, which can start; None while the form has no price.
        foretold: how well N at the user's budget would be known after the run last priced.
        texts: of the fields, by name; kept after the fields are removed.
    """

    def __init__(self, texts: dict[str, str], on_change: Callable[[], None], foretell: Callable[[Ready], str]) -> None:
        """Create the form.

        Args:
            texts: first texts of the fields; kept up to date.
            on_change: called when a preparation starts or ends, and when `ready` changes.
            foretell: says, in a thread, how well N at the user's budget would be known after a run.
        """
        super().__init__(id="new")
        self.ready: Ready | None = None
        self.texts = texts
        self.foretold = ""
        self._on_change = on_change
        self._foretell = foretell
        self._preparation: Preparation | None = None

    def compose(self) -> ComposeResult:
        """Yield the fields, and the design beside them."""
        width = max(cell_len(_(field.label)) for field in form.FIELDS) + 1
        with VerticalScroll(id="form", classes="panel", can_focus=False):
            for field in form.FIELDS:
                text = self.texts.get(field.name, "")
                yield FieldRow(field, text, _(field.hint), field.suggestions, label_width=width)
        yield DesignPanel(id="design", classes="panel")

    def on_mount(self) -> None:
        """Title the panels."""
        self.query_one("#form").border_title = _("New calibration")
        self.query_one("#design").border_title = _("Design and price")
        self._read()

    def on_unmount(self) -> None:
        """Cancel the preparation, if there is one."""
        if self._preparation is not None:
            self._preparation.cancel()

    def row(self, name: str) -> FieldRow:
        """Return the row of a field."""
        return self.query_one(f"#field-{name}", FieldRow)

    @property
    def preparing(self) -> bool:
        """Whether a run is being prepared."""
        return self._preparation is not None

    @on(FieldEdited)
    def _edited(self, event: FieldEdited) -> None:
        event.stop()
        self.texts[event.row.field.name] = event.row.take()
        self.ready = None
        if self._preparation is None:
            self._read()
        self._on_change()

    def _read(self) -> bool:
        """Show problems beside the fields, and return whether the form can be priced."""
        texts = self.texts
        _wishes, problems = form.read(texts)
        for field in form.FIELDS:
            row = self.row(field.name)
            if field.name in problems:
                row.problem(problems[field.name])
            else:
                row.note("")
        self.row("minutes").hint(form.minutes_of(texts["preset"]))
        design = self.query_one(DesignPanel)
        try:
            require_extra()
        except BudgetscopeError as error:
            design.refuse(in_form(str(error), form.FIELDS))
            return False
        design.ask()
        return not problems

    def price(self) -> None:
        """Prepare the data, design and price the run, in a thread."""
        if not self._read():
            return
        wishes, _problems = form.read(self.texts)
        self.ready, self.foretold = None, ""
        preparation = self._preparation = Preparation(wishes)
        self.query_one(DesignPanel).wait(preparation.said, 0)

        def run() -> tuple[Ready, str]:
            ready = preparation.run()
            return ready, self._foretell(ready)

        def priced(found: tuple[Ready, str]) -> None:
            ready, foretold = found
            if self._preparation is not preparation:
                return
            self._preparation = None
            # If the form was edited meanwhile, the price does not hold.
            if self._read() and form.read(self.texts)[0] == wishes:
                self.ready, self.foretold = found
                self.query_one(DesignPanel).price(ready, foretold, tuple(preparation.notes))
            self._on_change()

        def refused(sentence: str) -> None:
            if self._preparation is preparation:
                self._preparation = None
                self._read()
                self.query_one(DesignPanel).refuse(in_form(sentence, form.FIELDS))
                self._on_change()

        run_in_thread(self, run, priced, refused)
        self._on_change()

    def give_up(self) -> None:
        """Cancel the preparation, if there is one."""
        if self._preparation is not None:
            self._preparation.cancel()
            self._preparation = None
            self._read()
            self._on_change()

    def take(self) -> Ready | None:
        """Return the priced run and forget it, since it can start only once; None if there is none."""
        ready, self.ready = self.ready, None
        if ready is not None:
            self._read()
        return ready

    def tell_progress(self, ticks: int) -> None:
        """Show the progress of the preparation."""
        if self._preparation is not None:
            self.query_one(DesignPanel).wait(self._preparation.said, ticks % 4)
