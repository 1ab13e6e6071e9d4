"""Smallest and largest values of the numbers of a machine, in options and in budgets."""

N_DEVICES_BOUNDS = (1, 10_000_000)

MFU_BOUNDS = (0.001, 1)

PRICE_BOUNDS = (0.001, 10_000)
"""US dollars a device-hour."""

WATTS_BOUNDS = (1, 20_000)
"""Of one device with its share of the node."""

PUE_BOUNDS = (1, 3)

GRID_BOUNDS = (0, 2000)
"""Grams of CO2e a kWh; coal alone is about 1000."""
