"""HTML for the notebook display of results; all texts are escaped, since titles come from files."""

from collections.abc import Iterable, Sequence
from html import escape

from budgetscope.api.notebook.remedies import in_python

_LEFT = ' style="text-align: left"'


def page(*parts: str) -> str:
    """Return the HTML of a result; its classes keep the notebook from reading dollar signs as formulas."""
    return f'<div class="tex2jax_ignore mathjax_ignore">{"".join(parts)}</div>'


def paragraph(text: str, *, strong: bool = False) -> str:
    """Return a paragraph; empty for an empty text."""
    if not text:
        return ""
    return f"<p><strong>{_text(text)}</strong></p>" if strong else f"<p>{_text(text)}</p>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; empty without rows."""
    body = "".join(_row("td", cells) for cells in rows)
    return f"<table><thead>{_row('th', header)}</thead><tbody>{body}</tbody></table>" if body else ""


def _row(tag: str, cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<{tag}{_LEFT}>{_text(cell)}</{tag}>" for cell in cells) + "</tr>"


def notes(sign: str, sentences: Iterable[str]) -> str:
    """Return one line for each sentence, each after `sign`."""
    return "".join(f"<div>{escape(sign)} {_text(sentence)}</div>" for sentence in sentences)


def _text(text: str) -> str:
    """Return a text for Python, escaped."""
    return escape(in_python(text))
