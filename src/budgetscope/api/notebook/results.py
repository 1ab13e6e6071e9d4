"""The results of the notebook functions, with a notebook display, data frames and charts.

They compute nothing: texts and figures are from `report`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, overload

from budgetscope.api.ask import Advisor, AnsweredRequest
from budgetscope.api.fits import Entry
from budgetscope.api.notebook import html
from budgetscope.api.notebook.frames import frame
from budgetscope.api.notebook.options import NAME, value_of
from budgetscope.api.notebook.remedies import in_python, refused_in_python
from budgetscope.api.runs import Fitted
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.explanation import Explanation, Step
from budgetscope.core.answers.plan import Plan
from budgetscope.core.counting.ledger import Count, Ledger
from budgetscope.core.errors import UsageError
from budgetscope.core.language import _
from budgetscope.core.laws.fit import POINT_COLUMNS, Fit
from budgetscope.core.laws.intervals import allocation_exponent
from budgetscope.report.decision import decision
from budgetscope.report.explanation import steps_table
from budgetscope.report.fits import (
    BY_MODEL,
    INTERVAL_HEADER,
    LAW_HEADER,
    LIST_HEADER,
    exponent_text,
    fit_json,
    fit_row,
    interval_cells,
    law_cells,
    laws_text,
    list_cells,
    list_json,
    ordered,
)
from budgetscope.report.law_rows import (
    ABLATIONS_TITLE,
    COMPARISON_HEADER,
    ComparisonRow,
    comparison_note,
    comparison_rows,
)
from budgetscope.report.ledger import LEDGER_HEADER, ledger_cells
from budgetscope.report.rows import PlanRow, end_rows, plan_rows, shape_text
from budgetscope.report.tables import COMPARISON_CSV_HEADER, ledger_json, to_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MODEL = ("n_params", "tokens", "tokens_per_param", "loss")
_RUN = ("learning_rate", "batch_tokens", "beta2", "hours", "cost_usd", "energy_kwh", "co2e_kg")
_SHOWN = (*_MODEL, "flat_band_n_params", "shape", *_RUN[:3], "warmup_tokens", "steps", *_RUN[3:])
_FRAME = ("section", "quantity", "value", "low", "high", "text", "basis")


def values(result: Any) -> dict[str, Any]:
    """Return the fields of a result by name, for the constructor of a subclass."""
    return {each.name: getattr(result, each.name) for each in fields(result)}


@dataclass(frozen=True, slots=True, repr=False)
class NotebookPlan(Plan):
    """A plan with a notebook display.

    Attributes:
        answered: the answer with the plan, and its request.
    """

    answered: AnsweredRequest = field(compare=False, kw_only=True)

    @classmethod
    def of(cls, answered: AnsweredRequest) -> "NotebookPlan":
        """Return the plan of an answer."""
        return cls(**values(answered.plan), answered=answered)

    def __repr__(self) -> str:
        rows = end_rows(self)
        lines = [f"{self.budget}: {self.law_title} ({self.law_id})", *decision(self)]
        model, run = ("; ".join(_figure(rows[key]) for key in keys if key in rows) for keys in (_MODEL, _RUN))
        lines += [model if self.choice else _("the law's optimum: {figures}").format(figures=model), run]
        return "\n".join(
            [*lines, *(f"! {in_python(caution.text)}" for caution in self.cautions[:1]), *_more(self.cautions[1:])]
        )

    def _repr_html_(self) -> str:
        rows = {row.key: row for row in plan_rows(self)}
        cells = [(row.label, row.text, row.interval, row.basis) for key in _SHOWN if (row := rows.get(key))]
        return html.page(
            *(html.paragraph(sentence, strong=True) for sentence in decision(self)),
            html.paragraph(self.understood),
            html.paragraph(f"by {self.law_title} ({self.law_id})"),
            html.table(("", "value", "interval", "basis"), cells),
            html.notes("!", (caution.text for caution in self.cautions)),
            html.notes("assumed", self.assumptions),
        )

    def to_json(self) -> str:
        """Return the plan as JSON, as `budgetscope plan --json` prints it."""
        return to_json(self.answered.plan)

    def to_frame(self) -> Any:
        """Return a pandas or polars DataFrame with one row for each quantity and its interval.

        Raises:
            FailureError: neither library is installed.
        """
        return frame(_FRAME, map(_cells, plan_rows(self)))

    def plot(self, kind: str = "allocation", ax: "Axes | None" = None) -> "Axes":
        """Draw the law of N*(C) with its interval and the budget, or the loss over N at the budget.

        Args:
            kind: `allocation` or `isoflop`.
            ax: where to draw; on a new figure when None.

        Raises:
            UsageError: the kind is unknown, or the fit has no law of the loss off the optimum.
            FailureError: matplotlib is not installed, or the law gives no usable numbers along the chart.
        """
        from budgetscope.api.notebook import figures  # noqa: PLC0415 - only a chart needs them

        return figures.plan_figure(self.answered, kind, ax)


def _figure(row: PlanRow) -> str:
    return f"{row.label} {row.text} {row.interval}".rstrip()


def _more(rest: Sequence[object]) -> list[str]:
    return [f"! and {len(rest)} more cautions"] if rest else []


def _cells(row: PlanRow) -> tuple[object, ...]:
    number = row.value if isinstance(row.value, int | float) else None
    return (row.section, row.key, number, row.low, row.high, row.text, row.basis)


@dataclass(frozen=True, slots=True, repr=False)
class NotebookComparison(Comparison):
    """A comparison with a notebook display.

    Attributes:
        answered: the answer with the budget and the chosen law.
    """

    answered: AnsweredRequest = field(compare=False, kw_only=True)

    @classmethod
    def of(cls, comparison: Comparison, answered: AnsweredRequest) -> "NotebookComparison":
        """Return the comparison of an answer."""
        return cls(**values(comparison), answered=answered)

    def __repr__(self) -> str:
        return f"{self.budget}: {len(self.rows)} laws by the {self.convention} count, judged by {self.law_id}"

    def _repr_html_(self) -> str:
        rows = comparison_rows(self)
        return html.page(
            html.paragraph(self.understood, strong=True),
            html.table(COMPARISON_HEADER, (_law_cells(row) for row in rows if not row.row.ablation)),
            html.paragraph(ABLATIONS_TITLE),
            html.table(COMPARISON_HEADER, (_law_cells(row) for row in rows if row.row.ablation)),
            html.paragraph(comparison_note(self)),
            html.notes("!", (caution.text for caution in self.cautions)),
            html.notes("assumed", self.assumptions),
            html.notes("skipped:", self.skipped),
        )

    def to_json(self) -> str:
        """Return the comparison as JSON, as `budgetscope compare --json` prints it."""
        return to_json(Comparison(**{each.name: getattr(self, each.name) for each in fields(Comparison)}))

    def to_frame(self) -> Any:
        """Return a pandas or polars DataFrame with one row for each law, numbers unrounded; errors as for a plan."""
        return frame(
            COMPARISON_CSV_HEADER, ([getattr(row, name) for name in COMPARISON_CSV_HEADER] for row in self.rows)
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw N*(C) of the laws without ablations, and the budget; arguments and errors as for a plan."""
        from budgetscope.api.notebook import figures  # noqa: PLC0415 - only a chart needs them

        ids = [row.fit_id for row in self.rows if row.n_params is not None and not row.ablation]
        return figures.allocation_figure(self.answered, ids, ax)


