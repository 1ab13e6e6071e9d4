"""Command lines: the program, its flags, and the devices that its launcher starts it on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from budgetscope.store.configs.cells import UNKNOWN, Scalar

Values = dict[str, Scalar | tuple[Scalar, ...]]
_LAUNCHERS = frozenset(
    ("torchrun", "accelerate", "deepspeed", "srun", "mpirun", "launch", "distributed.run", "distributed.launch")
)
_FLAG = re.compile(r"--?[A-Za-z][\w.\-]*")
_NODES = ("nnodes", "num_nodes", "nodes", "N")
_PER_NODE = ("nproc_per_node", "num_gpus", "gpus_per_node", "ntasks_per_node")
_ALL = ("num_processes", "np", "n")


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command line.

    Attributes:
        words: all of it.
        programs: the names of files and modules before the first flag of the program, such as `train.py`.
        flags: by flag as written.
        assigned: `key=value` without dashes.
        files: words that are neither flags nor their values.
        n_devices: that a launcher starts it on; None without one, or where it does not say.
    """

    words: tuple[str, ...]
    programs: tuple[str, ...] = ()
    flags: Values = field(default_factory=dict)
    assigned: Values = field(default_factory=dict)
    files: tuple[str, ...] = ()
    n_devices: int | None = None


def command_line(words: Sequence[str]) -> CommandLine:
    """Return a command line of its words."""
    start = next((place for place, word in enumerate(words) if _is_program(word)), None)
    launcher, own = (words[:start], words[start:]) if start is not None else ((), tuple(words))
    programs = tuple(PurePosixPath(word).name for word in own[:1])
    if start is None and words:
        # A program of its own, such as `litgpt pretrain`.
        plain = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
        programs, own, launcher = tuple(PurePosixPath(word).name for word in words[:plain]), tuple(words), tuple(words)
    flags, assigned, files = _flags(own)
    return CommandLine(tuple(words), programs, flags, assigned, files, _devices(launcher))


def _is_program(word: str) -> bool:
    """Return whether a word names a Python file, llm.c, or a module; a launcher's module is none."""
    if word.endswith(".py") and not word.startswith("-"):
        return True
    if PurePosixPath(word).name.startswith("train_gpt2"):
        return True
    return bool(re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", word)) and not word.startswith("torch.")


def _flags(words: Sequence[str]) -> tuple[Values, Values, tuple[str, ...]]:
    flags: Values = {}
    assigned: Values = {}
    files: list[str] = []
    place = 0
    while place < len(words):
        word = words[place]
        place += 1
        name, sign, value = word.partition("=")
        if word == "--":
            continue
        if not _FLAG.fullmatch(name):
            if sign and re.fullmatch(r"[+]*[A-Za-z_][\w.]*", name):
                assigned[name.lstrip("+")] = value
            else:
                files.append(word)
            continue
        values = [value] if sign else []
        while (
            not sign
            and place < len(words)
            and not _FLAG.fullmatch(words[place].partition("=")[0])
            and words[place] != "--"
        ):
            values.append(words[place])
            place += 1
        if len(values) > 1:
            values = [value for value in values if value != UNKNOWN] or [UNKNOWN]
        flags[name] = True if not values else values[0] if len(values) == 1 else tuple(values)
    return flags, assigned, tuple(files)


def _devices(launcher: Sequence[str]) -> int | None:
    if not any(PurePosixPath(word).name.removeprefix("torch.") in _LAUNCHERS for word in launcher):
        return None
    flags, _, _ = _flags(launcher)
    plain = {name.lstrip("-").replace("-", "_"): value for name, value in flags.items()}

    def whole(names: Sequence[str]) -> int | None:
        for name in names:
            value = plain.get(name)
            value = value[0] if isinstance(value, tuple) else value
            if isinstance(value, str) and value.isdecimal() and int(value[:9]) > 0:
                return int(value[:9])
        return None

    per_node, everything = whole(_PER_NODE), whole(_ALL)
    if per_node is not None:
        nodes = whole(_NODES)
        # A number of nodes that is only known when it starts.
        return None if nodes is None and any(name in plain for name in _NODES) else per_node * (nodes or 1)
    return everything
