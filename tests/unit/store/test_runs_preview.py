from pathlib import Path

import pytest

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import FailureError
from budgetscope.store.tables.preview import preview


def table(tmp_path: Path, header: str) -> Path:
    path = tmp_path / "runs.csv"
    path.write_text(f"{header}\n{','.join('1' for _ in header.split(','))}\n")
    return path


def test_it_says_where_each_field_would_come_from(tmp_path: Path) -> None:
    seen = preview(table(tmp_path, "C,n_params,val_loss,note"), {}, None)
    assert seen.columns == ("C", "n_params", "val_loss", "note")
    assert seen.rows == 1
    assert seen.found == {"flops": "C", "n_params": "n_params", "loss": "val_loss"}
    assert seen.unclear == {}


def test_it_says_what_has_to_be_chosen(tmp_path: Path) -> None:
    path = table(tmp_path, "C,N,val_loss,train_loss")
    path.write_text(f"{path.read_text()}1,1,2,3\n")
    assert "could each be loss" in preview(path, {}, None).unclear["loss"]
    seen = preview(path, {"loss": "val_loss"}, None)
    assert seen.found["loss"] == "val_loss"
    assert "no column" in preview(path, {"loss": "x"}, None).unclear["loss"]


def test_columns_that_name_what_they_count_go_by_the_convention(tmp_path: Path) -> None:
    path = table(tmp_path, "C,total_params,non_embedding_params,loss")
    assert preview(path, {}, Convention.TOTAL).found["n_params"] == "total_params"
    assert preview(path, {}, Convention.KAPLAN).found["n_params"] == "non_embedding_params"
    assert "n_params" not in preview(path, {}, None).found


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FailureError):
        preview(tmp_path / "none.csv", {}, None)
