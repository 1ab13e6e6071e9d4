"""The report that compares saved scenarios."""

import shlex
from collections.abc import Sequence

from budgetscope._version import __version__
from budgetscope.api.ask import Advisor
from budgetscope.api.export import REPORT_FORMATS, Exported, is_report, rendered, report_command
from budgetscope.api.pictures import drawn
from budgetscope.api.scenarios import SavedScenario, read_scenarios
from budgetscope.core.budget.quantities import quote
from budgetscope.core.errors import BudgetscopeError, UsageError
from budgetscope.core.language import spoken_words
from budgetscope.report.figures.figure import Bars, Figure
from budgetscope.report.figures.plan_figures import scenario_money
from budgetscope.report.meeting.figures import no_folder
from budgetscope.report.meeting.scenarios import MONEY, Scenario, scenarios_report


def scenarios_export(advisor: Advisor, given: Sequence[str], form: str, folder: str) -> Exported:
    """Return the report of saved scenarios.

    Args:
        advisor: answers them.
        given: names of scenarios, also several in one text, with commas between.
        form: one of `REPORT_FORMATS`.
        folder: of md, the path of the folder of figures to which it links; empty for none.

    Raises:
        UsageError: the format has no report, there is no such scenario, or only one is named.
        FailureError: the file of the scenarios is broken.
    """
    if not is_report(form):
        raise UsageError(f"scenarios are compared in a report, not in {form}; choose {' or '.join(REPORT_FORMATS)}.")
    saved = _named(given)
    found = [_scenario(advisor, each) for each in saved]
    pictures = drawn(lambda: _figures(found)) if form == "html" or folder else None
    names = () if pictures is None else tuple(pictures.figures)
    note = no_folder() if pictures is None else pictures.note
    words = ["--scenarios", ",".join(each.name for each in saved)]
    if any("," in each.name for each in saved):
        words = [word for each in saved for word in ("--scenarios", each.name)]
    asked = shlex.join(["budgetscope", "export", *words, *spoken_words(always=True)])
    made = scenarios_report(found, names, note, report_command(asked, form, folder), __version__)
    return Exported(rendered(form, made, pictures, folder), pictures)


def _named(given: Sequence[str]) -> list[SavedScenario]:
    """Return the scenarios of some names, each once."""
    saved = {each.name: each for each in read_scenarios()}
    if not saved:
        raise UsageError("no scenario is saved; save plans in the app, on the screen Compare, and name them here.")
    names: list[str] = []
    for text in given:
        names += [text] if text in saved else filter(None, map(str.strip, text.split(",")))
    unknown = next((name for name in names if name not in saved), None)
    if unknown is not None:
        raise UsageError(f"no scenario is named {quote(unknown)}; saved are {', '.join(map(quote, saved))}.")
    chosen = list(dict.fromkeys(names))
    if len(chosen) < 2:
        raise UsageError("a comparison needs at least two scenarios, such as --scenarios A,B; name another.")
    return [saved[name] for name in chosen]


def _scenario(advisor: Advisor, saved: SavedScenario) -> Scenario:
    if saved.request is None:
        return Scenario(saved.name, None, saved.problem)
    try:
        return Scenario(saved.name, advisor.facts(advisor.answer(saved.request)))
    except BudgetscopeError as error:
        return Scenario(saved.name, None, str(error))


def _figures(scenarios: Sequence[Scenario]) -> dict[str, Figure | Bars]:
    known = [(each.name, each.usd, each.loss) for each in scenarios]
    points = [(name, usd, loss) for name, usd, loss in known if usd is not None and loss is not None]
    figure = scenario_money(points) if len(points) > 1 else None
    return {} if figure is None else {MONEY: figure}
