"""The Compare screen: its panels, figures and styles."""
