"""What the import dialog says in place of the command line's options."""

import pytest

from budgetscope.tui.draft import in_entries


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("say it, as --counting standard.", "say it, as counting: standard."),
        ("give --seq-len, such as --seq-len 2048.", "give the entry seq_len, such as seq_len: 2048."),
        ("leave --counting out to see", "leave the entry counting out to see"),
        ("name it with --map tokens=COLUMN.", "name it with tokens: COLUMN."),
        ("leave --curves all out", "leave --curves all out"),
    ],
)
def test_options_are_called_as_their_entries(sentence: str, text: str) -> None:
    assert in_entries(sentence) == text
