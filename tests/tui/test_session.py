"""The session: one request, its answer, and what becomes of text that cannot be read."""

from dataclasses import replace

from budgetscope.api import Advisor, PlanRequest
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.locations import bundled_fits
from budgetscope.tui.session import Session


def watched(advisor: Advisor, request: PlanRequest) -> tuple[Session, list[int]]:
    session = Session(advisor, request)
    revisions: list[int] = []
    session.on_change = lambda: revisions.append(session.revision)
    return session, revisions


def test_a_session_answers_from_the_start_and_tells_every_change(advisor: Advisor) -> None:
    session, revisions = watched(advisor, PlanRequest("1e20"))
    assert session.plan == advisor.answer(PlanRequest("1e20")).plan
    session.edit("budget", "1e21")
    session.follow("meta2024/llama3")
    session.ask(replace(session.request, mfu=0.5))
    assert session.plan == advisor.answer(PlanRequest("1e21", law="meta2024/llama3", mfu=0.5)).plan
    assert revisions == sorted(set(revisions))
    assert len(revisions) == 3


def test_text_that_cannot_be_read_stays_the_problem_until_it_is_mended(advisor: Advisor) -> None:
    session, _ = watched(advisor, PlanRequest("1e20"))
    good = session.plan
    session.edit("gpus", "many")
    session.edit("budget", "1e21")
    session.follow("meta2024/llama3")
    assert session.problem is not None
    assert session.problem.field == "gpus"
    assert session.is_unread("gpus")
    assert session.plan == good
    assert session.answer is not None
    assert session.answer.request == PlanRequest("1e20")
    session.edit("gpus", "")
    assert session.problem is None
    assert session.plan == advisor.answer(PlanRequest("1e21", law="meta2024/llama3")).plan


def test_what_is_no_change_is_not_answered_again(advisor: Advisor) -> None:
    session, revisions = watched(advisor, PlanRequest("1e20"))
    session.edit("budget", "1e20")
    assert revisions == []
    session.edit("gpus", "many")
    session.edit("gpus", "many")
    assert len(revisions) == 1
    session.edit("gpus", "more")
    assert session.problem is not None
    assert "'more'" in session.problem.sentence
    session.edit("gpus", "")
    assert len(revisions) == 3
    assert session.problem is None


def test_a_whole_new_request_forgets_what_could_not_be_read(advisor: Advisor) -> None:
    session, _ = watched(advisor, PlanRequest("1e20"))
    session.edit("gpus", "many")
    session.open("mine", PlanRequest("1e22"))
    assert session.problem is None
    assert session.scenario == "mine"
    assert session.plan == advisor.answer(PlanRequest("1e22")).plan


def test_a_refused_request_keeps_the_last_good_plan(advisor: Advisor) -> None:
    session, _ = watched(advisor, PlanRequest("1e20"))
    session.ask(PlanRequest("1e20", device="potato"))
    assert session.problem is not None
    assert session.problem.field == "device"
    assert session.answer is not None
    assert session.answer.request == PlanRequest("1e20")
    assert session.request.device == "potato"


def test_rereading_takes_a_law_that_was_made_active_meanwhile() -> None:
    session, revisions = watched(Advisor(Library((Layer("bundled", bundled_fits()),)), None, ()), PlanRequest("1e20"))
    assert session.plan is not None
    before = session.plan.law_id
    session.advisor.fit_library.use("meta2024/llama3")
    session.reread()
    assert before != "meta2024/llama3" == session.plan.law_id
    assert len(revisions) == 1
