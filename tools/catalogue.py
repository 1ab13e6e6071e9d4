"""Write the catalogue of Japanese texts from the code, and compile it; with --check, fail where it is not complete.

`python -m tools.catalogue [PO...]` collects every text in `_`, `ngettext` and `N_` of src, keeps the translations that
there are, takes those of the given files for texts without one, and drops what the code no longer says.
"""

import argparse
import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "budgetscope"
PO = SOURCE / "locale" / "ja" / "LC_MESSAGES" / "budgetscope.po"
MO = PO.with_suffix(".mo")
_KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
_TABLES = {"Key": (2, 3)}
"""Classes whose arguments at these places, from 0, are texts: the table of keys would be twice as long with `N_`."""
_HEAD = """\
# Japanese texts of budgetscope. The texts are collected by `python -m tools.catalogue`; write the translations here.
msgid ""
msgstr ""
"Language: ja\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""
_PLACEHOLDER = re.compile(r"\{\w+[^{}]*\}")


class _Catalogue(Catalog):
    """A catalogue whose head has no dates, so that the same texts always make the same files."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """The head, as in the PO file."""
        lines = re.findall(r'^"(.*?): (.*)\\n"$', _HEAD, re.MULTILINE)
        return [(name, value) for name, value in lines]

    @mime_headers.setter
    def mime_headers(self, headers: object) -> None:
        """Ignore the head of a file."""


def collected() -> Catalog:
    """Return every text that the code marks, without translations."""
    found = _Catalogue(locale="ja", fuzzy=False)
    for path in sorted(SOURCE.rglob("*.py")):
        for _line, text, _comments, _context in extract_from_file("python", path, keywords=_KEYWORDS):
            found.add(text)
        for text in _in_tables(path.read_text(encoding="utf-8")):
            found.add(text)
    return found


def _in_tables(source: str) -> Iterator[str]:
    """Yield the texts of a file in the calls of `_TABLES`."""
    if not any(f"{name}(" in source for name in _TABLES):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for place in _TABLES.get(node.func.id, ()):
                given = node.args[place] if place < len(node.args) else None
                if isinstance(given, ast.Constant) and isinstance(given.value, str) and given.value:
                    yield given.value


def stored(path: Path | None = None) -> Catalog:
    """Return the catalogue of a PO file, by default ours; an empty one where there is none."""
    path = path or PO
    if not path.exists():
        return _Catalogue(locale="ja", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale="ja", charset="utf-8")


def updated(*others: Path) -> Catalog:
    """Return the texts of the code with the translations of the PO file, then of the other files."""
    known = [stored(), *map(stored, others)]
    result = collected()
    for message in _messages(result):
        for catalogue in known:
            before = catalogue.get(message.id)
            if before is not None and any(_strings(before)) and not before.fuzzy:
                message.string = before.string
                break
    return result


def po_text(catalogue: Catalog) -> str:
    """Return a catalogue as the text of a PO file, sorted by text, with no places and no wrapped lines."""
    plain = _Catalogue(locale="ja", fuzzy=False)
    for message in _messages(catalogue):
        plain.add(message.id, message.string).flags.clear()
    written = io.BytesIO()
    write_po(written, plain, width=0, omit_header=True, no_location=True, sort_output=True)
    return _HEAD + written.getvalue().decode("utf-8").lstrip("\n")


def mo_bytes(catalogue: Catalog) -> bytes:
    """Return a catalogue as the bytes of an MO file."""
    plain = _Catalogue(locale="ja", fuzzy=False)
    for message in _messages(catalogue):
        plain.add(message.id, message.string)
    written = io.BytesIO()
    write_mo(written, plain)
    return written.getvalue()


def problems() -> list[str]:
    """Return what is wrong with the stored catalogue, a line each."""
    marked, known = collected(), stored()
    told = [f"missing: {_key(each)!r}" for each in _messages(marked) if known.get(each.id) is None]
    told += [f"obsolete: {_key(each)!r}" for each in _messages(known) if marked.get(each.id) is None]
    told += [f"obsolete: {_key(each)!r}" for each in known.obsolete.values()]
    for each in _messages(known):
        if each.fuzzy:
            told.append(f"fuzzy: {_key(each)!r}")
        strings = _strings(each)
        if not strings or not all(strings):
            told.append(f"empty: {_key(each)!r}")
        told += [f"placeholders differ: {_key(each)!r}" for string in strings if string and _differ(each, string)]
    if not told and PO.read_text(encoding="utf-8") != po_text(known):
        told.append(f"{PO.name} is not as `python -m tools.catalogue` writes it")
    if not told and (not MO.exists() or MO.read_bytes() != mo_bytes(known)):
        told.append(f"{MO.name} is not compiled from {PO.name}")
    return told


def _differ(message: Message, translated: str) -> bool:
    """Return whether a translation has other placeholders than its text; of two texts, the plural's may be fewer."""
    wanted = [set(_PLACEHOLDER.findall(text)) for text in _ids(message)]
    return set(_PLACEHOLDER.findall(translated)) != set().union(*wanted)


def _messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def _ids(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def _strings(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def _key(message: Message) -> str:
    return _ids(message)[0]


def main() -> int:
    """Write or check the catalogue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where it is not complete")
    parser.add_argument("others", nargs="*", type=Path, metavar="PO", help="files to take translations from")
    given = parser.parse_args()
    if given.check:
        found = problems()
        print("\n".join(found) or "the catalogue is complete")
        return int(bool(found))
    catalogue = updated(*given.others)
    PO.parent.mkdir(parents=True, exist_ok=True)
    PO.write_text(po_text(catalogue), encoding="utf-8", newline="\n")
    MO.write_bytes(mo_bytes(catalogue))
    missing = [_key(each) for each in _messages(catalogue) if not any(_strings(each))]
    print("\n".join(f"to translate: {text!r}" for text in missing))
    print(f"{sum(1 for _ in _messages(catalogue))} texts, {len(missing)} without a translation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
