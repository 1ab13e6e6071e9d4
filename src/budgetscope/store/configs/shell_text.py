"""The text of a shell script as commands: comments, continuations, here-documents and quotes, before any expansion."""

import re
from collections.abc import Iterator

_HERE = re.compile(r"<<-?\s*([\"']?)(\w+)\1")
_OPERATORS = ("&&", "||", ";;", ";", "|", "&", "\n")


def commands(text: str) -> Iterator[tuple[str, str]]:  # noqa: C901 - one loop over signs
    """Yield the commands of a script, each as it is written, and the operator that ends it; empty at the end."""
    start, place, end = 0, 0, len(text)
    here: list[str] = []
    while place < end:
        sign = text[place]
        if sign in "'\"`":
            place = closing(text, place)
        elif sign == "\\":
            place += 2
        elif sign == "$" and text[place + 1 : place + 2] in ("(", "{"):
            place = closing(text, place + 1)
        elif sign == "(" and place > start and text[place - 1] == "=":
            place = closing(text, place)
        elif sign == "#" and (place == 0 or text[place - 1] in " \t\n;"):
            yield text[start:place], "\n"
            place = text.find("\n", place)
            place = start = end if place < 0 else place
        else:
            found = _HERE.match(text, place)
            if found and text[place : place + 3] != "<<<":
                here.append(found[2])
                place = found.end()
                continue
            operator = next((each for each in _OPERATORS if text.startswith(each, place)), "")
            # 2>&1 and &> are no ends.
            if operator == "&" and (text[place - 1 : place] == ">" or text[place + 1 : place + 2] == ">"):
                operator = ""
            if not operator:
                place += 1
                continue
            yield text[start:place], operator
            place += len(operator)
            if operator == "\n" and here:
                place = _after(text, place, here)
            start = place
    yield text[start:end], ""


def _after(text: str, place: int, here: list[str]) -> int:
    """Return the place after the bodies of here-documents, and forget them."""
    for word in here:
        found = re.compile(rf"^\s*{re.escape(word)}\s*$", re.MULTILINE).search(text, place)
        place = found.end() if found else len(text)
    here.clear()
    return place


def closing(text: str, place: int) -> int:
    """Return the place after what a quote or bracket at a place opens; the end of the text where nothing closes it."""
    opening = text[place]
    if opening in "'`":
        found = text.find(opening, place + 1)
        return len(text) if found < 0 else found + 1
    if opening == '"':
        return _closing_quote(text, place + 1)
    waiting = [{"(": ")", "{": "}"}[opening]]
    place += 1
    while place < len(text) and waiting:
        sign = text[place]
        if sign == "\\":
            place += 1
        elif sign == waiting[-1]:
            waiting.pop()
        elif sign in "({" and sign != waiting[-1]:
            waiting.append(")" if sign == "(" else "}")
        elif sign in "'\"":
            place = (text.find("'", place + 1) + 1 or len(text)) if sign == "'" else _closing_quote(text, place + 1)
            continue
        elif sign == "#" and waiting[-1] == ")" and text[place - 1] in " \t\n":
            place = text.find("\n", place)
            place = len(text) if place < 0 else place
        place += 1
    return min(place, len(text))


def _closing_quote(text: str, place: int) -> int:
    while place < len(text):
        if text[place] == "\\":
            place += 1
        elif text[place] == '"':
            return place + 1
        place += 1
    return len(text)
