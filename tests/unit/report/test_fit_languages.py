"""No text of a stored fit, a difference, a table of runs or a calibration bypasses the catalogue."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tests.asking import ADVISOR
from tests.pseudo import PSEUDO, untranslated

from budgetscope.api import PlanRequest
from budgetscope.api.calibration import texts
from budgetscope.core.language import use
from budgetscope.report import acceptance, devices, fit_difference, fits
from budgetscope.report.fit_page import fit_sections
from budgetscope.report.law_choices import law_choices
from budgetscope.report.words import headed

NOW = datetime(2027, 1, 1, tzinfo=UTC)
DATA = ("power law params", "hermite", "spline", "akima", "params", "power", "saturating")


@pytest.fixture(autouse=True)
def pseudo() -> Iterator[None]:
    use(PSEUDO)
    yield
    use(None)


def test_the_list_of_fits_is_translated() -> None:
    entries = fits.ordered(ADVISOR.fit_library.entries)
    cells = [" ".join(fits.list_cells(entry, "", "")[1:]) for entry in entries]
    assert untranslated("\n".join((*headed(fits.LIST_HEADER), *cells)), "id") == []


def test_the_page_of_a_fit_is_translated() -> None:
    """Its source, method, provenance and the names of parameters are data."""
    for entry in ADVISOR.fit_library.entries:
        fit = entry.fit
        assert fit is not None
        data = [fit.url, fit.method, fit.tokenizer or "", fit.loss_unit or "", fit.schedule or "", str(entry.path)]
        data += [text for pair in fit.provenance.items() for text in (pair[0].replace("_", " "), pair[1])]
        page = []
        for section in fit_sections(entry, NOW):
            page.append(section.title)
            for label, text in section.lines:
                name = label if "⟦" in label else ""
                page.append(f"{name} {text}")
        forms = [law.law.form for law in fit.laws.values()]
        basis = [getattr(law.uncertainty, "basis", "") for law in fit.laws.values()]
        assert untranslated("\n".join(page), *data, *forms, *basis, *fit.flags, "UTC", "Beta2") == [], fit.id


def test_a_difference_is_translated() -> None:
    library = ADVISOR.fit_library
    found = library.difference("porian2024/refinedweb-tuned", "hoffmann2022/approach-3", (), None)
    page = fit_difference.difference_notes(found)
    for title, header, rows in fit_difference.difference_tables(found):
        page += [title, *header, *(" ".join(row[2:]) for row in rows)]
    names = ("power-law-params", "saturating-power-law", "excess-power-law", "SentencePiece", "MassiveText", "NeoX")
    assert untranslated("\n".join(page), *names, "GPT-NeoX-20B") == []


def test_the_change_by_a_fit_is_translated() -> None:
    plans = [
        ADVISOR.answer(PlanRequest("1e21", law=law)).plan
        for law in ("porian2024/refinedweb-tuned", "budgetscope2026/english")
    ]
    rows = acceptance.change_rows(plans[0], plans[1])
    assert rows
    assert untranslated("\n".join(" ".join(row) for row in rows)) == []


def test_devices_and_choices_are_translated() -> None:
    cells = [" ".join(devices.device_cells(device)) for device in ADVISOR.all_devices]
    measured = devices.Measured("NVIDIA X", ADVISOR.all_devices[0], "2026-01-01", 1e14, {256: 5e13})
    page = [*headed(devices.DEVICE_HEADER), *cells, measured.sentence]
    page += [f"{choice.exponent} {choice.fitted}" for choice in law_choices(ADVISOR.fits)]
    assert untranslated("\n".join(page), "id", "NVIDIA X", "TB/s", "fp16", "bf16") == []


@pytest.mark.parametrize("seconds", [5.0, 500.0, 50000.0])
def test_a_duration_is_translated(seconds: float) -> None:
    assert untranslated(texts.duration(seconds)) == []
