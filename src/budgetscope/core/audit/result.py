"""The result of an audit: the runs that were understood, their findings, and whether they can be compared."""

from dataclasses import dataclass

from budgetscope.core.audit.comparable import Checklist
from budgetscope.core.audit.counts import Counts
from budgetscope.core.audit.finding import Finding, Severity
from budgetscope.core.audit.yardstick import Yardstick


@dataclass(frozen=True, slots=True)
class AuditedRun:
    """One run of an audit.

    Attributes:
        counts: the run, and what follows from it by arithmetic.
        yardstick: what the laws say of it; None where N or D is not known, or no law reaches it.
        remarks: what was assumed in reading it, and why no law judges it.
        findings: the gravest first.
    """

    counts: Counts
    yardstick: Yardstick | None
    remarks: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.counts.run.name


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Attributes:
        runs: in the order of the paths.
        checklist: whether they can be compared; None for one run.
    """

    runs: tuple[AuditedRun, ...]
    checklist: Checklist | None

    def reaches(self, severity: Severity) -> bool:
        """Return whether a finding is at least as grave as `severity`; runs that differ count as a warning."""
        worst = [finding.severity.rank for run in self.runs for finding in run.findings]
        if self.checklist is not None and self.checklist.comparable is False:
            worst.append(Severity.WARN.rank)
        return any(rank <= severity.rank for rank in worst)
