"""Loads files: each becomes configurations in one of the forms of `Loaded`, or drafts where it is our own TOML."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from budgetscope.store.configs import own, wandb
from budgetscope.store.configs.cells import Cell, cells_of
from budgetscope.store.configs.draft import Draft
from budgetscope.store.configs.flags import CommandLine, command_line
from budgetscope.store.configs.loaded import Loaded
from budgetscope.store.configs.python_source import Constants, parsed
from budgetscope.store.configs.shell import Script
from budgetscope.store.configs.trees import MAX_BYTES, flat, read_either, read_json, read_toml, text_of
from budgetscope.store.files import exists

_TREES = {".json": read_json, ".yaml": read_either, ".yml": read_either, ".toml": read_toml}
_FORMS = {".json": "json", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml"}
_SCRIPTS = (".sh", ".bash", ".slurm", ".sbatch", ".zsh", ".job")
_COMMON = frozenset(
    ("config", "training_args", "train", "run", "recipe", "pretrain", "train_lm", "main", "launch", "start")
)
SUFFIXES = (*_TREES, ".py", *_SCRIPTS)
"""Endings of the files of a folder that are looked at."""


def load(path: Path) -> list[Loaded | Draft]:
    """Return the configurations of a file, by its ending, or by its first signs where that says nothing.

    Raises:
        UsageError: it is malformed.
        FailureError: it cannot be read.
    """
    text, suffix = text_of(path), path.suffix.lower()
    if suffix == ".py":
        tree = parsed(text, path.name)
        cells = cells_of(path.name, Constants(tree).plain())
        return [Loaded(_name(path), path.name, "python", cells, path.parent, tree=tree)]
    if suffix in _TREES:
        return _of_tree(_TREES[suffix](text, path.name), path, _FORMS[suffix])
    if suffix in _SCRIPTS or not text.lstrip().startswith("{"):
        return list(load_script(text, path.name, _name(path), path.parent))
    return _of_tree(read_either(text, path.name), path, "json")


def _name(path: Path) -> str:
    """Return the name of a file's run: its own, or that of its folder where many files have that name."""
    above = path.resolve().parent
    above = above.parent if above.name == "files" else above
    return above.name if path.stem in _COMMON and above.name else path.stem


def _of_tree(tree: Any, path: Path, form: str) -> list[Loaded | Draft]:
    if form == "toml":
        tables = own.tables(tree)
        if tables is not None:
            name = _name(path)
            names = [name if len(tables) == 1 else f"{name} {place}" for place in range(1, len(tables) + 1)]
            return [own.read(table, path.name, name) for table, name in zip(tables, names, strict=True)]
    inner = wandb.unwrapped(tree)
    cells = cells_of(path.name, flat(tree if inner is None else inner, path.name))
    return [Loaded(_name(path), path.name, "wandb" if inner is not None else form, cells, path.parent)]


def load_script(text: str, file: str, name: str, folder: Path | None) -> list[Loaded]:
    """Return the command lines of a script that have flags or assignments.

    Args:
        text: of the script.
        file: its name, or `command`.
        name: of the run.
        folder: of the script; files that a command names are read there alone.

    Raises:
        UsageError: it expands too far, or a file that it names is malformed.
    """
    script = Script(text, file)
    found = []
    for words in script.commands:
        command = command_line(words)
        if command.flags or command.assigned:
            cells = {**cells_of(file, command.assigned), **cells_of(file, command.flags)}
            loaded = Loaded(name, file, "command", cells, folder, command=command, is_ambiguous=script.is_ambiguous)
            found.append(_with_named(loaded, command))
    return found


def _with_named(loaded: Loaded, command: CommandLine) -> Loaded:
    """Add the cells of the files of the same folder that a command names; its flags come first."""
    if loaded.folder is None:
        return loaded
    cells: dict[str, Cell] = {}
    names = []
    for name in dict.fromkeys(_file_names(command)):
        path = loaded.folder / name
        if name != loaded.file and exists(path) and path.is_file() and path.stat().st_size <= MAX_BYTES:
            for each in load(path):
                if isinstance(each, Loaded) and each.command is None:
                    cells.update(each.cells)
                    names.append(name)
    return replace(loaded, cells={**cells, **loaded.cells}, named=tuple(names)) if names else loaded


_BESIDE = re.compile(r"vocab|merge|token|data|deepspeed|output|save|load|dir")


def _file_names(command: CommandLine) -> Iterable[str]:
    """Yield the names of configurations in a command line, without their folders; the program is none."""
    values = [
        each
        for flag, value in command.flags.items()
        if not _BESIDE.search(flag)
        for each in (value if isinstance(value, tuple) else (value,))
    ]
    for word in (*command.files, *values):
        if isinstance(word, str):
            name = PurePosixPath(word).name
            if PurePosixPath(name).suffix in (*_TREES, ".py") and name not in command.programs:
                yield name
