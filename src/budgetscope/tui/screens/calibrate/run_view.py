"""The view of one run: its status, and as many panels as fit of cells, losses, map, log and fit."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from budgetscope.api.calibration import texts
from budgetscope.api.form_words import in_form
from budgetscope.core.budget.quantities import format_count
from budgetscope.core.language import N_, _
from budgetscope.report.words import noted, sentences
from budgetscope.tui.screens.calibrate import figures
from budgetscope.tui.screens.calibrate.cell_grid import CellGrid
from budgetscope.tui.screens.calibrate.fit_comparison import Verdict
from budgetscope.tui.screens.calibrate.fit_panel import FitPanel
from budgetscope.tui.screens.calibrate.form import FIELDS
from budgetscope.tui.screens.calibrate.log_tail import Tail
from budgetscope.tui.screens.calibrate.run_list import sign
from budgetscope.tui.screens.calibrate.runs import View
from budgetscope.tui.screens.calibrate.worker_strip import WorkerStrip
from budgetscope.tui.signs import LABEL_STYLE, PROBLEM_SIGN
from budgetscope.tui.widgets.chart import Chart

VIEWS = ("cells", "losses", "map", "log", "fit")
_FOUR_FROM, _ALL_FROM = (110, 30), (160, 40)
_TITLES = {
    "cells": N_("Cells"), "losses": N_("Loss over tokens, best cell of each size"),
    "map": N_("Learning rate and batch"), "log": N_("Log"), "fit": N_("The new law"),
}  # fmt: skip
_CHOSEN_SIGN = "▸ "
_BAR = 24


class RunView(Vertical):
    """Shows a run as far as its log has been read.

    Attributes:
        view: the chosen panel, the only one where there is room for one.
        zoomed: whether the chosen panel has the whole screen.
        grid: N and beta2 of the map; None for the grid that trains.
    """

    DEFAULT_CSS: ClassVar[str] = """
    RunView #where { height: 4; text-wrap: nowrap; text-overflow: ellipsis; }
    RunView #where.-trouble { height: auto; text-wrap: wrap; }
    RunView Grid { height: 1fr; grid-size: 1; grid-rows: 1fr; }
    RunView Grid > * { height: 100%; }
    """

    view: reactive[str] = reactive("cells", init=False, repaint=False)
    zoomed: reactive[bool] = reactive(False, init=False, repaint=False)
    grid: reactive[tuple[int, float] | None] = reactive(None, init=False, repaint=False)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.run: View | None = None
        self._laid: tuple[object, ...] = ()
        self._titles = {view: _(title) for view, title in _TITLES.items()}
        self._entitled: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """Yield the panels."""
        yield Static(id="where", classes="panel", markup=False)
        yield WorkerStrip(id="workers", classes="panel")
        with Grid(id="panels"):
            yield CellGrid(id="cells", classes="panel")
            yield Chart(id="losses", classes="panel")
            yield Chart(id="map", classes="panel")
            yield Tail(id="log", classes="panel")
            yield FitPanel(id="fit", classes="panel")

    def on_mount(self) -> None:
        """Title and show the panels."""
        self._lay_out()

    def on_resize(self) -> None:
        """Show as many panels as fit."""
        self._lay_out()

    def watch_view(self) -> None:
        """Show the chosen panel."""
        self._lay_out()

    def watch_zoomed(self) -> None:
        """Show one panel or several."""
        self._lay_out()

    def watch_grid(self) -> None:
        """Show the chosen map."""
        self._show_map()

    # Which panels

    @property
    def fitted(self) -> bool:
        """Whether the run has a fit."""
        return self.run is not None and self.run.fitted

    @property
    def verdict(self) -> Verdict | None:
        """The comparison of the run's fit with the active law; None while there is none."""
        found = self.query_one(FitPanel).verdict
        return (
            found if self.run is not None and found is not None and found.law == str(self.run.folder.fit_file) else None
        )

    def views(self) -> tuple[str, ...]:
        """Return the panels that this run has."""
        return VIEWS if self.fitted else VIEWS[:-1]

    def shown(self) -> tuple[str, ...]:
        """Return the panels that are shown."""
        chosen = self.view if self.view in self.views() else "cells"
        if not self.zoomed and self._room(_ALL_FROM):
            return self.views()
        if not self.zoomed and self._room(_FOUR_FROM):
            last = "fit" if self.fitted and chosen != "log" else "log"
            return (*VIEWS[:3], last)
        return (chosen,)

    def _room(self, least: tuple[int, int]) -> bool:
        return self.screen.size.width >= least[0] and self.screen.size.height >= least[1]

    def _lay_out(self) -> None:
        shown, everything = self.shown(), not self.zoomed and self._room(_ALL_FROM)
        laid = (shown, self.view, everything)
        if laid == self._laid:
            return
        self._laid = laid
        # Styles instead of classes: a class would make every chart look up its colours again.
        self.query_one("#panels").styles.grid_size_columns = 3 if everything else 2 if len(shown) > 1 else 1
        self.query_one(FitPanel).styles.column_span = 2 if everything else 1
        self.query_one(Tail).styles.column_span = 3 if everything and "fit" not in shown else 1
        for view in VIEWS:
            self.query_one(f"#{view}").display = view in shown
            self._entitle(view)
        self.query_one("#where").display = not self.zoomed
        self._show_workers()

    def _entitle(self, view: str, title: str = "") -> None:
        """Title a panel, and mark the one that keys act on."""
        self._titles[view] = title or self._titles[view]
        chosen = view == self.view and len(self.shown()) > 1
        text = (_CHOSEN_SIGN if chosen else "") + self._titles[view]
        if self._entitled.get(view) != text:
            self._entitled[view] = text
            self.query_one(f"#{view}").border_title = Content(text)

    def next_view(self) -> None:
        """Choose the next panel."""
        views = self.views()
        self.view = views[(views.index(self.view) + 1) % len(views)] if self.view in views else views[0]

    @property
    def chart(self) -> Chart:
        """The chart whose crosshair the keys move: the chosen one, else the first that is shown."""
        charts = [view for view in ("losses", "map") if view in self.shown()]
        name = self.view if self.view in charts else next(iter(charts), "losses")
        return self.query_one("#law" if self.view == "fit" and self.fitted else f"#{name}", Chart)

    def page(self, pages: int) -> None:
        """Scroll the log, or the text of the fit, by pages."""
        panel = self.query_one(FitPanel) if "fit" in self.shown() else self.query_one(Tail)
        panel.page(pages)

    # What they show

    def show(self, run: View) -> None:
        """Show a run; only what has changed is drawn again."""
        before, self.run = self.run, run
        same = before is not None and before.folder.name == run.folder.name
        if not same:
            self.grid = None
            if self.view == "fit" and not run.fitted:
                self.view = "cells"
        if same and before is not None and run.fitted and not before.fitted:
            self.view = "fit"
        where = self.query_one("#where", Static)
        where.border_title = Content(run.folder.name)
        trouble = bool(_trouble(run))
        where.set_class(trouble, "-trouble")
        where.update(_where(run), layout=trouble)
        self._show_workers()
        if before is None or not same or before.state is not run.state:
            self.query_one(CellGrid).state = run.state
            self.query_one("#losses", Chart).figure = figures.losses(run.state)
            self._show_map()
        self.query_one(Tail).lines = run.lines
        if before is None or before.fitted != run.fitted or not same:
            self._lay_out()

    def _show_workers(self) -> None:
        strip, run = self.query_one(WorkerStrip), self.run
        strip.display = run is not None and bool(run.workers) and not self.zoomed
        if run is not None and strip.display:
            strip.show(run.workers, run.state)

    def _grid(self) -> tuple[int, float] | None:
        state = None if self.run is None else self.run.state
        return None if state is None else self.grid or figures.latest_grid(state)

    def _show_map(self) -> None:
        grid, chart = self._grid(), self.query_one("#map", Chart)
        if self.run is None or grid is None:
            chart.figure = None
            self._entitle("map", _(_TITLES["map"]))
            return
        chart.figure = figures.heat(self.run.state, *grid)
        title = _("Loss: lr →, batch ↑; N={size} (key s), beta2 {beta2} (key b); *: lowest")
        self._entitle("map", title.format(size=format_count(grid[0]), beta2=f"{grid[1]:g}"))

    def next_grid(self, what: int) -> None:
        """Show the map of the next size (`what` is 0) or the next beta2 (1)."""
        current = self._grid()
        if self.run is None or current is None:
            return
        grids = figures.grids(self.run.state)
        values = sorted({grid[what] for grid in grids if grid[1 - what] == current[1 - what]})
        value = values[(values.index(current[what]) + 1) % len(values)]
        self.grid = (int(value), current[1]) if what == 0 else (current[0], float(value))


