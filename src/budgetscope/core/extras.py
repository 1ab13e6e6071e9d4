"""The command that installs an extra into the Python that runs this, from where this package came."""

import json
import shlex
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from urllib.parse import urlsplit
from urllib.request import url2pathname

PACKAGE = "budgetscope"


def install_command(extra: str) -> str:
    """Return the shell command that adds an extra to this installation.

    What was installed from a folder, an archive or a repository is installed from there again: its address is in
    direct_url.json (PEP 610). Without one the package came from an index.

    Args:
        extra: such as "plot", as pyproject.toml names it.
    """
    return pip_command(*_source(f"[{extra}]"))


def pip_command(*words: str) -> str:
    """Return the shell command that installs requirements into the Python that runs this.

    Args:
        words: of pip's `install`.
    """
    python = sys.executable or "python"
    if find_spec("pip") is None:
        return shlex.join(("uv", "pip", "install", "--python", python, *words))
    return shlex.join((python, "-m", "pip", "install", *words))


def _source(extras: str) -> tuple[str, ...]:
    """Return the words by which pip finds this package with extras."""
    named = f"{PACKAGE}{extras}"
    try:
        found = _direct_url(distribution(PACKAGE))
    except PackageNotFoundError:
        found = {}
    url = found.get("url")
    if not isinstance(url, str):
        return (named,)
    if isinstance(folder := found.get("dir_info"), dict):
        path = f"{url2pathname(urlsplit(url).path)}{extras}"
        return ("-e", path) if folder.get("editable") else (path,)
    if isinstance(version := found.get("vcs_info"), dict):
        url = f"{version.get('vcs', 'git')}+{url}@{version.get('commit_id', 'HEAD')}"
    return (f"{named} @ {url}",)


def _direct_url(installed: Distribution) -> dict[str, object]:
    try:
        found = json.loads(installed.read_text("direct_url.json") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
