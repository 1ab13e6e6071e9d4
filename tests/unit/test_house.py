"""The rooms of the house: what faces may import, and that every file says what it is for."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

import budgetscope

SOURCE = Path(budgetscope.__file__).parent
FACES = ("cli", "tui")
BELOW = ("fitting", "store", "calibrate")
MAX_LINES = 450


class Imported(NamedTuple):
    file: str
    module: str
    name: str


def files_of(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (SOURCE / room).rglob("*.py"))


def imports(path: Path) -> Iterator[Imported]:
    """Yield what a file imports from budgetscope, inside functions and for type checking too."""
    where = str(path.relative_to(SOURCE))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("budgetscope"):
            yield from (Imported(where, node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (Imported(where, a.name, "") for a in node.names if a.name.startswith("budgetscope"))


def room(found: Imported) -> str:
    parts = f"{found.module}.{found.name}".split(".")
    return parts[1] if len(parts) > 1 else ""


def test_faces_import_no_layer_below_the_api() -> None:
    assert [found for path in files_of(*FACES) for found in imports(path) if room(found) in BELOW] == []


def test_of_core_faces_import_value_types_alone() -> None:
    """A class or a constant is a value type; of functions, those that read and write numbers and text for people."""

    def is_function(found: Imported) -> bool:
        value = getattr(import_module(found.module), found.name)
        return callable(value) and not isinstance(value, type)

    # These decide nothing: they format text and say it in a language, as `quantities` formats numbers.
    formats = {
        "budgetscope.core.budget.quantities",
        "budgetscope.core.language",
        "budgetscope.core.printable",
        "budgetscope.core.wording",
    }
    of_core = [found for path in files_of(*FACES) for found in imports(path) if room(found) == "core"]
    assert of_core
    assert [found for found in of_core if found.module not in formats and is_function(found)] == []


def test_what_words_for_people_writes_numbers_in_their_language() -> None:
    """The `english_` ones are for commands, files and errors."""
    shown = [*files_of("tui", "report"), SOURCE / "calibrate" / "texts.py"]
    assert [found for path in shown for found in imports(path) if found.name.startswith("english_")] == []


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_says_what_it_is_for_and_stays_readable(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    said = ast.get_docstring(ast.parse(text))
    assert said
    assert said.splitlines()[0].endswith((".", ":"))
    assert len(text.splitlines()) <= MAX_LINES
