"""HTML and Markdown of a document: structure, escapes, links, contrast."""

import re
from html import unescape

import pytest
from tests.pages import Page

from budgetscope.report.meeting.document import (
    Alert,
    Block,
    Bullets,
    Commands,
    Document,
    Form,
    Heading,
    Link,
    Paragraph,
    Picture,
    Points,
    Quotes,
    Section,
    Table,
)
from budgetscope.report.meeting.html import html
from budgetscope.report.meeting.markdown import markdown
from budgetscope.report.meeting.style import STYLE

HOSTILE = "</p><script>alert(1)</script> \"x\" 'y' & [z](http://a) | *w* $1$ `<b>code|</b>` #h"
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="9pt" viewBox="0 0 10 9">'
    "<metadata><rdf>x</rdf></metadata>"
    '<defs><path id="p"/></defs><g clip-path="url(#p)"><use xlink:href="#p"/></g></svg>\n'
)


def made(*blocks: Block) -> Document:
    return Document("ja", HOSTILE, HOSTILE, (Section("one", HOSTILE, blocks),), "Contents", HOSTILE)


EVERY = (
    Heading(HOSTILE),
    Paragraph(HOSTILE),
    Alert(HOSTILE),
    Points(((HOSTILE, HOSTILE), ("b", "c"))),
    Bullets((HOSTILE, "b")),
    Quotes((HOSTILE, "b")),
    Table(HOSTILE, (HOSTILE, "b"), ((HOSTILE, Link(HOSTILE, 'https://x.org/a(b)?c="d"&e')),), frozenset({1}),
          frozenset({0}), (30, 70)),
    Picture("p", HOSTILE),
    Picture("q", HOSTILE),
    Form(((HOSTILE, HOSTILE), ("b", ""))),
    Commands(("budgetscope plan '</code><script>'", "```")),
)  # fmt: skip


def test_a_page_is_whole_and_fetches_nothing_whatever_its_texts_say() -> None:
    page = Page(html(made(*EVERY), {"p": SVG, "q": SVG}))
    assert page.faults == []
    assert page.links == ['https://x.org/a(b)?c="d"&e']
    # Outside code a text is shown as it is; code loses its backticks.
    assert page.text.count(HOSTILE.replace("`", "")) >= len(EVERY)
    assert {"main", "nav", "header", "footer", "figure", "figcaption", "caption", "thead", "svg"} <= set(page.tags)


def test_a_page_says_its_language_and_names_its_figures() -> None:
    text = html(made(Picture("p", 'The "loss"')), {"p": SVG})
    assert text.startswith('<!DOCTYPE html>\n<html lang="ja">')
    assert 'role="img" aria-label="The &quot;loss&quot;"' in text
    assert "<metadata" not in text
    assert not re.search(r"<svg[^>]* (width|height)=", text)


def test_no_address_but_one_of_the_web_is_linked() -> None:
    for url in ("javascript:alert(1)", "data:text/html,x", "", "ftp://x"):
        document = made(Table("", ("a",), ((Link("text", url),),)))
        assert Page(html(document, {})).links == []
        assert f"({url})" not in markdown(document, {})
        assert "| text |" in markdown(document, {})


def test_numbers_are_set_to_the_right_and_marked_rows_stand_out() -> None:
    table = Table("", ("law", "N"), (("a", "1 B"), ("b", "2 B")), frozenset({1}), frozenset({1}))
    text = html(made(table), {})
    assert text.count('class="number"') == 3
    assert '<tr class="marked"><td>b</td><td class="number">2&nbsp;B</td></tr>' in text
    assert markdown(made(table), {}).splitlines()[-5:-2] == ["| --- | ---: |", "| a | 1 B |", "| **b** | **2 B** |"]


def test_markdown_escapes_everything_but_code() -> None:
    text = markdown(made(*EVERY), {"p": "a (b)/p.svg", "q": "<q>.svg"})
    fence = re.search(r"^````sh\n(.*?)\n````$", text, re.MULTILINE | re.DOTALL)
    assert fence is not None
    assert fence[1] == "budgetscope plan '</code><script>'\n```"
    rest = text.replace(fence[0], "")
    assert "`<b>code|</b>`" in rest
    assert r"`<b>code\|</b>`" in rest
    rest = re.sub(r"`<b>code\\?\|</b>`", "", rest)
    assert not re.search(r"(?<!\\)<(?!a \(b\)/p.svg>|%3Cq|https:)", rest)
    assert not re.search(r"(?<!\\)\$", rest)
    assert "](<a (b)/p.svg>)" in rest
    assert "](<%3Cq%3E.svg>)" in rest
    rows = [line for line in rest.splitlines() if line.startswith("|")]
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {4}


def test_sections_and_points_are_in_order() -> None:
    points = Points((("x", "1"), ("y", "2")))
    document = Document("en", "T", "S", tuple(Section(key, key, (points,)) for key in ("one", "two")), "C", "F")
    assert re.findall(r"<h2 id=\"(\w+)-title\">(\d)", html(document, {})) == [("one", "1"), ("two", "2")]
    assert re.findall(r"^(?:#+|\d\.) .*", markdown(document, {}), re.MULTILINE) == [
        "# T", "## one", "1. **x:** 1", "2. **y:** 2", "## two", "1. **x:** 1", "2. **y:** 2",
    ]  # fmt: skip


def luminance(color: str) -> float:
    """Return the relative luminance of #rrggbb, WCAG 2.2."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_text_has_the_contrast_of_wcag_aa(theme: int) -> None:
    colors = dict(re.findall(r"--([\w-]+): (#\w{6})", re.findall(r":root \{([^}]*--ground[^}]*)\}", STYLE)[theme]))
    for text in ("ink", "soft", "accent"):
        for ground in ("ground", "tint", "mark"):
            assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
    assert contrast(colors["warn"], colors["warn-ground"]) >= 4.5
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_print_is_light_and_on_a4() -> None:
    assert "@media screen and (prefers-color-scheme: dark)" in STYLE
    assert "size: A4" in STYLE
    assert "url(" not in STYLE


def test_an_odd_backtick_is_a_character() -> None:
    assert "<p>a ` b</p>" in html(made(Paragraph("a ` b")), {})
    assert r"a \` b" in markdown(made(Paragraph("a ` b")), {})
    assert unescape(html(made(Paragraph("see `budgetscope plan`.")), {})).count("<code>budgetscope plan</code>.") == 1
    assert "see `budgetscope plan`." in markdown(made(Paragraph("see `budgetscope plan`.")), {})
