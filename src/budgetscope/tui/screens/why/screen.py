"""The Why screen: why Kaplan's law and Chinchilla's disagree, one step at a time."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from budgetscope.core.language import _
from budgetscope.report.explanation import WASTE, explanation_markdown
from budgetscope.report.headline import step_headline
from budgetscope.report.words import counted, listed, padded
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.base import NO_PLAN, Remembered, SessionScreen
from budgetscope.tui.screens.why.figures import Illustration, figure, illustrate
from budgetscope.tui.screens.why.step_table import StepChosen, StepTable
from budgetscope.tui.session import Session
from budgetscope.tui.widgets.chart import Chart
from budgetscope.tui.widgets.headline import HeadlinePanel

_LABEL = "$text-muted"
_LAST = 4


class WhyScreen(SessionScreen):
    """The Why screen: one step of the argument, and the table of all steps.

    Attributes:
        at: index of the step, from 0.
        dataset: index of the dataset, 0 or 1.
    """

    SECTION = "why"
    BINDINGS: ClassVar[list[BindingType]] = bindings("why")

    at: reactive[int] = reactive(0, init=False, repaint=False)
    dataset: reactive[int] = reactive(0, init=False, repaint=False)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._shown: Illustration | None = None

    def body(self) -> ComposeResult:
        """Compose the sentence, the chart, the facts of the step, and the table of all steps."""
        yield HeadlinePanel(classes="panel")
        yield Static(id="worth", markup=False)
        yield Chart(id="chart", classes="panel")
        yield Static(id="facts", classes="panel", markup=False)
        yield StepTable(id="steps", classes="panel")

    def show_session(self) -> None:
        """Explain the session's answer."""
        answer, advisor = self.session.answer, self.session.advisor
        if answer is None:
            self.query_one(HeadlinePanel).say(_(NO_PLAN))
        else:
            self.in_background(lambda: illustrate(advisor, answer), self._show)

    def _show(self, found: Illustration) -> None:
        self._shown = found
        self._show_step()

    def _show_step(self) -> None:
        if self._shown is None:
            return
        found, at = self._shown, self.at
        dataset = list(found.explanation.datasets)[self.dataset]
        step, lines = found.explanation.datasets[dataset][at], found.lines[dataset]
        table = self.query_one(StepTable)
        table.lines, table.at = lines, at
        table.budget = found.explanation.budget
        headline = self.query_one(HeadlinePanel)
        headline.border_title = Content(
            _("Step {n} of {all} on {dataset}: {title}").format(
                n=at + 1, all=len(lines), dataset=dataset, title=step.title
            )
        )
        headline.show(step_headline(found.explanation, step, lines[at].cells[WASTE]))
        self.query_one("#worth", Static).update(Content(lines[at].worth))
        chart = self.query_one(Chart)
        chart.figure = figure(found, dataset, at)
        chart.border_title = Content(listed(("N*(C)", counted(found.explanation.convention))))
        facts = self.query_one("#facts", Static)
        facts.border_title = Content(_("What step {n} says").format(n=at + 1))
        facts.update(
            Content("\n").join(Content.assemble((padded(label, 13), _LABEL), text) for label, text in lines[at].facts)
        )

    # Keys

    def action_step(self, steps: int) -> None:
        """Move by steps, within the first and the last."""
        self.at = min(max(self.at + steps, 0), _LAST)

    def action_first(self) -> None:
        """Go to the first step, Kaplan's experiment."""
        self.at = 0

    def action_last(self) -> None:
        """Go to the last step, the tuned runs."""
        self.at = _LAST

    def watch_at(self) -> None:
        """Show the new step."""
        self._show_step()

    @on(StepChosen)
    def _step_chosen(self, event: StepChosen) -> None:
        self.at = event.index

    def action_switch_dataset(self) -> None:
        """Show the other dataset."""
        self.dataset = 1 - self.dataset

    def watch_dataset(self) -> None:
        """Show the step on the new dataset."""
        self._show_step()

    def action_crosshair(self, cells: int) -> None:
        """Move the crosshair of the chart."""
        self.query_one(Chart).move_crosshair(cells)

    # Export and saved state

    def as_markdown(self) -> str | None:
        """Return the whole explanation as Markdown."""
        return None if self._shown is None else explanation_markdown(self._shown.explanation)

    def as_command(self) -> str | None:
        """Return the shell command of the same explanation."""
        answer = self.session.answer
        return None if answer is None else self.session.advisor.command(answer.request, "explain")

    def remember(self) -> Remembered:
        """Return the state of the screen."""
        return {"at": self.at, "dataset": self.dataset}

    def recall(self, remembered: Remembered) -> None:
        """Restore the state of the screen."""
        at, dataset = remembered.get("at"), remembered.get("dataset")
        if isinstance(at, int) and 0 <= at <= _LAST:
            self.set_reactive(WhyScreen.at, int(at))
        if isinstance(dataset, int) and dataset in (0, 1):
            self.set_reactive(WhyScreen.dataset, int(dataset))
