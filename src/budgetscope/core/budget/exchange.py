"""Rates of exchange: those by which amounts in euros and yen are read, and dollars are shown in yen."""

from budgetscope.core.language import JAPANESE, _, code

USD_PER_EURO = 1.1172
YEN_PER_USD = 157.25
"""ECB euro reference rates of 2026-10-30: 175.68 yen and 1.1172 dollars a euro."""
RATE_DATE = "2026-10-30"


def yen_assumptions() -> tuple[str, ...]:
    """Return the rate by which dollars are shown in yen, as an assumption; none in a language that shows dollars."""
    if code() != JAPANESE:
        return ()
    return (_("yen: $1 = ¥{rate} (ECB, {date})").format(rate=f"{YEN_PER_USD:g}", date=RATE_DATE),)
