"""Reads the configurations of runs: files, folders and command lines."""

import contextlib
import itertools
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from budgetscope.core.audit.run import Evidence, ObservedRun
from budgetscope.core.errors import BudgetscopeError, UsageError
from budgetscope.core.language import _
from budgetscope.core.trainers import HUGGING_FACE
from budgetscope.store.configs import hugging_face
from budgetscope.store.configs.draft import Draft
from budgetscope.store.configs.families import KNOWN, family_of
from budgetscope.store.configs.flags import command_line
from budgetscope.store.configs.given import NOTHING, Given
from budgetscope.store.configs.load import SUFFIXES, load, load_script
from budgetscope.store.configs.loaded import Loaded
from budgetscope.store.configs.resolve import finished
from budgetscope.store.configs.shell import Script
from budgetscope.store.configs.trees import MAX_BYTES, NoTableError, text_of
from budgetscope.store.files import exists, listed, status

_MAX_FILES = 100
_MAX_TEXTS = 50
_MAX_TEXT = 2**18
# Beside a model, and no configurations of a run; W&B's second file has e-mail, host and account.
_NO_RUNS = (
    "tokenizer", "vocab", "merges", "special_tokens", "generation_config", "added_tokens", "trainer_state", "wandb-",
    "all_results", "eval_results", "train_results", "preprocessor", "package", "pyproject", "tsconfig",
)  # fmt: skip
_STARTERS = ("torchrun ", "accelerate launch", "deepspeed ", "python -m torch.distributed")
_TEXTS = (".md", ".sh", ".txt")
_PICKLED = "training_args.bin"


def read_runs(paths: Sequence[Path], given: Given = NOTHING) -> tuple[ObservedRun, ...]:
    """Return the runs that files and folders describe.

    Files that belong together are one run: a model's config.json and the training arguments of the same folder; a
    script, and the configuration beside it that it names.

    Args:
        paths: of configurations.
        given: for what they do not say.

    Raises:
        UsageError: a path has no configuration that is known, or one that is malformed.
        FailureError: a file cannot be read.
    """
    if not paths:
        raise UsageError("no configuration is named; give a file or a folder.")
    drafts: list[Draft] = []
    halves: list[Loaded] = []
    for path in paths:
        found = status(path)
        if found is None:
            raise UsageError(f"{str(path)!r} does not exist; give the configuration of a run, a file or a folder.")
        is_folder = path.is_dir()
        loaded = _of_folder(path) if is_folder else load(path)
        # Two halves of one folder may be named one by one.
        own = [each for each in loaded if isinstance(each, Loaded) and _is_half(each)]
        halves += own
        made = _drafts([each for each in loaded if each not in own], usual_keys=True)
        if not made and not own:
            raise _unknown(repr(str(path)), is_folder=is_folder)
        drafts += made
    drafts += _drafts(_joined(halves), usual_keys=False)
    return tuple(finished(draft, given) for draft in _with_shape(drafts))


def read_command(text: str, given: Given = NOTHING) -> ObservedRun:
    """Return the run that a command line or a shell script starts; it is read, never executed.

    Args:
        text: of the command line.
        given: for what it does not say.

    Raises:
        UsageError: it starts no trainer that is known, or more than one.
    """
    if len(text) > _MAX_TEXT or "\0" in text:
        raise UsageError(f"the command line is over {_MAX_TEXT:,} characters, or binary; give the one that trains.")
    drafts = _drafts(load_script(text, "command", "command", None), usual_keys=True)
    if not drafts:
        raise _unknown("the command line", is_folder=False)
    if len(drafts) > 1:
        raise UsageError(f"the command line starts {len(drafts)} trainings; give one of them.")
    return finished(drafts[0], given)


def _unknown(what: str, *, is_folder: bool) -> UsageError:
    which = "has no file with" if is_folder else "is not"
    return UsageError(f"{what} {which} a configuration that is known; these are: {KNOWN}.")


def _is_half(loaded: Loaded) -> bool:
    return hugging_face.matches(loaded) and loaded.form in ("json", "yaml")


def _drafts(loaded: Iterable[Loaded | Draft], *, usual_keys: bool) -> list[Draft]:
    found = []
    for each in loaded:
        if isinstance(each, Draft):
            found.append(each)
            continue
        # A command that names a configuration beside it starts a run, whoever's it is.
        usual = usual_keys or each.form == "wandb" or (each.command is not None and bool(each.named))
        family = family_of(each, usual_keys=usual)
        if family is not None:
            found.append(family.read(each))
    return found


def _joined(halves: Sequence[Loaded]) -> list[Loaded]:
    """Join a model and the training arguments of one folder, where there is one of each."""
    joined: list[Loaded] = []
    for folder in dict.fromkeys(each.folder for each in halves):
        here = [each for each in halves if each.folder == folder]
        models = [each for each in here if hugging_face.is_model(each)]
        training = [each for each in here if not hugging_face.is_model(each)]
        if len(models) == len(training) == 1:
            cells = {**training[0].cells, **models[0].cells}
            name = folder.resolve().name if folder is not None else ""
            joined.append(replace(models[0], cells=cells, name=name or models[0].name))
        else:
            joined += here
    return joined


