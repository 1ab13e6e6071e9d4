"""Answers to a budget: the plan, the comparison, what-if, the recipe, curves and the explanation."""
