"""Bounds of the options of a new calibration."""

MINUTES_BOUNDS = (0.1, 100_000)
"""Minutes of training."""
GPU_BOUNDS = (0, 1023)
"""Index of a GPU."""
WORKERS_BOUNDS = (1, 1024)
"""Number of workers of a calibration."""
