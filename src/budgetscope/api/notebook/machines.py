"""The same training on several devices, with a notebook display."""

from dataclasses import dataclass, field, fields
from typing import Any

from budgetscope.api.ask import Advisor, AnsweredRequest
from budgetscope.api.notebook import html
from budgetscope.api.notebook.frames import frame
from budgetscope.api.notebook.results import values
from budgetscope.core.answers.machines import Machines
from budgetscope.report import machines as report


@dataclass(frozen=True, slots=True, repr=False)
class NotebookMachines(Machines):
    """The same training on every device that can hold it, with a notebook display.

    Attributes:
        answered: the answer with the plan.
    """

    answered: AnsweredRequest = field(compare=False, kw_only=True)

    @classmethod
    def of(cls, found: Machines, answered: AnsweredRequest) -> "NotebookMachines":
        """Return machines with a notebook display."""
        return cls(**values(found), answered=answered)

    @property
    def _alone(self) -> Machines:
        return Machines(**{each.name: getattr(self, each.name) for each in fields(Machines)})

    def _commands(self) -> report.Command:
        advisor, found = Advisor(), self._alone
        return lambda device: advisor.command(advisor.on_device(self.answered, found, device))

    def __repr__(self) -> str:
        found = self._alone
        head, lines = report.choices(found)
        if not lines:
            return f"{report.title(found)}\n{report.problem_text(found)}"
        marked = [line for device, line in lines.items() if device in (found.fastest, found.cheapest, found.device)]
        return "\n".join([report.title(found), head, *marked, f"{len(lines)} devices in all"])

    def _repr_html_(self) -> str:
        found = self._alone
        return html.page(
            html.paragraph(report.title(found), strong=True),
            html.table(report.header(found), report.cells(found)),
            html.notes("", (*filter(None, (report.problem_text(found),)), *report.notes(found))),
        )

    def to_json(self) -> str:
        """Return the machines as JSON, as `budgetscope machines --json` prints them."""
        command = Advisor().command(self.answered.request, "machines")
        return report.machines_json(self._alone, command, self._commands())

    def to_frame(self) -> Any:
        """Return a pandas or polars DataFrame with one row for each device, as `budgetscope machines --csv`.

        Raises:
            FailureError: neither library is installed.
        """
        return frame(report.CSV_HEADER, report.records(self._alone, self._commands()))
