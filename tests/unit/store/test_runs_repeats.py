"""Repeats that no seed tells apart, and the best setting of each size and length."""

from pathlib import Path

import pytest

from budgetscope.core.errors import UsageError
from budgetscope.store.tables.intake import Dropped, Intake
from budgetscope.store.tables.read import read_runs


def read(folder: Path, text: str, *, repeats: bool = False, best: bool = False) -> Intake:
    path = folder / "runs.csv"
    path.write_text(text, encoding="utf-8")
    return read_runs(path, counting="standard", repeats=repeats, best=best)


# A sweep as W&B exports it: repeats differ by name, and in tokens by a step or two.
REPEATS = """Name,Created,n_params,tokens,lr,loss
glad-1,monday,1e8,2.000e9,0.001,3.01
glad-2,monday,1e8,2.002e9,0.001,3.03
glad-3,tuesday,1e8,4e9,0.001,2.9
glad-4,tuesday,2e8,2e9,0.001,2.95
glad-5,tuesday,2e8,2e9,0.001,2.95
"""


def test_repeats_become_seeds(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"rows 1 and 2 .* if they are repeats, say --repeats"):
        read(tmp_path, REPEATS.replace("2.002e9", "2e9"))
    intake = read(tmp_path, REPEATS, repeats=True)
    # Of equal loss and another name: two runs.
    assert [(run.n_params, run.tokens, run.seed) for run in intake.runs] == [
        (1e8, 2e9, 0),
        (1e8, 2e9, 1),
        (1e8, 4e9, 0),
        (2e8, 2e9, 0),
        (2e8, 2e9, 1),
    ]
    assert any(sentence.startswith("4 runs are repeats, as asked, in 2 groups") for sentence in intake.assumptions)


def test_runs_that_differ_in_a_setting_are_no_repeats(tmp_path: Path) -> None:
    text = (
        "n_params,tokens,weight_decay,grad_norm,loss\n1e8,2e9,0.1,0.31,3\n1e8,2e9,0.2,0.32,3.1\n2e8,2e9,0.1,0.33,2.9\n"
    )
    with pytest.raises(UsageError, match=r"no two runs have one size, length and setting.*leave --repeats out"):
        read(tmp_path, text, repeats=True)
    twice = text + "1e8,2e9,0.1,0.34,3.01\n"
    with pytest.raises(UsageError, match=r"they differ in weight_decay: choose with --where weight_decay=0\.1\.$"):
        read(tmp_path, twice, repeats=True)


MEASUREMENTS = """n_params,tokens,loss,C4 Eval Loss,top1
1e8,2e9,3.0,3.1,0.5
1e8,2e9,3.1,3.2,0.6
2e8,2e9,2.9,3.1,0.7
3e8,2e9,2.8,3.0,0.8
"""


def test_a_measurement_is_never_proposed_as_a_choice(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text(MEASUREMENTS, encoding="utf-8")
    with pytest.raises(UsageError, match="say --repeats") as refusal:
        read_runs(path, counting="standard", mapping={"loss": "loss"})
    assert "--where" not in str(refusal.value)


SWEEP = """n_params,tokens,lr,loss
1e8,2e9,0.001,3.2
1e8,2e9,0.002,3.1
1e8,2e9,0.004,3.15
2e8,2e9,0.001,3.0
2e8,2e9,0.002,3.05
"""


def test_the_lowest_loss_of_each_size_and_length_is_kept(tmp_path: Path) -> None:
    intake = read(tmp_path, SWEEP, best=True)
    assert [(run.n_params, run.learning_rate, run.loss) for run in intake.runs] == [
        (1e8, 0.002, 3.1),
        (2e8, 0.001, 3.0),
    ]
    assert intake.dropped == (Dropped((1, 3, 5), "another run of its size and tokens has a lower loss, as asked"),)
    assert "The lowest loss at each of 2 (N, D) is used, as asked." in intake.assumptions
    edge = "At 1 of 2 (N, D) the best learning_rate is the lowest or highest tried: the loss may be lower beyond."
    assert edge in intake.assumptions


def test_of_repeats_the_best_setting_has_the_lowest_mean_and_keeps_its_seeds(tmp_path: Path) -> None:
    # One lucky run at 0.004 does not make it the best.
    text = SWEEP + "1e8,2e9,0.004,3.05\n1e8,2e9,0.002,3.06\n1e8,2e9,0.004,3.3\n"
    intake = read(tmp_path, text, best=True, repeats=True)
    assert [(run.loss, run.seed) for run in intake.runs] == [(3.1, 0), (3.0, 0), (3.06, 1)]
    lucky = read(tmp_path, text, best=True)
    assert [run.loss for run in lucky.runs] == [3.0, 3.06]
    assert any("if they are repeats, their lowest loss is luck" in sentence for sentence in lucky.assumptions)


def test_points_before_the_end_are_neither_repeats_nor_the_best(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text(SWEEP, encoding="utf-8")
    with pytest.raises(UsageError, match="--curves all takes points before the end"):
        read_runs(path, counting="standard", curves="all", best=True)


# A batch that no law needs is not asked about; one that tells runs apart is.
BATCHES = "{}params,tokens,{}batch_size,loss\n{}1e8,2e9,{}32,3\n{}2e8,2e9,{}64,2.9\n"


def test_a_batch_of_unclear_unit_is_asked_about_only_where_it_is_used(tmp_path: Path) -> None:
    intake = read(tmp_path, BATCHES.format("", "", "", "", "", ""))
    assert [run.batch_tokens for run in intake.runs] == [None, None]
    assert read(tmp_path, BATCHES.format("run,", "step,", "a,", "10,", "b,", "10,")).used == 2
    with pytest.raises(UsageError, match="'batch_size' could count tokens or sequences"):
        read(tmp_path, BATCHES.format("", "step,", "", "10,", "", "10,"))
    with pytest.raises(UsageError, match="'batch_size' could count tokens or sequences"):
        read(tmp_path, "params,step,batch_size,loss\n1e8,1000,32,3\n2e8,1000,32,2.9\n")
    grid = "params,tokens,lr,bs,loss\n1e8,2e9,0.1,32,3\n1e8,2e9,0.1,64,2.9\n2e8,2e9,0.1,64,2.8\n"
    with pytest.raises(UsageError, match="they differ in bs: the column 'bs' could count tokens or sequences"):
        read(tmp_path, grid)
    assert read(tmp_path, grid, best=True).used == 2
    with pytest.raises(UsageError, match=r"they differ in batch_sequences: .* give --seq-len, such as --seq-len 2048;"):
        read(tmp_path, grid.replace("bs", "batch_sequences"))
