"""The use case of an audit: configurations of runs -> what was understood, findings, and whether they compare."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from budgetscope.api.ask import Advisor
from budgetscope.api.defaults import AUDIT_RULES
from budgetscope.api.request import PlanRequest
from budgetscope.core.audit.comparable import checklist
from budgetscope.core.audit.counts import Counts, counts
from budgetscope.core.audit.finding import Severity
from budgetscope.core.audit.findings import findings
from budgetscope.core.audit.result import Audit, AuditedRun
from budgetscope.core.audit.run import COMMAND, QUANTITIES, Evidence, ObservedRun
from budgetscope.core.audit.yardstick import Yardstick, yardstick
from budgetscope.core.budget.quantities import format_count, quote, shown
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import BudgetscopeError, UsageError
from budgetscope.core.hardware.devices import find_device
from budgetscope.core.language import _, spoken_words
from budgetscope.core.printable import printable
from budgetscope.store.configs.cells import without_secrets
from budgetscope.store.configs.given import Given
from budgetscope.store.configs.read import read_command, read_runs


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What a user adds to configurations; what they say themselves is kept.

    Attributes:
        vocab: size of the vocabulary, as the model is built.
        seq_len: tokens of a training sequence.
        device: name of the device.
        gpus: devices of the whole run.
        tokens: of training.
    """

    vocab: int | None = None
    seq_len: int | None = None
    device: str | None = None
    gpus: int | None = None
    tokens: float | None = None


NO_OPTIONS = AuditOptions()

_POSSIBLE = (1e-30, 1e30)
"""Numbers of a run lie far inside; products and quotients of these do not overflow."""

_OPTIONS = {
    "vocab": "vocab_size", "seq_len": "seq_len", "device": "device", "gpus": "n_devices", "tokens": "tokens"
}  # fmt: skip
"""The attribute of a run that each option fills in."""


def audit(
    advisor: Advisor, paths: Sequence[Path], options: AuditOptions = NO_OPTIONS, commands: Sequence[str] = ()
) -> Audit:
    """Return the audit of the runs that configurations describe.

    Args:
        advisor: for its laws, settings and devices.
        paths: files and folders; a folder is one run.
        options: for what they do not say.
        commands: command lines that start a run; they are read and never executed.

    Raises:
        UsageError: nothing is given, or a configuration or the device of the options is not known.
        FailureError: a file cannot be read.
    """
    given = Given(options.seq_len, options.vocab, options.gpus, options.tokens)
    if not paths and not commands:
        raise UsageError("an audit needs a configuration; name a file or a folder, or give a line with --command.")
    runs = [*(read_runs(paths, given) if paths else ()), *(read_command(text, given) for text in commands)]
    return audit_runs(advisor, runs, options)


def audit_runs(advisor: Advisor, runs: Sequence[ObservedRun], options: AuditOptions = NO_OPTIONS) -> Audit:
    """Return the audit of runs; arguments and errors as in `audit`."""
    if options.device is not None:
        find_device(options.device, advisor.all_devices)
    # A broken law or settings file is no finding about a run.
    advisor.active_fit()
    audited = tuple(_audited(advisor, run, options) for run in runs)
    return Audit(audited, checklist([each.counts for each in audited]) if len(audited) > 1 else None)


def _audited(advisor: Advisor, run: ObservedRun, options: AuditOptions) -> AuditedRun:
    run = _printable(run)
    _require_possible(run)
    filled, ignored = _filled(run, options)
    filled, unknown = _with_known_device(advisor, filled)
    counted = counts(filled)
    measure, why = _yardstick(advisor, counted)
    return AuditedRun(
        counts=counted,
        yardstick=measure,
        remarks=(*run.remarks, *ignored, *unknown, *why),
        findings=findings(counted, measure),
    )


def _printable(run: ObservedRun) -> ObservedRun:
    """Return a run whose texts have no character that a terminal acts on."""
    texts = {f.name: printable(value) for f in fields(run) if isinstance(value := getattr(run, f.name), str)}
    found = {
        name: Evidence(printable(each.file), printable(each.key), printable(each.text))
        for name, each in run.evidence.items()
    }
    lists = {name: tuple(map(printable, getattr(run, name))) for name in ("remarks", "unread")}
    return replace(run, **texts, **lists, evidence=found)  # type: ignore[arg-type]


