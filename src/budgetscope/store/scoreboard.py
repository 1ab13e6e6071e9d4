"""The scoreboard of recipes as JSON, and the one that ships with budgetscope."""

import json
import re
from dataclasses import asdict, astuple, fields
from typing import Any

from budgetscope.core.laws.forms import LossSurface
from budgetscope.core.laws.scoreboard import LawCell, LawDistance, LawScore, MeasuredOptima, Scoreboard, ScoredGrid
from budgetscope.store.files import read_text
from budgetscope.store.locations import bundled_scoreboard_file

_SCHEMA = 1
_DIGITS = 5
"""Significant digits of a stored number: losses are known to about one part in a thousand."""
_CELL, _DISTANCE = (tuple(f.name for f in fields(kind)) for kind in (LawCell, LawDistance))


def dump(board: Scoreboard) -> str:
    """Return a scoreboard as JSON: one cell of a law a line, numbers rounded."""
    record = {
        "schema": _SCHEMA,
        "cell": _CELL,
        "distance": _DISTANCE,
        "grids": [
            {
                **{name: value for name, value in asdict(grid).items() if name not in ("surface", "laws")},
                "surface": None if grid.surface is None else asdict(grid.surface),
                "laws": [{**asdict(law), "cells": [astuple(cell) for cell in law.cells]} for law in grid.laws],
            }
            for grid in board.grids
        ],
        "optima": [{**asdict(each), "distances": [astuple(d) for d in each.distances]} for each in board.optima],
    }
    text = json.dumps(_rounded(record), indent=1, ensure_ascii=False, allow_nan=False)
    # A list of plain values goes on one line.
    return re.sub(r"\[\n[^\[\]{}]*\]", lambda found: re.sub(r"\n\s*", " ", found[0]), text) + "\n"


def parse(text: str) -> Scoreboard:
    """Return a scoreboard from the JSON that `dump` wrote."""
    record = json.loads(text)
    return Scoreboard(
        tuple(
            ScoredGrid(
                **{
                    **grid,
                    "surface": None if grid["surface"] is None else LossSurface(**grid["surface"]),
                    "laws": tuple(
                        LawScore(**{**law, "cells": tuple(LawCell(*cell) for cell in law["cells"])})
                        for law in grid["laws"]
                    ),
                }
            )
            for grid in record["grids"]
        ),
        tuple(
            MeasuredOptima(**{**each, "distances": tuple(LawDistance(*row) for row in each["distances"])})
            for each in record["optima"]
        ),
    )


def bundled_scoreboard() -> Scoreboard:
    """Return the scoreboard that ships with budgetscope.

    Raises:
        FailureError: the installation lacks it.
    """
    return parse(read_text(bundled_scoreboard_file(), 2**20))


def _rounded(value: Any) -> Any:
    """Return a JSON value with its numbers rounded."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
