"""Scaling laws: their forms, the fits that hold them, and their predictions at a budget."""
