"""Recipes read by their trainers' own code, in the environments that `just recipes` makes."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.asking import ADVISOR

from budgetscope.api import PlanRequest, write_recipe
from budgetscope.report.recipes.page import TrainerRecipe

PROBES = Path(__file__).parent / "probes"


def recipe(name: str, budget: str = "1e17", **options: Any) -> TrainerRecipe:
    return ADVISOR.trainer_recipe(ADVISOR.answer(PlanRequest(budget, **options)), name)


def probe(name: str, made: TrainerRecipe, folder: Path, *words: str, stdin: str = "", home: str = "torch") -> Any:
    """Write a recipe and return what its probe finds in it; skip where the environment is missing.

    Args:
        name: of the probe.
        made: the recipe.
        folder: to write it to.
        words: further arguments of the probe.
        stdin: its input.
        home: the environment.
    """
    environments = os.environ.get("BUDGETSCOPE_RECIPES")
    if not environments:
        pytest.skip("the trainers are not installed: run `just recipes`")
    python = Path(environments) / home / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no environment {home} here: its packages could not be installed")
    write_recipe(folder / "recipe", made, overwrite=False)
    done = subprocess.run(
        [python, "-P", PROBES / f"{name}.py", folder / "recipe", *words],
        input=stdin, capture_output=True, text=True, timeout=900, check=False, cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "2",
             "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"},
    )  # fmt: skip
    found = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    assert found, done.stdout[-2000:] + done.stderr[-4000:]
    return json.loads(found[-1].removeprefix("FOUND "))
