"""The Plan screen: its panels, figures and styles."""
