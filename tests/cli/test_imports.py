"""What the fast paths import: planning must not wait for Textual, SciPy or torch."""

import subprocess
import sys

_RUN = """
import sys
from budgetscope.cli.main import main
for line in sys.argv[1:]:
    sys.argv = ["budgetscope", *line.split(",")]
    try:
        main()
    except SystemExit as stop:
        assert not stop.code, stop.code
    print("LOADED", line, *sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
"""
LINES = (
    "plan,1e21",
    "plan,64xH100 14d,--json",
    "compare,1e21,--md",
    "explain,1e21",
    "whatif,1e21,--size,7B",
    "recipe,1e21",
    "flops,--size,108M",
    "audit,docs/data/audit/small.toml",
    "fits,list",
    "--help",
)


def test_asking_loads_neither_torch_nor_textual_nor_scipy_nor_numpy() -> None:
    # One after the other in one process: what none has loaded at the end, none has loaded.
    ran = subprocess.run([sys.executable, "-c", _RUN, *LINES], capture_output=True, text=True, check=True, timeout=60)
    reports = [line.split() for line in ran.stderr.splitlines() if line.startswith("LOADED")]
    assert len(reports) == len(LINES)
    for report in reports:
        assert "budgetscope" in report
        loaded = set(report) & {"torch", "textual", "scipy", "numpy", "httpx", "hypothesis"}
        assert not loaded, report[1]


def test_the_core_needs_the_standard_library_alone() -> None:
    code = (
        "import sys; started = set(sys.modules)\n"
        "import pkgutil, importlib, budgetscope.core as core\n"
        "for each in pkgutil.walk_packages(core.__path__, core.__name__ + '.'): importlib.import_module(each.name)\n"
        "ours = {name.split('.')[0] for name in set(sys.modules) - started} - set(sys.stdlib_module_names)\n"
        "print(*sorted(ours))\n"
    )
    # What Python's own start-up files import is not ours; -I leaves out those of the user.
    ran = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60)
    third_party = {name for name in ran.stdout.split() if not name.startswith(("_", "sphinxcontrib"))}
    assert third_party == {"budgetscope"}
