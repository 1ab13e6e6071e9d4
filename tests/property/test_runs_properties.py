"""Reading runs: what was written comes back, whatever the format; whatever the bytes, an answer or a sentence."""

import csv
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.laws.training_run import TrainingRun
from budgetscope.store.tables.curves import at_budgets
from budgetscope.store.tables.intake import Intake
from budgetscope.store.tables.read import read_runs

# Text as a table keeps it: what a reader takes for a blank, a line or padding is no name.
names = st.text(st.characters(categories=["L", "N"], codec="utf-8"), min_size=1, max_size=8).map(
    lambda text: f"run {text}"
)
positive = st.floats(1e-6, 1e3)


@st.composite
def lists_of_runs(draw: st.DrawFn) -> list[TrainingRun]:
    """Runs under 6 N D that differ in size, so that none repeats another."""
    sizes = draw(st.lists(st.floats(1e5, 1e13), min_size=1, max_size=8, unique=True))
    runs = []
    for n_params in sizes:
        # Well within what passes for usual, so that no run is alone behind a gap and taken for another unit.
        tokens = draw(st.floats(max(1e6, 0.02 * n_params), 1e4 * n_params))
        optional = {name: draw(st.none() | positive) for name in ("learning_rate", "batch_tokens", "beta2")}
        seed, step = draw(st.none() | st.integers(-5, 2**31)), draw(st.none() | st.integers(0, 2**31))
        runs.append(
            TrainingRun(
                6 * n_params * tokens,
                n_params,
                tokens,
                draw(positive),
                **optional,
                seed=seed,
                name=draw(st.none() | names),
                step=step,
            )
        )
    return runs


def cells(run: TrainingRun) -> dict[str, object]:
    return {("run" if name == "name" else name): getattr(run, name) for name in TrainingRun.__slots__}


def as_csv(runs: list[TrainingRun], header: list[str] | None = None) -> str:
    rows = [cells(run) for run in runs]
    columns = list(rows[0])
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header or columns)
    writer.writerows([row[column] for column in columns] for row in rows)
    return text.getvalue()


def read(name: str, content: str | bytes) -> Intake:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_runs(path, counting="standard", curves="all")


@given(lists_of_runs())
def test_runs_come_back_from_csv_and_json_lines(runs: list[TrainingRun]) -> None:
    lines = "\n".join(json.dumps(cells(run), ensure_ascii=False) for run in runs)
    assert read("runs.csv", as_csv(runs)).runs == tuple(runs)
    assert read("runs.jsonl", lines).runs == tuple(runs)


@given(lists_of_runs(), st.randoms(use_true_random=False), st.sampled_from([str.upper, str.title, str.lower]))
def test_column_order_and_case_do_not_matter(
    runs: list[TrainingRun], random: Random, change: Callable[[str], str]
) -> None:
    columns = list(cells(runs[0]))
    random.shuffle(columns)
    rows = [{change(column).replace("_", " "): cells(run)[column] for column in columns} for run in runs]
    assert read("runs.json", json.dumps(rows)).runs == tuple(runs)


@given(lists_of_runs(), st.data())
def test_every_row_is_used_merged_or_dropped(runs: list[TrainingRun], data: st.DataObject) -> None:
    rows = [cells(run) for run in runs]
    rows += [dict(row) for row in data.draw(st.lists(st.sampled_from(rows), max_size=4))]
    for row in data.draw(st.lists(st.sampled_from(rows), max_size=4)):
        row[data.draw(st.sampled_from(["loss", "tokens", "seed"]))] = data.draw(
            st.sampled_from([None, float("nan"), float("inf"), -1, 0, "oops"])
        )
    try:
        intake = read("runs.json", json.dumps(rows))
    except BudgetscopeError:
        return
    dropped = sum(len(drop.rows) for drop in intake.dropped)
    assert intake.read == len(rows)
    assert intake.used == len(intake.runs) == intake.read - dropped - sum(len(rows) - 1 for rows in intake.merged)


tables = st.lists(
    st.lists(
        st.sampled_from(
            ["C", "N", "D", "loss", "1e9", "7B", "nan", "run", "bs", '"', ",", ";", "\t", " ", "-", "[", "{"]
        )
    ),
    max_size=6,
).map(lambda lines: "\n".join(",".join(line) for line in lines).encode())


@pytest.mark.parametrize(
    "name", ["runs.csv", "runs.tsv", "runs.json", "runs.jsonl", "runs.csv.gz", "runs.parquet", "events.out.tfevents.1"]
)
@given(content=st.binary(max_size=200) | tables)
def test_any_bytes_are_read_or_refused_in_a_sentence(name: str, content: bytes) -> None:
    try:
        intake = read(name, content)
    except BudgetscopeError as refusal:
        sentence = str(refusal)
    else:
        sentence = f"{intake.used} runs."
        assert intake.used
    assert sentence.endswith(".")
    assert "\n" not in sentence


@given(lists_of_runs(), st.lists(st.floats(1e10, 1e28), max_size=5))
def test_budgets_are_never_read_outside_the_measured_range(runs: list[TrainingRun], budgets: list[float]) -> None:
    curve = [TrainingRun(6e8 * run.tokens, 1e8, run.tokens, run.loss) for run in runs]
    low, high = min(run.flops for run in curve), max(run.flops for run in curve)
    points = at_budgets(curve, budgets)
    assert [run.flops for run in points] == [budget for budget in budgets if low <= budget <= high]
    losses = [run.loss for run in curve]
    assert all(min(losses) * (1 - 1e-9) <= run.loss <= max(losses) * (1 + 1e-9) for run in points)
