"""Write the documents that are generated from the code; with --check, fail when one is out of date.

Generated: docs/reference/commands.md (every command's help), docs/reference/fits.md (the bundled fits),
docs/reference/keys.md (the app's keys), and every block of a document between `<!-- output: COMMAND -->` and
`<!-- /output -->` (the output of that command; after `<!-- first part of output: COMMAND -->` up to its first empty
line). Also checked: every link between documents leads to a file, and every path, module and fit id in code style
exists.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from budgetscope.core.laws.fit import CONFIDENCE
from budgetscope.report.fits import fitted_text, law_cells, laws_text
from budgetscope.store.fit_library import Layer, Library
from budgetscope.tui.keys import KEYS, named

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = (
    (), ("plan",), ("whatif",), ("recipe",), ("memory",), ("machines",), ("compare",), ("explain",), ("export",),
    ("value",), ("fit",), ("score",), ("flops",), ("audit",), ("devices",), ("prices",), ("prices", "update"),
    ("prices", "show"), ("serve",), ("language",),
    ("calibrate",), *(("calibrate", name) for name in ("list", "status", "attach", "stop", "fit")),
    ("fits",), *(("fits", name) for name in ("list", "show", "use", "diff", "undo", "path")),
)  # fmt: skip
_HEAD = "<!-- Written by tools/docs.py from the code; edit the code. -->\n\n"
_BLOCK = re.compile(
    r"(<!-- (?P<first>first part of )?output: (?P<command>[^\n]+?) -->\n).*?<!-- /output -->", re.DOTALL
)
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_PATH = re.compile(r"(?<![\w./<=-])([\w.-]+(?:/[\w.<>-]+)+|[\w-]+(?=/(?:[\s`]|$)))")
_MODULE = re.compile(r"(?<![\w./-])((?:budgetscope|benchmarks|tools|tests)(?:\.[a-z_0-9]+)+)(?![\w/])")
_PLACEHOLDER = re.compile(r"<\w+>|\b[A-Z]{2,}\b")


def output(command: list[str]) -> str:
    """Return what a command prints, for a user without settings and a terminal of 100 columns."""
    with tempfile.TemporaryDirectory() as home:
        names = ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
        environment = {k: v for k, v in os.environ.items() if k != "BUDGETSCOPE_FITS"}
        environment |= dict.fromkeys(names, home) | {"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
        environment["LC_ALL"] = "C.UTF-8"
        result = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "budgetscope", *command[1:]],
            capture_output=True, text=True, check=True, env=environment, cwd=ROOT,
        )  # fmt: skip
    return "\n".join(line.rstrip() for line in result.stdout.splitlines()) + "\n"


def commands() -> str:
    """Return the reference of all commands."""
    parts = [_HEAD, "# Commands\n"]
    for words in COMMANDS:
        name = " ".join(("budgetscope", *words))
        parts.append(f"\n## {name}\n\n```text\n{output(['budgetscope', *words, '--help']).strip()}\n```\n")
    return "".join(parts)


def fits() -> str:
    """Return the reference of all bundled fits."""
    parts = [_HEAD, "# The bundled fits\n\n", "How sure we are of a constant:\n\n"]
    parts += [f"- {key}: {text}\n" for key, text in CONFIDENCE.items()]
    for entry in Library((Layer("bundled", ROOT / "fits"),)).entries():
        fit = entry.fit
        if fit is None:
            raise SystemExit(f"{entry.id}: {entry.problem}")
        parts.append(f"\n## {fit.id}\n\n{fit.title}. Says {laws_text(fit)}; counting: {fit.counting}.\n\n")
        parts.append(f"Source: {fit.citation}, <{fit.url}>.\n\n{fit.method}\n\n")
        for role, law in fit.laws.items():
            _, form, parameters, _, uncertainty, confidence = law_cells(role, law)
            fitted = fitted_text(law.fitted) or "no range stated"
            note = f" {law.note}" if law.note else ""
            parts.append(
                f"- **{role}** ({form}): {parameters}; fitted on {fitted}; uncertainty: {uncertainty}; "
                f"constants {confidence}.{note}\n"
            )
    return "".join(parts)


def keys() -> str:
    """Return the reference of the app's keys."""
    rows = [
        f"| {key.screen} | {', '.join(f'`{named(name)}`' for name in key.keys)} | {key.description} |\n" for key in KEYS
    ]
    return "".join([_HEAD, "# Keys of the app\n\n", "| screen | key | what it does |\n| --- | --- | --- |\n", *rows])


