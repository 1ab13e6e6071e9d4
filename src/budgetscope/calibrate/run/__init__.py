"""A calibration run: its folder, its log, its worker and its state."""
