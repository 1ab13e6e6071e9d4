"""Changes of the law that plans follow: each is asked for, with what it does to the plan, and can be taken back."""

from collections.abc import Callable
from dataclasses import replace

from budgetscope.api import Advisor, PlanRequest
from budgetscope.api.judgement import LawChange, law_change
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.language import _
from budgetscope.report.acceptance import (
    change_notes,
    change_rows,
    cost_sentences,
    followed_sentence,
    law_named,
    law_question,
)
from budgetscope.report.fit_difference import tokenizer_note
from budgetscope.report.words import sentences
from budgetscope.tui.screens.accept_dialog import AcceptScreen, LawQuestion
from budgetscope.tui.screens.base import NOTICE_SECONDS, SessionScreen
from budgetscope.tui.session import LawChanged, Session


def ask_to_follow(screen: SessionScreen, fit_id: str) -> None:
    """Ask whether the plan shall follow a law, with what that changes; then follow it."""
    session = screen.session
    law, plan = session.request.law, session.plan
    if plan is not None and session.problem is None and plan.law_id == fit_id:
        screen.notify(_("The plan follows {law} already.").format(law=fit_id), markup=False)
        return

    def follow() -> None:
        before = session.plan
        session.follow(fit_id)
        _remember(session, lambda: session.follow(law), fit_id)
        _say(screen, followed_sentence(fit_id, before, None if session.problem else session.plan))

    _ask(screen, lambda: law_change(session.advisor, fit_id, session.request), follow)


def ask_to_open(screen: SessionScreen, fit_id: str, scenario: str, request: PlanRequest) -> None:
    """Ask whether a saved scenario shall be opened under another law, with what that changes; then open it."""
    session = screen.session
    was, opened = session.request, session.scenario

    def follow() -> None:
        session.open(scenario, replace(request, law=fit_id))
        _remember(session, lambda: session.open(opened, was), fit_id)
        _say(screen, followed_sentence(fit_id, None, None))

    _ask(screen, lambda: law_change(session.advisor, fit_id, request), follow)


def ask_to_use(screen: SessionScreen, fit_id: str) -> None:
    """Ask whether a stored fit shall be the default law or recipe, with what that changes; then make it so."""
    session = screen.session
    if fit_id in (session.advisor.active_law, session.advisor.settings.hyperparameters):
        screen.notify(_("{law} is the default already.").format(law=fit_id), markup=False)
        return
    request = session.request if session.answer is None else session.answer.request
    _ask(
        screen,
        lambda: law_change(session.advisor, fit_id, request, default=True),
        lambda: use(screen, fit_id),
        default=True,
    )


def use(screen: SessionScreen, fit_id: str) -> None:
    """Make a fit the default law or recipe, without a question."""
    session = screen.session
    advisor = session.advisor
    try:
        _path, role = advisor.fit_library.use(fit_id)
    except BudgetscopeError as error:
        screen.tell(str(error))
        return
    remember_default(session, advisor, role, fit_id)
    session.reread()
    said = _("{fit} is now the default law.") if role == "law" else _("{fit} is now the default recipe.")
    said = said.format(fit=fit_id)
    plan = session.plan
    if role == "law" and plan is not None and plan.law_id != fit_id:
        still = _("This plan still follows {law}, which its request names: Enter follows the new one.")
        said = sentences((said, still.format(law=plan.law_id)))
    _say(screen, said)


def remember_default(
    session: Session, advisor: Advisor, role: str, fit_id: str, also: Callable[[], None] = lambda: None
) -> None:
    """Keep the way back from another default.

    Args:
        session: whose plans follow it.
        advisor: as it was before the change.
        role: `law` or `recipe`.
        fit_id: the new default; where it was the default before, its file has changed.
        also: what else to do on the way back.
    """
    settings, request = advisor.settings, session.request
    name = settings.law if role == "law" else settings.hyperparameters

    def undo() -> None:
        library = session.advisor.fit_library
        if name == fit_id:
            library.undo(fit_id)
        else:
            library.set_back(role, name)
        if role == "law":
            session.request = replace(session.request, law=request.law)
        also()
        session.reread()

    _remember(session, undo, fit_id)


def undo_law(screen: SessionScreen) -> None:
    """Take back the last change of the law; say so if there is none."""
    session = screen.session
    if not session.law_changes:
        screen.notify(_("No change of the law is left to undo."), markup=False)
        return
    change = session.law_changes.pop()
    was = session.plan
    try:
        change.undo()
    except BudgetscopeError as error:
        screen.tell(str(error))
        return
    plan = session.plan
    now = "" if plan is None or session.problem else followed_sentence(plan.law_id, was, plan)
    screen.notify(sentences((change.undone, now)), timeout=NOTICE_SECONDS, markup=False)


def _remember(session: Session, undo: Callable[[], None], fit_id: str) -> None:
    session.law_changes.append(LawChanged(undo, _("The change to {law} is undone.").format(law=fit_id)))


def _ask(
    screen: SessionScreen, judge: Callable[[], LawChange], go_ahead: Callable[[], None], *, default: bool = False
) -> None:
    """Show what a law changes, and go ahead if the user agrees."""
    try:
        change = judge()
    except BudgetscopeError as error:
        screen.tell(str(error))
        return
    if change.after is None and not default:
        screen.tell(change.refusal)
        return

    def answered(agreed: bool | None) -> None:
        if agreed:
            go_ahead()

    screen.app.clear_notifications()
    screen.app.push_screen(AcceptScreen(_question(change, screen.session, default=default)), answered)


def _question(change: LawChange, session: Session, *, default: bool) -> LawQuestion:
    first, second, is_law = change.before, change.after, change.fit.allocation is not None
    before, rows, told = "", [], [change.refusal] if change.refusal else []
    if first is not None and second is not None:
        plan = first.plan
        before = plan.law_id if is_law else plan.recipe.sources["learning_rate"]
        rows = change_rows(plan, second.plan)
        if change.tokenizers is not None:
            told.append(tokenizer_note(change.tokenizers, plan.law_id, second.plan.law_id))
        told += change_notes(plan, second.plan, change.fit, one_tokenizer=change.tokenizers is None)
        told += cost_sentences(plan.law_id, second.plan.law_id, change.costs)
    if default and is_law and session.request.law is not None:
        told.append(law_named(session.request.law))
    return LawQuestion(
        question=law_question(change.fit, before, default=default),
        rows=rows,
        sentences=told,
        way_back=_("u takes it back."),
    )


def _say(screen: SessionScreen, sentence: str) -> None:
    screen.notify(sentences((sentence, _("u takes it back."))), timeout=NOTICE_SECONDS, markup=False)
