"""Markdown of a document."""

import re
from collections.abc import Iterable, Mapping

from budgetscope.report import markdown as words
from budgetscope.report.meeting import document as parts
from budgetscope.report.meeting.document import Block, Cell, Document, Link


def markdown(document: Document, pictures: Mapping[str, str]) -> str:
    """Return a document as Markdown.

    Args:
        document: what to write.
        pictures: path of each figure, by name, as the file links to it.
    """
    lines = [f"# {_inline(document.title)}", "", _inline(document.subtitle), ""]
    for section in document.sections:
        lines += [f"## {_inline(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block(block, pictures), ""]
    return "\n".join([*lines, _inline(document.footer), ""])


def _block(block: Block, pictures: Mapping[str, str]) -> list[str]:  # noqa: C901, PLR0911 - one case a kind of block
    match block:
        case parts.Heading(text):
            return [f"### {_inline(text)}"]
        case parts.Paragraph(text):
            return [_inline(text)]
        case parts.Alert(text):
            return [f"> **{_inline(text)}**"]
        case parts.Points(points):
            return [
                f"{number}. **{_inline(title)}:** {_inline(text)}" for number, (title, text) in enumerate(points, 1)
            ]
        case parts.Bullets(items):
            return [f"- {_inline(item)}" for item in items]
        case parts.Quotes(items):
            return _spaced(f"> {_inline(item)}" for item in items)
        case parts.Table():
            return _table(block)
        case parts.Picture(name, caption):
            # An address in angle brackets may hold blanks and parentheses.
            return [f"![{_inline(caption)}](<{_address(pictures[name])}>)", "", f"*{_inline(caption)}*"]
        case parts.Form(rows):
            return _form(rows)
        case parts.Commands(lines):
            return words.fenced("\n".join(lines))


def _address(path: str) -> str:
    return re.sub(r"[<>|\\\n]", lambda found: f"%{ord(found[0]):02X}", path)


def _spaced(lines: Iterable[str]) -> list[str]:
    spaced = [each for line in lines for each in (line, "")]
    return spaced[:-1]


def _table(table: parts.Table) -> list[str]:
    rows = [
        [f"**{_cell(cell)}**" if number in table.marked and cell else _cell(cell) for cell in row]
        for number, row in enumerate(table.rows)
    ]
    lines = words.table([_cell(text) for text in table.header], rows, escape=False)
    rule = ["---:" if index in table.numbers else "---" for index in range(len(table.header))]
    lines[1] = f"| {' | '.join(rule)} |"
    return [_inline(table.caption), "", *lines] if table.caption else lines


def _form(rows: tuple[tuple[str, str], ...]) -> list[str]:
    return words.table(("", ""), [(f"**{_cell(label)}**", _cell(text)) for label, text in rows], escape=False)


def _cell(cell: Cell) -> str:
    if isinstance(cell, Link):
        text = _cell(cell.text)
        return f"[{text}](<{_address(cell.url)}>)" if cell.is_web else text
    # In a table a bar ends the cell, even in code.
    return _inline(cell, bar=r"\|")


def _inline(text: str, bar: str = "|") -> str:
    """Return a text escaped, with what stands between backticks as code, and the bars in code as `bar`."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return words.escaped(text)
    return "".join(_code(piece, bar) if index % 2 else _plain(piece) for index, piece in enumerate(pieces))


def _code(text: str, bar: str) -> str:
    return f"`{' '.join(text.split())}`".replace("|", bar) if text.strip() else ""


def _plain(text: str) -> str:
    """Escape a piece of a text; blanks at its ends are kept, since code may follow."""
    start, end = (" " if text[:1].isspace() else ""), (" " if text[-1:].isspace() else "")
    return f"{start}{words.escaped(text)}{end}" if text.strip() else " " * bool(text)
