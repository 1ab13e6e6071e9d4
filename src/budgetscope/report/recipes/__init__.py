"""Recipes: the files that a trainer needs for the run of a plan, one module a trainer."""