def _trouble(run: View) -> str:
    """Return what is wrong with a run; empty if nothing is."""
    return in_form(run.problem or (run.state.reason if run.status == "failed" else ""), FIELDS)


def _where(run: View) -> Content:
    """Return the status of a run, the most important first."""
    state = run.state
    stage = texts.stage_text(state.stage) if run.live else ""
    asked = ""
    if run.spec is not None:
        asked = _("on {data}, for {fit}").format(data=run.spec.corpus.title, fit=run.spec.fit_id)
    word = texts.status_text(run.status)
    first = Content.assemble(
        (f"{sign(run.status)} {word}", "bold"),
        f"  {stage or asked}",
        (f"  {asked}" * bool(stage), LABEL_STYLE),
    )
    done, cells = sum(s.finished for s in state.cells.values()), max(len(state.cells), 1)
    bar = "█" * (done * _BAR // cells)
    second = Content.assemble((bar.ljust(_BAR, "░"), "$text-primary"), f" {texts.counts(state)}")
    trouble = _trouble(run)
    if trouble:
        more = _("Everything is trained: resuming only fits again.") if run.only_fit_missing else ""
        third = Content.styled(PROBLEM_SIGN + sentences((trouble, more)), "bold $text-error")
    elif run.status == "running":
        third = Content(run.speed or _("no step yet"))
    elif run.queue:
        third = Content(_("in Slurm's queue: {queue}").format(queue=run.queue))
    else:
        third = Content(noted((in_form(state.reason, FIELDS), texts.average(state), texts.history(state))))
    best = [] if state.best is None else [Content(texts.best(state))]
    return Content("\n").join([first, second, third, *best])
