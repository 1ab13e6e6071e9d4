"""`flops`: count the parameters and FLOPs of one model shape."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from budgetscope.cli import options
from budgetscope.core.language import _

if TYPE_CHECKING:
    from rich.console import Console

    from budgetscope.core.counting.ledger import Ledger

_MOST = 1_000_000_000


@options.spoken
def flops(
    depth: Annotated[int | None, options.whole("depth", "Blocks.", 1, _MOST)] = None,
    width: Annotated[int | None, options.whole("width", "Residual width.", 1, _MOST)] = None,
    size: Annotated[
        float | None, options.number("size", "Take the shape of a size instead, like 108M.", 1, 1e18, metavar="N")
    ] = None,
    vocab: Annotated[int, options.whole("vocab", "Vocabulary.", 1, _MOST)] = 50432,
    seq_len: Annotated[int, options.whole("seq_len", "Training context in tokens.", 1, _MOST)] = 2048,
    d_ff: Annotated[
        int | None,
        options.whole("d_ff", "Feed-forward width; by default 256·ceil(floor(8w/3)/256).", 1, _MOST),
    ] = None,
    heads: Annotated[int | None, options.whole("heads", "Query heads; 4 by default.", 1, _MOST)] = None,
    kv_heads: Annotated[
        int | None, options.whole("kv_heads", "Key-value heads; by default as many as heads.", 1, _MOST)
    ] = None,
    tied: Annotated[bool, typer.Option("--tied", help="The head shares the embedding's weights.")] = False,
    no_gated: Annotated[bool, typer.Option("--no-gated", help="Two feed-forward matrices, not three.")] = False,
    family: Annotated[str, typer.Option(help="Shapes for --size: dense or porian.")] = "dense",
    counting: Annotated[str, typer.Option(help="Counting convention of --size.")] = "standard",
    json: options.Json = False,
) -> None:
    """Count a model's parameters and FLOPs a token under every convention of the field."""
    from budgetscope import api
    from budgetscope.cli.output import emit
    from budgetscope.report.tables import ledger_json

    ledger = api.count(
        depth=depth,
        width=width,
        size=size,
        vocab=vocab,
        seq_len=seq_len,
        d_ff=d_ff,
        heads=heads,
        kv_heads=kv_heads,
        tied=tied,
        gated=not no_gated,
        family=family,
        counting=counting,
    )
    emit("json" if json else None, {"json": partial(ledger_json, ledger)}, partial(_show, ledger))


def _show(ledger: "Ledger", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.report.ledger import LEDGER_HEADER, ledger_cells
    from budgetscope.report.rows import shape_text
    from budgetscope.report.words import headed

    shape = ledger.shape
    told = _("{shape}, context {n}").format(shape=shape_text(shape), n=f"{shape.seq_len:,}")
    console.print(Text(told))
    console.print()
    console.print(table(headed(LEDGER_HEADER), [ledger_cells(count) for count in ledger.counts]))
    console.print()
    told = _("The machine executes {flops} FLOPs a token (6 (blocks + head) + 12 L w s).")
    console.print(Text(told.format(flops=f"{shape.executed_flops_per_token:.4g}")))
