"""One self-contained HTML page of a document: no script, no address that a browser would fetch."""

import re
from collections.abc import Iterable, Mapping
from html import escape

from budgetscope.report.figures.draw import prefixed
from budgetscope.report.meeting import document as parts
from budgetscope.report.meeting.document import Block, Cell, Document, Link, Section
from budgetscope.report.meeting.style import STYLE

_WIDE = 7
"""Columns from which a table is set in smaller type."""
_SHORT = 9
"""Rows up to which a table of numbers is never cut by the end of a page."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What the page may load: nothing."""


def html(document: Document, pictures: Mapping[str, str]) -> str:
    """Return a document as one HTML page.

    Args:
        document: what to write.
        pictures: SVG of each figure, by name.
    """
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="{escape(document.language)}">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{escape(document.title)}</title>",
        f"<style>\n{STYLE}</style>",
        "</head>",
        "<body>",
        "<header>",
        f"<h1>{_inline(document.title)}</h1>",
        f'<p class="subtitle">{_inline(document.subtitle)}</p>',
        "</header>",
        *_contents(document),
        "<main>",
        *(line for number, section in enumerate(document.sections, 1) for line in _section(number, section, pictures)),
        "</main>",
        f"<footer><p>{_inline(document.footer)}</p></footer>",
        "</body>",
        "</html>",
    ]
    return "\n".join([*lines, ""])


def _contents(document: Document) -> list[str]:
    items = [f'<li><a href="#{escape(section.key)}">{_inline(section.title)}</a></li>' for section in document.sections]
    title = escape(document.contents)
    return [f'<nav aria-label="{title}">', f"<h2>{title}</h2>", "<ol>", *items, "</ol>", "</nav>"]


def _section(number: int, section: Section, pictures: Mapping[str, str]) -> list[str]:
    key, page = escape(section.key), ' class="page"' * section.page
    return [
        f'<section id="{key}"{page} aria-labelledby="{key}-title">',
        f'<h2 id="{key}-title">{number}. {_inline(section.title)}</h2>',
        *(line for block in section.blocks for line in _block(block, pictures)),
        "</section>",
    ]


def _block(block: Block, pictures: Mapping[str, str]) -> list[str]:  # noqa: C901, PLR0911 - one case a kind of block
    match block:
        case parts.Heading(text):
            return [f"<h3>{_inline(text)}</h3>"]
        case parts.Paragraph(text):
            return [f"<p>{_inline(text)}</p>"]
        case parts.Alert(text):
            return [f'<p class="alert" role="note"><strong>{_inline(text)}</strong></p>']
        case parts.Points(points):
            items = (f"<strong>{_inline(title)}</strong> {_inline(text)}" for title, text in points)
            return ['<ol class="points">', *_items(items), "</ol>"]
        case parts.Bullets(items):
            return ["<ul>", *_items(map(_inline, items)), "</ul>"]
        case parts.Quotes(items):
            return [f"<blockquote><p>{_inline(item)}</p></blockquote>" for item in items]
        case parts.Table():
            return _table(block)
        case parts.Picture():
            return _picture(block, pictures)
        case parts.Form(rows):
            lines = (f'<tr><th scope="row">{_inline(label)}</th><td>{_inline(text)}</td></tr>' for label, text in rows)
            return ['<table class="form">', "<tbody>", *lines, "</tbody>", "</table>"]
        case parts.Commands(lines):
            return [f"<pre><code>{escape(chr(10).join(lines))}</code></pre>"]


def _items(items: Iterable[str]) -> list[str]:
    return [f"<li>{item}</li>" for item in items]


def _table(table: parts.Table) -> list[str]:
    caption = [f"<caption>{_inline(table.caption)}</caption>"] if table.caption else []
    if table.widths:
        columns = "".join(f'<col style="width: {width}%">' for width in table.widths)
        caption.append(f"<colgroup>{columns}</colgroup>")
    kinds = [
        name
        for name, is_so in (
            ("wide", len(table.header) >= _WIDE),
            ("short", len(table.rows) <= _SHORT and not table.widths),
            ("fixed", bool(table.widths)),
        )
        if is_so
    ]
    named = f' class="{" ".join(kinds)}"' if kinds else ""
    head = "".join(
        f'<th scope="col"{_number(index, table)}>{_inline(text)}</th>' for index, text in enumerate(table.header)
    )
    rows = []
    for number, row in enumerate(table.rows):
        cells = "".join(f"<td{_number(index, table)}>{_cell(cell)}</td>" for index, cell in enumerate(row))
        mark = ' class="marked"' * (number in table.marked)
        rows.append(f"<tr{mark}>{cells}</tr>")
    body = [f"<table{named}>", *caption, f"<thead><tr>{head}</tr></thead>", "<tbody>", *rows, "</tbody>", "</table>"]
    return ['<div class="scroll">', *body, "</div>"]


def _number(index: int, table: parts.Table) -> str:
    return ' class="number"' * (index in table.numbers)


def _picture(picture: parts.Picture, pictures: Mapping[str, str]) -> list[str]:
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", pictures[picture.name], flags=re.DOTALL)
    tag, rest = svg[: svg.index(">")], svg[svg.index(">") :]
    tag = re.sub(r' (width|height)="[^"]*"', "", tag)
    drawn = prefixed(f'{tag} role="img" aria-label="{escape(picture.caption)}"{rest}', f"{picture.name}-")
    return ["<figure>", drawn.strip(), f"<figcaption>{_inline(picture.caption)}</figcaption>", "</figure>"]


def _cell(cell: Cell) -> str:
    if isinstance(cell, Link):
        text = _inline(cell.text)
        return f'<a href="{escape(cell.url)}" rel="noreferrer">{text}</a>' if cell.is_web else text
    return _inline(cell)


def _inline(text: str) -> str:
    """Return a text escaped, with what stands between backticks as code."""
    pieces = escape(text).split("`")
    if len(pieces) % 2 == 0:
        return _breaks(escape(text))
    return "".join(f"<code>{piece}</code>" if index % 2 else _breaks(piece) for index, piece in enumerate(pieces))


def _breaks(escaped: str) -> str:
    """Keep numbers with their units on one line, and let ids break after a slash."""
    return _SLASH.sub("/<wbr>", _UNIT.sub("&nbsp;", escaped))


_UNIT = re.compile(r"(?<=\d) (?=(?:[KMBT]|GB|FLOPs|days|h|min|years|[kMGT]Wh|k?g|t)\b)")
_SLASH = re.compile(r"(?<=\w)/(?=\w)")
