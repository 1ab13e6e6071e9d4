"""A calibration run: its folder, log, state and stages, and the launch of its worker."""
