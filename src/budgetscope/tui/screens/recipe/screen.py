"""The Recipe screen: the plan's hyperparameters, the values of all laws, and the checkpoints to keep."""

from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.reactive import reactive

from budgetscope.api import AnsweredRequest
from budgetscope.core.answers.recipe_sheet import RecipeSheet
from budgetscope.core.language import _
from budgetscope.report.headline import recipe_headline
from budgetscope.report.recipe_sheet import SCORES_TITLE, recipe_markdown, topics
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.base import NO_PLAN, Remembered, SessionScreen
from budgetscope.tui.screens.recipe import panels as recipe_panels
from budgetscope.tui.screens.recipe.panels import Sheet
from budgetscope.tui.session import Session
from budgetscope.tui.widgets.headline import HeadlinePanel

_FOLLOWABLE = {"learning_rate", "batch_size"}
_FEW_LAWS = 1000
"""Laws that are asked for a recipe within a frame, which takes 0.05 ms each."""


class RecipeScreen(SessionScreen):
    """The Recipe screen: one page that scrolls.

    Attributes:
        notes: whether the notes of the laws are shown.
    """

    SECTION = "recipe"
    BINDINGS: ClassVar[list[BindingType]] = bindings("recipe")

    notes: reactive[bool] = reactive(False, init=False, repaint=False)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._shown: tuple[AnsweredRequest, RecipeSheet] | None = None

    def body(self) -> ComposeResult:
        """Compose the sentence and the panels."""
        yield HeadlinePanel()
        with VerticalScroll(id="page", can_focus=False), Vertical(id="parts"):
            yield Sheet(_("The recipe"), recipe_panels.values, id="values")
            yield Sheet(_(SCORES_TITLE), recipe_panels.scored, id="scores")
            yield Sheet(_("What a factor of two costs"), recipe_panels.halves, id="halves")
            yield Sheet(_("What the laws say"), recipe_panels.laws, topics, id="laws")
            yield Sheet(_("Checkpoints to keep"), recipe_panels.to_keep, id="checkpoints")

    def on_mount(self) -> None:
        """Show or hide the notes as restored."""
        self.watch_notes()

    # The recipe

    def show_session(self) -> None:
        """Show the recipe of the session's answer."""
        answer, advisor = self.session.answer, self.session.advisor
        if answer is None:
            self.query_one(HeadlinePanel).say(_(NO_PLAN))
            return
        if self._shown is not None and self._shown[0] is answer:
            return
        ask = partial(advisor.recipe_sheet, answer)
        self.ask_laws(ask, partial(self._show, answer), self._await, self._refuse, few=_FEW_LAWS)

    def _await(self) -> None:
        laws = len(self.session.fit_ids)
        self.query_one(HeadlinePanel).say(_("asking {n} laws for the recipe ...").format(n=laws))

    def _refuse(self, sentence: str) -> None:
        self.tell(sentence)
        self.query_one(HeadlinePanel).say(_("No recipe for this plan."))

    def _show(self, answer: AnsweredRequest, sheet: RecipeSheet) -> None:
        self._shown = answer, sheet
        self.query_one(HeadlinePanel).show(recipe_headline(answer.plan))
        for part in self.query(Sheet):
            part.sheet = sheet

    def action_recipe(self, direction: int) -> None:
        """Take the recipe from the next or the previous law for learning rate and batch; the default is one choice."""
        if self.session.answer is None:
            return
        ids = sorted(fit.id for fit in self.session.advisor.fits if fit.laws.keys() >= _FOLLOWABLE)
        choices = [None, *ids]
        now = self.session.request.hyperparameters
        index = choices.index(now) if now in choices else 0
        chosen = choices[(index + direction) % len(choices)]
        self.session.ask(replace(self.session.request, hyperparameters=chosen))

    def action_notes(self) -> None:
        """Show or hide the notes of the laws."""
        self.notes = not self.notes

    def watch_notes(self) -> None:
        """Pass the new value to the panels."""
        for part in self.query(Sheet):
            part.notes = self.notes

    # The page

    def action_scroll_lines(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#page").scroll_relative(y=lines, animate=False)

    def action_scroll_pages(self, pages: int) -> None:
        """Scroll by pages that overlap by one line."""
        page = self.query_one("#page")
        page.scroll_relative(y=pages * max(page.size.height - 1, 1), animate=False)

    def action_part(self, direction: int) -> None:
        """Scroll to the next or the previous panel."""
        page = self.query_one("#page")
        tops = sorted({part.virtual_region.y for part in self.query(Sheet)})
        now = page.scroll_offset.y
        beyond = [top for top in tops if direction * (top - now) > 0]
        if beyond:
            page.scroll_to(y=beyond[0] if direction > 0 else beyond[-1], animate=False)

    # Export and saved state

    def as_markdown(self) -> str | None:
        """Return the recipe sheet as Markdown."""
        if self._shown is None:
            return None
        answer, sheet = self._shown
        return recipe_markdown(sheet, self.session.advisor.command(answer.request, "recipe"))

    def as_command(self) -> str | None:
        """Return the shell command that shows the same recipe."""
        answer = self.session.answer
        if answer is None:
            return None
        return self.session.advisor.command(answer.request, "recipe") + (" --notes" if self.notes else "")

    def remember(self) -> Remembered:
        """Return the state of the screen."""
        return {"notes": self.notes}

    def recall(self, remembered: Remembered) -> None:
        """Restore the state of the screen."""
        self.set_reactive(RecipeScreen.notes, remembered.get("notes") is True)
