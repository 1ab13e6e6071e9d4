"""Runs of one size and length: which are repeats of one another, and which setting of them is the best."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.training_run import NEAR_TOKENS
from budgetscope.store.tables.consistency import setting_columns
from budgetscope.store.tables.intake import IntakeNotes, RunRow


def number_repeats(rows: Sequence[RunRow], known: Collection[str], notes: IntakeNotes) -> list[RunRow]:
    """Return the rows with a seed each: runs of one size, length and settings are numbered in the order of the file.

    Their tokens and FLOPs, which may differ a little, become those of the first.

    Args:
        rows: in use, equal ones merged.
        known: columns that were read; others may hold settings, too.
        notes: takes how many repeats there are.

    Raises:
        UsageError: no two rows are repeats.
    """
    numbered: dict[int, RunRow] = {}
    repeated = groups = 0
    others = setting_columns(rows, known)
    for cell in _cells(rows):
        for group in _by_setting(cell, others):
            group.sort(key=lambda row: row.number)
            repeated += len(group) * (len(group) > 1)
            groups += len(group) > 1
            first = group[0].run
            for seed, row in enumerate(group):
                run = replace(row.run, seed=seed, tokens=first.tokens, flops=first.flops)
                numbered[id(row)] = row._replace(run=run)
    if not groups:
        raise UsageError(
            "no two runs have one size, length and setting, so that there are no repeats; leave --repeats out."
        )
    notes.assume(
        f"{repeated} runs are repeats, as asked, in {groups} group{'s' * (groups != 1)} of one size, tokens (within "
        f"{NEAR_TOKENS:.0%}) and settings: each counts as a seed."
    )
    return [numbered[id(row)] for row in rows]


def keep_best(rows: Sequence[RunRow], known: Collection[str], notes: IntakeNotes) -> list[RunRow]:
    """Return the rows of the setting with the lowest loss at each size and length, with all its seeds.

    Args:
        rows: in use, equal ones merged and repeats numbered.
        known: columns that were read.
        notes: takes what was left out, and doubts about the lowest losses.
    """
    others = setting_columns(rows, known)
    kept: set[int] = set()
    lucky = 0
    cells = _cells(rows)
    for cell in cells:
        best = min(_by_setting(cell, others), key=lambda group: sum(row.run.loss for row in group) / len(group))
        if len({row.run.seed for row in best}) < len(best):
            lucky += 1
            best = [min(best, key=lambda row: row.run.loss)]
        kept |= {id(row) for row in best}
    notes.drop(
        (row.number for row in rows if id(row) not in kept),
        "another run of its size and tokens has a lower loss, as asked",
    )
    notes.assume(f"The lowest loss at each of {len(cells)} (N, D) is used, as asked.")
    if lucky:
        notes.assume(
            f"At {lucky} (N, D) no column tells what the runs differ in: if they are repeats, their lowest loss is "
            "luck, and --repeats takes their mean."
        )
    _tell_edges(cells, kept, notes)
    return [row for row in rows if id(row) in kept]


def _tell_edges(cells: Sequence[Sequence[RunRow]], kept: Collection[int], notes: IntakeNotes) -> None:
    """Note how often the best setting is the lowest or highest tried."""
    for name in ("learning_rate", "batch_tokens"):
        swept = edges = 0
        for cell in cells:
            tried = {value for row in cell if (value := getattr(row.run, name)) is not None}
            best = {value for row in cell if id(row) in kept and (value := getattr(row.run, name)) is not None}
            swept += len(tried) > 1
            edges += len(tried) > 1 and bool(best & {min(tried), max(tried)})
        if edges:
            notes.assume(
                f"At {edges} of {swept} (N, D) the best {name} is the lowest or highest tried: the loss may be lower "
                "beyond."
            )


def _by_setting(rows: Sequence[RunRow], others: Sequence[str]) -> list[list[RunRow]]:
    """Return the rows of each setting: of learning rate, batch, beta2, and what the columns `others` hold."""
    settings: dict[tuple[object, ...], list[RunRow]] = {}
    for row in rows:
        run = row.run
        more = (str(row.cells.get(column)) for column in others)
        settings.setdefault((run.learning_rate, run.batch_tokens, run.beta2, *more), []).append(row)
    return list(settings.values())


def _cells(rows: Sequence[RunRow]) -> list[list[RunRow]]:
    """Return the rows of each size and length, ascending."""
    cells: list[list[RunRow]] = []
    for row in sorted(rows, key=lambda row: (row.run.n_params, row.run.tokens, row.number)):
        first = cells[-1][0].run if cells else None
        if first and first.n_params == row.run.n_params and row.run.tokens <= first.tokens * (1 + NEAR_TOKENS):
            cells[-1].append(row)
        else:
            cells.append([row])
    return cells
