"""The Recipe screen: its panels, figures and styles."""
