"""Pure: one plan as rows, CSV, Markdown and terminal tables."""
