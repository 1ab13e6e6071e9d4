"""The help of a group of commands: sections, whole summaries, examples."""

import inspect
from typing import Any

from typer.core import TyperGroup

_OTHERS = "Commands"


class SectionedGroup(TyperGroup):
    """Lists commands under the titles of their `rich_help_panel`, each with its whole first sentence.

    Typer has sections for Rich's markup alone, and cuts summaries at the width of the terminal.
    """

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the sections."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                panel = getattr(command, "rich_help_panel", None)
                sections.setdefault(panel if isinstance(panel, str) else _OTHERS, []).append((name, _summary(command)))
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)


def _summary(command: Any) -> str:
    """Return the first paragraph of a command's help, in one line."""
    return " ".join(inspect.cleandoc(command.help or "").partition("\n\n")[0].split())


def examples(*lines: str) -> str:
    """Return the end of a help text: commands that work when they are pasted."""
    return "\n".join(("\b", "Examples:", *(f"  budgetscope {line}" for line in lines)))
