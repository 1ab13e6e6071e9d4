"""Bounds of the options of a new calibration."""

MINUTES_BOUNDS = (0.1, 100_000)
"""Minutes of training."""
FLOPS_BOUNDS = (1e8, 1e22)
"""FLOPs of training, 6 N D."""
DECAY_BOUNDS = (0.01, 0.5)
"""Share of a reading's tokens over which the learning rate decays."""
GPU_BOUNDS = (0, 1023)
"""Index of a GPU."""
WORKERS_BOUNDS = (1, 1024)
"""Number of workers of a calibration."""
