"""Engines: what places, restarts and ends the workers of a run."""
