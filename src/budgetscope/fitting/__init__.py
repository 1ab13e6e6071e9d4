"""From tables of runs to laws with intervals; pure, on NumPy and SciPy."""
