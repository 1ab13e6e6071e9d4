import math
from pathlib import Path

import pytest

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.training_run import TrainingRun
from budgetscope.store.tables.curves import at_budgets
from budgetscope.store.tables.intake import Dropped
from budgetscope.store.tables.read import read_runs

HEADER = "C,N,D,loss"


def write(folder: Path, *lines: str, name: str = "runs.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_rows_that_cannot_stand_are_dropped_with_their_number_and_reason(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        HEADER + ",lr,seed",
        "6e17,1e8,1e9,3,0.01,0",
        "6e17,1e8,1e9,nan,0.01,1",
        "6e17,1e8,1e9,inf,0.01,2",
        "6e17,1e8,1e9,-3,0.01,3",
        "6e17,1e8,1e9,,0.01,4",
        "6e17,1e8,-1e9,3,0.01,5",
        "6e17,1e8,inf,3,0.01,6",
        "6e17,1e8,1e9,OOM,0.01,7",
        "6e17,1e8,1e9,3,0,8",
        "6e17,1e8,1e9,3,0.01,0.5",
        "6e17,1e8,1e9,NaN,0.01,9",
    )
    intake = read_runs(path, counting="total")
    assert [run.seed for run in intake.runs] == [0]
    assert intake.dropped == (
        Dropped((8,), "loss is not a number: 'OOM'"),
        Dropped((5,), "no value for loss"),
        Dropped((6, 7), "tokens is not positive and finite: -1e+09, inf"),
        Dropped((9,), "learning_rate is not positive and finite: 0"),
        Dropped((10,), "seed is not a whole number: 0.5"),
        Dropped((2, 3, 11), "loss is not finite, since the run diverged: nan, inf"),
        Dropped((4,), "loss is not positive: -3"),
    )


def test_a_table_without_a_usable_run_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER, "6e17,1e8,1e9,nan", "6e17,1e8,1e9,")
    with pytest.raises(UsageError, match=r"no run of .* can be used: no value for loss \(1 row\); loss is not finite"):
        read_runs(path, counting="total")


def test_identical_rows_are_merged_and_reported(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER, "6e17,1e8,1e9,3", "9e17,1e8,15e8,2.9", "6e17,1e8,1e9,3.0000001", "6e17,1e8,1e9,3")
    intake = read_runs(path, counting="total")
    assert (intake.read, intake.used, intake.merged) == (4, 2, ((1, 3, 4),))


def test_rows_that_disagree_are_refused_with_both_losses(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER, "6e17,1e8,1e9,3", "6e17,1e8,1e9,3.01")
    with pytest.raises(UsageError, match=r"rows 1 and 2 .* losses 3 and 3\.01; .*say --repeats"):
        read_runs(path, counting="total")
    seeded = write(tmp_path, HEADER + ",seed", "6e17,1e8,1e9,3,1", "6e17,1e8,1e9,3.01,2")
    assert [run.seed for run in read_runs(seeded, counting="total").runs] == [1, 2]
    same = write(tmp_path, HEADER + ",seed", "6e17,1e8,1e9,3,1", "6e17,1e8,1e9,3.01,1")
    with pytest.raises(UsageError, match="seed 1"):
        read_runs(same, counting="total")


def test_rows_that_disagree_name_the_column_in_which_they_differ(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        HEADER + ",warmup,seconds",
        "6e17,1e8,1e9,3,100,1",
        "6e17,1e8,1e9,3.1,200,2",
        "9e17,1e8,15e8,2.9,100,3",
    )
    with pytest.raises(UsageError, match=r"they differ in warmup: choose with --where warmup=100;"):
        read_runs(path, counting="total")
    assert read_runs(path, counting="total", where={"Warmup": "1e2"}).used == 2


MIXED = (
    "C,N,D,loss,dataset,host,id",
    "6e17,1e8,1e9,3,web,x,a",
    "9e17,1e8,15e8,2.9,web,y,b",
    "6e17,1e8,1e9,3.2,books,x,c",
    "9e17,1e8,15e8,3.1,books,y,d",
)


def test_several_configurations_in_a_file_are_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path, *MIXED)
    with pytest.raises(UsageError, match=r"several configurations \(dataset: web, books\); .*--where dataset=web"):
        read_runs(path, counting="total")
    intake = read_runs(path, counting="total", where={"dataset": "Books"})
    assert [run.loss for run in intake.runs] == [3.2, 3.1]
    assert intake.dropped == (Dropped((1, 2), "not dataset=Books"),)
    with pytest.raises(UsageError, match="no row has dataset=code; its values are web, books"):
        read_runs(path, counting="total", where={"dataset": "code"})
    with pytest.raises(UsageError, match="--where corpus: the table has no such column; it has C, N"):
        read_runs(path, counting="total", where={"corpus": "web"})