def _require_possible(run: ObservedRun) -> None:
    """Refuse numbers with which nothing can be computed.

    Raises:
        UsageError: one is not zero and outside `_POSSIBLE`.
    """
    low, high = _POSSIBLE
    for name in QUANTITIES:
        value = getattr(run, name)
        if isinstance(value, int | float) and value and not low <= value <= high:
            found = run.evidence.get(name)
            key = name if found is None else f"{found.key} in {found.file}"
            raise UsageError(f"{key} of the run {quote(run.name)} is {shown(value)}, which no run has; correct it.")


def _filled(run: ObservedRun, options: AuditOptions) -> tuple[ObservedRun, list[str]]:
    """Return a run with what options add to it, and a remark for each that it contradicts."""
    added: dict[str, object] = {}
    evidence: dict[str, Evidence] = {}
    remarks = []
    for option, name in _OPTIONS.items():
        given, own = getattr(options, option), getattr(run, name)
        flag = f"--{option.replace('_', '-')}"
        if given is None:
            continue
        if own is None:
            added[name] = given
        elif own != given:
            remarks.append(
                _("{flag} {given} was not taken, since the configuration says {own}.").format(
                    flag=flag, given=_shown(given), own=_shown(own)
                )
            )
        stands = run.evidence.get(name)
        # What a reader was given stands nowhere in a file.
        if own in (None, given) and (stands is None or (stands.file, stands.key) == (COMMAND, name)):
            evidence[name] = Evidence(COMMAND, flag, f"{given:.12g}" if isinstance(given, float) else str(given))
    kept: Mapping[str, Evidence] = {**run.evidence, **evidence}
    return replace(run, **added, evidence=kept), remarks  # type: ignore[arg-type]


def _shown(value: object) -> str:
    return format_count(value) if isinstance(value, float) else str(value)


def _with_known_device(advisor: Advisor, run: ObservedRun) -> tuple[ObservedRun, list[str]]:
    """Return a run whose device has the name of the device table; one that is not known is left out, with a remark."""
    if run.device is None:
        return run, []
    try:
        return replace(run, device=find_device(run.device, advisor.all_devices).name), []
    except UsageError:
        remark = _("The device {device} is not known: `budgetscope devices` lists the names.")
        return replace(run, device=None), [remark.format(device=quote(run.device))]


def _yardstick(advisor: Advisor, counted: Counts) -> tuple[Yardstick | None, list[str]]:
    """Return what the laws say of a run, or why they say nothing."""
    run, n_params = counted.run, counted.n_params
    if n_params is None or run.tokens is None:
        return None, []
    request = PlanRequest(
        f"N={n_params}",
        tokens=run.tokens,
        counting=str(Convention.STANDARD),
        vocab=run.vocab_size,
        seq_len=run.seq_len,
        device=run.device,
        gpus=None if run.device is None else run.n_devices,
    )
    try:
        answer = advisor.answer(request)
        return yardstick(answer, counted, tuple(map(advisor.library.get, AUDIT_RULES))), []
    except BudgetscopeError as error:
        return None, [_("No law judges this run: {reason}").format(reason=str(error))]


def command(paths: Sequence[Path], options: AuditOptions = NO_OPTIONS, commands: Sequence[str] = ()) -> str:
    """Return the shell command of an audit, without secrets that a command line has."""
    words = ["budgetscope", "audit", *map(str, paths)]
    for text in commands:
        words += ["--command", without_secrets(text)]
    for option in _OPTIONS:
        value = getattr(options, option)
        if value is not None:
            words += [f"--{option.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join((*words, *spoken_words()))


def severity_of(text: str) -> Severity:
    """Return the severity of a name.

    Raises:
        UsageError: there is none.
    """
    try:
        return Severity(text.strip().lower())
    except ValueError:
        names = ", ".join(Severity)
        raise UsageError(f"{quote(text)} is not a severity; choose one of {names}.") from None
