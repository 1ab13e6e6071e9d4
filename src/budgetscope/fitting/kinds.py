"""The kinds of fits, the variables, the schedules and the noise models that can be chosen; importable without NumPy."""

from typing import Literal

Kind = Literal["isoflop", "akima", "parabola", "parametric", "hyperparameters", "hyperparameters-akima"]
KINDS: tuple[Kind, ...] = ("isoflop", "akima", "parabola", "parametric", "hyperparameters", "hyperparameters-akima")
Variables = Literal["N", "ND"]
VARIABLES: tuple[Variables, ...] = ("N", "ND")
"""Of the laws of learning rate and batch: N alone, or N and D."""
SCHEDULES = ("constant", "cosine", "wsd")
"""Of the learning rate in the runs."""
NOISES = ("refinedweb", "openwebtext2", "refinedweb-intended", "openwebtext2-intended")
"""Noise models of Porian et al. 2024: as their code computes them, or as it intends to."""
