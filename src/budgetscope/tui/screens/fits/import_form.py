"""The entries of the import dialog: their texts, and the source, the choices and the command that they make."""

import re
from dataclasses import dataclass, field

from textual.suggester import Suggester

from budgetscope.api.runs import FitChoices, RunsSource, typed_path
from budgetscope.core.budget.quantities import parse_count
from budgetscope.core.errors import UsageError

_MAPPED = "map-"
_ENTRIES = {
    "--counting": "counting", "--loss-unit": "loss unit", "--where": "only rows", "--schedule": "schedule",
    "--seq-len": "seq_len", "--bytes-per-token": "bytes/token", "--vocab": "vocab", "--title": "title",
    "--curves": "curves", "--kind": "kind",
}  # fmt: skip
"""The entry for an option of the command line."""
_OPTIONS = (
    "counting", "loss_unit", "name", "title", "kind", "curves", "schedule", "seq_len", "bytes_per_token", "vocab",
)  # fmt: skip
_CHOICE = re.compile(r"--where ('[^']*'|[^\s',]+)")
_SEVERAL = re.compile(rf"{_CHOICE.pattern}(?: {_CHOICE.pattern})+")
_NO_VALUE = r"(?!(?:out|in|if|or|and|to)\b)"


def in_entries(sentence: str) -> str:
    """Reword a refusal of the command line for the dialog: every option becomes its entry."""
    sentence = _SEVERAL.sub(
        lambda found: found[0][:8] + ", ".join(text.strip("'") for text in _CHOICE.findall(found[0])), sentence
    )
    sentence = re.sub(r"--(map|where) '([^']*)'", r"--\1 \2", sentence)
    sentence = re.sub(r"--map (\w+)=", r"\1: ", sentence).replace("--map", "the entries for columns")
    sentence = re.sub(r"leave --(repeats|best) out", r"leave the entry \1 empty", sentence)
    sentence = re.sub(r"--(repeats|best)(?![\w-])", r"yes in the entry \1", sentence)
    for option, entry in _ENTRIES.items():
        sentence = re.sub(rf"{option} {_NO_VALUE}(?=[\w'])", f"{entry}: ", sentence)
        sentence = re.sub(rf"{option}(?![\w-])", f"the entry {entry}", sentence)
    return sentence


@dataclass(slots=True)
class ImportForm:
    """The texts of the entries.

    Attributes:
        texts: by the name of the entry; that of a column is `map-` and the field.
    """

    texts: dict[str, str] = field(default_factory=dict)

    def copy(self) -> "ImportForm":
        """Return a copy that later edits do not change."""
        return ImportForm(dict(self.texts))

    def without_names(self) -> dict[str, str]:
        """Return the entries on which the numbers of a fit depend."""
        return {name: text for name, text in self.texts.items() if name not in ("name", "title") and text.strip()}

    def _said(self, name: str) -> str | None:
        return self.texts.get(name, "").strip() or None

    def _number(self, name: str) -> float | None:
        said = self._said(name)
        try:
            return None if said is None else parse_count(said)
        except UsageError as error:
            raise UsageError(f"{name}: {error}") from None

    def _whole(self, name: str) -> int | None:
        value = self._number(name)
        if value is not None and not value.is_integer():
            raise UsageError(f"{self.texts[name]!r} is not a whole number; write {name} like 2048.")
        return None if value is None else int(value)

    def _chosen(self, name: str) -> bool:
        said = self._said(name) or "no"
        if said.casefold() not in ("yes", "no"):
            raise UsageError(f"{said!r} is neither yes nor no; write yes under {name}, or leave it empty.")
        return said.casefold() == "yes"

    def _mapping(self) -> dict[str, str]:
        return {
            name.removeprefix(_MAPPED): text.strip()
            for name, text in self.texts.items()
            if name.startswith(_MAPPED) and text.strip()
        }

    def _where(self) -> dict[str, str]:
        pairs = [pair.partition("=") for pair in (self._said("where") or "").split(",") if pair.strip()]
        for column, _, value in pairs:
            if not column.strip() or not value.strip():
                raise UsageError(f"{column.strip()!r} is no choice of rows; write column=value.")
        return {column.strip(): value.strip() for column, _, value in pairs}

    def source(self) -> RunsSource:
        """Return the table to read.

        Raises:
            UsageError: an entry is not understood.
        """
        return RunsSource(
            path=typed_path(self.texts.get("path", "").strip()),
            where=self._where(),
            mapping=self._mapping(),
            counting=self._said("counting"),
            loss_unit=self._said("loss_unit"),
            seq_len=self._whole("seq_len"),
            bytes_per_token=self._number("bytes_per_token"),
            curves=self._said("curves") or "final",
            repeats=self._chosen("repeats"),
            best=self._chosen("best"),
        )

    def choices(self) -> FitChoices:
        """Return how to fit it; storing is another step, after the fit has been shown.

        Raises:
            UsageError: an entry is not understood.
        """
        return FitChoices(kind=self._said("kind"), schedule=self._said("schedule"), vocab_size=self._whole("vocab"))

    def command(self) -> tuple[str, ...]:
        """Return the words of the shell command that does the same."""
        words = ["budgetscope", "fit", self.texts.get("path", "").strip()]
        for name in _OPTIONS:
            said = self._said(name)
            if said is not None:
                words += [f"--{name.replace('_', '-')}", said]
        words += [f"--{name}" for name in ("repeats", "best") if self._chosen(name)]
        for column, value in self._where().items():
            words += ["--where", f"{column}={value}"]
        for run_field, column in self._mapping().items():
            words += ["--map", f"{run_field}={column}"]
        return tuple(words)


class PathSuggester(Suggester):
    """Completes the path of a file or folder."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first path that begins with the text; None when none does or the folder cannot be read."""
        folder, slash, start = value.rpartition("/")
        try:
            names = sorted(
                f"{path.name}/" if path.is_dir() else path.name for path in typed_path(folder + slash or ".").iterdir()
            )
        except (OSError, ValueError, UsageError):
            return None
        found = next((name for name in names if start and name.startswith(start) and name.isprintable()), None)
        return None if found is None else f"{folder}{slash}{found}"
