"""Finds the column of each field of a run: by the names in common use, or by `--map`."""

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from budgetscope.core.budget.quantities import parse_count, quote
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.store.tables.formats import is_blank, name_columns, plain

COUNTS = ("flops", "n_params", "tokens", "batch_tokens", "batch_sequences", "seq_len")
"""Fields whose numbers may be written as 7B or 1,000."""
NUMBERS = (*COUNTS, "loss", "learning_rate", "beta2", "seed", "step")
FIELDS = (*NUMBERS, "run", "counting")
LOSS_UNITS = ("nats", "bits", "bits-per-byte", "perplexity")

# Names as `_normal` leaves them: lower case, letters and digits only, without W&B's config/ and summary/.
# Sources: C, N, D, loss of the chinchilla package (PyPI); tokens, loss, flops, params of
# marin-community/marin (scaling_laws/isoflop_analysis.py), throughput/total_tokens of its W&B logs;
# flops_budget, params_*, tokens_trained, val_bpb of karpathy/nanochat (runs/scaling_laws.sh, commit 342a5c4);
# N, D, lr, bs, loss, smooth loss of step-law/steplaw (code/fit_tool.py).
_NAMES = {
    "flops": "c flops flop compute flopsbudget flopbudget budgetflops trainingflops trainflops totalflops nflops",
    "n_params": "n params nparams numparams parameters nparameters numparameters paramcount parametercount",
    "tokens": "d tokens ntokens numtokens traintokens trainingtokens tokenstrained trainedtokens totaltokens "
    "tokensseen throughputtotaltokens",
    "learning_rate": "lr learningrate peaklr maxlr peaklearningrate maxlearningrate",
    "batch_tokens": "batchtokens batchsizetokens tokensperbatch tokensperstep batchsizeintokens",
    "batch_sequences": "batchsequences batchseqs bsseq batchseq batchsizesequences sequencesperbatch",
    "seq_len": "seqlen sequencelength seqlength contextlength ctxlen maxseqlen",
    "beta2": "beta2 adambeta2 b2 adamb2",
    "seed": "seed randomseed rngseed trainseed",
    "step": "step iter iteration globalstep trainerglobalstep",
    "run": "run name runname runid expname experimentname",
    "counting": "counting convention",
}
_KNOWN = {field: frozenset(names.split()) for field, names in _NAMES.items()}
# A single letter behind a prefix is not N or D: `model.d` is as often a width.
_GROUPS = re.compile(r"^((config|summary)[./])?((model|optimizer|optim)[./](?=[0-9a-z_]{2}))?")
# nanochat's own total_batch_size is in tokens, Step Law's bs in sequences: the name does not say.
_UNCLEAR_BATCH = frozenset(("bs", "gbs", "batch", "batchsize", "globalbatchsize", "totalbatchsize", "trainbatchsize"))
# Columns that name what they count are taken under that convention alone.
_BLOCKS = frozenset(("paramstransformer", "nonembeddingparams", "paramsnonembedding", "nparamsnonembedding"))
_ALL = frozenset(("paramstotal", "totalparams", "nparamstotal", "totalparameters"))
_COUNTED = {
    Convention.KAPLAN: _BLOCKS,
    Convention.DEEPSEEK: _BLOCKS,
    Convention.TOTAL: _ALL,
    Convention.EXACT: _ALL,
}
_LOSS = re.compile(r"loss|(bpb|bitsperbyte|bpt|bitspertoken|ppl|perplexity|nll|crossentropy)$")
_NOT_LOSS = frozenset(
    ("scale", "std", "stderr", "se", "var", "unit", "weight", "fn", "function", "type", "aux", "z", "min", "max")
)
_UNIT_NAMES = (
    ("bits-per-byte", re.compile(r"bpb|bitsperbyte")),
    ("bits", re.compile(r"bpt|bitspertoken")),
    ("perplexity", re.compile(r"ppl|perplexity")),
)


