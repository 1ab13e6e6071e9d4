"""Parsing and formatting of numbers and budgets."""
