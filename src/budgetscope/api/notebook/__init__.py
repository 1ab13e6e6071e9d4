"""What `import budgetscope` offers to a notebook or a script; each name is loaded when it is first used."""
