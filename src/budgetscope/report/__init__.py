"""Results as rows, tables, CSV, JSON and Markdown, for every face; pure."""
