"""Format an audit: what was understood, what follows from it, the findings, and the checklist, for every face."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from budgetscope.core.audit.comparable import Aspect, Checklist, Standing
from budgetscope.core.audit.counts import Counts
from budgetscope.core.audit.finding import Finding, Severity, rate_text, share_text
from budgetscope.core.audit.result import Audit, AuditedRun
from budgetscope.core.audit.run import COMMAND, QUANTITIES
from budgetscope.core.audit.yardstick import OnMachine, Yardstick
from budgetscope.core.budget.quantities import format_count, format_ends, format_flops, format_hours, format_usd
from budgetscope.core.language import N_, _, ngettext
from budgetscope.core.laws.intervals import Estimate
from budgetscope.core.trainers import TRAINERS
from budgetscope.report.markdown import escaped, fenced, table
from budgetscope.report.words import beside, between, noted

Form = Callable[[Any], str]


def _whole(value: float) -> str:
    return f"{value:,.10g}"


def _yes(value: bool) -> str:
    return _("yes") if value else _("no")


def _plain(value: object) -> str:
    return str(value)


_QUANTITIES: tuple[tuple[str, str, Form], ...] = (
    ("depth", N_("layers"), _whole),
    ("width", N_("width"), _whole),
    ("d_ff", N_("feed-forward width"), _whole),
    ("gated", N_("gated feed-forward layer"), _yes),
    ("n_heads", N_("query heads"), _whole),
    ("n_kv_heads", N_("key-value heads"), _whole),
    ("head_dim", N_("width of a head"), _whole),
    ("vocab_size", N_("vocabulary"), _whole),
    ("tied", N_("tied embeddings"), _yes),
    ("seq_len", N_("sequence length, tokens"), _whole),
    ("batch_sequences", N_("batch, sequences"), _whole),
    ("micro_sequences", N_("micro-batch, sequences"), _whole),
    ("accumulation", N_("accumulated micro-batches"), _whole),
    ("n_devices", N_("devices"), _whole),
    ("device", N_("device"), _plain),
    ("steps", N_("steps"), _whole),
    ("tokens", N_("training tokens, D"), format_count),
    ("unique_tokens", N_("unique tokens"), format_count),
    ("optimizer", N_("optimizer"), _plain),
    ("learning_rate", N_("learning rate, peak"), rate_text),
    ("min_learning_rate", N_("learning rate, at the end"), rate_text),
    ("schedule", N_("schedule"), _plain),
    ("warmup_tokens", N_("warmup, tokens"), format_count),
    ("decay_tokens", N_("decay, tokens"), format_count),
    ("beta1", N_("beta1"), rate_text),
    ("beta2", N_("beta2"), rate_text),
    ("eps", N_("epsilon"), rate_text),
    ("weight_decay", N_("weight decay, coupled"), rate_text),
    ("clip", N_("clip of the gradient's norm"), rate_text),
    ("precision", N_("precision"), _plain),
    ("tokenizer", N_("tokenizer"), _plain),
    ("dataset", N_("data"), _plain),
    ("loss", N_("final loss"), rate_text),
    ("loss_unit", N_("unit of the loss"), _plain),
    ("counts_head", N_("N and C count the last layer"), _yes),
    ("tuned_per_size", N_("recipe tuned at each size"), _yes),
)


_NAMES = ("tokenizer", "dataset")


@dataclass(frozen=True, slots=True)
class UnderstoodRow:
    """One quantity that was understood.

    Attributes:
        key: attribute of the run.
        label: for people.
        text: the value, formatted.
        where: the file and the key, with the value as written.
    """

    key: str
    label: str
    text: str
    where: str


def understood_header(run: AuditedRun) -> tuple[str, str, str]:
    """Return the header of `understood_rows`; it names the file where there is one alone."""
    file = _only_file(run.counts)
    return _("understood"), _("value"), _("in {file}").format(file=file) if file else _("where it stands")


def _only_file(counts: Counts) -> str:
    """Return the one file that a run was read from; empty where there are several."""
    files = {each.file for each in counts.run.evidence.values()} - {COMMAND}
    return files.pop() if len(files) == 1 else ""


def understood_rows(run: AuditedRun) -> tuple[UnderstoodRow, ...]:
    """Return every quantity that the configuration says, with where it says it."""
    rows = []
    for key, label, form in _QUANTITIES:
        value = getattr(run.counts.run, key)
        if value is not None:
            rows.append(UnderstoodRow(key, _(label), form(value), _where(run.counts, key)))
    return tuple(rows)


def _where(counts: Counts, key: str) -> str:
    found = counts.run.evidence.get(key)
    if found is None:
        return ""
    # A name stands beside it already, as the file has it.
    is_shown = key in _NAMES and found.text == getattr(counts.run, key)
    text = found.key if is_shown and found.key else f"{found.key} = {found.text}" if found.key else found.text
    return text if found.file in ("", _only_file(counts)) else f"{found.file}: {text}"


def counted_header() -> tuple[str, str, str]:
    """Return the header of `counted_rows`."""
    return _("counted"), _("value"), _("by the laws, or how it was counted")


def counted_rows(run: AuditedRun) -> tuple[tuple[str, str, str], ...]:
    """Return what follows from a run by arithmetic, beside what the laws say of it."""
    counts, laws = run.counts, run.yardstick
    rows: list[tuple[str, str, str]] = []
    if counts.n_params is not None:
        best = "" if laws is None else _optimum(laws.n_params)
        counted = _("parameters by the standard count: blocks and last layer, no input embedding")
        rows.append(("N", format_count(counts.n_params), noted((counted, best))))
    if counts.head_share is not None:
        rows.append((_("last layer"), share_text(counts.head_share), _("share of N")))
    if counts.flops is not None:
        rows.append(("C", format_flops(counts.flops), _("FLOPs, 6 N D")))
    if counts.tokens_per_param is not None:
        best = "" if laws is None else _optimum(laws.tokens_per_param)
        rows.append(("D/N", format_count(counts.tokens_per_param), best))
    if counts.run.batch_tokens is not None:
        said = "" if laws is None else _laws(laws.batch_tokens, format_count)
        rows.append((_("batch, tokens"), format_count(counts.run.batch_tokens), said))
    if counts.run.learning_rate is not None and laws is not None:
        rows.append((_("learning rate"), rate_text(counts.run.learning_rate), _laws(laws.learning_rate, rate_text)))
    if counts.warmup_share is not None:
        advised = "" if laws is None else _("N tokens: {tokens}").format(tokens=format_count(laws.warmup_tokens))
        rows.append((_("warmup, share of D"), share_text(counts.warmup_share), advised))
    if counts.independent_weight_decay is not None:
        rows.append((_("lr x lambda"), rate_text(counts.independent_weight_decay), _decay(laws)))
    return (*rows, *(() if laws is None or laws.machine is None else _machine_rows(laws.machine)))


def _optimum(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return _("optimum {value}").format(value=format_count(estimate.value))
    low, high = format_ends(estimate.low, estimate.high, format_count)
    return _("optimum {value} [{low}, {high}]").format(value=format_count(estimate.value), low=low, high=high)


def _laws(estimate: Estimate, form: Form) -> str:
    if estimate.low is None or estimate.high is None:
        return form(estimate.value)
    low, high = format_ends(estimate.low, estimate.high, form)
    told = _("{value}; {low} to {high}: {basis}")
    return told.format(value=form(estimate.value), low=low, high=high, basis=estimate.basis)


def _decay(laws: Yardstick | None) -> str:
    if laws is None or laws.weight_decay is None:
        return ""
    low, high = map(rate_text, laws.weight_decay)
    return _("{low} to {high} by the rules").format(low=low, high=high)


def _machine_rows(machine: OnMachine) -> list[tuple[str, str, str]]:
    devices = _("{count} x {device}").format(count=f"{machine.n_devices:,}", device=machine.device)
    reached = _("{devices} at an MFU of {mfu}").format(devices=devices, mfu=f"{machine.mfu:.0%}")
    hours = machine.hours
    if hours.low is not None and hours.high is not None:
        reached = noted((between((hours.low, hours.high), format_hours), reached))
    rows = [(_("time"), beside(hours.value, (hours.low, hours.high), format_hours), reached)]
    if machine.cost_usd is not None:
        cost = machine.cost_usd
        span = ""
        if cost.low is not None and cost.high is not None:
            span = between((cost.low, cost.high), format_usd)
        rows.append((_("cost"), beside(cost.value, (cost.low, cost.high), format_usd), span))
    if machine.peak_bytes is not None:
        peak = _("{peak} of {memory} GB").format(
            peak=f"{machine.peak_bytes / 1e9:,.1f}", memory=f"{machine.memory_bytes / 1e9:.0f}"
        )
        rows.append((_("memory"), peak, _("on a device, in the fastest layout that fits")))
    return rows


_TITLES = {
    "gpt-neox": "GPT-NeoX", "nanogpt": "nanoGPT", "olmo": "OLMo", "llm-foundry": "LLM Foundry", "toml": "TOML",
}  # fmt: skip
"""Titles of what is read and not written."""


def severity_title(severity: Severity) -> str:
    """Return the title of a severity in words that people know."""
    titles = {Severity.BAD: _("Serious"), Severity.WARN: _("Warning"), Severity.NOTE: _("Note")}
    return titles[severity]


def heading(run: AuditedRun) -> str:
    """Return the name of a run and its trainer."""
    name = run.counts.run.trainer
    trainer = next((each.title for each in TRAINERS if each.name == name), _TITLES.get(name, name))
    return _("{name} ({trainer})").format(name=run.name, trainer=trainer) if trainer else run.name


def summary(run: AuditedRun) -> str:
    """Return how many findings of each severity a run has, as a sentence."""
    count = {each: sum(finding.severity == each for finding in run.findings) for each in Severity}
    if not run.findings:
        return _("Nothing was found.")
    return _("Found: {serious}, {warnings}, {notes}.").format(
        serious=ngettext("{n} serious", "{n} serious", count[Severity.BAD]).format(n=count[Severity.BAD]),
        warnings=ngettext("{n} warning", "{n} warnings", count[Severity.WARN]).format(n=count[Severity.WARN]),
        notes=ngettext("{n} note", "{n} notes", count[Severity.NOTE]).format(n=count[Severity.NOTE]),
    )


def finding_title(finding: Finding) -> str:
    """Return the severity and the title of a finding."""
    return _("{severity}: {title}").format(severity=severity_title(finding.severity), title=finding.title)


def finding_lines(finding: Finding) -> tuple[str, ...]:
    """Return the lines below the title of a finding: evidence, remedy and price."""
    return (
        finding.evidence,
        _("Remedy: {text}").format(text=finding.remedy),
        _("Price: {text}").format(text=finding.price),
    )


FRAME_HEADER = ("run", "code", "severity", "title", "evidence", "remedy", "price")
"""Columns of `frame_rows`."""


def frame_rows(audit: Audit) -> list[tuple[object, ...]]:
    """Return a row for each finding, under `FRAME_HEADER`."""
    return [
        (run.name, each.code, str(each.severity), each.title, each.evidence, each.remedy, each.price)
        for run in audit.runs
        for each in run.findings
    ]


# The checklist


def verdict(checklist: Checklist) -> str:
    """Return whether runs can be compared, as a sentence."""
    if checklist.comparable:
        return _("The runs can be compared.")
    different, unsaid = checklist.of(Standing.DIFFERENT), checklist.of(Standing.NOT_SAID)
    if different:
        return _("The runs cannot be compared as they are: {different} of {all} aspects differ.").format(
            different=len(different), all=len(checklist.aspects)
        )
    return _("Whether the runs can be compared is not known: {unsaid} of {all} aspects are not said.").format(
        unsaid=len(unsaid), all=len(checklist.aspects)
    )


def standing_text(standing: Standing) -> str:
    """Return how runs stand in an aspect, in words."""
    words = {Standing.ALIKE: _("alike"), Standing.DIFFERENT: _("differs"), Standing.NOT_SAID: _("not said")}
    return words[standing]


def checklist_header(checklist: Checklist) -> tuple[str, ...]:
    """Return the header of `checklist_rows`."""
    return (_("for a fair comparison"), *checklist.names, "")


def checklist_rows(checklist: Checklist) -> list[tuple[str, ...]]:
    """Return a row for each aspect; what a run does not say is written as such."""
    return [
        (each.title, *(value or _("not said") for value in each.values), standing_text(each.standing))
        for each in checklist.aspects
    ]


def changes(checklist: Checklist) -> tuple[str, ...]:
    """Return what to change, and what to say, so that the runs can be compared."""
    return tuple(_change(each) for each in checklist.aspects if each.standing != Standing.ALIKE)


def _change(aspect: Aspect) -> str:
    return _("{title}: {remedy} {why}").format(title=aspect.title, remedy=aspect.remedy, why=aspect.why)


# Documents


def audit_markdown(audit: Audit, command: str) -> str:
    """Return an audit as a Markdown page.

    Args:
        audit: what was found.
        command: the shell command that gives the page.
    """
    lines: list[str] = [f"# {escaped(_('Audit of planned runs'))}", ""]
    if audit.checklist is not None:
        lines += _checklist_section(audit.checklist)
    for run in audit.runs:
        lines += [f"## {escaped(heading(run))}", "", f"**{escaped(summary(run))}**", ""]
        lines += _findings_section(run.findings)
        lines += [*(f"- {escaped(remark)}" for remark in run.remarks), ""] if run.remarks else []
        counted = counted_rows(run)
        lines += [*table(counted_header(), counted), ""] if counted else []
        rows = [(row.label, row.text, row.where) for row in understood_rows(run)]
        lines += [*table(tuple(map(escaped, understood_header(run))), rows), ""] if rows else []
    return "\n".join([*lines, f"## {escaped(_('Reproduce'))}", "", *fenced(command), ""])


def _findings_section(findings: Sequence[Finding]) -> list[str]:
    lines: list[str] = []
    for finding in findings:
        lines.append(f"- **{escaped(finding_title(finding))}** `{finding.code}`")
        lines += [f"  - {escaped(line)}" for line in finding_lines(finding)]
    return [*lines, ""] if lines else []


def _checklist_section(checklist: Checklist) -> list[str]:
    lines = [f"## {escaped(_('Are the runs comparable?'))}", "", f"**{escaped(verdict(checklist))}**", ""]
    header = tuple(map(escaped, checklist_header(checklist)))
    lines += [*table(header, checklist_rows(checklist)), ""]
    return [*lines, *(f"- {escaped(each)}" for each in changes(checklist)), ""]


def audit_json(audit: Audit, command: str) -> str:
    """Return an audit as JSON, numbers unrounded, with the command that gives it."""
    record: dict[str, Any] = {"command": command, "runs": [_record(run) for run in audit.runs], "comparison": None}
    if audit.checklist is not None:
        record["comparison"] = {"comparable": audit.checklist.comparable, **asdict(audit.checklist)}
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


_COUNTED = (
    "n_params", "n_params_blocks", "n_params_head", "head_share", "flops", "tokens_per_param", "warmup_share", "epochs",
    "independent_weight_decay",
)  # fmt: skip


def _record(run: AuditedRun) -> dict[str, Any]:
    counts, observed = run.counts, run.counts.run
    understood: dict[str, dict[str, Any]] = {}
    for name in QUANTITIES:
        value = getattr(observed, name)
        if value is not None:
            found = observed.evidence.get(name)
            understood[name] = {"value": value, "evidence": None if found is None else asdict(found)}
    return {
        "name": run.name,
        "trainer": observed.trainer,
        "findings": [asdict(finding) for finding in run.findings],
        "understood": understood,
        "counted": {name: getattr(counts, name) for name in _COUNTED},
        "laws": None if run.yardstick is None else asdict(run.yardstick),
        "remarks": run.remarks,
        "unread": observed.unread,
    }
