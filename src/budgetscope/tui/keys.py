"""The one table of keys: bindings, footer, help and the command palette are made from it."""

from dataclasses import dataclass

from textual.binding import Binding, BindingType

from budgetscope.tui.tabs import TABS

EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Key:
    """What a key does on a screen.

    Attributes:
        keys: names of the keys, the plain one first; those with Ctrl and F work while a field is edited.
        action: of the screen, or of the app for `EVERYWHERE`; empty for a key that a widget handles itself.
        label: one or two words for the footer.
        description: a sentence for the help.
        screen: where it works.
        in_footer: whether the footer has room for it.
        in_palette: whether the command palette offers it.
    """

    keys: tuple[str, ...]
    action: str
    label: str
    description: str
    screen: str
    in_footer: bool = True
    in_palette: bool = True


HELP = Key(("question_mark", "f1"), "app.help", "Help", "Show the keys of the screen.", EVERYWHERE, in_palette=False)

KEYS = (
    Key(("b", "f3"), "edit_budget", "Budget", "Edit the budget.", "plan"),
    Key(("l", "ctrl+l"), "choose_law", "Law", "Choose the law to follow; type to filter.", "plan"),
    Key(("c", "f5"), "next_view", "Chart/table", "Show the chart, the comparison, or both.", "plan"),
    Key(("v", "ctrl+n"), "next_chart", "Next chart", "Show N*(C), the loss, learning rate or batch.", "plan"),
    Key(("z", "f4"), "zoom", "Zoom", "Give chart and comparison the whole screen, or take it back.", "plan"),
    Key(("d", "f6"), "details", "Details", "Read every figure, its source, the assumptions, all cautions.", "plan"),
    Key(
        ("left",), "crosshair(-1)", "", "Read the chart: move the crosshair to the left.",
        "plan", in_footer=False, in_palette=False,
    ),
    Key(
        ("right",), "crosshair(1)", "", "Read the chart: move the crosshair to the right.",
        "plan", in_footer=False, in_palette=False,
    ),
    Key(
        ("shift+left",), "crosshair(-10)", "", "Move the crosshair ten columns to the left.", "plan",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("shift+right",), "crosshair(10)", "", "Move the crosshair ten columns to the right.", "plan",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("escape",), "leave", "Leave field", "Leave the field, so that plain letters are keys.", "plan",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("tab", "shift+tab"), "", "", "Go to the next field or panel, or back.", "plan",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("up", "down", "enter"), "", "", "In the comparison: go from law to law; follow the law at the cursor.", "plan",
        in_footer=False, in_palette=False,
    ),
    Key(("up", "down"), "", "", "Go from law to law while the filter is typed.", "laws", in_palette=False),
    Key(("enter",), "", "", "Follow the law.", "laws", in_palette=False),
    Key(("escape",), "close", "Close", "Close without a change.", "laws", in_palette=False),
    Key(("escape", "d", "q"), "close", "Close", "Close the details.", "details", in_palette=False),
    Key(("escape", "question_mark", "f1", "q"), "close", "Close", "Close the help.", "help", in_palette=False),
    Key(("s",), "save", "Save", "Save what is on the desk under a name.", "compare"),
    Key(("enter", "o"), "open", "Open", "Put the scenario at the cursor on the desk.", "compare"),
    Key(("v",), "switch_laws", "Laws", "Compare the laws for the scenario at the cursor, or the scenarios.", "compare"),
    Key(("c",), "next_view", "Chart/table", "Show the table, the chart, or both.", "compare"),
    Key(("a",), "switch_axes", "Axes", "Draw the loss over the cost, or N*(C).", "compare"),
    Key(("r",), "refer", "Reference", "Compare with the scenario at the cursor; again: with the desk.", "compare"),
    Key(("n",), "rename", "Rename", "Give the scenario at the cursor another name.", "compare"),
    Key(("d",), "duplicate", "Duplicate", "Put a copy of the scenario at the cursor behind it.", "compare"),
    Key(("x", "delete"), "delete", "Delete", "Delete the scenario at the cursor, after a question.", "compare"),
    Key(
        ("left",), "move(-1)", "", "Go to the scenario on the left.", "compare", in_footer=False, in_palette=False,
    ),
    Key(
        ("right",), "move(1)", "", "Go to the scenario on the right.", "compare", in_footer=False, in_palette=False,
    ),
    Key(
        ("up",), "scroll_lines(-1)", "", "Scroll the table up; among the laws, go up.", "compare",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("down",), "scroll_lines(1)", "", "Scroll the table down; among the laws, go down; Enter follows one.",
        "compare", in_footer=False, in_palette=False,
    ),
    Key(
        ("shift+left",), "crosshair(-2)", "", "Read the chart: move the crosshair to the left.", "compare",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("shift+right",), "crosshair(2)", "", "Read the chart: move the crosshair to the right.", "compare",
        in_footer=False, in_palette=False,
    ),
    Key(("enter",), "", "", "Keep the name.", "name", in_palette=False),
    Key(("escape",), "close", "Close", "Close without a change.", "name", in_palette=False),
    Key(("y",), "answer(True)", "Delete", "Delete the scenario.", "delete", in_palette=False),
    Key(("escape", "n", "q"), "answer(False)", "Keep", "Keep the scenario.", "delete", in_palette=False),
    *(
        Key(
            (str(tab.number),), f"go('{tab.name}')", f"{tab.number} {tab.label}", tab.description,
            EVERYWHERE, in_footer=False,
        )
        for tab in TABS
    ),
    Key(
        ("f9", "ctrl+pagedown"), "turn(1)", "Next screen", "Go to the next screen, from a field too.", EVERYWHERE,
        in_footer=False,
    ),
    Key(
        ("ctrl+pageup",), "turn(-1)", "Previous screen", "Go to the screen before.", EVERYWHERE, in_footer=False,
    ),
    HELP,
    Key(("y", "ctrl+y"), "copy_command", "Copy", "Copy the command line that gives the same.", EVERYWHERE),
    Key(
        ("Y", "f7"), "copy_markdown", "Copy as Markdown", "Copy what the screen says as Markdown.", EVERYWHERE,
        in_footer=False,
    ),
    Key(
        ("S", "f8"), "save_picture", "Save as SVG", "Save a picture of the screen in the current folder.", EVERYWHERE,
        in_footer=False,
    ),
    Key(
        ("t", "f2"), "switch_brightness", "Dark/light", "Switch between the dark and the light theme.", EVERYWHERE,
        in_footer=False,
    ),
    Key(
        ("ctrl+p",), "", "", "Open the command palette: every action by name.", EVERYWHERE,
        in_footer=False, in_palette=False,
    ),
    Key(("q", "ctrl+q"), "quit", "Quit", "Quit.", EVERYWHERE, in_palette=False),
)  # fmt: skip

_NAMES = {
    "question_mark": "?", "escape": "Esc", "tab": "Tab", "shift+tab": "Shift-Tab",
    "up": "↑", "down": "↓", "left": "←", "right": "→",
    "pageup": "PageUp", "pagedown": "PageDown",
}  # fmt: skip


def keys_of(screen: str) -> tuple[Key, ...]:
    """Return the keys of a screen."""
    return tuple(key for key in KEYS if key.screen == screen)


def bindings(screen: str) -> list[BindingType]:
    """Return the bindings of a screen."""
    return bound(*keys_of(screen))


def bound(*keys: Key) -> list[BindingType]:
    """Return the bindings of keys; those without an action are the widgets' own."""
    return [
        Binding(",".join(key.keys), key.action, key.label, show=key.in_footer, tooltip=key.description)
        for key in keys
        if key.action
    ]


def named(key: str) -> str:
    """Return a key as people call it."""
    if key in _NAMES:
        return _NAMES[key]
    modifier, plus, plain = key.partition("+")
    if plus:
        return f"{modifier.capitalize()}-{_NAMES.get(plain, plain.upper())}"
    return key.capitalize() if len(key) > 1 else key