def filled(text: str) -> str:
    """Return a document with the output of its commands filled in."""

    def replace(match: re.Match[str]) -> str:
        printed = output(shlex.split(match["command"]))
        shown = printed.partition("\n\n")[0] if match["first"] else printed
        return f"{match[1]}\n```text\n{shown.rstrip()}\n```\n\n<!-- /output -->"

    return _BLOCK.sub(replace, text)


def broken_links(path: Path) -> list[str]:
    """Return the relative links of a document that lead to no file."""
    links = _LINK.findall(path.read_text(encoding="utf-8"))
    return [link for link in links if ":" not in link and not (path.parent / link).exists()]


def repository_paths() -> set[str]:
    """Return every file and folder of the repository as `/path/`, and files also without their ending."""
    found = set()
    for top in ROOT.iterdir():
        if top.name.startswith(".") or top.name.endswith(".egg-info"):
            continue
        for path in (top, *top.rglob("*")):
            relative = path.relative_to(ROOT)
            found |= {f"/{relative}/", f"/{relative.with_suffix('')}/"}
    return found


def missing_paths(text: str, paths: set[str]) -> list[str]:
    """Return the paths, modules and fit ids that a document has in code style and the repository lacks.

    A path may begin at any folder: `core/laws/forms` is `src/budgetscope/core/laws/forms.py`. A word with a slash is
    a path when it begins with the name of a folder of the repository.

    Args:
        text: of the document.
        paths: from `repository_paths`.
    """
    folders = {part for path in paths for part in path.split("/")[1:-2]}
    code = "\n".join(_CODE.findall(text))
    missing = []
    for word in dict.fromkeys(_PATH.findall(code)):
        named = word.rstrip(".")
        if named.partition("/")[0] in folders and not _exists(named, paths):
            missing.append(word)
    for module in dict.fromkeys(_MODULE.findall(code)):
        named = module.replace(".", "/")
        if not _exists(named, paths) and not _exists(
            named.rpartition("/")[0], paths
        ):  # the last part may be a name in it
            missing.append(module)
    return missing


def _exists(named: str, paths: set[str]) -> bool:
    """Return whether a path of the repository ends like this; `NAME` and `<name>` stand for any one part."""
    if not _PLACEHOLDER.search(named):
        return any(path.endswith(f"/{named}/") for path in paths)
    parts = [r"[^/]+".join(map(re.escape, _PLACEHOLDER.split(part))) for part in named.split("/")]
    wanted = re.compile("/" + "/".join(parts) + "/$")
    return any(wanted.search(path) for path in paths)


def main() -> int:
    """Write or check every generated document."""
    check = "--check" in sys.argv[1:]
    wanted = {
        ROOT / "docs/reference/commands.md": commands(),
        ROOT / "docs/reference/fits.md": fits(),
        ROOT / "docs/reference/keys.md": keys(),
    }
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        if path not in wanted:
            wanted[path] = filled(path.read_text(encoding="utf-8"))
    stale = [p for p, text in wanted.items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    for path in stale:
        print(f"{'out of date' if check else 'wrote'}: {path.relative_to(ROOT)}")
        if not check:
            path.write_text(wanted[path], encoding="utf-8")
    if check and stale:
        print("run `just write-docs` and commit what it writes")
    paths = repository_paths()
    broken = []
    for path in (*wanted, ROOT / "CONTRIBUTING.md"):
        broken += [f"{path.relative_to(ROOT)}: leads nowhere: {link}" for link in broken_links(path)]
        missing = missing_paths(path.read_text(encoding="utf-8"), paths)
        broken += [f"{path.relative_to(ROOT)}: does not exist: {name}" for name in missing]
    broken += [f"CHANGELOG.md: leads nowhere: {link}" for link in broken_links(ROOT / "CHANGELOG.md")]
    print("".join(f"{line}\n" for line in broken), end="")
    return 1 if broken or (check and stale) else 0


if __name__ == "__main__":
    sys.exit(main())
