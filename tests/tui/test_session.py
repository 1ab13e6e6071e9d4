"""The session: one request, its answer, and what becomes of text that cannot be read."""

from dataclasses import replace

import pytest

from budgetscope.api import Advisor, PlanRequest
from budgetscope.api.fields import BY_NAME, FORM, TEXT
from budgetscope.api.form_words import in_form
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.locations import bundled_fits
from budgetscope.tui.screens.calibrate.form import FIELDS as CALIBRATION
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
    assert session.problem.name == "gpus"
    assert session.is_unread("gpus")
    assert session.plan == good
    assert session.answer is not None
    assert session.answer.request == PlanRequest("1e20")
    session.edit("gpus", "")
    assert session.problem is None
    assert session.plan == advisor.answer(PlanRequest("1e21", law="meta2024/llama3")).plan


@pytest.mark.parametrize("name", [field.name for field in FORM if field.kind is not TEXT])
def test_a_refusal_names_no_option_that_the_form_does_not_show(advisor: Advisor, name: str) -> None:
    session, _ = watched(advisor, PlanRequest("64 H100 for 14 days"))
    for text in ("H10", "-1"):
        session.edit(name, text)
        assert session.problem is not None
        assert session.problem.field == BY_NAME[name].label
        assert "--" not in session.problem.sentence
    session.edit(name, "")
    assert session.problem is None


def test_a_sentence_of_the_command_line_names_the_fields_of_a_form() -> None:
    assert in_form("--gpus 'H10' is not a number", own="--gpus") == "'H10' is not a number"
    assert in_form("--gpus is empty; give it a value", own="--gpus") == "“devices” is empty; give it a value"
    assert in_form("fits: 3.66 B parameters (--max-params 3.66B)") == "fits: 3.66 B parameters (“N most” 3.66B)"
    assert (
        in_form("run `budgetscope plan 1e21 --gpus 8`; --lang ja") == "run `budgetscope plan 1e21 --gpus 8`; --lang ja"
    )
    told = "7.8 minutes are enough (`--preset quick --minutes 7.8`)"
    assert in_form(told, CALIBRATION) == "7.8 minutes are enough (“preset” quick “minutes” 7.8)"


def test_the_details_and_cautions_name_the_fields(advisor: Advisor) -> None:
    plan = advisor.answer(PlanRequest("1 H100 for 100 years")).plan
    told = [*plan.assumptions, *(caution.text for caution in plan.cautions)]
    assert any("--max-params" in text for text in told)
    assert [text for text in map(in_form, told) if any(field.option in text for field in FORM)] == []


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
    assert session.problem.name == "device"
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
