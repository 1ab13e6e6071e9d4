"""Format the difference of two fits: changed constants, and recommendations at a few budgets."""

from collections.abc import Iterable, Sequence

from budgetscope.core.answers.fit_difference import BudgetChange, ConstantChange, Difference, Tokenizer
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.core.language import N_, _
from budgetscope.core.stored_words import stored_text
from budgetscope.report.markdown import escaped, table
from budgetscope.report.rows import UNKNOWN
from budgetscope.report.words import Form, headed

_QUANTITIES: tuple[tuple[str, str, Form], ...] = (
    ("n_params", "N", format_count),
    ("tokens", "D", format_count),
    ("loss", N_("loss"), lambda v: f"{v:.3f}"),
    ("learning_rate", N_("lr"), lambda v: f"{v:.2g}"),
    ("batch_tokens", N_("batch"), format_count),
)
"""Recommended quantities: attribute of `Recommendation`, symbol, format."""
_SYMBOLS = tuple(symbol for _, symbol, _ in _QUANTITIES)

CONSTANT_HEADER = (N_("law"), N_("parameter"), N_("before"), N_("after"), N_("change"))


def constant_cells(change: ConstantChange) -> tuple[str, ...]:
    """Return the row of one changed constant, under `CONSTANT_HEADER`."""
    before, after = change.before, change.after
    difference = f"{after - before:+.3g}" if isinstance(before, float) and isinstance(after, float) else UNKNOWN
    return (change.role, change.parameter, _constant(before), _constant(after), difference)


def _constant(value: float | str | None) -> str:
    return UNKNOWN if value is None else value if isinstance(value, str) else f"{value:.6g}"


ARROW_HEADER = ("C", *_SYMBOLS)


def arrow_cells(change: BudgetChange) -> tuple[str, ...]:
    """Return both recommendations at one budget in one row, as `before -> after`, under `ARROW_HEADER`."""
    return (
        format_flops(change.flops),
        *(
            UNKNOWN if before is after is None else f"{_text(before, form)} -> {_text(after, form)}"
            for before, after, form in _pairs(change)
        ),
    )


STACKED_HEADER = ("C", "", *_SYMBOLS)


def _stacked_cells(change: BudgetChange) -> Iterable[tuple[str, ...]]:
    """Yield three rows under `STACKED_HEADER`: A, B, and B/A (of the loss, B - A)."""
    pairs = _pairs(change)
    yield (format_flops(change.flops), "A", *(_text(before, form) for before, _, form in pairs))
    yield ("", "B", *(_text(after, form) for _, after, form in pairs))
    changes = []
    for symbol, (before, after, _form) in zip(_SYMBOLS, pairs, strict=True):
        if before is None or after is None:
            changes.append(UNKNOWN)
        else:
            changes.append(f"{after - before:+.3f}" if symbol == "loss" else f"x{after / before:.3g}")
    yield ("", "B/A", *changes)


def _pairs(change: BudgetChange) -> list[tuple[float | None, float | None, Form]]:
    return [(getattr(change.before, name), getattr(change.after, name), form) for name, _, form in _QUANTITIES]


def _text(value: float | None, form: Form) -> str:
    return UNKNOWN if value is None else form(value)


def difference_tables(difference: Difference) -> tuple[tuple[str, Sequence[str], list[tuple[str, ...]]], ...]:
    """Return the tables of a difference from fit A to fit B: title, header and rows of each."""
    return (
        (
            _("What they recommend, C and N by the {convention} count").format(convention=difference.convention),
            headed(STACKED_HEADER),
            [line for change in difference.budgets for line in _stacked_cells(change)],
        ),
        (
            _("Their constants"),
            headed(("law", "parameter", "A", "B", "change")),
            [constant_cells(change) for change in difference.constants],
        ),
    )


def loss_note(difference: Difference) -> str:
    """Return a sentence on losses that do not compare, since their tokens differ; empty where they do."""
    if difference.tokenizers is None:
        return ""
    return tokenizer_note(difference.tokenizers, difference.before, difference.after)


def tokenizer_note(tokenizers: tuple[Tokenizer, Tokenizer], before: str, after: str) -> str:
    """Return a sentence on losses of two tokenizers, by two fits, which do not compare."""
    first, second = (_tokenizer(name, size) for name, size in tokenizers)
    return _(
        "Their losses do not compare: nats a token are of {first} by {before}, and of {second} by {after}."
    ).format(first=first, before=before, second=second, after=after)


def _tokenizer(name: str | None, size: int | None) -> str:
    named = name or _("an unknown tokenizer")
    return _("{tokenizer} with {size} tokens").format(tokenizer=named, size=f"{size:,}") if size else named


def difference_notes(difference: Difference) -> list[str]:
    """Return the notes to a difference, one sentence each: units, where sizes come from, and the flags of both fits."""
    notes = [loss_note(difference)] if difference.tokenizers else []
    if difference.sized_by is not None:
        notes.append(
            _("Learning rate and batch of a fit without N and D are those at the N and D of {law}.").format(
                law=difference.sized_by
            )
        )
    return [*notes, *map(stored_text, difference.flags)]


def difference_markdown(difference: Difference) -> str:
    """Return a difference as a Markdown page."""
    title = _("From A = `{before}` to B = `{after}`").format(before=difference.before, after=difference.after)
    lines = [f"# {title}", ""]
    for title, header, rows in difference_tables(difference):
        lines += [f"## {title}", "", *table(header, rows), ""]
    notes = [f"- {escaped(note)}" for note in difference_notes(difference)]
    return "\n".join([*lines, *notes, ""] if notes else lines)
