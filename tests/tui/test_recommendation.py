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
                known = {row.label for row in rows} | {"shape", "schedule"}
                labels = [re.split(r"\s{2,}|\s(?=[\d\[$-])", line)[0] for line in text.splitlines() if line.strip()]
                for row in rows:
                    # Where a time has no room for its range it is left out: the decision says both. Energy is in Details.
                    optional = row.key in ("hours", "device_hours", "energy_kwh") and row.label not in labels
                    if row.section in ("model", "recipe", "run") and row.interval and not optional:
                        assert row.interval in text, (columns, budget)
                assert {label for label in labels if label} <= known, (columns, budget)
                assert text.count("[") == text.count("]"), (columns, budget)


async def test_units_are_said_where_there_is_room(start: Start) -> None:
    async with start(PlanRequest("64 H100 for 14 days")).run_test(size=(120, 40)) as pilot:
        for columns in (120, 200):
            await pilot.resize_terminal(columns, 40)
            text = (await settle(pilot)).query_one(RecommendationPanel).render().plain
            for words in ("parameters", "nats/token", "18.8 B tokens", "0.17 in PyTorch", "2,048 tokens"):
                assert words in text
