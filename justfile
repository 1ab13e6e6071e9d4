# Recipes use the environment that holds this `just`.
export PATH := parent_directory(just_executable()) + ":" + env("PATH")

# Compiled modules are kept, whatever the environment says: the tests start some hundred processes that need them.
export PYTHONDONTWRITEBYTECODE := ""

# Everything that CI checks, the wheel apart.
check: format lint types imports docs test

# Fail where a file is not formatted; change nothing.
format:
    ruff format --check .

lint:
    ruff check .

types:
    mypy

# Which package may import which.
imports:
    lint-imports

# Fail where a generated document differs from the code, or a document names a path that does not exist.
docs:
    python tools/docs.py --check
    python -m tools.catalogue --check
    python -m tools.calibration_page --check
    python -m tools.python_page --check
    python -m tools.scoreboard_page --check

# Some or all tests; one worker more than there are cores, since some tests wait, and eight at most.
test *args:
    python -m pytest -n $(( {{ num_cpus() }} < 8 ? {{ num_cpus() }} + 1 : 8 )) --dist worksteal {{ args }}

# Record again what commands and screens show (tests/recorded); read the diff before you commit it.
record:
    python tools/record.py

# Statistical and property tests at full size (tests/sizes.py): 200 planted data sets a case, nine times the examples.
nightly:
    BUDGETSCOPE_NIGHTLY=1 python -m pytest -n auto tests/slow tests/property tests/tui/test_random_walk.py tests/e2e/test_calibrate_cpu.py tests/unit/train/test_ahead.py

# Write the versions of this environment into requirements-dev.lock, which CI uses.
lock:
    python tools/lock.py

# A run under a real Slurm and a real Ray on this machine, with workers and nodes that are lost; skips what is not here.
engines:
    python -m pytest -rs tests/e2e/test_slurm.py tests/e2e/test_ray.py

# Build the wheel, and plan with it in an environment without torch.
wheel:
    bash tools/check_wheel.sh

# Let trainers read the recipes for them, in environments of their own (some gigabytes, kept in the user's cache).
recipes *args:
    python -m tools.recipe_environments {{ args }}

# Write the bundled fits that derive from published points and from our own runs (BUDGETSCOPE_REFERENCE names their folder).
fits:
    python tools/regenerate_fits.py
    python -m tools.own_fit

# Score the bundled recipes on the public grids (BUDGETSCOPE_REFERENCE names their folder).
scoreboard:
    python -m tools.scoreboard_page --score

# Collect the texts to translate, and compile the catalogue of Japanese; PO files may be named to take texts from.
catalogue *files:
    python -m tools.catalogue {{ files }}

# Write the generated documents and the screenshots.
write-docs:
    python tools/docs.py
    python -m tools.calibration_page
    python -m tools.python_page
    python -m tools.scoreboard_page
    python tools/screenshots.py

# Speed of starts, keys and fits, each beside a stated baseline.
bench:
    python benchmarks/start.py
    python -m benchmarks.app
    python -m benchmarks.fit
    python -m benchmarks.fit_large

# Try to break it: damaged files, kills, full disks, odd environments and messages; fails on any fault (tests/chaos).
chaos *args:
    python -m tests.chaos {{ args }}
