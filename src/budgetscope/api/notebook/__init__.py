"""The Python interface, `import budgetscope`, for notebooks and scripts; each name is loaded at its first use."""
