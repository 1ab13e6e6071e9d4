import pytest
from tools.docs import ROOT, missing_paths, repository_paths

PATHS = repository_paths()


@pytest.mark.parametrize(
    "code",
    [
        "`src/budgetscope/core/laws/forms.py`",
        "`core/laws/forms`",
        "`core/laws/`",
        "`fits/`",
        "`fits/<family>/<name>.json`",
        "`tui/screens/NAME/`",
        "`porian2024/refinedweb-tuned`",
        "`budgetscope.core.laws.forms.PF_DAY`",
        "`python -m benchmarks.app`",
        "`mine/lab`",
        "`--map tokens=train/tokens`",
        "core/valley outside code",
    ],
)
def test_a_path_that_exists_and_a_word_that_is_none_pass(code: str) -> None:
    assert missing_paths(f"See {code}.\n", PATHS) == []


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("`core/valley`", "core/valley"),
        ("`core/laws/form`", "core/laws/form"),
        ("`store/schema.py`", "store/schema.py"),
        ("`porian2024/refinedweb-turned`", "porian2024/refinedweb-turned"),
        ("`fits/<family>/<name>.toml`", "fits/<family>/<name>.toml"),
        ("`python -m benchmarks.valley.steep`", "benchmarks.valley.steep"),
        ("\n```sh\npython tools/dox.py --check\n```\n", "tools/dox.py"),
    ],
)
def test_a_path_that_does_not_exist_is_named(code: str, name: str) -> None:
    assert missing_paths(f"See {code}.\n", PATHS) == [name]


def test_the_paths_are_of_this_repository() -> None:
    assert (ROOT / "pyproject.toml").exists()
    assert "/src/budgetscope/core/" in PATHS
