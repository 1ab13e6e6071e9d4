"""A report as data: a document of sections, each a sequence of blocks. `html` and `markdown` render it.

Texts are plain. A pair of backticks in one marks code, as in "see `budgetscope plan`".
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """A text that leads to an address on the web, where the renderer can show one.

    Attributes:
        text: what is shown.
        url: http or https; anything else is not linked.
    """

    text: str
    url: str

    @property
    def is_web(self) -> bool:
        """Whether the address is one of the web."""
        return self.url.startswith(("https://", "http://"))


Cell = str | Link


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One or more sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Alert:
    """A sentence that must not be missed."""

    text: str


@dataclass(frozen=True, slots=True)
class Points:
    """Numbered points.

    Attributes:
        points: a short title and one or two sentences of each.
    """

    points: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Bullets:
    """Sentences, one a bullet."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quotes:
    """Sentences to say, one a quotation."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        caption: what it holds, one sentence; empty for none.
        header: column titles.
        rows: one cell a column.
        numbers: indices of the columns of numbers, which are set to the right.
        marked: indices of the rows that stand out.
        widths: of the columns, percent; empty for what their texts need.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numbers: frozenset[int] = frozenset()
    marked: frozenset[int] = frozenset()
    widths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, by its name.

    Attributes:
        name: of the figure, a key of what the renderer is given.
        caption: what it shows and how to read it, in sentences.
    """

    name: str
    caption: str


@dataclass(frozen=True, slots=True)
class Form:
    """A form to fill in.

    Attributes:
        rows: label and what is known already; empty for a line to write on.
    """

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Commands:
    """Shell commands, one a line."""

    lines: tuple[str, ...]


Block = Heading | Paragraph | Alert | Points | Bullets | Quotes | Table | Picture | Form | Commands


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a document.

    Attributes:
        key: stable name, for links.
        title: its heading.
        blocks: in order.
        page: whether it begins a page in print.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]
    page: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A report.

    Attributes:
        language: of its texts, a code such as "en".
        title: its heading.
        subtitle: what it is about, in one sentence.
        sections: in order.
        contents: title of the list of its sections.
        footer: at its end, one sentence.
    """

    language: str
    title: str
    subtitle: str
    sections: tuple[Section, ...]
    contents: str
    footer: str
