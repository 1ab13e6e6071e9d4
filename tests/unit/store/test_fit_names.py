"""The fits that a name may mean, by ids and titles."""

import pytest
from tests.asking import ADVISOR

from budgetscope.api import PlanRequest
from budgetscope.core.errors import UsageError
from budgetscope.store.fit_names import nearest

TITLES = {
    "besiroglu2024/refit": "Chinchilla refit (Besiroglu 2024)",
    "hoffmann2022/approach-3": "Chinchilla, approach 3",
    "kaplan2020/fixed-batch": "Kaplan 2020 (fixed batch)",
    "mine/broken": "",
    "porian2024/refinedweb-kaplan": "Porian 2024, RefinedWeb, reproducing Kaplan",
    "porian2024/refinedweb-tuned": "Porian 2024, RefinedWeb, tuned",
}


@pytest.mark.parametrize(
    ("name", "first", "others"),
    [
        ("chinchilla", "hoffmann2022/approach-3", {"besiroglu2024/refit"}),
        ("Chinchila", "hoffmann2022/approach-3", {"besiroglu2024/refit"}),
        ("kaplan", "kaplan2020/fixed-batch", {"porian2024/refinedweb-kaplan"}),
        ("hofmann", "hoffmann2022/approach-3", set()),
        ("refinedweb-tuned", "porian2024/refinedweb-tuned", set()),
        ("hoffman2022/approach-3", "hoffmann2022/approach-3", set()),
        ("mine/brokn", "mine/broken", set()),
    ],
)
def test_a_name_means_those_that_hold_it_or_look_like_it(name: str, first: str, others: set[str]) -> None:
    found = nearest(name, TITLES)
    assert (found[0], set(found[1:])) == (first, others)


@pytest.mark.parametrize("name", ["zzzz", "", "mine/gone", "../../etc/passwd", "x"])
def test_other_names_mean_nothing(name: str) -> None:
    assert nearest(name, TITLES) == []
    assert nearest(name, {}) == []


@pytest.mark.parametrize(
    ("law", "said"),
    [
        (
            "chinchilla",
            "'chinchilla' is not a fit's id: did you mean hoffmann2022/approach-1, ",
        ),
        ("Llama", "'Llama' is not a fit's id: did you mean meta2024/llama3; `budgetscope fits list` shows all."),
        ("meta2024/lama3", "no fit has the id 'meta2024/lama3': did you mean meta2024/llama3;"),
        ("zzzz", "'zzzz' is not a fit's id; write family/name in lower case"),
    ],
)
def test_a_refused_law_names_the_nearest(law: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        ADVISOR.answer(PlanRequest("1e21", law=law))
    assert str(refused.value).startswith(said)
