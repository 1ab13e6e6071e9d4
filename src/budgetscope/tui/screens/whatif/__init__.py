"""The What-if screen: its panels, figures and styles."""
