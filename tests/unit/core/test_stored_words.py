"""Texts that files store in English, in the language in use."""

from collections.abc import Iterator

import pytest
from tests.bundled import bundled

from budgetscope.core.language import JAPANESE, Language, use
from budgetscope.core.stored_words import DEVICES, FLAGS, METHODS, NOTES, recognised, stored_text
from budgetscope.store.devices import bundled_devices

_FLAG = "At C=2.56e+19 only 872 of 1000 noisy draws have an interior minimum."
_RECIPE = ("learning_rate", "batch_size", "critical_batch_size", "beta2", "warmup", "weight_decay")


@pytest.fixture
def backwards() -> Iterator[None]:
    """A language whose catalogue has one text, with its places in another order."""
    texts = {recognised(_FLAG)[0]: "{total} draws, {n} good, at {flops}"}  # type: ignore[index]
    use(Language(JAPANESE, lambda text: texts.get(text, text), lambda one, many, n: one if n == 1 else many))
    yield
    use(None)


@pytest.mark.usefixtures("backwards")
def test_a_stored_text_keeps_its_numbers_in_another_language() -> None:
    assert stored_text(_FLAG) == "1000 draws, 872 good, at 2.56e+19"
    assert stored_text("Nobody {foresaw} this 100%.") == "Nobody {foresaw} this 100%."


@pytest.mark.usefixtures("backwards")
def test_a_count_in_a_stored_text_is_one_of_the_language() -> None:
    flag = "At C=2.56e+19 the lowest loss is at the smallest size (2.5 M): train smaller models there."
    assert "(250万)" in stored_text(flag)


def test_a_stored_text_is_as_it_is_in_english() -> None:
    assert stored_text(_FLAG) == _FLAG


def test_every_text_of_a_bundled_file_that_a_plan_shows_is_known() -> None:
    fits = bundled().values()
    shown = [flag for fit in fits for flag in fit.flags]
    shown += [fit.method for fit in fits]
    shown += [law.note for fit in fits for role, law in fit.laws.items() if role in _RECIPE and law.note]
    shown += [device.note for device in bundled_devices().devices if device.vendor != "NVIDIA" and device.note]
    assert len(shown) > 40
    assert [text for text in shown if recognised(text) is None] == []


def test_a_template_is_the_template_of_itself() -> None:
    templates = (*FLAGS, *NOTES, *METHODS, *DEVICES)
    assert [recognised(template)[0] for template in templates] == list(templates)  # type: ignore[index]