@dataclass(frozen=True)
class FieldSource:
    """The columns that a field is read from: one, or several times factors that are added.

    Attributes:
        label: as a user writes it after `--map FIELD=`.
        terms: (column, factor) pairs.
    """

    label: str
    terms: tuple[tuple[str, float], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its terms."""
        return tuple(column for column, _ in self.terms)

    def number(self, cells: Mapping[str, object], *, counted: bool) -> float | None:
        """Return the number in a row, or None where a cell is blank.

        Raises:
            ValueError: a cell is not a number; the message quotes it.
        """
        total = 0.0
        if len(self.terms) == 1 and self.terms[0][1] == 1.0:
            return parse_cell(cells.get(self.terms[0][0]), counted=counted)
        for column, factor in self.terms:
            value = parse_cell(cells.get(column), counted=counted)
            if value is None:
                return None
            total += value * factor
        return total

    def text(self, cells: Mapping[str, object]) -> str | None:
        """Return the text in a row, or None where the cell is blank."""
        value = cells.get(self.terms[0][0])
        return None if is_blank(value) else str(value).strip()


def parse_cell(value: object, *, counted: bool) -> float | None:
    """Return the number in a cell: None if blank; 7B and 1,000 only where something is counted.

    Raises:
        ValueError: it is not a number; the message quotes it.
    """
    if type(value) is float:
        return value
    if type(value) is str:
        # Most cells are plain numbers, and no number is blank.
        with suppress(ValueError):
            return float(value)
    if is_blank(value):
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
            raise ValueError  # noqa: TRY004, TRY301  # one way out for everything that is not a number
        return float(value)
    except (ValueError, OverflowError):
        try:
            return parse_count(value) if counted and isinstance(value, str) else _refuse_cell(value)
        except UsageError:
            return _refuse_cell(value)


def _refuse_cell(value: object) -> float:
    raise ValueError(quote(str(value))) from None


@lru_cache(maxsize=1024)
def _normal(name: str) -> str:
    """Return a column's letters and digits in lower case, without the prefixes of W&B and of nested configs."""
    stem = _GROUPS.sub("", name.strip().casefold())
    return re.sub(r"[^0-9a-z]", "", stem)


def find_column(columns: Sequence[str], name: str) -> str | None:
    """Return the column of that name, else the only one that differs in case and punctuation alone."""
    if name in columns:
        return name
    alike = [column for column in columns if column and _normal(column) == _normal(name)]
    return alike[0] if len(alike) == 1 and _normal(name) else None


def unit_of_loss(column: str) -> str | None:
    """Return the loss unit that a column's name states, if it does."""
    return next((unit for unit, pattern in _UNIT_NAMES if pattern.search(_normal(column))), None)


def resolve_field(field: str, columns: Sequence[str], mapping: Mapping[str, str]) -> FieldSource | None:
    """Return the column of a field; None if no column looks like it.

    Raises:
        UsageError: two columns look like it, or `mapping` names a column that is not there.
    """
    if field in mapping:
        return _parse_source(field, mapping[field], columns)
    return _only(field, [column for column in columns if _is_named(field, column)])


def source_of(
    field: str, columns: Sequence[str], mapping: Mapping[str, str], counting: Convention | None
) -> FieldSource | None:
    """Return the column of a field as `resolve_field`; columns that name what they count go by the convention.

    Raises: as `resolve_field`.
    """
    if field != "n_params" or field in mapping or counting is None:
        return resolve_field(field, columns, mapping)
    counted = _COUNTED.get(counting, frozenset())
    return _only(field, [name for name in columns if _is_named(field, name) or _normal(name) in counted])


def resolve(columns: Sequence[str], mapping: Mapping[str, str], counting: Convention) -> dict[str, FieldSource]:
    """Return the column of each field; fields that no column looks like are left out.

    Args:
        columns: of the file.
        mapping: field to column, where the name does not say; `a+b` and `a*1000` are understood.
        counting: the convention of the table, which chooses among columns that name what they count.

    Raises:
        UsageError: a field could be two columns, a batch size has no unit, or `mapping` does not fit.
    """
    sources = {field: source_of(field, columns, mapping, counting) for field in FIELDS}
    unclear = next((column for column in columns if _normal(column) in _UNCLEAR_BATCH), None)
    if unclear and not sources["batch_tokens"] and not sources["batch_sequences"]:
        raise UsageError(
            f"the column {quote(unclear)} could count tokens or sequences; say which with "
            f"--map batch_tokens={plain(unclear)} or --map batch_sequences={plain(unclear)}."
        )
    return {field: source for field, source in sources.items() if source is not None}


def check_mapping(mapping: Mapping[str, str]) -> None:
    """Refuse fields that do not exist.

    Raises:
        UsageError: `mapping` has such a field.
    """
    for field in mapping:
        if field not in FIELDS:
            raise UsageError(f"{quote(field)} is not a field of a run; --map takes one of {', '.join(FIELDS)}.")


def _is_named(field: str, column: str) -> bool:
    if field != "loss":
        return _normal(column) in _KNOWN[field]
    words = set(re.findall(r"[0-9a-z]+", column.casefold()))
    return bool(_LOSS.search(_normal(column))) and not words & _NOT_LOSS


def _only(field: str, candidates: Sequence[str]) -> FieldSource | None:
    # W&B's own columns begin with an underscore: _step counts calls of log(), not always steps.
    candidates = [name for name in candidates if not name.startswith("_")] or candidates
    if len(candidates) > 1:
        example = next((name for name in candidates if "val" in name.casefold()), candidates[0])
        raise UsageError(
            f"{name_columns(candidates)} could each be {field}; choose with --map {field}={plain(example)}."
        )
    return FieldSource(candidates[0], ((candidates[0], 1.0),)) if candidates else None


def _parse_source(field: str, text: str, columns: Sequence[str]) -> FieldSource:
    """Parse `column`, `column*1e9` or `column+column`; a column of exactly that name comes first."""
    whole = find_column(columns, text.strip())
    if whole is not None:
        return FieldSource(whole, ((whole, 1.0),))
    terms = []
    for part in re.split(r"(?<!\d[eE])\+", text) if field in NUMBERS else [text]:
        stem, _, factor = part.rpartition("*") if field in NUMBERS and "*" in part else (part, "", "1")
        column = find_column(columns, stem.strip())
        if column is None:
            raise UsageError(
                f"--map {field}={plain(text)}: the table has no column {quote(stem.strip())}; "
                f"it has {name_columns(columns)}."
            )
        scale = _parse_factor(factor)
        if scale is None:
            raise UsageError(
                f"--map {field}={plain(text)}: {quote(factor)} is not a factor; write it as {plain(column)}*1e9."
            )
        terms.append((column, scale))
    return FieldSource(text.strip(), tuple(terms))


def _parse_factor(text: str) -> float | None:
    try:
        factor = float(text)
    except ValueError:
        return None
    return factor if math.isfinite(factor) and factor > 0 else None
