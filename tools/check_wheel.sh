#!/usr/bin/env bash
# Build the wheel, install it into an environment of its own, and plan with it from outside the repository.
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python -m pip wheel --quiet --no-deps --wheel-dir "$work/wheel" "$repository"
python -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "$work"/wheel/*.whl
cd "$work"
unset BUDGETSCOPE_FITS
export HOME="$work/home"
"$work/venv/bin/budgetscope" plan 1e21 --json > plan.json
"$work/venv/bin/budgetscope" plan 1e21 --lang ja | grep -q パラメータ
"$work/venv/bin/budgetscope" fits list --json > fits.json
"$work/venv/bin/python" - "$repository" <<'PYTHON'
import importlib.util
import json
import pathlib
import sys

shipped = {entry["id"] for entry in json.load(open("fits.json"))}
source = {f"{path.parent.name}/{path.stem}" for path in pathlib.Path(sys.argv[1], "fits").glob("*/*.json")}
assert shipped == source, f"the wheel lacks {source - shipped} and adds {shipped - source}"
assert json.load(open("plan.json"))["law_id"] in source
assert importlib.util.find_spec("torch") is None, "planning must not need torch"
print(f"wheel: {len(shipped)} fits found, 1 plan made, without torch")
PYTHON
