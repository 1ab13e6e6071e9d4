"""The Why screen: its panels, figures and styles."""