_SHAPE = ("depth", "width", "d_ff", "gated", "n_heads", "n_kv_heads", "head_dim", "vocab_size", "tied")


def _with_shape(drafts: Sequence[Draft]) -> list[Draft]:
    """Give the shape of a model's config.json to the one training that lacks it, as that of a trainer's named model."""
    models = [
        each for each in drafts if each.trainer == HUGGING_FACE.name and not {*each.values} - {*_SHAPE, "seq_len"}
    ]
    lacking = [each for each in drafts if each not in models and "depth" not in each.values]
    if not len(models) == len(lacking) == 1 or len(drafts) != 2:
        return list(drafts)
    for attribute in _SHAPE:
        if attribute in models[0].values:
            lacking[0].put(attribute, models[0].values[attribute], models[0].evidence[attribute])
    return lacking


def _of_folder(folder: Path) -> list[Draft]:
    """Return the drafts of a folder; files that a script names beside it are part of the script's."""
    inner = folder / "files"
    # W&B keeps the configuration of a run there.
    folder = inner if not _configurations(folder) and _configurations(inner) else folder
    paths = _configurations(folder)
    if len(paths) > _MAX_FILES:
        raise UsageError(
            f"{str(folder)!r} has more than {_MAX_FILES} files that may be configurations; name one of them."
        )
    found, refused = _loaded(paths)
    loaded = [each for each in found if isinstance(each, Loaded)]
    named = {name for each in loaded if family_of(each, usual_keys=True) for name in each.named}
    rest = [each for each in loaded if each.file not in named]
    halves = [each for each in rest if _is_half(each)]
    joined = [_completed(each, loaded) for each in _joined(halves)]
    others = [each for each in rest if each not in halves]
    own = [each for each in found if isinstance(each, Draft)]
    drafts = _with_shape(_drafts([*own, *joined, *others], usual_keys=False))
    if refused and not drafts:
        raise refused[0]
    for draft in drafts:
        draft.remarks += [_("Not read: {reason}").format(reason=str(error)) for error in refused]
        _launched(draft, folder)
        if draft.trainer == HUGGING_FACE.name and exists(folder / _PICKLED) and "learning_rate" not in draft.values:
            draft.remarks.append(
                _("{file} is a pickle, which is not opened; save the training arguments as JSON.").format(file=_PICKLED)
            )
    return drafts


def _loaded(paths: Iterable[Path]) -> tuple[list[Loaded | Draft], list[NoTableError]]:
    """Load the files of a folder, and return why some are no configuration, which is no reason to refuse the run."""
    found: list[Loaded | Draft] = []
    refused = []
    for path in paths:
        try:
            found += load(path)
        except NoTableError as error:
            refused.append(error)
    return found, refused


def _files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files of a folder with one of some endings that are not too large."""
    for path in listed(folder):
        about = status(path) if path.suffix.lower() in suffixes else None
        if about is not None and stat.S_ISREG(about.st_mode) and about.st_size <= MAX_BYTES:
            yield path


def _configurations(folder: Path) -> list[Path]:
    return [
        path
        for path in _files(folder, SUFFIXES)
        if not path.name.startswith((".", *_NO_RUNS)) and not path.name.endswith(".index.json")
    ]


def _completed(model: Loaded, beside: Iterable[Loaded]) -> Loaded:
    """Add the sequence length of a script beside a model of Hugging Face, whose own files have none."""
    lengths = [
        each.cells[key]
        for each in beside
        if each.form == "python"
        for key in ("seq_len", "block_size", "max_seq_length", "max_seq_len")
        if key in each.cells
    ]
    return replace(model, cells={**model.cells, "block_size": lengths[0]}) if len(lengths) == 1 else model


def _launched(draft: Draft, folder: Path) -> None:
    """Add the number of devices of the command that starts a run, where a text beside it has one."""
    if "n_devices" in draft.values:
        return
    found: dict[int, str] = {}
    # A folder of data has thousands of texts.
    for path in itertools.islice(_files(folder, _TEXTS), _MAX_TEXTS):
        # What is wrong with a text beside a configuration is no matter of the configuration.
        with contextlib.suppress(BudgetscopeError):
            found |= dict.fromkeys(_counts(text_of(path), path.name), path.name)
    if len(found) == 1:
        ((count, name),) = found.items()
        draft.put("n_devices", count, Evidence(name, "launcher", str(count)))


def _counts(text: str, file: str) -> Iterator[int]:
    """Yield the numbers of devices of the launchers in a text."""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if line.strip().startswith(_STARTERS):
            for words in Script(line, file).commands:
                count = command_line(words).n_devices
                if count is not None:
                    yield count
