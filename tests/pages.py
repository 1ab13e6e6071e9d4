"""A checker of HTML pages: balanced tags, unique ids, links that lead somewhere, nothing fetched from outside."""

from html.parser import HTMLParser

VOID = {"meta", "col", "br", "wbr", "img", "hr", "link", "input"}
FETCHING = {"src", "srcset", "data", "poster", "action", "background"}


class Page(HTMLParser):
    """What a page holds.

    Attributes:
        faults: what is wrong with it.
        texts: every piece of text, of elements that show it.
        ids: of its elements.
        links: addresses of its `a` elements.
        targets: addresses inside the page.
        tags: every element in order.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.texts: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.targets: list[str] = []
        self.tags: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag in self._open]
        self.faults += [f"id {each} twice" for each in {each for each in self.ids if self.ids.count(each) > 1}]
        self.faults += [f"#{each} leads nowhere" for each in set(self.targets) - set(self.ids)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._take(tag, attrs)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._take(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self._open[-1:] or 'nothing'}")
            return
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self._open):
            self.texts.append(data)
        elif "http" in data or "@import" in data:
            self.faults.append(f"a style names an address: {data[:80]}")

    def _take(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "script":
            self.faults.append("a script")
        for name, value in ((name, value or "") for name, value in attrs):
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "xlink:href") and value.startswith("#"):
                self.targets.append(value[1:])
            elif name == "href" and tag == "a":
                self.links.append(value)
            elif name in FETCHING or name.endswith("href") or (name == "style" and "http" in value):
                self.faults.append(f"{tag} fetches {value[:80]}")
            elif name.startswith("on"):
                self.faults.append(f"{tag} has {name}")

    @property
    def text(self) -> str:
        """The text that is shown, with single blanks."""
        return " ".join("".join(self.texts).replace("\xa0", " ").split())
