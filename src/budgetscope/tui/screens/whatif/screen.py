"""The What-if screen: move N at a fixed budget and compare its loss and cost with the optimum."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Grid, Horizontal, Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from budgetscope.api.fields import SERVED
from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.whatif import SERVED_STEPS, SERVING_ASSUMPTION, SERVING_SHORT, Candidate
from budgetscope.core.budget.quantities import format_count, format_flops, parse_served_tokens
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.language import N_, _
from budgetscope.report.figures.figure import Figure
from budgetscope.report.headline import whatif_headline
from budgetscope.report.whatif import reach_legend, size_title, whatif_command, whatif_markdown
from budgetscope.report.words import counted, listed
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.base import NO_PLAN, Remembered, SessionScreen
from budgetscope.tui.screens.whatif import figures as isoflop
from budgetscope.tui.screens.whatif.figures import FEW_MAP_LEVELS, MAP_LEVELS, SizesAtBudget
from budgetscope.tui.screens.whatif.size_panel import Picks, SizePanel, Sizes
from budgetscope.tui.session import Session
from budgetscope.tui.widgets.chart import Chart, ChartClicked
from budgetscope.tui.widgets.field_row import FieldEdited, FieldRow
from budgetscope.tui.widgets.headline import HeadlinePanel

FINE, COARSE = 2 ** (1 / 32), 2 ** (1 / 4)
"""Factors by which one key multiplies N: 32 steps double it, or 4."""
_SAME = 1e-9
_MANY_LEVELS_WIDTH = 110
_UNMEASURED = N_("Blank: no run so far off was measured.")


class WhatifScreen(SessionScreen):
    """The What-if screen: the IsoFLOP curve at the plan's budget, and one size on it.

    Attributes:
        ratio: N over the optimal N; it stays the same when the budget changes.
        on_map: whether the chart is the map of the loss over N and D.
        served: typed number of tokens that the model will serve; while it cannot be parsed, the last valid number is
            used.
    """

    SECTION = "whatif"
    BINDINGS: ClassVar[list[BindingType]] = bindings("whatif")

    ratio: reactive[float] = reactive(1.0, init=False, repaint=False)
    on_map: reactive[bool] = reactive(False, init=False, repaint=False)
    served: reactive[str] = reactive("", init=False, repaint=False)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._asked: object = None
        self._budget: SizesAtBudget | None = None
        self._figures: dict[tuple[bool, int], Figure | None] = {}
        self._served_tokens = 0.0
        self._lifelong: tuple[object, Plan | None] | None = None

    def body(self) -> ComposeResult:
        """Compose the sentence, the chart, the size, the picks and the served tokens."""
        yield HeadlinePanel()
        with Grid(id="middle"):
            with Vertical(id="left"):
                yield Chart(id="loss", classes="panel")
                yield Static(id="no-curve", classes="panel", markup=False)
                yield Static(id="reach", markup=False)
            yield SizePanel(id="size", classes="panel")
            yield Picks(id="picks", classes="panel")
        with Horizontal(id="serving"):
            yield FieldRow(SERVED, self.served, _("none"))
            yield Static(_(SERVING_ASSUMPTION), id="assumption", markup=False)
            yield Static(_(SERVING_SHORT), id="assumption-short", markup=False)

    def on_mount(self) -> None:
        """Set the panel titles."""
        self.query_one("#no-curve").border_title = _("No curve")

    # The budget

    def show_session(self) -> None:
        """Show the sizes at the budget of the session's answer."""
        answer, advisor = self.session.answer, self.session.advisor
        if answer is None:
            self.query_one(HeadlinePanel).say(_(NO_PLAN))
            return
        if self._asked == self.answer_key():
            return
        self._asked = self.answer_key()
        letters = self.session.letters
        try:
            found = isoflop.sizes_at_budget(advisor, answer)
        except BudgetscopeError as error:
            self.tell(str(error))
            return

        def compare() -> SizesAtBudget:
            return isoflop.compared(found, advisor.compare(answer), letters)

        def wait() -> None:
            self.query_one(Picks).border_title = _("comparing {n} laws ...").format(n=len(self.session.fit_ids))
            self._show_budget(found)

        def refuse(sentence: str) -> None:
            self.tell(sentence)
            self.query_one(Picks).border_title = _("What the others would train: no answer")

        self.ask_laws(compare, self._show_compared, wait, refuse)

    def _show_compared(self, found: SizesAtBudget) -> None:
        self.query_one(Picks).border_title = _("What the others would train")
        self._show_budget(found)

    def _show_budget(self, found: SizesAtBudget) -> None:
        self._budget = found
        self._figures = {}
        reason = found.iso.no_curve_reason
        self.query_one("#loss").display = reason is None
        self.query_one("#no-curve").display = reason is not None
        self.query_one("#no-curve", Static).update(Content(reason or ""))
        self.query_one(Picks).picks = found.picks
        self._show_position()

    @property
    def here(self) -> Candidate | None:
        """The user's position; None before the first plan."""
        if self._budget is None:
            return None
        best = self._budget.best.n_params
        n_params = best if abs(self.ratio - 1) < _SAME else self._budget.within(best * self.ratio)
        return self._budget.iso.at(n_params, self._served_tokens)

    def _show_position(self) -> None:
        """Show the user's position in sentence, panels and chart."""
        found, here = self._budget, self.here
        if found is None or here is None:
            return
        best = found.iso.at(found.best.n_params, self._served_tokens)
        headline = whatif_headline(found.iso, here, self._served_tokens, self._best_over_life(found))
        self.query_one(HeadlinePanel).show(headline)
        self.query_one(SizePanel).sizes = Sizes(found.iso, here, best)
        self.query_one("#size").border_title = size_title(here)
        self.query_one(Picks).chosen = next(
            (pick.fit_id for pick in found.picks if abs(here.n_params / pick.candidate.n_params - 1) < _SAME), ""
        )
        figure = self._figure(found)
        chart = self.query_one("#loss", Chart)
        chart.figure = None if figure is None else isoflop.with_position(figure, found, here, on_map=self.on_map)
        flops = format_flops(found.answer.optimum.flops)
        title = _("Loss over N at C = {flops}").format(flops=flops)
        if self.on_map:
            # The map has no axis of the loss, which says otherwise that it is before the decay.
            early = found.answer.plan.is_before_decay
            title = _("Pre-decay loss over N and D") if early else _("Loss over N and D")
        chart.border_title = Content(listed((title, counted(found.answer.plan.convention))))
        reach = reach_legend(found.iso)
        text = _(_UNMEASURED) if self.on_map and found.iso.measured_range is not None else reach
        self.query_one("#reach", Static).update(Content(text), layout=False)

    def _best_over_life(self, found: SizesAtBudget) -> Plan | None:
        """Return the plan for the served tokens; None without any, or where the request allows none."""
        key = (found.answer, self._served_tokens)
        if self._lifelong is None or self._lifelong[0] != key:
            self._lifelong = (key, self.session.advisor.best_over_life(*key))
        return self._lifelong[1]

    def _figure(self, found: SizesAtBudget) -> Figure | None:
        """Return the figure without the position; cached for each budget."""
        levels = MAP_LEVELS if self.size.width >= _MANY_LEVELS_WIDTH else FEW_MAP_LEVELS
        key = self.on_map, levels
        if key not in self._figures:
            self._figures[key] = isoflop.loss_map(found, levels) if self.on_map else isoflop.curve(found)
        return self._figures[key]

    def on_resize(self) -> None:
        """Fit the legend of the map to the window."""
        if self.on_map:
            self._show_position()

    # The position

    def watch_ratio(self) -> None:
        """Show the new size."""
        self._show_position()

    def watch_on_map(self) -> None:
        """Show the other chart."""
        self._show_position()

    def action_move(self, steps: int) -> None:
        """Multiply N by the fine factor, `steps` times."""
        self._scale(FINE**steps)

    def action_leap(self, steps: int) -> None:
        """Multiply N by the coarse factor, `steps` times."""
        self._scale(COARSE**steps)

    def _scale(self, factor: float) -> None:
        if self._budget is not None and self.here is not None:
            self._go(self.here.n_params * factor)

    def _go(self, n_params: float) -> None:
        if self._budget is not None:
            best = self._budget.best.n_params
            ratio = self._budget.within(n_params) / best
            # Steps away and back must end exactly at the optimum, without a rounding error.
            self.ratio = 1.0 if abs(ratio - 1) < _SAME else ratio

    def action_optimum(self) -> None:
        """Go to the optimum."""
        self.ratio = 1.0

    def action_pick(self, direction: int) -> None:
        """Go to the next larger or smaller size that a law recommends; the optimum is one of them."""
        found, here = self._budget, self.here
        if found is None or here is None:
            return
        sizes = sorted({found.best.n_params, *(pick.candidate.n_params for pick in found.picks)})
        beyond = [n for n in sizes if direction * (n / here.n_params - 1) > _SAME and found.within(n) == n]
        if beyond:
            self._go(beyond[0] if direction > 0 else beyond[-1])

    @on(ChartClicked, "#loss")
    def _chart_clicked(self, event: ChartClicked) -> None:
        self._go(event.x)

    def action_map(self) -> None:
        """Switch between the curve and the map."""
        self.on_map = not self.on_map

    # Serving

    @property
    def row(self) -> FieldRow:
        """The field of the served tokens."""
        return self.query_one(FieldRow)

    @on(FieldEdited)
    def _served_edited(self, event: FieldEdited) -> None:
        self.served = event.row.take()

    def watch_served(self) -> None:
        """Parse the served tokens, or show why they cannot be parsed."""
        self.row.write(self.served)
        try:
            self._served_tokens = parse_served_tokens(self.served)
        except BudgetscopeError as error:
            self.row.problem(str(error))
            return
        self.row.note("")
        self._show_position()

    def action_edit_served(self) -> None:
        """Put the cursor into the field of the served tokens."""
        self.row.input.focus()

    def action_serve(self, direction: int) -> None:
        """Set the served tokens to the next larger or smaller of `SERVED_STEPS`."""
        now = self._served_tokens
        steps = [s for s in SERVED_STEPS if direction * (s - now) > 0]
        if steps:
            step = steps[0] if direction > 0 else steps[-1]
            self.served = format_count(step) if step else ""

    def action_leave(self) -> None:
        """Leave the field."""
        self.set_focus(None)

    # Export and saved state

    def as_command(self) -> str | None:
        """Return the shell command that shows the same size."""
        answer, here = self.session.answer, self.here
        if answer is None:
            return None
        command = self.session.advisor.command(answer.request, "whatif")
        return command if here is None else whatif_command(command, here, self._served_tokens)

    def as_markdown(self) -> str | None:
        """Return the user's position and the laws' recommendations as Markdown."""
        found, here = self._budget, self.here
        if found is None or here is None:
            return None
        best = found.iso.at(found.best.n_params, self._served_tokens)
        others = [(pick.title, pick.candidate) for pick in found.picks]
        return whatif_markdown(found.iso, here, best, others, self._served_tokens, self.as_command() or "")

    def remember(self) -> Remembered:
        """Return the state of the screen."""
        return {"ratio": self.ratio, "on_map": self.on_map, "served": self.served}

    def recall(self, remembered: Remembered) -> None:
        """Restore the state of the screen."""
        ratio, served = remembered.get("ratio"), remembered.get("served")
        if isinstance(ratio, int | float) and not isinstance(ratio, bool) and 0 < ratio < float("inf"):
            self.set_reactive(WhatifScreen.ratio, float(ratio))
        self.set_reactive(WhatifScreen.on_map, remembered.get("on_map") is True)
        if isinstance(served, str):
            try:
                self._served_tokens = parse_served_tokens(served)
            except BudgetscopeError:
                return
            self.set_reactive(WhatifScreen.served, served)
