"""The command that installs an extra works where it is pasted: for this Python, from where the package came."""

import json
import shlex
import sys
from importlib.metadata import PackageNotFoundError

import pytest

from budgetscope.core import extras


class Installed:
    """An installed package as `importlib.metadata` shows it."""

    def __init__(self, direct_url: str | None) -> None:
        self.direct_url = direct_url

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self.direct_url


def editable(url: str, *, is_editable: bool = True) -> str:
    return json.dumps({"url": url, "dir_info": {"editable": True} if is_editable else {}})


@pytest.mark.parametrize(
    ("direct_url", "words"),
    [
        (None, ["budgetscope[plot]"]),
        ("not json", ["budgetscope[plot]"]),
        ("[1]", ["budgetscope[plot]"]),
        ('{"url": 1}', ["budgetscope[plot]"]),
        (editable("file:///home/me/budgetscope"), ["-e", "/home/me/budgetscope[plot]"]),
        (editable("file:///home/me/my%20work"), ["-e", "/home/me/my work[plot]"]),
        (editable("file:///src", is_editable=False), ["/src[plot]"]),
        (
            json.dumps({"url": "file:///tmp/budgetscope-0.1-py3-none-any.whl", "archive_info": {}}),
            ["budgetscope[plot] @ file:///tmp/budgetscope-0.1-py3-none-any.whl"],
        ),
        (
            json.dumps({"url": "https://host/b.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}),
            ["budgetscope[plot] @ git+https://host/b.git@abc"],
        ),
    ],
)
def test_an_extra_is_installed_from_where_the_package_came(
    monkeypatch: pytest.MonkeyPatch, direct_url: str | None, words: list[str]
) -> None:
    monkeypatch.setattr(extras, "distribution", lambda _: Installed(direct_url))
    monkeypatch.setattr(sys, "executable", "/home/me/my venv/bin/python")
    monkeypatch.setattr(extras, "find_spec", lambda _: object())
    said = extras.install_command("plot")
    assert shlex.split(said) == ["/home/me/my venv/bin/python", "-m", "pip", "install", *words]


def test_without_pip_or_the_packages_record_there_is_still_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> Installed:
        raise PackageNotFoundError

    monkeypatch.setattr(extras, "distribution", missing)
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    monkeypatch.setattr(sys, "executable", "/venv/bin/python")
    assert extras.install_command("ray") == "uv pip install --python /venv/bin/python 'budgetscope[ray]'"
