"""The panel of a new calibration's design and price, or of why there is none yet."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from budgetscope.api.calibration import PRESETS, Ready, texts
from budgetscope.api.extras import install_command
from budgetscope.core.language import N_, _
from budgetscope.report.words import headed, listed, padded
from budgetscope.report.words import width as cells_of
from budgetscope.tui.signs import CAUTION_SIGN, LABEL_STYLE, PROBLEM_SIGN

_ASK = N_("""F4: prepare the data, design the sweep and price it. Nothing is trained before you have seen the price.

Small models are trained on your data with this machine, and the laws are fitted to them; then you see what they \
would change in your plan, and decide.

Presets: {presets}.
Without data, the text that came with Python is taken: to try the machinery, not to plan with. Several sources are a \
mix by their shares: a.txt=0.7, b.jsonl=0.3. The tokenizer is bpe, bytes or your tokenizer.json.
A run goes on when the app is closed.""")
_LABEL = 22


class DesignPanel(VerticalScroll, can_focus=False):
    """Shows a sentence, or a design and its price."""

    DEFAULT_CSS: ClassVar[str] = """
    DesignPanel { scrollbar-size-vertical: 1; }
    DesignPanel Static { width: 100%; height: auto; }
    """

    def __init__(self, *, id: str, classes: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._priced: tuple[Ready, str, tuple[str, ...]] | None = None

    def compose(self) -> ComposeResult:
        """Yield the text."""
        yield Static(id="priced", markup=False)

    def on_resize(self) -> None:
        """Lay the price out for the new width."""
        if self._priced is not None:
            self.price(*self._priced)

    def _say(self, content: Content) -> None:
        self.query_one("#priced", Static).update(content)

    def ask(self) -> None:
        """Show how to get a price."""
        self._priced = None
        presets = listed(f"{name} {texts.duration(60 * preset.minutes)}" for name, preset in PRESETS.items())
        self._say(Content(_(_ASK).format(presets=presets)))

    def refuse(self, sentence: str) -> None:
        """Show why there is no design."""
        self._priced = None
        # A command to type gets a line of its own.
        command = install_command("calibrate")
        text = PROBLEM_SIGN + sentence.replace(command, f"\n\n{command}")
        self._say(Content.styled(text, "bold $text-error"))

    def wait(self, said: str, dots: int) -> None:
        """Show the progress of the preparation."""
        self._priced = None
        self._say(Content.assemble((f"{said} {'.' * dots}\n\n", "bold"), (_("F6: cancel"), LABEL_STYLE)))

    def price(self, ready: Ready, foretold: str, notes: tuple[str, ...]) -> None:
        """Show a design, its price, how well N would be known, its cautions and the notes of its preparation."""
        self._priced = (ready, foretold, notes)
        columns = [texts.price_cells(stage, ready.spec.corpus) for stage in ready.price.stages]
        width = max(cells_of(cell) for column in columns for cell in column) + 2
        # Without room side by side, the stages stand below each other.
        beside = _LABEL + width * len(columns) <= self.scrollable_content_region.width
        lines = []
        for part in [columns] if beside else [[column] for column in columns]:
            for label, *row in zip(headed(texts.PRICE_HEADER), *part, strict=True):
                cells = "".join(padded(cell, width) for cell in row).rstrip()
                lines.append(Content.assemble((padded(label, _LABEL), LABEL_STYLE), cells))
        lines += [Content(""), Content.styled(texts.in_all(ready), "bold")]
        lines += [Content(foretold)] * bool(foretold)
        lines += [Content.styled(CAUTION_SIGN + text, "$text-warning") for text in (*ready.price.cautions, *notes)]
        lines += [Content.styled(_("F5: start it"), "bold $text-success"), Content("")]
        lines += [Content(texts.heading(ready)), Content(texts.budgets(ready))]
        self._say(Content("\n").join(lines))

    def page(self, pages: int) -> None:
        """Scroll by pages."""
        self.scroll_relative(y=pages * max(self.size.height - 1, 1), animate=False)
