"""Charts: figures as data, and drawings of them in characters."""
