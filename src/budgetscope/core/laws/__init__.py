"""Scaling laws: their forms, the fit that holds them, and what they predict at one operating point."""
