"""What the import dialog says in place of the command line's options."""

from pathlib import Path

import pytest

from budgetscope.api import FitChoices, Reading
from budgetscope.fitting.fit_runs import KINDS
from budgetscope.tui.screens.fits.import_dialog import FIT_KINDS
from budgetscope.tui.screens.fits.import_form import Draft, in_entries


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("say it, as --counting standard.", "say it, as counting: standard."),
        ("give --seq-len, such as --seq-len 2048.", "give the entry seq_len, such as seq_len: 2048."),
        ("leave --counting out to see", "leave the entry counting out to see"),
        ("name it with --map tokens=COLUMN.", "name it with tokens: COLUMN."),
        ("leave --curves all out", "leave curves: all out"),
        ("ask for --kind isoflop.", "ask for kind: isoflop."),
        ("leave --noise out", "leave --noise out"),
    ],
)
def test_options_are_called_as_their_entries(sentence: str, text: str) -> None:
    assert in_entries(sentence) == text


def test_every_entry_reaches_the_fit_and_the_command() -> None:
    texts = {"path": "runs.csv", "kind": "parabola", "curves": "all", "schedule": "constant", "vocab": "4096"}
    draft = Draft(texts)
    assert draft.reading() == Reading(Path("runs.csv"), curves="all")
    assert draft.choices() == FitChoices(kind="parabola", schedule="constant", vocab_size=4096)
    assert " ".join(draft.command()) == (
        "budgetscope fit runs.csv --kind parabola --curves all --schedule constant --vocab 4096"
    )
    assert Draft({"path": "runs.csv"}).reading() == Reading(Path("runs.csv"))


def test_the_kinds_that_are_offered_are_those_of_the_fitter() -> None:
    assert set(FIT_KINDS) == set(KINDS)
