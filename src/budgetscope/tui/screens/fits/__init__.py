"""The Fits screen: its panels, figures and styles."""
