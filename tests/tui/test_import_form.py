"""The entries of the import dialog, and how it words refusals of the command line."""

from pathlib import Path

import pytest

from budgetscope.api import FitChoices, RunsSource
from budgetscope.api.runs import option_values
from budgetscope.core.errors import UsageError
from budgetscope.tui.screens.fits.import_form import ImportForm, in_entries


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("say it, as --counting standard.", "say it, as counting: standard."),
        ("give --seq-len, such as --seq-len 2048.", "give the entry seq_len, such as seq_len: 2048."),
        ("leave --counting out to see", "leave the entry counting out to see"),
        ("name it with --map tokens=COLUMN.", "name it with tokens: COLUMN."),
        ("leave --curves all out", "leave curves: all out"),
        ("ask for --kind akima.", "ask for kind: akima."),
        ("leave --noise out", "leave --noise out"),
        ("choose with --map 'loss=C4 Loss'.", "choose with loss: C4 Loss."),
        ("as --where a=b --where 'c=d e', or --where 'a=*'.", "as only rows: a=b, c=d e, or only rows: a=*."),
        ("leave --repeats out.", "leave the entry repeats empty."),
        ("they are repeats, say --repeats.", "they are repeats, say yes in the entry repeats."),
    ],
)
def test_options_are_called_as_their_entries(sentence: str, text: str) -> None:
    assert in_entries(sentence) == text


def test_every_entry_reaches_the_fit_and_the_command() -> None:
    texts = {"path": "runs.csv", "kind": "parabola", "curves": "all", "schedule": "constant", "vocab": "4096"}
    form = ImportForm(texts)
    assert form.source() == RunsSource(Path("runs.csv"), curves="all")
    assert form.choices() == FitChoices(kind="parabola", schedule="constant", vocab_size=4096)
    assert " ".join(form.command()) == (
        "budgetscope fit runs.csv --kind parabola --curves all --schedule constant --vocab 4096"
    )
    assert ImportForm({"path": "runs.csv"}).source() == RunsSource(Path("runs.csv"))


def test_repeats_and_best_are_said_with_yes() -> None:
    form = ImportForm({"path": "runs.csv", "repeats": "Yes", "best": "no"})
    assert form.source() == RunsSource(Path("runs.csv"), repeats=True)
    assert form.command() == ("budgetscope", "fit", "runs.csv", "--repeats")
    with pytest.raises(UsageError, match="'maybe' is neither yes nor no; write yes under best"):
        ImportForm({"path": "runs.csv", "best": "maybe"}).source()


def test_every_choice_that_is_offered_is_an_entry() -> None:
    for name, values in option_values().items():
        form = ImportForm({"path": "runs.csv", name: values[-1]})
        assert f"--{name.replace('_', '-')} {values[-1]}" in " ".join(form.command())
