"""Make the environments in which recipes are read by their trainers' own code, then test the recipes in them.

They have some gigabytes and are kept: in the folder that BUDGETSCOPE_RECIPES names, else in the user's cache.
An environment that cannot be made, such as without a network, is told, and its tests skip.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TORCH = "torch>=2.5,<2.14"
ENVIRONMENTS = {
    # Two that agree with each other on versions, and Megatron-LM's wheel, which is only unpacked.
    "torch": (
        TORCH, "transformers==5.24.0", "accelerate>=1.10.1", "torchtitan==0.3.0", "triton", "ai2-olmo-core==3.0.0",
        "numpy", "typing_extensions",
    ),
    # It needs an older huggingface-hub.
    "litgpt": (TORCH, "litgpt==0.5.13"),
    # It imports GitPython without asking for it.
    "levanter": (TORCH, "marin-levanter==0.2.20.dev202606180959", "gitpython"),
}  # fmt: skip
MEGATRON = "megatron-core==0.19.2"
LIMIT_SECONDS = 300


def main() -> int:
    """Make what is missing, and return the exit code of the tests; 0 if no environment could be made."""
    home = Path(os.environ.get("BUDGETSCOPE_RECIPES") or _cache())
    home.mkdir(parents=True, exist_ok=True)
    made = [name for name, wanted in ENVIRONMENTS.items() if _environment(home, name, wanted)]
    _megatron(home)
    if not made:
        print("recipes: no trainer could be installed, so none was tested")
        return 0
    environment = os.environ | {"BUDGETSCOPE_RECIPES": str(home)}
    command = [sys.executable, "-m", "pytest", "tests/recipes", "--durations=0", *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 - our own command


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "budgetscope" / "recipes"


def _environment(home: Path, name: str, wanted: tuple[str, ...]) -> bool:
    """Make an environment unless it is there with these requirements; return whether it is there at the end."""
    folder = home / name
    done, text = folder / "requirements.txt", "\n".join(wanted) + "\n"
    if done.exists() and done.read_text(encoding="utf-8") == text:
        return True
    shutil.rmtree(folder, ignore_errors=True)
    uv = home / "uv" / "bin" / "python"
    steps: list[list[str | Path]] = []
    if not uv.with_name("uv").exists():
        steps += [[sys.executable, "-m", "venv", home / "uv"], [uv, "-m", "pip", "install", "-q", "uv"]]
    # uv, since pip takes half an hour to choose Levanter's versions.
    links = [word for link in _find_links() for word in ("--find-links", link)]
    # Levanter's own packages are released as such alone.
    early = "allow" if name == "levanter" else "if-necessary-or-explicit"
    steps += [
        [sys.executable, "-m", "venv", "--without-pip", folder],
        [
            uv, "-m", "uv", "pip", "install", "-q", "--python", folder / "bin" / "python", "--prerelease", early,
            *links, *wanted,
        ],
    ]  # fmt: skip
    for step in steps:
        if not _ran(name, step):
            shutil.rmtree(folder, ignore_errors=True)
            return False
    done.write_text(text, encoding="utf-8")
    return True


def _megatron(home: Path) -> None:
    """Unpack Megatron-LM's wheel, whose only build is for a Python of its own; its parser and models run on others."""
    folder = home / "megatron"
    if folder.exists():
        return
    wheels = home / "wheels"
    command: list[str | Path] = [
        sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--python-version", "3.12",
        "--platform", "manylinux_2_28_x86_64", "-d", str(wheels), MEGATRON,
    ]  # fmt: skip
    if _ran("megatron", command):
        with zipfile.ZipFile(next(wheels.glob("megatron_core-*.whl"))) as wheel:
            wheel.extractall(folder)


def _find_links() -> list[str]:
    """Return the folders of wheels in pip's settings, which uv does not read."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    lines = [line.partition("=") for line in told.splitlines()]
    return sorted({value.strip("'\"") for name, _, value in lines if name.endswith("find-links")})


def _ran(name: str, command: list[str | Path]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        print(f"recipes: {name} took more than {LIMIT_SECONDS} s to install, and is not tested")
        return False
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        print(f"recipes: {name} could not be installed, and is not tested: {last[0]}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
