"""Colours of text that can be read in every theme: WCAG 2.2, criterion 1.4.3, level AA.

The themes for terminals of 16 colours use the terminal's own foreground and background, and of its colours those that
reach the contrast with them both on xterm and on the Linux console.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import chain, repeat

from rich.color import ColorSystem
from textual.color import Color
from textual.theme import Theme

TEXT_CONTRAST = 4.5
"""Least ratio for text, WCAG 1.4.3 AA."""
LINE_CONTRAST = 3.0
"""Least ratio for lines of charts and frames, WCAG 1.4.11."""

DARK, LIGHT = "textual-dark", "textual-light"
DARK_16, LIGHT_16 = "ansi-dark", "ansi-light"

_STEPS = 40
_GROUNDS = ("background", "surface", "panel", "block-cursor-blurred-background")
_TEXTS = (
    "foreground", "text-primary", "text-secondary", "text-error", "text-success", "text-warning", "text-accent",
    "footer-description-foreground", "footer-key-foreground",
)  # fmt: skip
_MUTED = 0.62
"""Share of the foreground in muted text, where the contrast allows it."""


def _few(name: str, *, dark: bool, colours: Mapping[str, str]) -> Theme:
    """Return a theme of the terminal's own colours.

    Args:
        name: of the theme.
        dark: whether the terminal's background is dark.
        colours: of the roles `primary`, `secondary`, `accent`, `success`, `warning`, `error`, and of `bar` on `paper`.
    """
    ground, bar, paper = "ansi_default", colours["bar"], colours["paper"]
    roles = {role: colour for role, colour in colours.items() if role not in ("bar", "paper")}
    variables = {f"text-{role}": colour for role, colour in roles.items()}
    variables |= {f"{role}-muted": ground for role in roles}
    quiet = ("text-muted", "text-disabled", "foreground-muted", "foreground-disabled", "footer-key-foreground")
    variables |= dict.fromkeys(quiet, ground)
    # Reversed, for an option may hold text in colours of its own.
    for part in ("block-cursor", "block-cursor-blurred", "input-cursor"):
        variables |= {f"{part}-background": ground, f"{part}-foreground": ground, f"{part}-text-style": "reverse"}
    for part in ("input-selection", "screen-selection", "bar"):
        variables |= {f"{part}-background": bar, f"{part}-foreground": paper}
    variables |= {
        "ansi-background": ground,
        "ansi-foreground": ground,
        "primary-lighten-1": roles["primary"],
        "border": roles["primary"],
        "border-blurred": ground,
        "block-hover-background": ground,
    }
    for part in ("", "-hover", "-active"):
        variables |= {f"scrollbar{part}": roles["primary"], f"scrollbar-background{part}": ground}
    return Theme(
        name, ansi=True, dark=dark, foreground=ground, background=ground, surface=ground, panel=ground, boost=ground,
        primary=roles["primary"], secondary=roles["secondary"], accent=roles["accent"], success=roles["success"],
        warning=roles["warning"], error=roles["error"], variables=variables,
    )  # fmt: skip


FEW_COLOURS = (
    _few(
        DARK_16,
        dark=True,
        colours={
            "primary": "ansi_bright_cyan", "secondary": "ansi_bright_magenta", "accent": "ansi_bright_green",
            "success": "ansi_bright_green", "warning": "ansi_bright_yellow", "error": "ansi_bright_red",
            "bar": "ansi_bright_cyan", "paper": "ansi_black",
        },
    ),
    _few(
        LIGHT_16,
        dark=False,
        colours={
            "primary": "ansi_blue", "secondary": "ansi_magenta", "accent": "ansi_magenta", "success": "ansi_blue",
            "warning": "ansi_magenta", "error": "ansi_red", "bar": "ansi_blue", "paper": "ansi_bright_white",
        },
    ),
)  # fmt: skip
"""The themes for terminals of 16 colours."""


def luminance(colour: Color) -> float:
    """Return the relative luminance of a colour, 0 to 1, as WCAG defines it."""
    parts = (part / 255 for part in colour.rgb)
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@lru_cache(maxsize=4096)
def contrast(first: Color, second: Color) -> float:
    """Return the contrast ratio of two colours, 1 to 21, as WCAG defines it."""
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def legible(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a theme with colours of text that reach the contrast on each of its grounds.

    Muted and disabled text keep a colour of their own, as far as that allows.
    """
    found = dict(variables)
    grounds = [_colour(variables[name]) for name in _GROUNDS]
    if any(ground.ansi is not None for ground in grounds):
        return found
    ink = Color(255, 255, 255) if luminance(grounds[0]) < 0.18 else Color(0, 0, 0)
    grounds = [grounds[0], *(below.blend(ground, ground.a, alpha=1) for ground in grounds[1:] for below in grounds[:2])]
    for name in _TEXTS:
        if not variables[name].startswith("auto"):
            colour = _colour(variables[name])
            found[name] = _raised(grounds[0].blend(colour, colour.a, alpha=1), ink, grounds, TEXT_CONTRAST).hex
    muted = grounds[0].blend(_colour(found["foreground"]), _MUTED, alpha=1)
    quiet = ("text-muted", "text-disabled", "foreground-muted", "foreground-disabled")
    found |= dict.fromkeys(quiet, _raised(muted, ink, grounds, TEXT_CONTRAST).hex)
    found["primary-lighten-1"] = _raised(_colour(variables["primary"]), ink, grounds, TEXT_CONTRAST).hex
    found["border-blurred"] = _raised(grounds[0].blend(muted, 0.5, alpha=1), ink, grounds, LINE_CONTRAST).hex
    text, surface = _colour(found["foreground"]), grounds[1]
    for part in ("input-selection", "footer"):
        ground = _colour(variables[f"{part}-background"])
        found[f"{part}-background"] = _lowered(surface.blend(ground, ground.a, alpha=1), surface, text).hex
    found["input-selection-foreground"] = found["footer-foreground"] = found["foreground"]
    found["footer-description-foreground"] = found["foreground"]
    found["bar-background"] = variables["primary"]
    for part in ("bar", "block-cursor"):
        found[f"{part}-foreground"] = _on(_colour(found[f"{part}-background"]))
    return found


