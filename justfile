# Recipes use the environment that holds this `just`.
export PATH := parent_directory(just_executable()) + ":" + env("PATH")

# Compiled modules are kept, whatever the environment says: the tests start some hundred processes that need them.
export PYTHONDONTWRITEBYTECODE := ""

# Everything that CI checks, the wheel apart.
check: format lint types imports docs test

# Formatting, unchanged.
format:
    ruff format --check .

lint:
    ruff check .

types:
    mypy

# The floors of the house: which package may import which.
imports:
    lint-imports

# Generated documents match the code.
docs:
    python tools/docs.py --check
    python -m tools.calibration_page --check
    python -m tools.python_page --check

# One worker more than there are cores, since tests of the app and of workers also wait; eight at most.
test *args:
    python -m pytest -n $(( {{ num_cpus() }} < 8 ? {{ num_cpus() }} + 1 : 8 )) --dist worksteal {{ args }}

# What commands and screens show, written anew into tests/recorded: read the diff before you commit it.
record:
    python tools/record.py

# Statistical tests at full size: coverage of intervals over many planted data sets.
nightly:
    BUDGETSCOPE_NIGHTLY=1 python -m pytest -n auto tests/slow

# The versions of this environment become those of CI.
lock:
    python tools/lock.py

# The wheel carries the fits and plans without torch, in an environment of its own.
wheel:
    bash tools/check_wheel.sh

# Write the bundled fits that derive from published points (BUDGETSCOPE_REFERENCE names their folder).
fits:
    python tools/regenerate_fits.py

# Write the generated documents and the screenshots.
write-docs:
    python tools/docs.py
    python -m tools.calibration_page
    python -m tools.python_page
    python tools/screenshots.py

# Ratios against a stated baseline, in one run each.
bench:
    python benchmarks/start.py
    python benchmarks/app.py
    python -m benchmarks.fit
