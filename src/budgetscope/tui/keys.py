"""The table of keys; bindings, footer, help and command palette are made from it."""

from dataclasses import dataclass

from textual.binding import Binding, BindingType

from budgetscope.core.language import N_, _
from budgetscope.tui.tabs import TABS

EVERYWHERE = "everywhere"
_ALT = "alt+"


@dataclass(frozen=True, slots=True)
class Key:
    """Keys that do the same on a screen.

    Attributes:
        keys: Textual's names, the plain one first; those with Ctrl and F work while a field is edited too.
        action: of the screen, or of the app for `EVERYWHERE`; empty if a widget handles the key itself.
        label: one or two words for the footer.
        description: a sentence for the help.
        screen: section of the table: the name of a tab or of a dialog, or `EVERYWHERE`.
        in_footer: whether the footer shows it, where there is room.
        in_palette: whether the command palette offers it.
    """

    keys: tuple[str, ...]
    action: str
    label: str
    description: str
    screen: str
    in_footer: bool = True
    in_palette: bool = True


HELP = Key(
    ("question_mark", "f1"), "app.help", "Help", "Show the keys of the screen, and what the words mean.", EVERYWHERE,
    in_palette=False,
)  # fmt: skip

KEYS = (
    Key(("b", "f3"), "edit_budget", "Budget", "Edit the budget.", "plan"),
    Key(("o", "ctrl+o"), "options", "Options", "Open or close the options: device, price, constraints.", "plan"),
    Key(("l", "ctrl+l"), "choose_law", "Law", "Choose the law to follow, and see first what it changes.", "plan"),
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
        ("up", "down", "enter"), "", "", "In the comparison: go from law to law; follow one, after a question.", "plan",
        in_footer=False, in_palette=False,
    ),
    Key(("up", "down"), "", "", "Go from law to law while the filter is typed.", "laws", in_palette=False),
    Key(("enter",), "", "", "See what the law changes in your plan, before you follow it.", "laws", in_palette=False),
    Key(("escape",), "close", "Close", "Close without a change.", "laws", in_palette=False),
    Key(("escape", "d", "q"), "close", "Close", "Close the details.", "details", in_palette=False),
    Key(("w",), "words", "Words", "Go to what the words mean: N, D, MFU, nats.", "help", in_palette=False),
    Key(("escape", "question_mark", "f1", "q"), "close", "Close", "Close the help.", "help", in_palette=False),
    Key(("enter", "right", "space"), "next", "Next", "Go on; at the end, take the budget.", "tour", in_palette=False),
    Key(("down",), "choose", "", "In the last step, choose what you have.", "tour", in_palette=False),
    Key(("up", "left"), "back", "Back", "Go back to the step, or the choice, before.", "tour", in_palette=False),
    Key(("escape", "q"), "close", "Skip", "Skip the tour; it does not come again by itself.", "tour", in_palette=False),
    Key(("s",), "save", "Save", "Save the current plan under a name.", "compare"),
    Key(
        ("enter", "o"), "open", "Open", "Open the scenario at the cursor as the current plan; follow the law.",
        "compare",
    ),
    Key(("v",), "switch_laws", "Laws", "Compare the laws for the scenario at the cursor, or the scenarios.", "compare"),
    Key(("c",), "next_view", "Chart/table", "Show the table, the chart, or both.", "compare"),
    Key(("a",), "switch_axes", "Axes", "Draw the loss over the cost, or N*(C).", "compare"),
    Key(
        ("r",), "refer", "Reference", "Compare with the scenario at the cursor; again: with the current plan.",
        "compare",
    ),
    Key(
        ("m",), "machines", "Machines", "Choose another device for the training at the cursor, and keep it beside it.",
        "compare",
    ),
    Key(("n",), "rename", "Rename", "Give the scenario at the cursor another name.", "compare"),
    Key(("d",), "duplicate", "Duplicate", "Duplicate the scenario at the cursor.", "compare"),
    Key(("x", "delete"), "delete", "Delete", "Delete the scenario at the cursor, after a question.", "compare"),
    Key(("escape",), "leave", "", "Go back from the laws.", "compare", in_footer=False, in_palette=False),
    Key(
        ("left",), "move(-1)", "", "Go to the scenario on the left.", "compare", in_footer=False, in_palette=False,
    ),
    Key(
        ("right",), "move(1)", "", "Go to the scenario on the right.", "compare", in_footer=False, in_palette=False,
    ),
    Key(
        ("up",), "scroll_lines(-1)", "", "Go to the law above, or scroll the table up.", "compare",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("down",), "scroll_lines(1)", "", "Go to the law below, or scroll the table down.", "compare",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("pageup", "home"), "scroll_lines(-100)", "", "Go to the first law, or to the top of the table.", "compare",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("pagedown", "end"), "scroll_lines(100)", "", "Go to the last law, or to the end of the table.", "compare",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("shift+left",), "crosshair(-2)", "", "Read the chart: move the crosshair to the left.", "compare",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("shift+right",), "crosshair(2)", "", "Read the chart: move the crosshair to the right.", "compare",
        in_footer=False, in_palette=False,
    ),
    Key(("up", "down"), "", "", "Go from device to device.", "machines", in_palette=False),
    Key(("enter",), "", "", "Keep the training on the device as a scenario.", "machines", in_palette=False),
    Key(("escape", "q"), "close", "Close", "Close without a change.", "machines", in_palette=False),
    Key(("enter",), "", "", "Keep the name.", "name", in_palette=False),
    Key(("escape",), "close", "Close", "Close without a change.", "name", in_palette=False),
    Key(("y",), "answer(True)", "Delete", "Delete the scenario.", "delete", in_palette=False),
    Key(("escape", "n", "q"), "answer(False)", "Keep", "Keep the scenario.", "delete", in_palette=False),
    Key(
        ("left",), "move(-1)", "", "Go to a slightly smaller N: 32 steps halve it.", "whatif",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("right",), "move(1)", "", "Go to a slightly larger N: 32 steps double it.", "whatif",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("shift+left", "down"), "leap(-1)", "", "Go to a much smaller N: 4 steps halve it.", "whatif",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("shift+right", "up"), "leap(1)", "", "Go to a much larger N: 4 steps double it.", "whatif",
        in_footer=False, in_palette=False,
    ),
    Key(("o", "home", "f3"), "optimum", "Optimum", "Go back to the optimum.", "whatif"),
    Key(("n", "ctrl+n"), "pick(1)", "Next pick", "Go to the next larger N that a law would take.", "whatif"),
    Key(
        ("p", "f4"), "pick(-1)", "Previous pick", "Go to the next smaller N that a law would take.", "whatif",
        in_footer=False,
    ),
    Key(("m", "f5"), "map", "Map", "Show the loss over N and D with lines of equal budget, or the curve.", "whatif"),
    Key(("s", "f6"), "edit_served", "Served", "Type the tokens that the model will serve in its life.", "whatif"),
    Key(
        ("right_square_bracket",), "serve(1)", "More served", "Serve ten times as many tokens.", "whatif",
        in_footer=False,
    ),
    Key(
        ("left_square_bracket",), "serve(-1)", "Fewer served", "Serve a tenth of the tokens.", "whatif",
        in_footer=False,
    ),
    Key(
        ("escape",), "leave", "Leave field", "Leave the field, so that plain letters are keys.", "whatif",
        in_footer=False, in_palette=False,
    ),
    Key(("right", "space"), "step(1)", "Next step", "Go to the next step of the argument.", "why"),
    Key(("left", "backspace"), "step(-1)", "Step back", "Go back to the step before.", "why"),
    Key(("d",), "switch_dataset", "Dataset", "Show the steps on the other dataset.", "why"),
    Key(("home",), "first", "First", "Go back to Kaplan's experiment.", "why", in_footer=False),
    Key(("end",), "last", "Last", "Go to the tuned runs.", "why", in_footer=False),
    Key(
        ("shift+left",), "crosshair(-2)", "", "Read the chart: move the crosshair to the left.", "why",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("shift+right",), "crosshair(2)", "", "Read the chart: move the crosshair to the right.", "why",
        in_footer=False, in_palette=False,
    ),
    Key(("n", "f3"), "new", "New", "Describe a new calibration.", "calibrate"),
    Key(
        ("p", "f4"), "price", "Price", "Prepare the data, design the sweep and price it; nothing is trained yet.",
        "calibrate",
    ),
    Key(("g", "f5"), "start", "Start", "Start the priced run; it goes on without the app.", "calibrate"),
    Key(("x", "f6"), "stop", "Stop", "Stop the run, which can be resumed; or give up the preparation.", "calibrate"),
    Key(("r",), "resume", "Resume", "Go on with a run that was stopped, interrupted or failed.", "calibrate"),
    Key(("d",), "detach", "Detach", "Leave the run to itself; choose it in the list to come back.", "calibrate"),
    Key(("a",), "accept", "Accept", "Make the run's fit the active law, after a question.", "calibrate"),
    Key(("o",), "keep_old", "Keep old", "Keep the active law; the fit stays with its run.", "calibrate"),
    Key(("c",), "next_view", "View", "Go on to cells, losses, map, log, and the fit at the end.", "calibrate"),
    Key(("z",), "zoom", "Zoom", "Give one panel the whole screen, or take it back.", "calibrate"),
    Key(("s",), "next_grid(0)", "Size", "Show the map of the next size.", "calibrate", in_footer=False),
    Key(("b",), "next_grid(1)", "Beta2", "Show the map of the next beta2.", "calibrate", in_footer=False),
    Key(
        ("up",), "move(-1)", "", "Choose the run above; in the form, the field above.", "calibrate",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("down",), "move(1)", "", "Choose the run below; in the form, the field below.", "calibrate",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("left",), "crosshair(-1)", "", "Read the chart or the map: move the crosshair to the left.", "calibrate",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("right",), "crosshair(1)", "", "Move the crosshair to the right.", "calibrate",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("pageup",), "page(-1)", "", "Go up in the design, the log or the fit.", "calibrate",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("pagedown",), "page(1)", "", "Go down in the design, the log or the fit.", "calibrate",
        in_footer=False, in_palette=False,
    ),
    Key(
        ("escape",), "leave", "Leave field", "Leave the field, so that plain letters are keys; or the zoom.",
        "calibrate", in_footer=False, in_palette=False,
    ),
    Key(("slash", "f3"), "filter", "Filter", "Type to filter the fits.", "fits"),
    Key(("c", "f5"), "next_view", "View", "Show details, points, residuals or the difference of two fits.", "fits"),
    Key(("m", "f6"), "mark", "Mark", "Mark a fit as A and then another as B, to see what changes.", "fits"),
    Key(
        ("a", "ctrl+g"), "use", "Make default",
        "Make the fit at the cursor the default law or recipe, after a question.", "fits",
    ),
    Key(("i", "ctrl+o"), "import", "Import", "Read a file of runs, fit it, and store the fit.", "fits"),
    Key(("U", "ctrl+r"), "undo", "Undo write", "Undo the last write of your own fit at the cursor.", "fits"),
    Key(("z", "f4"), "zoom", "Zoom", "Give the page of the fit the whole screen, or take it back.", "fits"),
    Key(("enter",), "follow", "Follow", "Follow the law at the cursor in this plan, after a question.", "fits"),
    *(
        Key((name,), f"move({lines})", "", text, "fits", in_footer=False, in_palette=False)
        for name, lines, text in (
            ("up", -1, N_("Go to the fit above, from the filter too.")),
            ("down", 1, N_("Go to the fit below, from the filter too.")),
            ("pageup", -10, N_("Go ten fits up.")),
            ("pagedown", 10, N_("Go ten fits down.")),
            ("home", -100_000, N_("Go to the first fit.")),
            ("end", 100_000, N_("Go to the last fit.")),
        )
    ),
    *(
        Key((name,), f"scroll_page({lines})", "", text, "fits", in_footer=False, in_palette=False)
        for name, lines, text in (
            ("shift+up", -1, N_("Scroll the details or the difference up.")),
            ("shift+down", 1, N_("Scroll the details or the difference down.")),
        )
    ),
    *(
        Key((name,), f"crosshair({cells})", "", text, "fits", in_footer=False, in_palette=False)
        for name, cells, text in (
            ("left", -1, N_("Read the chart: move the crosshair to the left.")),
            ("right", 1, N_("Read the chart: move the crosshair to the right.")),
            ("shift+left", -10, N_("Move the crosshair ten columns to the left.")),
            ("shift+right", 10, N_("Move the crosshair ten columns to the right.")),
        )
    ),
    Key(
        ("escape",), "leave", "Leave filter", "Leave the filter, or the zoom, or empty the filter.", "fits",
        in_footer=False, in_palette=False,
    ),
    Key(("enter",), "agree", "Go ahead", "Change the law; u takes it back.", "accept", in_palette=False),
    Key(("escape", "q"), "close", "Close", "Leave the law as it is.", "accept", in_palette=False),
    Key(("up", "down"), "", "", "Choose a report, or a recipe for a trainer.", "export", in_palette=False),
    Key(("tab", "shift+tab"), "", "", "Go to the path, or back.", "export", in_palette=False),
    Key(("enter",), "", "", "Write it; again, if something would be replaced.", "export", in_palette=False),
    Key(("escape",), "close", "Close", "Close; nothing is written.", "export", in_palette=False),
    Key(("enter",), "", "", "Audit the configuration, or compare two.", "audit", in_palette=False),
    Key(("pageup",), "scroll_told(-10)", "", "Scroll the audit up.", "audit", in_palette=False),
    Key(("pagedown",), "scroll_told(10)", "", "Scroll the audit down.", "audit", in_palette=False),
    Key(("ctrl+y",), "copy", "Copy", "Copy the command that does the same.", "audit", in_palette=False),
    Key(("escape",), "close", "Close", "Close the audit.", "audit", in_palette=False),
    Key(("enter",), "agree", "Take back", "Undo the write.", "undo", in_palette=False),
    Key(("escape", "q"), "close", "Close", "Leave the fit as it is.", "undo", in_palette=False),
    Key(("enter", "f5"), "fit", "Fit", "Fit every law that the runs allow.", "import", in_palette=False),
    Key(("f6",), "store", "Store", "Store the fit under its id.", "import", in_palette=False),
    Key(("pageup",), "scroll_told(-10)", "", "Scroll the result up.", "import", in_palette=False),
    Key(("pagedown",), "scroll_told(10)", "", "Scroll the result down.", "import", in_palette=False),
    Key(("ctrl+y",), "copy", "Copy", "Copy the command that does the same.", "import", in_palette=False),
    Key(("escape",), "close", "Close", "Close; what was typed is kept.", "import", in_palette=False),
    Key(("r", "f3"), "recipe(1)", "Next law", "Follow the next law for learning rate and batch.", "recipe"),
    Key(
        ("R", "f4"), "recipe(-1)", "Previous law", "Follow the law before for learning rate and batch.", "recipe",
        in_footer=False,
    ),
    Key(("n", "f5"), "notes", "Notes", "Show the notes on every law, or hide them.", "recipe"),
    Key(("right",), "part(1)", "Next part", "Scroll to the next part of the page.", "recipe"),
    Key(("left",), "part(-1)", "Previous part", "Scroll to the previous part of the page.", "recipe", in_footer=False),
    Key(("down",), "scroll_lines(1)", "", "Scroll down.", "recipe", in_footer=False, in_palette=False),
    Key(("up",), "scroll_lines(-1)", "", "Scroll up.", "recipe", in_footer=False, in_palette=False),
    Key(("pagedown",), "scroll_pages(1)", "", "Scroll down a page.", "recipe", in_footer=False, in_palette=False),
    Key(("pageup",), "scroll_pages(-1)", "", "Scroll up a page.", "recipe", in_footer=False, in_palette=False),
    Key(
        ("home",), "scroll_lines(-10000)", "", "Scroll to the top.", "recipe", in_footer=False, in_palette=False,
    ),
    Key(
        ("end",), "scroll_lines(10000)", "", "Scroll to the end.", "recipe", in_footer=False, in_palette=False,
    ),
    *(
        Key(
            (str(tab.number), f"alt+{tab.number}"), f"go('{tab.name}')", f"{tab.number} {tab.label}",
            tab.description, EVERYWHERE, in_footer=False,
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
    Key(
        ("u", "ctrl+z"), "undo_law", "Undo law", "Undo the last change of the law that plans follow.", EVERYWHERE,
        in_footer=False,
    ),
    Key(("y", "ctrl+y"), "copy_command", "Copy", "Copy the command with the same answer.", EVERYWHERE),
    Key(
        ("e", "ctrl+s"), "export", "Export", "Write the plan to files: a report, or a recipe for a trainer.",
        EVERYWHERE,
    ),
    Key(
        ("A", "f12"), "audit", "Audit a run", "Say what is doubtful in the configuration of a run, or of two.",
        EVERYWHERE, in_footer=False,
    ),
    Key(
        ("Y", "f7"), "copy_markdown", "Copy as Markdown", "Copy the screen's content as Markdown.", EVERYWHERE,
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
    Key(("T", "f10"), "tour", "Tour", "Show a tour of the app, step by step.", EVERYWHERE, in_footer=False),
    Key(
        ("ctrl+p",), "", "", "Open the command palette: every action by name.", EVERYWHERE,
        in_footer=False, in_palette=False,
    ),
    Key(("q", "ctrl+q"), "quit", "Quit", "Quit.", EVERYWHERE, in_palette=False),
)  # fmt: skip

_NAMES = {
    "question_mark": "?", "left_square_bracket": "[", "right_square_bracket": "]",
    "slash": "/", "escape": "Esc", "tab": "Tab", "shift+tab": "Shift-Tab",
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
    """Return the bindings of keys that have an action; a key with Alt works in a field too, which would type it."""
    made: list[BindingType] = []
    for key in keys:
        plain = [name for name in key.keys if not name.startswith(_ALT)]
        if key.action and plain:
            made.append(Binding(",".join(plain), key.action, key.label, show=key.in_footer, tooltip=key.description))
        made += [
            Binding(name, key.action, key.label, show=False, priority=True)
            for name in key.keys
            if key.action and name.startswith(_ALT)
        ]
    return made


def titled(key: Key) -> str:
    """Return what a key does in a word or two, in the language in use; a screen's number comes before its name."""
    number, space, name = key.label.partition(" ")
    return f"{number} {_(name)}" if space and number.isdigit() else _(key.label)


def named(key: str) -> str:
    """Return the name of a key as people write it."""
    if key in _NAMES:
        return _NAMES[key]
    modifier, plus, plain = key.partition("+")
    if plus:
        return f"{modifier.capitalize()}-{_NAMES.get(plain, plain.upper())}"
    return key.capitalize() if len(key) > 1 else key