def _colour(text: str) -> Color:
    """Return the colour of a variable, such as `#81a1c1` or `#81a1c1 35%`."""
    name, _, share = text.partition(" ")
    colour = Color.parse(name)
    return colour.multiply_alpha(float(share.rstrip("%")) / 100) if share else colour


def _on(ground: Color) -> str:
    return max(Color(0, 0, 0), Color(255, 255, 255), key=lambda text: contrast(text, ground)).hex


def _raised(colour: Color, ink: Color, grounds: Iterable[Color], least: float) -> Color:
    """Return a colour, moved towards the ink until it reaches a contrast on every ground, with 256 colours too."""
    grounds = tuple(grounds)
    rounded = tuple(map(_of_256, grounds))
    for step in range(_STEPS + 1):
        moved = colour.blend(ink, step / _STEPS, alpha=1)
        pairs = chain(zip(repeat(moved), grounds), zip(repeat(_of_256(moved)), rounded))
        if all(contrast(*pair) >= least for pair in pairs):
            return moved
    return ink


def _lowered(ground: Color, base: Color, text: Color) -> Color:
    """Return a ground, moved towards the base until a text reaches the contrast on it."""
    for step in range(_STEPS):
        moved = ground.blend(base, step / _STEPS, alpha=1)
        if min(contrast(text, moved), contrast(_of_256(text), _of_256(moved))) >= TEXT_CONTRAST:
            return moved
    return base


@lru_cache(maxsize=1024)
def _of_256(colour: Color) -> Color:
    """Return what a terminal of 256 colours shows for a colour."""
    return Color(*colour.rich_color.downgrade(ColorSystem.EIGHT_BIT).get_truecolor())
