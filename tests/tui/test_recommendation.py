"""The recommendation at any width: what is shown is shown whole."""

import re

from tests.tui.driving import Start, settle

from budgetscope.api import PlanRequest
from budgetscope.report.rows import plan_rows
from budgetscope.tui.screens.plan.recommendation import RecommendationPanel

BUDGETS = ("64 H100 for 14 days", "1e18", "$7.3M on B200 for 9 hours", "1e25")
COLUMNS = (80, 84, 100, 110, 120, 150, 160, 200)


async def test_no_interval_and_no_label_is_cut(start: Start) -> None:
    async with start().run_test(size=(COLUMNS[0], 40)) as pilot:
        for columns in COLUMNS:
            await pilot.resize_terminal(columns, 40)
            for budget in BUDGETS:
                (await settle(pilot)).session.ask(PlanRequest(budget, law="porian2024/refinedweb-tuned"))
                screen = await settle(pilot)
                assert screen.size.width == columns
                assert screen.session.plan is not None
                rows = plan_rows(screen.session.plan)
                text = screen.query_one(RecommendationPanel).render().plain
                for row in rows:
                    if row.key in ("learning_rate", "batch_tokens", "loss_after_decay", "tokens_per_param"):
                        assert row.interval in text, (columns, budget)
                known = {row.label for row in rows} | {"shape", "schedule", "weight decay", "final loss"}
                labels = [re.split(r"\s{2,}|\s(?=[\d\[$-])", line)[0] for line in text.splitlines() if line.strip()]
                assert {label for label in labels if label} <= known, (columns, budget)
                assert text.count("[") == text.count("]"), (columns, budget)


async def test_units_are_said_where_there_is_room(start: Start) -> None:
    async with start(PlanRequest("64 H100 for 14 days")).run_test(size=(120, 40)) as pilot:
        for columns in (80, 200):
            await pilot.resize_terminal(columns, 40)
            text = (await settle(pilot)).query_one(RecommendationPanel).render().plain
            for words in ("2.23 M  [1.94 M, 12.6 M]   tokens", "nats/token", "18.8 B tokens"):
                assert words in text
