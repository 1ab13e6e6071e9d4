from dataclasses import replace

from budgetscope.api import Advisor, PlanRequest
from budgetscope.store.library import Layer, Library
from budgetscope.store.locations import bundled_fits
from budgetscope.tui.desk import Desk


def watched(advisor: Advisor, request: PlanRequest) -> tuple[Desk, list[int]]:
    desk = Desk(advisor, request)
    revisions: list[int] = []
    desk.on_change = lambda: revisions.append(desk.revision)
    return desk, revisions


def test_a_desk_answers_from_the_start_and_tells_every_change(advisor: Advisor) -> None:
    desk, revisions = watched(advisor, PlanRequest("1e20"))
    assert desk.plan == advisor.plan(PlanRequest("1e20"))
    desk.edit("budget", "1e21")
    desk.follow("meta2024/llama3")
    desk.ask(replace(desk.request, mfu=0.5))
    assert desk.plan == advisor.plan(PlanRequest("1e21", law="meta2024/llama3", mfu=0.5))
    assert revisions == sorted(set(revisions))
    assert len(revisions) == 3


def test_text_that_cannot_be_read_stays_the_problem_until_it_is_mended(advisor: Advisor) -> None:
    desk, _ = watched(advisor, PlanRequest("1e20"))
    good = desk.plan
    desk.edit("gpus", "many")
    desk.edit("budget", "1e21")
    desk.follow("meta2024/llama3")
    assert desk.problem is not None
    assert desk.problem.field == "gpus"
    assert desk.is_unread("gpus")
    assert desk.plan == good
    assert desk.answered == PlanRequest("1e20")
    desk.edit("gpus", "")
    assert desk.problem is None
    assert desk.plan == advisor.plan(PlanRequest("1e21", law="meta2024/llama3"))


def test_what_is_no_change_is_not_answered_again(advisor: Advisor) -> None:
    desk, revisions = watched(advisor, PlanRequest("1e20"))
    desk.edit("budget", "1e20")
    assert revisions == []
    desk.edit("gpus", "many")
    desk.edit("gpus", "many")
    assert len(revisions) == 1
    desk.edit("gpus", "more")
    assert desk.problem is not None
    assert "'more'" in desk.problem.sentence
    desk.edit("gpus", "")
    assert len(revisions) == 3
    assert desk.problem is None


def test_a_whole_new_request_forgets_what_could_not_be_read(advisor: Advisor) -> None:
    desk, _ = watched(advisor, PlanRequest("1e20"))
    desk.edit("gpus", "many")
    desk.open("mine", PlanRequest("1e22"))
    assert desk.problem is None
    assert desk.scenario == "mine"
    assert desk.plan == advisor.plan(PlanRequest("1e22"))


def test_a_refused_request_keeps_the_last_good_plan(advisor: Advisor) -> None:
    desk, _ = watched(advisor, PlanRequest("1e20"))
    desk.ask(PlanRequest("1e20", device="potato"))
    assert desk.problem is not None
    assert desk.problem.field == "device"
    assert desk.answered == PlanRequest("1e20")
    assert desk.request.device == "potato"


def test_rereading_takes_a_law_that_was_made_active_meanwhile() -> None:
    desk, revisions = watched(Advisor(Library((Layer("bundled", bundled_fits()),)), None, ()), PlanRequest("1e20"))
    assert desk.plan is not None
    before = desk.plan.law_id
    desk.advisor.use("meta2024/llama3")
    desk.reread()
    assert before != "meta2024/llama3" == desk.plan.law_id
    assert len(revisions) == 1
