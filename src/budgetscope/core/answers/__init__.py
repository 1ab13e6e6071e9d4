"""Answers to a budget: the plan and everything that accompanies it."""
