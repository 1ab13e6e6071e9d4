"""Sentences that name options of the command line, said again for whoever fills in a form: with its labels."""

import re
from collections.abc import Iterable
from typing import Protocol

from budgetscope.api.fields import FORM
from budgetscope.core.language import _
from budgetscope.report.words import quoted

_OPTION = re.compile(r"`[^`]*`|(?<![\w-])--[a-z][a-z0-9-]*")
"""An option, or a whole command, which stays as it is."""


class Labelled(Protocol):
    """A field that a form shows under a label, with the option of the command line that says the same."""

    @property
    def option(self) -> str:
        """Such as `--gpus`."""
        ...

    @property
    def label(self) -> str:
        """Such as "devices"."""
        ...


def in_form(sentence: str, fields: Iterable[Labelled] = FORM, own: str = "") -> str:
    """Return a sentence of the command line for whoever fills in a form: "“devices” 64" for "--gpus 64".

    Args:
        sentence: a refusal, a caution or an assumption.
        fields: of the form; an option without one stays.
        own: option of the field beside which the sentence is shown, and which it need not name first.
    """
    labels = {field.option: quoted(_(field.label)) for field in fields}
    if own and re.match(rf"{own} [^a-z]", sentence):
        sentence = sentence.removeprefix(own).lstrip()
    # Options in backticks are no command by themselves.
    bare = re.sub(r"`(--[^`]*)`", r"\1", sentence)
    return _OPTION.sub(lambda found: labels.get(found[0], found[0]), bare)
