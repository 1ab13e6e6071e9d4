"""`flops`: the ledger of one shape."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from budgetscope.cli import options
from budgetscope.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from budgetscope.core.counting.ledger import Shape


def flops(
    depth: Annotated[int | None, typer.Option(help="Blocks.")] = None,
    width: Annotated[int | None, typer.Option(help="Residual width.")] = None,
    size: Annotated[str | None, typer.Option(help="Take the shape of a size instead, like 108M.", metavar="N")] = None,
    vocab: Annotated[int, typer.Option(help="Vocabulary.")] = 50432,
    seq_len: Annotated[int, typer.Option(help="Training context in tokens.")] = 2048,
    d_ff: Annotated[int | None, typer.Option(help="Feed-forward width; by default 256·ceil(floor(8w/3)/256).")] = None,
    heads: Annotated[int | None, typer.Option(help="Query heads; 4 by default.")] = None,
    kv_heads: Annotated[int | None, typer.Option(help="Key-value heads; by default as many as heads.")] = None,
    tied: Annotated[bool, typer.Option("--tied", help="The head shares the embedding's weights.")] = False,
    no_gated: Annotated[bool, typer.Option("--no-gated", help="Two feed-forward matrices, not three.")] = False,
    family: Annotated[str, typer.Option(help="Shapes for --size: dense or porian.")] = "dense",
    convention: Annotated[str, typer.Option(help="Who counts --size.")] = "standard",
    json: options.Json = False,
) -> None:
    """Count a model's parameters and FLOPs a token under every convention of the field."""
    from budgetscope.cli.output import emit
    from budgetscope.core.budget.quantities import parse_count
    from budgetscope.core.counting.ledger import Shape, default_d_ff, ledger, parse_convention
    from budgetscope.core.counting.shapes import shape_family
    from budgetscope.report.tables import ledger_json

    if (size is None) == (depth is None and width is None):
        raise UsageError("give either --size, like --size 108M, or both --depth and --width.")
    if size is not None:
        said = {"--d-ff": d_ff, "--heads": heads, "--kv-heads": kv_heads, "--no-gated": no_gated or None}
        idle = [flag for flag, value in said.items() if value is not None]
        if idle:
            raise UsageError(f"{idle[0]} has no say in a shape taken by --size; give --depth and --width with it.")
        shapes = shape_family(family, vocab_size=vocab, seq_len=seq_len, tied=tied)
        found = shapes.to_build(parse_count(size), parse_convention(convention))
        if found is None:
            raise UsageError(f"--size {size!r} is outside the shape family {family}; give --depth and --width.")
        shape = found
    elif depth is None or width is None:
        raise UsageError("a shape needs both --depth and --width.")
    else:
        n_heads = 4 if heads is None else heads
        shape = Shape(
            depth=depth,
            width=width,
            d_ff=default_d_ff(width) if d_ff is None else d_ff,
            n_heads=n_heads,
            n_kv_heads=n_heads if kv_heads is None else kv_heads,
            vocab_size=vocab,
            seq_len=seq_len,
            tied=tied,
            gated=not no_gated,
        )
    emit("json" if json else None, {"json": partial(ledger_json, shape, ledger(shape))}, partial(_show, shape))


def _show(shape: "Shape", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.core.counting.ledger import ledger
    from budgetscope.report.rows import LEDGER_HEADER, ledger_cells, shape_text

    console.print(Text(f"{shape_text(shape)}, context {shape.seq_len:,}"))
    console.print()
    console.print(table(LEDGER_HEADER, [ledger_cells(count) for count in ledger(shape)]))
    console.print()
    console.print(
        Text(f"The machine executes {shape.executed_flops_per_token:.4g} FLOPs a token (6 (blocks + head) + 12 L w s).")
    )
