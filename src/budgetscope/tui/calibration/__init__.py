"""What the calibrate screen shows and asks, apart from its widgets."""
