"""A configuration in one of the forms that trainers use, before it is known whose it is."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from budgetscope.store.configs.cells import Cells
from budgetscope.store.configs.draft import Draft
from budgetscope.store.configs.flags import CommandLine


@dataclass(frozen=True, slots=True)
class Loaded:
    """One configuration: a tree of keys and values, a Python file, or one command line.

    Attributes:
        name: of its run unless the configuration has one: of the file without its ending, or of its folder.
        file: its name, or `command`.
        form: `json`, `yaml`, `toml`, `wandb`, `python` or `command`.
        cells: its values; of a Python file its constants, of a command line its flags.
        folder: where files that it names may lie; None for a text.
        tree: of a Python file.
        command: of a command line.
        named: files that a command names and whose cells stand beside its flags.
        is_ambiguous: whether it stands in a script with branches that depend on what is not known.
    """

    name: str
    file: str
    form: str
    cells: Cells
    folder: Path | None = None
    tree: ast.Module | None = None
    command: CommandLine | None = None
    named: tuple[str, ...] = ()
    is_ambiguous: bool = False

    def has(self, *keys: str) -> bool:
        """Return whether there are cells of all keys; `--a-b` and `a_b` are one."""
        return all(key in self.cells for key in keys)

    def has_any(self, *keys: str) -> bool:
        """Return whether there is a cell of one of the keys."""
        return any(key in self.cells for key in keys)

    def programs(self) -> str:
        """Return the names of the programs of a command line; empty for others."""
        return " ".join(self.command.programs) if self.command is not None else ""

    def imports(self, package: str) -> bool:
        """Return whether a Python file imports from a package."""
        for node in ast.walk(self.tree) if self.tree is not None else ():
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == package for name in names):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Family:
    """Configurations of one trainer.

    Attributes:
        trainer: its name, as `ObservedRun` has it.
        title: with its forms, for the list of what is read.
        matches: whether a configuration is one of it.
        read: makes a draft of it.
    """

    trainer: str
    title: str
    matches: Callable[[Loaded], bool]
    read: Callable[[Loaded], Draft]
