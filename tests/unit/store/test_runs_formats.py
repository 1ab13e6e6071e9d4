import gzip
import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from budgetscope.core.errors import BudgetscopeError, FailureError, UsageError
from budgetscope.core.extras import install_command
from budgetscope.store.tables import formats, limits
from budgetscope.store.tables.intake import Dropped, Intake
from budgetscope.store.tables.read import read_runs

ENDS = ("__MIN", "__MAX")
ROWS = [
    {"C": 6e17, "N": 1e8, "D": 1e9, "loss": 3.25},
    {"C": 1.2e18, "N": 1e8, "D": 2e9, "loss": 3.125},
    {"C": 1.2e18, "N": 2e8, "D": 1e9, "loss": 3.0},
]


def delimited(delimiter: str = ",") -> str:
    lines = [delimiter.join(ROWS[0]), *(delimiter.join(str(cell) for cell in row.values()) for row in ROWS)]
    return "\r\n".join(lines) + "\r\n"


def read(path: Path, content: str | bytes, **options: Any) -> Intake:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_runs(path, counting="standard", **options)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("runs.csv", delimited().encode()),
        ("RUNS.CSV", b"\xef\xbb\xbf" + delimited().encode()),
        ("semicolons.csv", delimited(";").encode()),
        ("runs.tsv", delimited("\t").encode()),
        ("blank lines.csv", delimited().replace("\r\n", "\n\n").encode()),
        (
            "index.csv",
            b"".join(f"{mark},{row}\n".encode() for mark, row in zip(" 012", delimited().split(), strict=True)),
        ),
        ("runs.csv.gz", gzip.compress(delimited().encode(), mtime=0)),
        ("runs.json", json.dumps(ROWS).encode()),
        ("runs.jsonl", "\n".join(map(json.dumps, ROWS)).encode()),
        ("runs.ndjson", "\n".join(map(json.dumps, ROWS)).encode()),
        ("nested.json", json.dumps([{"config": {"N": row.pop("N")}, **row} for row in map(dict, ROWS)]).encode()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_format_gives_the_same_runs(tmp_path: Path, name: str, content: bytes) -> None:
    intake = read(tmp_path / name, content)
    assert [(run.flops, run.n_params, run.tokens, run.loss) for run in intake.runs] == [
        tuple(row.values()) for row in ROWS
    ]
    assert (intake.read, intake.used, intake.merged, intake.dropped) == (3, 3, (), ())


def test_parquet_is_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "runs.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    assert [run.loss for run in read_runs(path, counting="standard").runs] == [3.25, 3.125, 3.0]
    decimals = [{name: Decimal(str(value)) for name, value in row.items()} for row in ROWS]
    parquet.write_table(pyarrow.Table.from_pylist(decimals), path)
    assert [run.loss for run in read_runs(path, counting="standard").runs] == [3.25, 3.125, 3.0]
    with pytest.raises(FailureError, match="not a Parquet file, or is damaged"):
        read(path, b"PAR1 but no more")


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("runs.parquet", "pyarrow.parquet", "parquet"),
        ("events.out.tfevents.1", "tensorboard.backend.event_processing.event_file_loader", "tensorboard"),
    ],
)
def test_a_missing_extra_is_named_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(FailureError, match=re.escape(install_command(extra))):
        read(tmp_path / name, "anything")


