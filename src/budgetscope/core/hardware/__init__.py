"""Accelerators, and the machine of a plan."""