def test_all_configurations_are_taken_when_asked(tmp_path: Path) -> None:
    path = write(tmp_path, *MIXED, "7e17,1.1e8,1.06e9,3.3,code,x,e")
    with pytest.raises(UsageError, match=r"rows 1 and 3 .* they differ in dataset"):
        read_runs(path, counting="total", where={"dataset": "*"})


def test_a_label_of_the_size_is_no_configuration(tmp_path: Path) -> None:
    rows = [f"{6 * n * d},{n},{d},{3 + 1e9 / d},size-{n}" for n in (10**8, 2 * 10**8) for d in (10**9, 2 * 10**9)]
    assert read_runs(write(tmp_path, HEADER + ",label", *rows), counting="total").used == 4


CURVES = (
    "run,N,D,loss,step",
    "a,1e8,1e9,3.5,10",
    "b,2e8,1e9,3.4,10",
    "a,1e8,2e9,3.25,20",
    "b,2e8,2e9,3.0,20",
    "a,1e8,4e9,3.0,40",
)


def test_the_last_point_of_a_curve_is_the_default(tmp_path: Path) -> None:
    intake = read_runs(write(tmp_path, *CURVES), counting="total")
    assert [(run.name, run.tokens, run.loss) for run in intake.runs] == [("b", 2e9, 3.0), ("a", 4e9, 3.0)]
    assert intake.dropped == (Dropped((1, 2, 3), "an earlier point of a learning curve"),)
    assert "The last point of 2 learning curves is used; --curves all uses every point." in intake.assumptions


def test_every_point_is_used_when_asked(tmp_path: Path) -> None:
    intake = read_runs(write(tmp_path, *CURVES), counting="total", curves="all")
    assert intake.used == 5
    assert "Every point of 2 learning curves is used, as asked." in intake.assumptions


def test_a_curve_without_a_name_is_known_by_its_steps(tmp_path: Path) -> None:
    unnamed = [line.partition(",")[2] for line in CURVES]
    assert [run.tokens for run in read_runs(write(tmp_path, *unnamed), counting="total").runs] == [2e9, 4e9]


def test_without_names_and_steps_each_row_is_a_run(tmp_path: Path) -> None:
    rows = [line.partition(",")[2].rpartition(",")[0] for line in CURVES]
    intake = read_runs(write(tmp_path, *rows), counting="total")
    assert (intake.used, intake.dropped) == (5, ())


def test_a_run_whose_last_loss_is_nan_is_dropped_whole(tmp_path: Path) -> None:
    path = write(tmp_path, *CURVES, "b,2e8,4e9,nan,40")
    intake = read_runs(path, counting="total")
    assert [run.name for run in intake.runs] == ["a"]
    assert Dropped((6,), "loss is not finite, since the run diverged: nan") in intake.dropped
    assert read_runs(path, counting="total", curves="all").used == 5


def test_losses_at_budgets_lie_on_the_curve_and_inside_its_range(tmp_path: Path) -> None:
    runs = read_runs(write(tmp_path, *CURVES), counting="total", curves="all").runs
    points = at_budgets(runs, [1e17, 9e17, 1.2e18, 2.4e18, 9e18])
    assert [(run.name, run.flops) for run in points] == [
        ("a", 9e17),
        ("a", 1.2e18),
        ("a", 2.4e18),
        ("b", 1.2e18),
        ("b", 2.4e18),
    ]
    between, measured = points[0], points[1]
    assert between.tokens == pytest.approx(9e17 / 6 / 1e8)
    assert math.log(between.loss) == pytest.approx(math.log(3.5) + math.log2(1.5) * math.log(3.25 / 3.5))
    assert between.step is None
    assert measured == runs[2]
    with pytest.raises(UsageError, match="0 is not a budget"):
        at_budgets(runs, [0.0])


def test_a_single_point_serves_its_own_budget_alone() -> None:
    run = TrainingRun(6e17, 1e8, 1e9, 3.0)
    assert at_budgets([run], [5e17, 6e17, 7e17]) == (run,)


def test_published_tables_are_read(reference: Path) -> None:
    porian = read_runs(
        reference / "porian2024/isoflop.csv",
        counting="standard",
        where={"dataset": "refinedweb", "hparams": "tuned"},
    )
    assert (porian.read, porian.used) == (1745, 121)
    assert not any("times 6 n_params" in sentence for sentence in porian.assumptions)
    hoffmann = read_runs(reference / "hoffmann2022/figure4_points.csv", counting="total")
    assert (hoffmann.read, hoffmann.used) == (245, 245)
    assert hoffmann.runs[0].tokens == pytest.approx(hoffmann.runs[0].flops / 6 / hoffmann.runs[0].n_params)