@pytest.mark.parametrize(
    ("name", "content", "kind", "message"),
    [
        ("runs.csv", "", UsageError, "is empty; give a table"),
        ("runs.csv", "\n \n", UsageError, "is empty; give a table"),
        ("runs.csv", "C,N,D,loss\n", UsageError, "holds no runs"),
        ("runs.json", "[]", UsageError, "holds no runs"),
        ("runs.csv", b"\x89PNG\x0d\xff", FailureError, "not UTF-8 text"),
        ("runs.csv", b"C,N\0,D", FailureError, "not UTF-8 text"),
        ("runs.csv", "C,N,D,loss\n1,2,3,4\n1,2,3\n", UsageError, "row 2 of .* has 3 cells and the header 4"),
        ("runs.csv", "C,N,C\n1,2,3\n", UsageError, "two columns named 'C'"),
        ("runs.csv", 'C,N\n"1,2\n', UsageError, "is not a table: unexpected end of data"),
        ("runs.json", '{"C": 1}', UsageError, "not a list of objects"),
        ("runs.json", '{"C": [1, 2], "N": [1]}', UsageError, "not a list of objects"),
        ("runs.json", '{"columns": ["C", "N"], "data": [[1]]}', UsageError, "not a list of objects"),
        ("runs.json", '{"columns": ["C", "C"], "data": [[1, 2]]}', UsageError, "two columns named 'C'"),
        ("runs.tsv", 'C\tN\n"1"2\t3\n', UsageError, r"is not a table: '\\t' expected after"),
        ("runs.json", "[1, 2]", UsageError, "row 1 of .* is not an object"),
        ("runs.json", '{"C": 1}\n{"C": 2}', UsageError, "is not JSON .extra data.*jsonl"),
        ("runs.json", "[" * 100_000, UsageError, "nested too deeply"),
        ("runs.jsonl", '{"C": 1}\n{"C": ', UsageError, "line 2 of .* is not JSON"),
        ("runs.csv.gz", "C,N,D,loss\n", FailureError, "cannot read"),
        ("runs.xlsx", "C,N,D,loss\n", UsageError, "cannot tell the format"),
    ],
)
def test_files_that_are_no_table_of_runs_are_refused_in_a_sentence(
    tmp_path: Path, name: str, content: str | bytes, kind: type[BudgetscopeError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        read(tmp_path / name, content)


COLUMNS = {name: [row[name] for row in ROWS] for name in ROWS[0]}
BY_NAME = {f"run-{number}": row for number, row in enumerate(ROWS)}


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (COLUMNS, None),
        ({name: dict(enumerate(cells)) for name, cells in COLUMNS.items()}, None),
        ({name: dict(zip(BY_NAME, cells, strict=True)) for name, cells in COLUMNS.items()}, list(BY_NAME)),
        (dict(enumerate(ROWS)), None),
        (BY_NAME, list(BY_NAME)),
        ({"columns": list(COLUMNS), "index": [0, 1, 2], "data": [list(row.values()) for row in ROWS]}, None),
        ({"schema": {"fields": []}, "data": ROWS}, None),
        ({"project": "lab", "runs": ROWS, "tags": []}, None),
    ],
    ids=["list", "dict", "dict of names", "index", "index of names", "split", "table", "under a name"],
)
def test_the_forms_of_pandas_are_read(tmp_path: Path, content: object, names: list[str] | None) -> None:
    runs = read(tmp_path / "runs.json", json.dumps(content)).runs
    assert [run.loss for run in runs] == [3.25, 3.125, 3.0]
    assert [run.name for run in runs if run.name is not None] == (names or [])


def test_a_folder_with_a_csv_a_run_gives_curves(tmp_path: Path) -> None:
    for name, n_params in (("lr0.1", 1e8), ("lr0.2", 2e8)):
        rows = "".join(f"{step},{n_params},{step * 1e6},{3 + 1 / step}\n" for step in (10, 20))
        for path in (tmp_path / f"flat/{name}.csv", tmp_path / f"deep/{name}/metrics.csv"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"step,n_params,tokens,loss\n{rows}")
    (tmp_path / "flat" / "crashed.csv").write_text("step,n_params,tokens,loss\n")
    (tmp_path / "flat" / ".hidden.csv").write_text("nothing")
    for folder in ("flat", "deep"):
        intake = read_runs(tmp_path / folder, counting="standard")
        assert [(run.name, run.step) for run in intake.runs] == [("lr0.1", 20), ("lr0.2", 20)]
        assert intake.dropped == (Dropped((1, 3), "an earlier point of a learning curve"),)
    assert (
        "1 damaged or empty file could only be read in part, of crashed."
        in read_runs(tmp_path / "flat", counting="standard").assumptions
    )


def test_a_folder_with_parts_of_a_table_is_one_table(tmp_path: Path) -> None:
    for name, rows in (("a", [ROWS[0], ROWS[2]]), ("b", ROWS[1:2])):
        lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines))
    assert sorted(run.loss for run in read_runs(tmp_path, counting="standard").runs) == [3.0, 3.125, 3.25]


def test_a_missing_file_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FailureError, match="no such file"):
        read_runs(tmp_path / "none.csv", counting="standard")
    with pytest.raises(FailureError, match="no such file"):
        read_runs(tmp_path / "events.out.tfevents.0", counting="standard")
    with pytest.raises(FailureError, match="a folder without tables; give one with a CSV file a run"):
        read_runs(tmp_path, counting="standard")


