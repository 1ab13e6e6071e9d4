"""The report of a plan for a meeting: facts, sections, and their rendering."""
