"""Bounds of a machine's numbers, the least and the largest, for options and for budgets alike."""

N_DEVICES_BOUNDS = (1, 10_000_000)

MFU_BOUNDS = (0.001, 1)

PRICE_BOUNDS = (0.001, 10_000)
"""US dollars a device-hour."""