@pytest.mark.parametrize("name", ["runs.csv", "runs.csv.gz"])
def test_a_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 2**20)
    content = delimited().encode() + b"\n" * 2**20
    with pytest.raises(FailureError, match="is over 1 MiB"):
        read(tmp_path / name, gzip.compress(content) if name.endswith("gz") else content)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.csv.gz", "C,N,D,loss\n" + "1,1,1,1\n" * 2_000, "more than 1,000 rows; keep the rows that matter"),
        ("cells.csv.gz", "C,N,D,loss,e,f\n" + "1,1,1,1,1,1\n" * 900, "more than 5,000 cells; keep the columns"),
        ("blank.csv.gz", "C,N,D,loss\n" + "\n" * 9_000, "more than 4,000 lines"),
        ("wide.csv", ",".join(f"c{n}" for n in range(200)), "more than 100 columns"),
        ("record.csv.gz", "C,N,D,loss\n" + ('"' + "a" * 1_000 + '\n",') * 2_000, "a row of .* is over 1 MiB"),
        ("values.json.gz", "[" + "[]," * 20_000 + "[]]", "more than 5,000 cells"),
        ("rows.jsonl.gz", '{"C": 1}\n' * 2_000, "more than 1,000 rows"),
        ("names.jsonl", "".join(f'{{"c{n}": 1}}\n' for n in range(200)), "more than 100 columns"),
        ("nested.jsonl", '{"' + "k" * 600 + '": {"' + "k" * 600 + '": 1}}', "column name of over 1,000 characters"),
        (
            "chart.csv.gz",
            ",".join([f"s{n}" for n in range(25)] + [f"r{n} - loss{e}" for n in range(25) for e in ("", *ENDS)])
            + ("\n" + ",".join(["1"] * 100)) * 20,
            "more than 5,000 cells",
        ),
    ],
    ids=lambda value: value[:12] if value.endswith(("gz", "csv", "jsonl")) else "",
)
def test_what_a_file_unpacks_to_is_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str, message: str
) -> None:
    for limit, value in (("ROWS", 1_000), ("LINES", 4_000), ("COLUMNS", 100), ("CELLS", 5_000), ("RECORD", 2**20)):
        monkeypatch.setattr(limits, f"MAX_{limit}", value)
    with pytest.raises(FailureError, match=message):
        read(tmp_path / name, gzip.compress(content.encode(), 1) if name.endswith("gz") else content)


def test_a_small_parquet_file_of_many_cells_is_refused_before_they_are_made(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "runs.parquet"
    parquet.write_table(pyarrow.table({"C": pyarrow.repeat(pyarrow.scalar(1.5), 2_000_000)}), path)
    with pytest.raises(FailureError, match="more than 1,500,000 rows"):
        read_runs(path, counting="standard")
    long = pyarrow.array([b"\0" * 2**26] * 5)
    parquet.write_table(pyarrow.table({"C": long}), path, compression="zstd", use_dictionary=False)
    with pytest.raises(FailureError, match="is over 256 MiB"):
        read_runs(path, counting="standard")


def test_parquet_texts_are_shared_and_objects_flattened(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "runs.parquet"
    rows = [
        {"loss": 3.5, "model": {"name": "a", "N": 1e8}, "tags": ["x"], "group.name": None},
        {"loss": 3.25, "model": None, "tags": [], "group.name": "g"},
        {"loss": 3.0, "model": {"name": "a", "N": None}, "tags": ["y"], "group.name": "g"},
    ]
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    table = formats.read_table(path)
    assert [dict(row.cells) for row in table.rows] == [
        {"loss": 3.5, "model/name": "a", "model/N": 1e8, "group.name": None},
        {"loss": 3.25, "model": None, "group.name": "g"},
        {"loss": 3.0, "model/name": "a", "model/N": None, "group.name": "g"},
    ]
    assert table.rows[0].cells["model/name"] is table.rows[2].cells["model/name"]


def write_events(path: Path, tags: dict[str, list[tuple[int, float]]]) -> None:
    event_pb2 = pytest.importorskip("tensorboard.compat.proto.event_pb2")
    summary_pb2 = pytest.importorskip("tensorboard.compat.proto.summary_pb2")
    writer = pytest.importorskip("tensorboard.summary.writer.record_writer")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        records = writer.RecordWriter(file)
        for tag, points in tags.items():
            for step, value in points:
                summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, simple_value=value)])
                records.write(event_pb2.Event(step=step, summary=summary).SerializeToString())


