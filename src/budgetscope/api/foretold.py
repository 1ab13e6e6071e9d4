"""How well N at the user's budget would be known after the run of a design, beside today."""

import math

from budgetscope.api.ask import Advisor
from budgetscope.api.request import PlanRequest
from budgetscope.calibrate.plan.design import Design
from budgetscope.core.answers.calibration_value import Foretold
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.laws.operating_point import recount

TYPICAL = "budgetscope2026/english"
"""The bundled calibration, whose noise and bend are taken as typical of the next one."""


def foretell(advisor: Advisor, design: Design, request: PlanRequest) -> Foretold:
    """Return how well N* at the user's budget would be known after a run of a design.

    The law of the run is weighed with the published ones, as it is when it is accepted.

    Args:
        advisor: with the law in use.
        design: of the run.
        request: the user's.

    Raises:
        BudgetscopeError: the request has no plan.
    """
    from budgetscope.calibrate.reach import reaches  # noqa: PLC0415 - NumPy and SciPy
    from budgetscope.fitting.calibration_value import foretold_line  # noqa: PLC0415

    answer = advisor.answer(request)
    factor = None
    if reaches(design):
        flops = recount(answer.optimum, Convention.STANDARD, answer.question.family).flops
        line = foretold_line(advisor.fit_library.get(TYPICAL), design.budgets, len(design.seeds))
        factor = math.exp(line.half_width(flops))
    return Foretold(answer.plan.budget, answer.plan.law_id, answer.plan.optimum.n_params, factor, TYPICAL)
