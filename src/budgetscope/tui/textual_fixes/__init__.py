"""Workarounds for Textual 8.2.8: each file names the upstream issue, and the test that fails once it can be deleted."""
