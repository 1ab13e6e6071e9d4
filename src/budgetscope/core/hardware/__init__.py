"""Accelerators and the machine that a plan runs on."""
