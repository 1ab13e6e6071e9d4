"""The Calibrate screen: its panels, figures and styles."""
