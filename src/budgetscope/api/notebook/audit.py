"""The audit of runs with a notebook display and a data frame."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from budgetscope.api.ask import Advisor
from budgetscope.api.audit import AuditOptions, audit, command
from budgetscope.api.fields import BY_NAME, WHOLE, Field
from budgetscope.api.notebook import html
from budgetscope.api.notebook.frames import frame
from budgetscope.api.notebook.options import AuditKeywords, check_names, value_of
from budgetscope.api.notebook.results import values
from budgetscope.core.audit.result import Audit, AuditedRun
from budgetscope.core.hardware.bounds import N_DEVICES_BOUNDS
from budgetscope.report import audit as report

_GPUS = Field(name="gpus", help="", kind=WHOLE, bounds=N_DEVICES_BOUNDS)


def audit_of(options: AuditKeywords) -> AuditOptions:
    """Return what a user adds to configurations.

    Raises:
        UsageError: an option is unknown or has an invalid value.
    """
    check_names("audit", options, AuditKeywords.__annotations__)
    found = {
        name: value_of(_GPUS if name == "gpus" else BY_NAME[name], given)
        for name, given in options.items()
        if given is not None
    }
    return AuditOptions(**found)


@dataclass(frozen=True, slots=True, repr=False)
class NotebookAudit(Audit):
    """An audit with a notebook display.

    Attributes:
        command: the shell command that prints it.
    """

    command: str = field(compare=False, kw_only=True)

    @classmethod
    def read(cls, paths: tuple[Path, ...], options: AuditOptions) -> "NotebookAudit":
        """Return the audit of the runs that configurations describe; errors as `api.audit.audit`."""
        return cls(**values(audit(Advisor(), paths, options)), command=command(paths, options))

    @property
    def _alone(self) -> Audit:
        return Audit(**{each.name: getattr(self, each.name) for each in fields(Audit)})

    def __repr__(self) -> str:
        lines = [] if self.checklist is None else [report.verdict(self.checklist)]
        for run in self.runs:
            lines.append(f"{report.heading(run)}: {report.summary(run)}")
            lines += [f"  {report.finding_title(each)}" for each in run.findings]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        parts = []
        if self.checklist is not None:
            parts += [
                html.paragraph(report.verdict(self.checklist), strong=True),
                html.table(report.checklist_header(self.checklist), report.checklist_rows(self.checklist)),
                html.notes("-", report.changes(self.checklist)),
            ]
        return html.page(*parts, *(part for run in self.runs for part in _run_html(run)))

    def to_json(self) -> str:
        """Return the audit as JSON, as `budgetscope audit --json` prints it."""
        return report.audit_json(self._alone, self.command)

    def to_frame(self) -> Any:
        """Return a pandas or polars DataFrame with one row for each finding.

        Raises:
            FailureError: neither library is installed.
        """
        return frame(report.FRAME_HEADER, report.frame_rows(self._alone))


def _run_html(run: AuditedRun) -> list[str]:
    findings = [
        (report.severity_title(each.severity), each.title, " ".join(report.finding_lines(each)))
        for each in run.findings
    ]
    understood = [(row.label, row.text, row.where) for row in report.understood_rows(run)]
    return [
        html.paragraph(report.heading(run), strong=True),
        html.paragraph(report.summary(run)),
        html.table(("", "", ""), findings),
        html.notes("!", run.remarks),
        html.table(report.counted_header(), report.counted_rows(run)),
        html.table(report.understood_header(run), understood),
    ]