def test_a_folder_of_tensorboard_runs_gives_curves(tmp_path: Path) -> None:
    for name, n_params, losses in (("small", 2.0**24, [4.0, 3.5]), ("large/seed 1", 2.0**26, [3.75, 3.25])):
        write_events(
            tmp_path / "log" / name / "events.out.tfevents.7",
            {
                "val/loss": list(zip((100, 200), losses, strict=True)),
                "lr": [(0, 0.0), (100, 0.5), (200, 0.25)],
                "n_params": [(0, n_params)],
                "batch_tokens": [(0, 65536)],
            },
        )
    intake = read_runs(tmp_path / "log", counting="standard", curves="all")
    assert [(run.name, run.step, run.tokens, run.loss) for run in intake.runs] == [
        ("large/seed 1", 100, 6553600, 3.75),
        ("large/seed 1", 200, 13107200, 3.25),
        ("small", 100, 6553600, 4.0),
        ("small", 200, 13107200, 3.5),
    ]
    assert {run.learning_rate for run in intake.runs} == {0.5}
    assert [run.flops for run in intake.runs] == [6 * run.n_params * run.tokens for run in intake.runs]
    assert [(drop.rows, drop.reason) for drop in intake.dropped] == [((3, 6), "no value for loss")]
    assert any("peak of its schedule in 2 runs" in sentence for sentence in intake.assumptions)
    final = read_runs(tmp_path / "log", counting="standard")
    assert [run.loss for run in final.runs] == [3.25, 3.5]


def test_damaged_tensorboard_files_are_named(tmp_path: Path) -> None:
    for name, n_params in (("small", 2.0**24), ("large", 2.0**26)):
        tags = {"n_params": [(0, n_params)], "tokens": [(100, 1e9)], "val/loss": [(100, 3.5)]}
        write_events(tmp_path / name / "events.out.tfevents.7", tags)
    (tmp_path / "large" / "events.out.tfevents.8").write_bytes(bytes(range(256)))
    torn = tmp_path / "small" / "events.out.tfevents.7"
    torn.write_bytes(torn.read_bytes()[:-5])
    whole = tmp_path / "torn" / "events.out.tfevents.9"
    write_events(whole, {"tokens": [(100, 1e9)], "val/loss": [(100, 3.5)]})
    intake = read_runs(tmp_path, counting="standard")
    assert [run.name for run in intake.runs] == ["large"]
    assert "2 damaged or empty files could only be read in part, of large, small." in intake.assumptions
    assert "no value for n_params" in [drop.reason for drop in intake.dropped]


def test_a_tensorboard_file_without_scalars_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    with pytest.raises(FailureError, match="holds no TensorBoard scalars"):
        read(tmp_path / "events.out.tfevents.1", b"not events")


def test_a_chart_exported_from_wandb_is_made_long_and_joined_to_the_runs(tmp_path: Path) -> None:
    # The web interface writes "NAME - METRIC" with its __MIN and __MAX for each run of the chart.
    ends = ("", "__MIN", "__MAX")
    header = [
        "Step",
        *(f"{run} - {metric}{end}" for run in ("a - 1", "b") for metric in ("_step", "val/loss") for end in ends),
    ]
    rows = [["10", *["10"] * 3, *["4.0"] * 3, *["10"] * 3, *["3.5"] * 3], ["20", *["20"] * 3, *["3.75"] * 3, *[""] * 6]]
    chart = tmp_path / "wandb.csv"
    chart.write_text("\n".join(",".join(f'"{cell}"' for cell in line) for line in [header, *rows]))
    about = tmp_path / "runs.csv"
    about.write_text(
        "Name,State,n_params,batch_tokens\na - 1,finished,1e7,10000\nb,finished,2e7,10000\nc,crashed,3e7,10000\n"
    )
    intake = read_runs(chart, join=about, counting="standard")
    assert [(run.name, run.step, run.n_params, run.tokens, run.loss) for run in intake.runs] == [
        ("b", 10, 2e7, 1e5, 3.5),
        ("a - 1", 20, 1e7, 2e5, 3.75),
    ]
    assert intake.read == 3
    with pytest.raises(UsageError, match="no column for flops and n_params"):
        read_runs(chart, counting="standard")
    # The tokens of the whole run stand beside each of its steps: only its last step is at them.
    about.write_text("Name,n_params,tokens\na - 1,1e7,2e9\nb,2e7,1e9\n")
    whole = read_runs(chart, join=about, counting="standard")
    assert {(run.name, run.step, run.tokens) for run in whole.runs} == {("b", 10, 1e9), ("a - 1", 20, 2e9)}
    with pytest.raises(UsageError, match="at several steps: those are the tokens of the whole run"):
        read_runs(chart, join=about, counting="standard", curves="all")
    about.write_text("Name,n_params\nb,1e7\nb,2e7\n")
    with pytest.raises(UsageError, match="two rows for the run 'b'"):
        read_runs(chart, join=about, counting="standard")
    about.write_text("n_params\n1e7\n")
    with pytest.raises(UsageError, match="needs the run's name in both tables"):
        read_runs(chart, join=about, counting="standard")


def test_importing_the_reader_loads_no_heavy_package() -> None:
    code = "import sys, budgetscope.store.tables.read; print({'numpy', 'pyarrow', 'tensorboard'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