def _law_cells(row: ComparisonRow) -> tuple[str, ...]:
    sign = "> " if row.chosen else ""
    return (
        f"{sign}{row.title}", row.n_params, row.tokens, row.tokens_per_param, row.learning_rate, row.batch,
        row.loss_difference, row.wasted,
    )  # fmt: skip


_STEP_COLUMNS = (
    "dataset", "fit_id", "title", "exponent", "exponent_low", "exponent_high", "tokens_per_param", "n_params",
    "saving_here",
)  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class NotebookExplanation(Explanation):
    """An explanation with a notebook display."""

    @classmethod
    def of(cls, explanation: Explanation) -> "NotebookExplanation":
        """Return an explanation with a notebook display."""
        return cls(**values(explanation))

    def __repr__(self) -> str:
        return f"{self.budget}: why Kaplan and Chinchilla disagree, in {len(self._steps)} steps"

    @property
    def _steps(self) -> tuple[Step, ...]:
        return next(iter(self.datasets.values()))

    def _repr_html_(self) -> str:
        parts = [html.paragraph(self.understood, strong=True)]
        parts += [
            html.paragraph(f"{number}. {step.title}. {step.sentence}") for number, step in enumerate(self._steps, 1)
        ]
        for name, steps in self.datasets.items():
            parts += [html.paragraph(name, strong=True), html.table(*steps_table(steps))]
        return html.page(*parts, html.paragraph(self.note))

    def to_json(self) -> str:
        """Return the explanation as JSON, as `budgetscope explain --json` prints it."""
        return to_json(self)

    def to_frame(self) -> Any:
        """Return a pandas or polars DataFrame with one row for each step of a dataset; errors as for a plan."""
        return frame(
            _STEP_COLUMNS,
            (
                (name, step.fit_id, step.title, step.exponent.value, step.exponent.low, step.exponent.high,
                 step.tokens_per_param, step.n_params, step.saving_here)
                for name, steps in self.datasets.items() for step in steps
            ),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class NotebookLedger(Ledger):
    """A ledger with a notebook display."""

    @classmethod
    def of(cls, ledger: Ledger) -> "NotebookLedger":
        """Return a ledger with a notebook display."""
        return cls(**values(ledger))

    def __repr__(self) -> str:
        lines = (
            "; ".join(map(" ".join, zip(LEDGER_HEADER, ledger_cells(count), strict=True))) for count in self.counts
        )
        return "\n".join((self._title, *lines))

    @property
    def _title(self) -> str:
        return f"{shape_text(self.shape)}, context {self.shape.seq_len:,}"

    def _repr_html_(self) -> str:
        return html.page(
            html.paragraph(self._title, strong=True), html.table(LEDGER_HEADER, map(ledger_cells, self.counts))
        )

    def to_json(self) -> str:
        """Return the ledger as JSON, as `budgetscope flops --json` prints it."""
        return ledger_json(self)

    def to_frame(self) -> Any:
        """Return a pandas or polars DataFrame with one row for each counting convention; errors as for a plan."""
        return frame([each.name for each in fields(Count)], (tuple(values(count).values()) for count in self.counts))


@dataclass(frozen=True, slots=True, repr=False)
class NotebookFit(Fit):
    """A fit with a notebook display and a chart, which can be stored.

    Attributes:
        fitted: with the runs, and how each row of their table was used; None for a stored fit.
    """

    fitted: Fitted | None = field(default=None, compare=False, kw_only=True)

    @classmethod
    def of(cls, fit: Fit, fitted: Fitted | None = None) -> "NotebookFit":
        """Return a fit with a notebook display."""
        return cls(**values(fit), fitted=fitted)

    def stored(self) -> Fit:
        """Return the fit as a plain `Fit`."""
        return Fit(**{each.name: getattr(self, each.name) for each in fields(Fit)})

    @refused_in_python
    def save(self, name: str, title: str | None = None) -> "NotebookFit":
        """Store the fit among the user's fits, and return it with its new id.

        Args:
            name: the id, such as mine/lab; an older fit of that id goes to its history.
            title: by default the fit's own title, or the id if it has none.

        Raises:
            UsageError: the name is not an id, or a bundled fit has it; or the title is not a text to store.
            FailureError: the folder cannot be written.
        """
        own = None if self.title == self.id else self.title
        advisor = Advisor()
        name = value_of(NAME, name)
        advisor.fit_library.store(self.stored(), name, title or own)
        return NotebookFit.of(advisor.fit_library.get(name), self.fitted)

    def __repr__(self) -> str:
        lines = [f"{self._title}: {laws_text(self)}; {self.counting} counting; a {exponent_text(self)}"]
        return "\n".join([*lines, *(f"! {flag}" for flag in self.flags)])

    @property
    def _title(self) -> str:
        return self.id if self.title == self.id else f"{self.title} ({self.id})"

    def _repr_html_(self) -> str:
        return html.page(
            html.paragraph(self._title, strong=True),
            html.paragraph(self.method),
            html.table(LAW_HEADER, (law_cells(role, law) for role, law in self.laws.items())),
            html.table(INTERVAL_HEADER, interval_cells(self)),
            html.notes("!", self.flags),
            _intake(self.fitted),
        )

    def to_json(self) -> str:
        """Return the fit as JSON, as in its file."""
        return fit_json(self)

    def to_frame(self) -> Any:
        """Return a pandas or polars DataFrame of the measured optima, with one row for each budget.

        Raises:
            UsageError: the fit has none.
            FailureError: neither library is installed.
        """
        if self.points is None:
            raise UsageError(f"{self.id} keeps no optima; its laws are in the attribute `laws`.")
        return frame(POINT_COLUMNS, self.points.rows)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the law of N*(C) with the measured optima.

        Args:
            ax: where to draw; on a new figure when None.

        Raises:
            UsageError: the fit has no law for N and D.
            FailureError: matplotlib is not installed, or the law gives no usable numbers.
        """
        from budgetscope.api.notebook import figures  # noqa: PLC0415 - only a chart needs them

        return figures.fit_figure(self.stored(), ax)


def _intake(fitted: Fitted | None) -> str:
    if fitted is None:
        return ""
    from budgetscope.report.intake import INTAKE_HEADER, intake_cells  # noqa: PLC0415 - NumPy

    table = html.table(INTAKE_HEADER, intake_cells(fitted.intake))
    return table + html.notes("assumed", fitted.intake.assumptions)


@dataclass(frozen=True, slots=True, repr=False)
class NotebookFits(Sequence[Entry]):
    """The stored fits, as a sequence of entries.

    Attributes:
        entries: by id, broken files included.
        active_law: the id of the fit for N, D and the loss when a request names none.
        default_recipe: the id of the fit for the recipe, likewise.
    """

    entries: tuple[Entry, ...]
    active_law: str
    default_recipe: str

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Entry, ...]: ...
    def __getitem__(self, index: int | slice) -> Entry | tuple[Entry, ...]:
        return self.entries[index]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __repr__(self) -> str:
        return f"{len(self)} fits; the law is {self.active_law}, the recipe {self.default_recipe or BY_MODEL}"

    def _cells(self) -> Iterator[tuple[str, ...]]:
        return (list_cells(entry, self.active_law, self.default_recipe) for entry in ordered(self.entries))

    def _repr_html_(self) -> str:
        return html.page(html.paragraph(repr(self)), html.table(LIST_HEADER, self._cells()))

    def to_json(self) -> str:
        """Return the list as JSON, as `budgetscope fits list --json` prints it."""
        return list_json(self.entries, self.active_law, self.default_recipe)

    def to_frame(self) -> Any:
        """Return a pandas or polars DataFrame with one row for each fit; errors as for a plan."""
        return frame(_FIT_COLUMNS, map(_fit_record, ordered(self.entries)))


_FIT_COLUMNS = ("id", "title", "laws", "exponent", "exponent_low", "exponent_high", "counting", "layer", "problem")


def _fit_record(entry: Entry) -> tuple[object, ...]:
    row, found = fit_row(entry), allocation_exponent(entry.fit) if entry.fit else None
    exponent = (None, None, None) if found is None else (found.value, found.low, found.high)
    return (row.id, row.title, row.laws, *exponent, row.counting, row.layer, entry.problem or None)
