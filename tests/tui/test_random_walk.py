"""A walk at random over keys, pastes and resizes: the app never raises and never shows another plan than the API's."""

import asyncio
import contextlib
import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.sizes import NIGHTLY
from tests.tui.driving import press_at_once, settled, shown
from textual.events import Paste

from budgetscope.api import Advisor, PlanRequest
from budgetscope.api.fields import FORM
from budgetscope.api.request import has_text
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count
from budgetscope.core.errors import BudgetscopeError
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.locations import bundled_fits
from budgetscope.store.settings import Settings
from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.keys import KEYS
from budgetscope.tui.screens.plan.recommendation import RecommendationPanel
from budgetscope.tui.screens.plan.screen import PlanScreen

# What these start outlives a step: workers that train, the end of the app, a palette that runs any of them.
LEAVE_OUT = {"quit", "price", "start", "resume"}
LEFT_OUT = {name for key in KEYS if key.action in LEAVE_OUT for name in key.keys} | {"ctrl+p"}
PRESSED = [*sorted({name for key in KEYS for name in key.keys} - LEFT_OUT), *"1234567", "backspace"]
TYPED = ["1e21", "64xH100 14d", "$50k on H100", "loss 2.6", "N=7B", "nan", "[red]", "\x1b[31m", "7\n8", "ÅÅ", "", "-1"]
SIZES = st.one_of(st.sampled_from([(80, 24), (120, 40)]), st.tuples(st.integers(1, 220), st.integers(1, 70)))
ROOM = (80, 24)


class Walk(RuleBasedStateMachine):
    """The app under a pilot whose loop runs only while a step is taken."""

    def __init__(self) -> None:
        super().__init__()
        self.undo = contextlib.ExitStack()
        home = self.undo.enter_context(tempfile.TemporaryDirectory())
        # Pictures are saved in the folder where the app runs.
        self.undo.enter_context(contextlib.chdir(home))
        for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
            self.undo.callback(os.environ.__setitem__, name, os.environ[name])
            os.environ[name] = str(Path(home) / name.lower())
        self.runner = self.undo.enter_context(asyncio.Runner())
        self.advisor = Advisor(Library((Layer("bundled", bundled_fits()),)), Settings(), ())
        self.app = BudgetscopeApp(None, self.advisor)

    @initialize(size=SIZES)
    def open(self, size: tuple[int, int]) -> None:
        running = self.app.run_test(size=size)
        self.pilot = self.runner.run(running.__aenter__())
        self.undo.callback(lambda: self.runner.run(running.__aexit__(None, None, None)))

    @rule(keys=st.lists(st.sampled_from(PRESSED), min_size=1, max_size=6))
    def press(self, keys: list[str]) -> None:
        self.runner.run(self.pilot.press(*keys))

    @rule(keys=st.lists(st.sampled_from([*PRESSED, *"08.eM"]), min_size=2, max_size=12))
    def press_at_once(self, keys: list[str]) -> None:
        async def press() -> None:
            press_at_once(self.app, *keys)
            await self.pilot.pause()

        self.runner.run(press())

    @rule(text=st.sampled_from(TYPED))
    def budget(self, text: str) -> None:
        """Go to the budget by its keys and replace it."""
        self.runner.run(self.pilot.press("escape", "escape", "1", "f3", "end", "ctrl+u"))
        self.paste(text)

    @rule(text=st.one_of(st.sampled_from(TYPED), st.text(max_size=20)))
    def paste(self, text: str) -> None:
        """Paste into whatever has the focus."""

        async def paste() -> None:
            self.app.post_message(Paste(text))
            await self.pilot.pause()

        self.runner.run(paste())

    @rule(size=SIZES)
    def resize(self, size: tuple[int, int]) -> None:
        self.runner.run(self.pilot.resize_terminal(*size))

    @invariant()
    def shows_what_the_api_says(self) -> None:
        if not hasattr(self, "pilot"):
            return
        screen = self.runner.run(settled(self.pilot))
        assert self.app._exception is None
        session = self.app.session
        if session.problem is None:
            assert session.answer is not None
            assert session.answer.request == session.request
        else:
            # A field that cannot be read is told before it becomes a request.
            assert session.problem.sentence
            refused = self.answer(session.request)
            assert isinstance(refused, str) or any(session.is_unread(row) for row in ("budget", session.problem.name))
        if isinstance(screen, PlanScreen):
            for field in FORM:
                text = screen.row(field.name).input.value
                assert session.is_unread(field.name) or has_text(session.request, field.name, text)
        if session.answer is None:
            assert session.plan is None
            return
        assert session.plan is not None
        assert session.plan == self.answer(session.answer.request)
        if self.app.screen is screen and screen.SECTION == "plan" and tuple(screen.size) >= ROOM:
            recommendation = screen.query_one(RecommendationPanel)
            assert recommendation.plan == session.plan
            assert recommendation.stale == (session.problem is not None)
            if recommendation.region and recommendation.region.height > 4 and screen.size.height >= ROOM[1]:
                text = shown(self.pilot)
                if session.problem is None:
                    assert format_count(session.plan.run.n_params) in text
                    assert format_count(session.plan.run.tokens) in text

    def answer(self, request: PlanRequest) -> Plan | str:
        try:
            return self.advisor.answer(request).plan
        except BudgetscopeError as error:
            return str(error)

    def teardown(self) -> None:
        self.undo.close()


TestWalk = Walk.TestCase
TestWalk.settings = settings(
    max_examples=20 if NIGHTLY else 3,
    stateful_step_count=15,
    # A walk of fifteen steps can be read as it failed; to shorten it starts the app anew for minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if NIGHTLY else [])],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
