"""The options that every question takes, once."""

from collections.abc import Callable
from typing import Annotated

import typer

from budgetscope.core.errors import UsageError


def share_value(text: str | float) -> float:
    """Return a share written as 0.4 or 40%.

    Raises:
        UsageError: it is neither.
    """
    try:
        return float(text[:-1]) / 100 if isinstance(text, str) and text.endswith("%") else float(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a share; write it like 0.4 or 40%.") from None


def _number(flag: str) -> Callable[[str | float], float]:
    def read(text: str | float) -> float:
        try:
            return float(text)
        except ValueError:
            raise UsageError(f"{flag} {text!r} is not a number; write it like 8 or 2.5.") from None

    return read


def _dollars(text: str | float) -> float:
    """Return dollars written as 2.5 or $2.50."""
    return _number("--price")(text.removeprefix("$") if isinstance(text, str) else text)


def _whole(flag: str) -> Callable[[str | int], int]:
    def read(text: str | int) -> int:
        try:
            return int(text)
        except ValueError:
            raise UsageError(f"{flag} {text!r} is not a whole number; write it like 2048.") from None

    return read


Budget = Annotated[
    str,
    typer.Argument(
        help="What you have: 1e21, '64xH100 14d', '$50k on H100', 'loss 2.6', N=7B, D=140B.", metavar="BUDGET"
    ),
]
Law = Annotated[str | None, typer.Option(help="Id of the fit for N, D and loss, or a fit file.", metavar="ID")]
Hyperparameters = Annotated[str | None, typer.Option(help="Id of the fit for the recipe.", metavar="ID")]
Device = Annotated[str | None, typer.Option(help="Accelerator; `budgetscope devices` lists them.")]
Gpus = Annotated[float | None, typer.Option(help="How many accelerators.", parser=_number("--gpus"), metavar="<float>")]
Mfu = Annotated[
    float | None, typer.Option(help="Model FLOPs utilisation: 0.4 or 40%.", parser=share_value, metavar="SHARE")
]
Price = Annotated[float | None, typer.Option(help="US dollars an accelerator-hour.", parser=_dollars, metavar="USD")]
SeqLen = Annotated[
    int | None, typer.Option(help="Training context in tokens.", parser=_whole("--seq-len"), metavar="TOKENS")
]
Vocab = Annotated[
    int | None, typer.Option(help="Size of the tokenizer's vocabulary.", parser=_whole("--vocab"), metavar="SIZE")
]
Convention = Annotated[
    str | None,
    typer.Option(help="Who counts N and C: standard, kaplan, attention, total, deepseek or exact."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON: every field, numbers in full.")]
Markdown = Annotated[bool, typer.Option("--md", help="Print Markdown.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV: raw numbers.")]
